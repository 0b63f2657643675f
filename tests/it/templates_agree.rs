//! What is shown of a template is what is sent: a thousand of them, generated as people might write them.

use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::{Value, json};

use crate::app::{App, with_app};

/// What a mail may be without.
const OPTIONAL: [&str; 5] = [
    "invitee_name",
    "inviter_name",
    "logo_url",
    "message",
    "support_address",
];

/// Texts that a template language, JSON or HTML could stumble over.
const TEXTS: [&str; 30] = [
    "Hi",
    " ",
    "\n",
    "\r\n",
    "\t",
    "&",
    "<",
    ">",
    "\"",
    "'",
    "}",
    "}}",
    "{ ",
    "ü",
    "漢字",
    "\u{202e}",
    "😀",
    "\\ ",
    "$1",
    "%s",
    "{%x%}",
    "&amp;",
    "<b>",
    "</b>",
    "<!-- x -->",
    "`",
    "~",
    "\u{a0}",
    "[[x]]",
    "0",
];

/// What stands in any part, and what only in those that have several lines.
const PLAIN: [&str; 6] = [
    "email",
    "expires_on",
    "invitee_name",
    "inviter_name",
    "product_name",
    "support_address",
];
const FURTHER: [&str; 6] = [
    "accept_url",
    "brand_color",
    "brand_color_dark",
    "decline_url",
    "logo_url",
    "message",
];

/// A condition, and what stands in it.
fn condition(
    inside: impl Strategy<Value = String> + Clone + 'static,
) -> impl Strategy<Value = String> {
    let conditions = [&OPTIONAL[..], &["reminder", "email"]].concat();
    let on = proptest::sample::select(conditions);
    let if_else = (on.clone(), inside.clone(), inside.clone()).prop_map(|(on, then, other)| {
        format!("{{{{#if {on}}}}}{then}{{{{else}}}}{other}{{{{/if}}}}")
    });
    let else_if = (on.clone(), on.clone(), inside.clone(), inside.clone()).prop_map(
        |(on, or, then, other)| {
            format!("{{{{#if {on}}}}}{then}{{{{else if {or}}}}}{other}{{{{/if}}}}")
        },
    );
    let unless = (on, inside)
        .prop_map(|(on, then)| format!("{{{{#unless {on}}}}}\n{then}\n{{{{/unless}}}}"));
    prop_oneof![if_else, else_if, unless]
}

/// Templates as people might write them: text of all kinds, variables, and conditions in each other.
fn template(part: &'static str) -> impl Strategy<Value = String> {
    let names = match part {
        "subject" => PLAIN.to_vec(),
        _ => [PLAIN, FURTHER].concat(),
    };
    let text = proptest::sample::select(TEXTS.to_vec()).prop_map(ToOwned::to_owned);
    let value = (proptest::sample::select(names), any::<bool>()).prop_map(|(name, wide)| {
        let space = if wide { " " } else { "" };
        format!("{{{{{space}{name}{space}}}}}")
    });
    let leaf = prop_oneof![3 => text, 2 => value, 1 => Just("{{! why }}".to_owned())];
    let tree = leaf.prop_recursive(3, 24, 5, |inner| {
        let many = proptest::collection::vec(inner, 0..5).prop_map(|parts| parts.concat());
        let many = many.boxed();
        prop_oneof![1 => many.clone(), 3 => condition(many)]
    });
    proptest::collection::vec(tree, 1..6).prop_map(move |parts| match part {
        "subject" => format!("S {}", parts.concat().replace(['\n', '\r', '\t'], " ")),
        _ => format!("{} {{{{accept_url}}}}", parts.concat()),
    })
}

