// Reads what people paste exactly as POST /v1/invitations does: splits it into one entry a person, and says of each
// address whether it can be mailed. Pure: no document, no network.

// White space and control characters as the server counts them, which is not quite as \s does.
const SPACES = "\\t-\\r \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const SPACE = new RegExp(`[${SPACES}]`);
const WORDS = new RegExp(`[^${SPACES}]+`, "g");
const SEPARATOR = new RegExp(`[${SPACES},;]`);
const LEADING = new RegExp(`^[${SPACES},;]+`);
const CONTROL = /\p{Cc}/u;
const NAMES_SOMEBODY = /[\p{Alphabetic}\p{N}]/u;
const LOOKS_LIKE_ADDRESS = /[@\uff20\ufe6b]/;
// What mail programs and sentences put around an address.
const AROUND = new RegExp(`[${SPACES}"'()[\\]<>\\u200b\\ufeff]`);

// Takes off both ends what one character of `outer` is. Not by `[..]+$`, which looks at a long run inside the text anew from
// each of its characters.
function strip(text, outer) {
  let from = 0;
  let to = text.length;
  while (from < to && outer.test(text[from])) from += 1;
  while (to > from && outer.test(text[to - 1])) to -= 1;
  return text.slice(from, to);
}

const trim = (text) => strip(text, SPACE);

/**
 * The entries of a text, one by one: {input, name, address}. Nothing is dropped: what is no address becomes an entry too.
 * A generator, so that whoever reads a long text can pause.
 */
export function* readPaste(text) {
  let start = 0;
  for (const line of text.matchAll(/[\n\r]|$/g)) {
    for (const chunk of chunks(text.slice(start, line.index))) yield* readChunk(chunk);
    start = line.index + 1;
  }
}

