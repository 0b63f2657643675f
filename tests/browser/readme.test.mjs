// The pictures in the README, taken anew: `tests/browser/run readme && cp tests/browser/shots/readme-*.png docs/`.
import { SHOTS, scenario } from "./support/browser.mjs";
import { seeInvitation } from "./support/accept.mjs";
import { addresses, openInvite, paste } from "./support/invite.mjs";
import { until } from "./support/stack.mjs";
import { t } from "./support/texts.mjs";
import { button, enter, open, seeDelivery } from "./support/users.mjs";
import { edit, previewed, seeView } from "./support/views.mjs";

const BOUNCE = "bounce@simulator.amazonses.com";
const PEOPLE = [
  { email: "ida.berg@example.com", name: "Ida Berg" },
  { email: "samir@example.com", name: "سمير حداد", locale: "ar" },
  { email: "joerg@example.com", name: "Jörg Groß", locale: "de" },
  { email: "chloe.dubois@example.com", name: "Chloé Dubois" },
];

scenario("the README's pictures show what there is", async (world) => {
  const { stack } = world;
  const bounced = await stack.invite({ email: BOUNCE, name: "Tom Typo" });
  await until("the mail has bounced", async () => (await stack.user(bounced)).delivery.status === "bounced");
  const ids = [];
  for (const person of PEOPLE) ids.push(await stack.invite(person, { message: person.locale === "de" ? "Schön, dass Sie dabei sind!" : "أراك قريبًا!" }));
  for (const id of ids) await stack.delivered(id);
  await stack.call("POST", `/v1/users/${ids[3]}/revoke`);
  const token = (await stack.link(PEOPLE[0].email)).split("#")[1];
  const accept = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ token, name: "Ida Berg" }) };
  await fetch(`${stack.url}/v1/accept`, accept);

  const page = await world.person({ width: 1440, scheme: "light" });
  await enter(page);
  await seeDelivery(page, PEOPLE[1].email, "delivered");
  const panel = await open(page, PEOPLE[2].email, PEOPLE[2].name);
  await panel.getByText(t("history.mail_delivered")).waitFor();
  await world.state(page, "readme-users");
  await button(panel, "common.close").click();
  const box = await openInvite(page);
  await paste(box, 'ann@example.com, "Lee, Cy" <cy@example.com>; di@gmial.com\nno address\nann@example.com');
  await addresses(box).waitFor();
  await box.getByText("di@gmial.com").first().waitFor();
  await world.state(page, "readme-invite");

  await page.reload();
  await seeView(page, "mail");
  await edit(page, "html", (html) => html.replaceAll("Create your account", "Join us today"));
  await edit(page, "subject", () => "Come to {{product_name}}{{#if invitee_name}}, {{invitee_name}}{{/if}}!");
  await previewed(page, "Join us today");
  await page.getByText("Come to Acme, Alex Example!").waitFor();
  await page.evaluate(() => scrollTo(0, 0));
  await world.state(page, "readme-mail");

  const program = await world.person({ width: 375 });
  await program.setContent((await stack.mail(PEOPLE[2].email)).html);
  await program.screenshot({ path: `${SHOTS}readme-invitation-375-light-de.png`, fullPage: true });

  const phone = await world.person({ width: 320, scheme: "dark", language: "ar" });
  await phone.goto(await stack.link(PEOPLE[1].email));
  await seeInvitation(phone, "ar");
  await world.state(phone, "readme-accept");
});