/// Once the template is saved, an invitation is what its preview shows, but for the links, which open nothing there.
async fn the_mailer_agrees(app: &App, body: &Value, nth: u32) {
    let saved = json!({"subject": body["subject"], "text": body["text"], "html": body["html"]});
    let written = app.write("/v1/templates/en", "*", &saved).await;
    assert_eq!(written.status, 200, "{written:?}");
    let lacks = |name| {
        body["sample"]["without"]
            .as_array()
            .unwrap()
            .contains(&json!(name))
    };
    let to = format!("p{nth}@example.com");
    let name = (!lacks("invitee_name")).then_some("Ann <Lee>");
    let invitation = json!({
        "invitees": [{"email": to, "name": name, "locale": "en"}],
        "message": if lacks("message") { Value::Null } else { body["message"].clone() },
    });
    let invited = app.post("/v1/invitations", &invitation).await.body;
    let theirs = json!({"user_id": invited["results"][0]["user_id"]});
    let shown = app.post("/v1/templates/en/preview", &theirs).await;
    assert_eq!(shown.status, 200, "{shown:?}");
    let mail = app.mails(&to).await[0].clone();
    for (part, by_ses) in [
        ("subject", &mail.subject),
        ("text", &mail.text),
        ("html", &mail.html),
    ] {
        let shown = shown.body[part].as_str().unwrap();
        assert_eq!(
            without_tokens(shown),
            without_tokens(by_ses),
            "{part} of {saved}"
        );
    }
    app.stack.mailbox.empty().unwrap();
}

/// The text without what is secret in the links in it.
fn without_tokens(text: &str) -> String {
    let mut parts = text.split("/accept#");
    let mut out = parts.next().unwrap().to_owned();
    for part in parts {
        let secret = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
        out.extend(["/accept#", &part[..4], part[4..].trim_start_matches(secret)]);
    }
    out
}

#[tokio::test]
async fn a_preview_is_to_the_byte_what_ses_makes_of_a_thousand_templates() {
    with_app(async |app| {
        app.set(&json!({
            "product_name": "A & <B> {{C}}", "support_address": "ask@example.com",
            "logo_url": "https://example.com/l.png?a=1&b='",
        }))
        .await;
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
        let mut runner = TestRunner::new_with_rng(Config::default(), rng);
        let strategy = (
            template("subject"),
            template("text"),
            template("html"),
            0..64_u8,
        );
        let (mut agreed, mut refused) = (0, 0);
        while agreed < 1000 {
            let (subject, text, html, bits) = strategy.new_tree(&mut runner).unwrap().current();
            let without = OPTIONAL.iter().enumerate();
            let without = without.filter(|(nth, _)| bits & (1 << nth) != 0);
            let without: Vec<_> = without.map(|(_, name)| name).collect();
            let body = json!({
                "subject": subject, "text": text, "html": html,
                "message": "Hi {{email}} <b>&amp;</b>\n\"'` {{#if x}}",
                "sample": {"without": without, "reminder": agreed % 2 == 0},
            });
            let shown = app.post("/v1/templates/en/preview", &body).await;
            if shown.status == 400 {
                // What can't be saved is refused, and sent to nobody either.
                assert_eq!(shown.code(), "template_refused", "{shown:?}");
                let sent = app.post("/v1/templates/en/test", &body).await;
                assert_eq!(sent.body["detail"], shown.body["detail"]);
                refused += 1;
                continue;
            }
            let sent = app.post("/v1/templates/en/test", &body).await;
            assert_eq!((shown.status, sent.status), (200, 200), "{body} {sent:?}");
            let mails = app.stack.mailbox.list(Some("admin@example.com"));
            assert_eq!(
                mails.len(),
                1,
                "{body}: SES took the mail and never sent it"
            );
            let mail = &mails[0];
            for (part, by_ses) in [
                ("subject", &mail.subject),
                ("text", &mail.text),
                ("html", &mail.html),
            ] {
                assert_eq!(
                    shown.body[part].as_str().unwrap(),
                    by_ses,
                    "{part} of {body}"
                );
            }
            app.stack.mailbox.empty().unwrap();
            if agreed % 100 == 0 {
                the_mailer_agrees(app, &body, agreed).await;
            }
            agreed += 1;
        }
        assert!(
            refused < 1000,
            "{refused} were refused, so this shows little"
        );
    })
    .await;
}
