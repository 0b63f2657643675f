// How two texts differ, line by line.

const MOST = 4_000_000; // a table of more than that takes too long, and nobody reads what it would show

/** [{kind: "same" | "gone" | "new", line}], in the order of the lines: the fewest that have to go and to come. */
export function differences(before, after) {
  const [old, now] = [before, after].map((text) => text.replaceAll("\r\n", "\n").split("\n"));
  let start = 0;
  while (start < old.length && start < now.length && old[start] === now[start]) start += 1;
  let end = 0;
  while (end < old.length - start && end < now.length - start && old.at(-1 - end) === now.at(-1 - end)) end += 1;
  const of = (kind) => (line) => ({ kind, line });
  const middle = between(old.slice(start, old.length - end), now.slice(start, now.length - end));
  return [...old.slice(0, start).map(of("same")), ...middle, ...old.slice(old.length - end).map(of("same"))];
}

function between(old, now) {
  const found = [];
  const width = now.length + 1;
  if (old.length * now.length > MOST) return [...old.map((line) => ({ kind: "gone", line })), ...now.map((line) => ({ kind: "new", line }))];
  // How many lines stay, at most, from each pair of places on.
  const stay = new Uint32Array((old.length + 1) * width);
  for (let i = old.length - 1; i >= 0; i--) {
    for (let j = now.length - 1; j >= 0; j--) {
      stay[i * width + j] = old[i] === now[j] ? stay[(i + 1) * width + j + 1] + 1 : Math.max(stay[(i + 1) * width + j], stay[i * width + j + 1]);
    }
  }
  let [i, j] = [0, 0];
  while (i < old.length || j < now.length) {
    if (i < old.length && j < now.length && old[i] === now[j]) {
      found.push({ kind: "same", line: old[i] });
      i += 1;
      j += 1;
    } else if (i < old.length && (j === now.length || stay[(i + 1) * width + j] >= stay[i * width + j + 1])) {
      found.push({ kind: "gone", line: old[i] });
      i += 1;
    } else {
      found.push({ kind: "new", line: now[j] });
      j += 1;
    }
  }
  return found;
}

/** Only what differs, with as many lines around it; what is left out in between is {kind: "gap"}. */
export function shortened(lines, around = 2) {
  const near = lines.map((_, at) => lines.slice(Math.max(0, at - around), at + around + 1).some(({ kind }) => kind !== "same"));
  const gap = { kind: "gap", line: "" };
  const kept = lines.map((line, at) => (near[at] ? line : gap));
  return near.some(Boolean) ? kept.filter((line, at) => line !== gap || kept[at - 1] !== gap) : [];
}