// Cuts a line at semicolons outside quotes and brackets. A quote that the line does not close is plain text.
function* chunks(line) {
  let start = 0;
  let at = 0;
  // Where the next ">" or ";" is. Looked for once, not at every bracket before it.
  let delimiter = 0;
  const special = /[;"<]/g;
  for (;;) {
    special.lastIndex = at;
    const found = special.exec(line);
    if (!found) break;
    const next = found.index + 1;
    at = next;
    if (found[0] === ";") {
      yield line.slice(start, found.index);
      start = next;
    } else if (found[0] === '"') {
      at = after(line, '"', next);
    } else {
      if (delimiter < next) delimiter = find(line, /[>;]/g, next);
      // An address never holds a semicolon, so a bracket that is not closed before one is plain text.
      if (line[delimiter] === ">") at = delimiter + 1;
    }
  }
  yield line.slice(start);
}

const after = (text, mark, from) => {
  const end = text.indexOf(mark, from);
  return end < 0 ? from : end + 1;
};

const find = (text, pattern, from) => {
  pattern.lastIndex = from;
  return pattern.exec(text)?.index ?? text.length;
};

// One chunk is a row of `name <address>` with separators between, or of bare addresses, or of both.
function* readChunk(chunk) {
  let at = 0;
  for (;;) {
    const open = nextBracket(chunk, at);
    const close = open < 0 ? -1 : chunk.indexOf(">", open);
    if (close < 0) break;
    const before = chunk.slice(at, open);
    const nameFrom = whereNameBegins(before);
    yield* readBare(before.slice(0, nameFrom));
    const name = before.slice(nameFrom).replace(LEADING, "");
    const address = chunk.slice(open + 1, close);
    yield { input: trim(`${name}<${address}>`), name: cleanName(name), address: cleanAddress(address) };
    at = close + 1;
  }
  yield* readBare(chunk.slice(at));
}

// The next "<" outside quotes.
function nextBracket(text, from) {
  const special = /["<]/g;
  let at = from;
  for (;;) {
    const found = find(text, special, at);
    if (found === text.length) return -1;
    if (text[found] === "<") return found;
    at = after(text, '"', found + 1);
  }
}

// Before a bracket stand bare addresses, if any, and then the name: everything after the last word with an "@".
function whereNameBegins(before) {
  const quote = before.indexOf('"');
  const at = before.slice(0, quote < 0 ? before.length : quote).lastIndexOf("@");
  if (at < 0) return 0;
  const end = before.slice(at).search(SEPARATOR);
  return end < 0 ? before.length : at + end;
}

// Words between separators. Neighbouring words without an "@" are one entry: "Ann Lee" is one mistake, not two.
function* readBare(text) {
  for (const part of text.split(/[,;]/)) {
    let words = [];
    const mistake = () => {
      const input = words.join(" ");
      words = [];
      // A lone quote, bullet or dash left over between two addresses names nobody.
      return NAMES_SOMEBODY.test(input) ? [{ input, name: null, address: input }] : [];
    };
    for (const [word] of part.matchAll(WORDS)) {
      if (LOOKS_LIKE_ADDRESS.test(word)) {
        yield* mistake();
        yield { input: word, name: null, address: cleanAddress(word) };
      } else {
        words.push(word);
      }
    }
    yield* mistake();
  }
}

function cleanAddress(text) {
  const inner = strip(text, AROUND);
  let end = inner.length;
  while (/[.:]/.test(inner[end - 1] ?? "")) end -= 1;
  const bare = strip(inner.slice(0, end), AROUND);
  return /^mailto:/i.test(bare) ? bare.slice(7).split("?")[0] : bare;
}

const cleanName = (text) => trim(strip(trim(text), /["',]/)) || null;

/**
 * Reads one address: {email, key} if it can be mailed, where `key` is the same for two spellings of one mailbox, else
 * {why, character}: the reason's name, and the character that it is about.
 */
export function readAddress(text) {
  const address = trim(text);
  if (address === "") return { why: "empty" };
  const odd = (pattern) => address.match(pattern)?.[0];
  const lookalike = odd(/[\uff20\ufe6b]/);
  if (lookalike) return { why: "lookalike_at", character: codePoint(lookalike) };
  const control = odd(CONTROL);
  if (control) return { why: "control_character", character: codePoint(control) };
  if (SPACE.test(address)) return { why: "space" };
  const [local, domain, more] = address.split("@");
  if (domain === undefined) return { why: "no_at" };
  if (more !== undefined) return { why: "many_ats" };
  const foreign = local.match(/[^\0-\x7f]/u)?.[0];
  if (foreign) return { why: "non_ascii_local", character: /[\p{C}\p{Z}\p{M}]/u.test(foreign) ? codePoint(foreign) : foreign };
  if (local.length > 64) return { why: "local_too_long" };
  const symbol = local.match(/[^\w.!#$%&'*+\-/=?^`{|}~]/)?.[0];
  if (symbol) return { why: "local_symbol", character: symbol };
  if (/^\.|\.\.|\.$|^$/.test(local)) return { why: "local_dots" };
  const ascii = readDomain(domain);
  if (!ascii) return { why: "domain" };
  if (local.length + 1 + ascii.length > 254) return { why: "too_long" };
  const email = `${local}@${ascii}`;
  return { email, key: email.toLowerCase() };
}

const codePoint = (character) => `U+${character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`;

// The domain as the DNS has it, or null. The browser knows Unicode's mapping; the rules after it are stricter than its own.
// It takes its time over long ones, of which none is a domain.
function readDomain(domain) {
  if (domain.length > 1000) return null;
  let ascii = domain.toLowerCase();
  if (/[^\0-\x7f]|(^|\.)xn--/.test(ascii)) {
    const plain = ascii.normalize("NFKC").replaceAll("\u3002", ".").replace(/\p{Cf}/gu, "");
    if (/[\0-,/:-@[-`{-\x7f]|(^|\.)-|-(\.|$)|(^|\.)(?!xn)..--|(^|\.)[\u0660-\u0669]/u.test(plain) || !URL.canParse(`http://${ascii}`)) return null;
    ascii = new URL(`http://${ascii}`).hostname;
  }
  const labels = ascii.split(".");
  const fits = (label) => /^[a-z0-9-]{1,63}$/.test(label) && !/^-|-$|^(?!xn)..--/.test(label);
  return labels.length > 1 && ascii.length <= 253 && labels.every(fits) && !/^\d+$/.test(labels.at(-1)) ? ascii : null;
}

/** Why a name can't be taken, or null: too long, two lines, or a web address where a name belongs. */
export function checkName(name) {
  const plain = trim(name).normalize("NFC");
  if ([...plain].length > 100) return "name_too_long";
  if (/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u.test(plain)) return "name_control";
  return /:\/\/|www\./.test(plain.toLowerCase()) ? "name_web_address" : null;
}

const KNOWN = ["gmail.com", "googlemail.com", "hotmail.com", "hotmail.de", "hotmail.fr", "hotmail.co.uk", "outlook.com", "outlook.de",
  "yahoo.com", "yahoo.de", "yahoo.fr", "yahoo.co.uk", "icloud.com", "protonmail.com", "t-online.de", "freenet.de", "gmx.de", "gmx.net",
  "gmx.at", "gmx.ch", "web.de", "live.com", "mail.com", "ymail.com", "rocketmail.com", "wanadoo.fr", "libero.it", "yandex.ru"];
const ENDINGS = { con: "com", cmo: "com", ocm: "com", comm: "com", coom: "com", vom: "com", xom: "com", cim: "com", cpm: "com", ney: "net",
  nte: "net", nett: "net", ogr: "org", orgg: "org", ed: "de", dee: "de" };

const UNSEEN = new RegExp(`[${SPACES}]|\\p{Cf}`, "gu");
const suggested = new Map();

/** The address that was probably meant, or null: "ann@gmial.com" is taken, but was hardly meant. */
export function suggest(text) {
  // Nothing so long was meant as an address.
  if (text.length > 500) return null;
  const repaired = trim(text).replace(/[\uff20\ufe6b]|@@+/g, "@").replace(UNSEEN, "");
  const at = repaired.lastIndexOf("@");
  if (at < 1) return null;
  const local = strip(repaired.slice(0, at), /\./).replace(/\.\.+/g, ".");
  const domain = repaired.slice(at + 1).toLowerCase();
  if (!suggested.has(domain)) suggested.set(domain, nearDomain(domain));
  const near = `${local}@${suggested.get(domain) ?? domain}`;
  return near.toLowerCase() !== trim(text).toLowerCase() && readAddress(near).email ? near : null;
}

function nearDomain(domain) {
  if (KNOWN.includes(domain)) return null;
  let better = strip(domain, /\./).replace(/\.\.+/g, ".");
  const end = better.lastIndexOf(".") + 1;
  better = better.slice(0, end) + (ENDINGS[better.slice(end)] ?? better.slice(end));
  if (!better.includes(".")) better = missingDot(better);
  // A short name is one letter away from many that exist.
  const near = KNOWN.find((known) => known.indexOf(".") >= 5 && oneApart(better, known));
  if (KNOWN.includes(better) || !near) return better === domain ? null : better;
  return near;
}

const missingDot = (name) => KNOWN.find((known) => known.startsWith(`${name}.`) || known.replaceAll(".", "") === name)
  ?? name.replace(/^(.{3,})(com|net|org)$/, "$1.$2");

// Whether one letter was added, left out, changed, or swapped with its neighbour.
function oneApart(a, b) {
  if (Math.abs(a.length - b.length) > 1) return false;
  let i = 0;
  while (i < a.length && a[i] === b[i]) i += 1;
  const [x, y] = [a.slice(i), b.slice(i)];
  return x.slice(1) === y.slice(1) || x.slice(1) === y || x === y.slice(1)
    || (x[0] === y[1] && x[1] === y[0] && x.slice(2) === y.slice(2));
}
