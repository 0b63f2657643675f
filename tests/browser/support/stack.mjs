// A stack of its own for whoever asks: what `cargo run` starts, in memory, on any free port. It answers within a tenth of a
// second, so tests need not share one, and none can see another's users, mails or clock.
import { spawn } from "node:child_process";
import { once } from "node:events";

const running = new Set();
process.on("exit", () => { for (const child of running) child.kill("SIGKILL"); });

// Waits until the condition's value is true, and answers with it. Conditions are of the world outside the browser.
export async function until(what, condition, timeout = 15_000) {
  const end = Date.now() + timeout;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > end) throw new Error(`waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

export class Stack {
  static async start({ options = [], variables = {} } = {}) {
    const child = spawn(process.env.USHER_LOCAL, ["--memory", "--port", "0", ...options], {
      env: { ...process.env, RUST_LOG: "warn", NO_COLOR: "1", ...variables }, stdio: ["ignore", "pipe", "pipe"],
    });
    running.add(child);
    let said = "";
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (data) => { said += data; });
    child.on("exit", () => running.delete(child));
    const url = await until("the stack says where it is", () => {
      if (child.exitCode !== null) throw new Error(`the stack ended: ${said}`);
      return /API\s+(http:\S+)\/v1/.exec(said)?.[1];
    });
    await until("the stack answers", () => fetch(`${url}/accept`).then((answer) => answer.ok, () => false));
    return new Stack(child, url, () => said);
  }

  constructor(child, url, said) {
    this.child = child;
    this.url = url;
    this.said = said;
    this.tokens = new Map();
  }

  async stop() {
    if (this.child.exitCode !== null) return;
    this.child.kill("SIGKILL");
    await once(this.child, "exit");
  }

  // An administrator's token, or that of whom the claims say.
  async token(claims = {}) {
    const key = JSON.stringify(claims);
    if (!this.tokens.has(key)) {
      const answer = await fetch(`${this.url}/_local/token`, { method: "POST", body: key });
      this.tokens.set(key, (await answer.json()).access_token);
    }
    return this.tokens.get(key);
  }

  // Calls the API as the page does, and answers with the body.
  async call(method, path, body, { claims, status = 200, headers = {} } = {}) {
    const answer = await fetch(this.url + path, {
      method,
      headers: { authorization: `Bearer ${await this.token(claims)}`, ...(body && { "content-type": "application/json" }), ...headers },
      body: body && JSON.stringify(body),
    });
    const text = await answer.text();
    if (answer.status !== status) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text ? JSON.parse(text) : null;
  }

  // Invites one person: the user's id. What is of the request stands in the second argument, what is of the person in the first.
  async invite(person, request = {}, options = {}) {
    const invitee = typeof person === "string" ? { email: person } : person;
    const answer = await this.call("POST", "/v1/invitations", { invitees: [invitee], ...request }, options);
    const [row] = answer.results;
    if (row.outcome !== "invited") throw new Error(`not invited: ${JSON.stringify(row)}`);
    return row.user_id;
  }

  user(id, options) { return this.call("GET", `/v1/users/${id}`, undefined, options); }

  // The user once SES has reported that the mail is delivered, and the mailer has noted that it sent it, which may come later:
  // from then on nothing changes it but people.
  delivered(id) {
    return until("the mail is delivered", async () => {
      const user = await this.user(id);
      return user.delivery.status === "delivered" && user.last_sent_at && user;
    });
  }

  // Moves the stack's clock. Browsers and sign-in live on the machine's.
  async later(seconds) {
    const answer = await fetch(`${this.url}/_local/clock`, { method: "POST", body: JSON.stringify({ advance_seconds: seconds }) });
    if (!answer.ok) throw new Error(await answer.text());
  }

  async mails(to) {
    const answer = await fetch(`${this.url}/_local/mail.json?to=${encodeURIComponent(to)}`);
    return (await answer.json()).filter((mail) => mail.to.includes(to));
  }

  // The newest mail to the address, once there are as many.
  mail(to, count = 1) {
    return until(`${count} mails to ${to} have come`, async () => {
      const mails = await this.mails(to);
      return mails.length >= count && mails[0];
    });
  }

  // The link in that mail, as text mail programs make one of it.
  async link(to, count = 1) {
    return linkIn(await this.mail(to, count));
  }
}

export function linkIn(mail) {
  const link = /https?:\S+#inv_\S+/.exec(mail.text)?.[0];
  if (!link) throw new Error(`no link in ${mail.text}`);
  return link;
}
