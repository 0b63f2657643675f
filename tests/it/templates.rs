//! The words of the mail are the tenant's: written, refused, seen before they are sent, and sent.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    app::{App, Response, token_in, with_app},
    settings::put_row,
};

const GERMAN: &str = "/v1/templates/de";

/// A template of nothing but this, and the link.
fn words(say: &str) -> Value {
    json!({
        "subject": format!("{say} {{{{product_name}}}}"),
        "text": format!("{say} {{{{inviter_name}}}}\n{{{{accept_url}}}}\n"),
        "html": format!("<p>{say} {{{{inviter_name}}}}</p><a href=\"{{{{accept_url}}}}\">go</a>"),
    })
}

impl App {
    pub(crate) async fn write(&self, path: &str, version: &str, words: &Value) -> Response {
        self.change(Method::PUT, path, Some(version), Some(words))
            .await
    }
}

#[tokio::test]
async fn every_language_has_a_template_and_the_list_says_whose() {
    with_app(async |app| {
        let list = app.get("/v1/templates").await.body;
        let tags = |list: &Value| -> Vec<String> {
            let all = list["templates"].as_array().unwrap().iter();
            let said = |one: &Value, what: &str| one[what].as_str().unwrap().to_owned();
            all.map(|one| {
                let (locale, source) = (said(one, "locale"), said(one, "source"));
                format!("{locale} {source} {}", one["version"])
            })
            .collect()
        };
        let before = tags(&list);
        assert!(before.len() >= 24 && before.is_sorted(), "{before:?}");
        assert!(before.contains(&"de built_in 0".to_owned()));
        let accept_url = json!({
            "name": "accept_url", "meaning": "the link with which the person registers",
            "optional": false, "kind": "url",
        });
        assert_eq!(list["variables"][0], accept_url);
        assert_eq!(
            app.write(GERMAN, "\"0\"", &words("Hallo")).await.status,
            200
        );
        assert_eq!(
            app.write("/v1/templates/eu", "\"0\"", &words("Kaixo"))
                .await
                .status,
            200
        );
        let after = tags(&app.get("/v1/templates").await.body);
        assert_eq!(after.len(), before.len() + 1);
        assert!(after.contains(&"de own 1".to_owned()) && after.contains(&"eu own 1".to_owned()));
        let other = app.token(&json!({"tenant": "other"})).await;
        assert_eq!(
            tags(&app.get_as(&other, "/v1/templates").await.body),
            before
        );
    })
    .await;
}

#[tokio::test]
async fn a_template_of_ones_own_is_used_for_the_next_mail_until_it_is_taken_away() {
    with_app(async |app| {
        let built_in = app.get(GERMAN).await;
        assert_eq!(
            (built_in.status, &built_in.headers["etag"]),
            (200, &"\"0\"".parse().unwrap())
        );
        assert_eq!(built_in.body["source"], "built_in");
        assert_eq!(built_in.body["built_in"]["html"], built_in.body["html"]);
        let unsaid = app
            .change(Method::PUT, GERMAN, None, Some(&words("Hallo")))
            .await;
        assert_eq!(
            (unsaid.status, unsaid.code()),
            (428, "precondition_required")
        );
        let written = app.write(GERMAN, "\"0\"", &words("Hallo")).await;
        assert_eq!((written.status, &written.body["version"]), (200, &json!(1)));
        assert_eq!(written.body["built_in"], built_in.body["built_in"]);
        assert_eq!(app.get(GERMAN).await.body, written.body);
        let stale = app.write(GERMAN, "\"0\"", &words("Servus")).await;
        assert_eq!(
            (stale.status, stale.code(), &stale.body["version"]),
            (412, "changed_meanwhile", &json!(1))
        );

        let invite = async |to: &str, locale: &str| {
            let body = json!({"text": to, "locale": locale});
            assert_eq!(
                app.post("/v1/invitations", &body).await.body["counts"]["invited"],
                1
            );
            app.mails(to).await[0].clone()
        };
        let mail = invite("ann@example.com", "de-AT").await;
        assert_eq!(mail.subject, "Hallo Acme");
        assert!(
            mail.text.starts_with("Hallo Alex Admin\nhttp"),
            "{}",
            mail.text
        );
        assert_eq!(app.lookup(&token_in(&mail.text)).await.status, 200);
        assert!(
            !invite("bo@example.com", "en")
                .await
                .subject
                .contains("Hallo")
        );

        let delete = async |version| {
            app.change(Method::DELETE, GERMAN, Some(version), None)
                .await
        };
        assert_eq!(delete("\"7\"").await.code(), "changed_meanwhile");
        assert_eq!(delete("\"1\"").await.status, 204);
        let gone = delete("*").await;
        assert_eq!((gone.status, gone.code()), (404, "template_not_found"));
        let after = app.get(GERMAN).await.body;
        for same in ["source", "subject", "text", "html", "built_in"] {
            assert_eq!(after[same], built_in.body[same]);
        }
        assert!(
            invite("cem@example.com", "de")
                .await
                .subject
                .contains("lädt Sie")
        );
    })
    .await;
}

#[tokio::test]
async fn no_version_of_a_template_comes_twice_so_nobody_writes_over_what_they_have_not_seen() {
    with_app(async |app| {
        let version = async |path: &str| app.get(path).await.headers["etag"].clone();
        assert_eq!(
            app.write(GERMAN, "\"0\"", &words("Hallo")).await.status,
            200
        );
        let seen = version(GERMAN).await;
        assert_eq!(seen, "\"1\"");
        let delete = async |path: &str, version: &str| {
            app.change(Method::DELETE, path, Some(version), None)
                .await
                .status
        };
        assert_eq!(delete(GERMAN, "\"1\"").await, 204);
        let gone = app.get(GERMAN).await;
        assert_eq!(
            (&gone.body["source"], &gone.headers["etag"]),
            (&json!("built_in"), &"\"2\"".parse().unwrap())
        );
        assert_eq!(gone.body["changed_by"]["id"], "admin");
        let entries = app.get("/v1/templates").await.body["templates"].clone();
        let entry = entries
            .as_array()
            .unwrap()
            .iter()
            .find(|one| one["locale"] == "de")
            .unwrap()
            .clone();
        assert_eq!(
            (&entry["source"], &entry["version"]),
            (&json!("built_in"), &json!(2))
        );
        assert_eq!(
            app.write(GERMAN, "\"2\"", &words("Servus")).await.body["version"],
            3
        );
        for stale in ["\"0\"", "\"1\"", "\"2\""] {
            let refused = app.write(GERMAN, stale, &words("Moin")).await;
            assert_eq!(
                (refused.status, &refused.body["version"]),
                (412, &json!(3)),
                "{stale}"
            );
            assert_eq!(delete(GERMAN, stale).await, 412, "{stale}");
        }
        assert_eq!(
            app.get(GERMAN).await.body["subject"],
            "Servus {{product_name}}"
        );

        // Who saw nothing of a language that Usher does not come with sees nothing of it again, and may begin anew.
        let basque = "/v1/templates/eu";
        assert_eq!(
            app.write(basque, "\"0\"", &words("Kaixo")).await.status,
            200
        );
        assert_eq!(delete(basque, "*").await, 204);
        assert_eq!(app.get(basque).await.status, 404);
        assert_eq!(delete(basque, "\"2\"").await, 404);
        assert_eq!(delete(basque, "\"0\"").await, 404);
        let entries = app.get("/v1/templates").await.body["templates"].clone();
        assert!(
            entries
                .as_array()
                .unwrap()
                .iter()
                .all(|one| one["locale"] != "eu")
        );
        assert_eq!(
            app.write(basque, "\"0\"", &words("Kaixo")).await.body["version"],
            3
        );
    })
    .await;
}

#[tokio::test]
async fn a_template_that_can_not_be_read_can_be_written_over_or_taken_away() {
    with_app(async |app| {
        for (locale, version) in [("de", json!(4)), ("fr", Value::Null), ("eu", json!(4))] {
            put_row(
                app,
                &format!("TEMPLATE#{locale}"),
                json!({"locale": locale, "version": version, "subject": 7}),
            )
            .await;
        }
        let entries = app.get("/v1/templates").await.body["templates"].clone();
        for (locale, version) in [("de", 4), ("fr", 0), ("eu", 4)] {
            let path = format!("/v1/templates/{locale}");
            let entry = entries
                .as_array()
                .unwrap()
                .iter()
                .find(|one| one["locale"] == locale)
                .unwrap();
            assert_eq!(
                (&entry["source"], &entry["version"]),
                (&json!("own"), &json!(version))
            );
            let shown = app.get(&path).await;
            assert_eq!(
                (
                    shown.status,
                    &shown.body["unreadable"],
                    &shown.body["version"]
                ),
                (200, &json!(true), &json!(version)),
                "{shown:?}"
            );
            let etag = format!("\"{version}\"");
            let stale = app.write(&path, "\"9\"", &words("Hallo")).await;
            assert_eq!(
                (stale.status, &stale.body["version"]),
                (412, &json!(version))
            );
            let written = app
                .write(
                    &path,
                    if locale == "fr" { "*" } else { &etag },
                    &words("Hallo"),
                )
                .await;
            assert_eq!(
                (
                    written.status,
                    &written.body["version"],
                    &written.body["unreadable"]
                ),
                (200, &json!(version + 1), &json!(false))
            );
            assert_eq!(app.get(&path).await.body, written.body);
        }
        put_row(app, "TEMPLATE#it", json!({"version": 2})).await;
        let taken = app
            .change(Method::DELETE, "/v1/templates/it", Some("\"2\""), None)
            .await;
        assert_eq!(taken.status, 204);
        assert_eq!(app.get("/v1/templates/it").await.body["source"], "built_in");
    })
    .await;
}

#[tokio::test]
async fn a_language_that_usher_does_not_come_with_is_chosen_like_any_other() {
    with_app(async |app| {
        assert_eq!(
            app.get("/v1/templates/eu").await.code(),
            "template_not_found"
        );
        assert_eq!(
            app.write("/v1/templates/eu", "\"0\"", &words("Kaixo"))
                .await
                .status,
            200
        );
        let invite = async |body: Value| {
            let answer = app.post("/v1/invitations", &body).await;
            let id = answer.body["results"][0]["user_id"]
                .as_str()
                .unwrap()
                .to_owned();
            (
                app.mails(body["text"].as_str().unwrap()).await[0]
                    .subject
                    .clone(),
                app.get(&format!("/v1/users/{id}")).await.body["locale_source"].clone(),
            )
        };
        let asked = invite(json!({"text": "ann@example.com", "locale": "eu-ES"})).await;
        assert_eq!(asked, ("Kaixo Acme".to_owned(), json!("request")));
        app.set(&json!({"default_locale": "eu"})).await;
        let default = invite(json!({"text": "bo@example.com"})).await;
        assert_eq!(default, ("Kaixo Acme".to_owned(), json!("tenant_default")));
        // Without it the tenant's default would be nobody's language any more.
        let delete = async || {
            app.change(Method::DELETE, "/v1/templates/eu", Some("*"), None)
                .await
        };
        let refused = delete().await;
        assert_eq!(
            (refused.status, refused.code()),
            (409, "default_language"),
            "{refused:?}"
        );
        let hint = refused.body["hint"].as_str().unwrap();
        assert!(hint.contains("default_locale"), "{hint}");
        assert_eq!(app.get("/v1/templates/eu").await.body["source"], "own");
        app.set(&json!({"default_locale": "fr"})).await;
        assert_eq!(delete().await.status, 204);
        assert_eq!(delete().await.code(), "template_not_found");
        // Where it was taken away all the same, the stack's holds, and the settings can be saved as they are.
        let row = json!({"version": 7, "changed_at": 0, "changed_by": {"id": "x"}, "default_locale": "eu"});
        put_row(app, "SETTINGS", row).await;
        assert_eq!(delete().await.code(), "template_not_found");
        let settings = app.get("/v1/settings").await.body["settings"].clone();
        assert_eq!(settings["default_locale"], "eu");
        assert_eq!(app.set(&settings).await["settings"], settings);
        let (subject, source) = invite(json!({"text": "cem@example.com"})).await;
        assert!(
            subject.contains("invites you") && source == "external_default",
            "{subject} {source}"
        );
        // A language that Usher comes with is there without a template of one's own.
        app.set(&json!({"default_locale": "de-AT"})).await;
        app.write(GERMAN, "*", &words("Servus")).await;
        let own = app
            .change(Method::DELETE, GERMAN, Some("*"), None)
            .await;
        assert_eq!(own.status, 204);
    })
    .await;
}

#[tokio::test]
async fn who_begins_a_language_gets_the_english_words_as_that_language_runs() {
    with_app(async |app| {
        let begin = async |tag: &str| app.get(&format!("/v1/templates/{tag}?or=english")).await;
        let persian = begin("fa").await;
        assert_eq!(
            (persian.status, &persian.headers["etag"]),
            (200, &"\"0\"".parse().unwrap())
        );
        assert_eq!(persian.body["source"], "none");
        assert_eq!(persian.body["built_in"], Value::Null);
        let html = persian.body["html"].as_str().unwrap();
        assert!(
            html.contains("<html lang=\"fa\" dir=\"rtl\"") && html.contains("Create your account")
        );
        for (there, left) in [
            ("dir=\"rtl\"", 2),
            ("text-align:right", 2),
            ("text-align:left", 0),
            ("border-left", 0),
        ] {
            assert_eq!(html.matches(there).count(), left, "{there}");
        }
        let basque = begin("eu").await.body["html"].as_str().unwrap().to_owned();
        assert!(
            basque.contains("<html lang=\"eu\" dir=\"ltr\"") && basque.contains("text-align:left")
        );
        // Where there is a mail, it is that.
        assert_eq!(begin("de").await.body, app.get(GERMAN).await.body);
        assert_eq!(
            app.write("/v1/templates/fa", "\"0\"", &words("سلام"))
                .await
                .status,
            200
        );
        assert_eq!(begin("fa").await.body["source"], "own");
        let other = app.get("/v1/templates/eu?or=german").await;
        assert_eq!((other.status, &other.body["field"]), (400, &json!("or")));
    })
    .await;
}

#[tokio::test]
async fn the_largest_template_reaches_everybody_however_much_there_is_to_say() {
    with_app(async |app| {
        // Twice as long in a call to SES as they are.
        for (locale, filling) in [("de", "\""), ("fr", "\n")] {
            let mut large = words("Hallo");
            large["html"] = json!(format!(
                "{{{{accept_url}}}}{{{{message}}}}{}",
                filling.repeat(349_000)
            ));
            let path = format!("/v1/templates/{locale}");
            assert_eq!(app.write(&path, "\"0\"", &large).await.status, 200);
            let people: Vec<_> = (0..60)
                .map(|n| json!({"email": format!("{locale}{n}@example.com")}))
                .collect();
            let body = json!({"invitees": people, "locale": locale, "message": "'\"".repeat(500)});
            assert_eq!(
                app.post("/v1/invitations", &body).await.body["counts"]["invited"],
                60
            );
        }
        app.stack.settled().await;
        assert_eq!(app.stack.mailbox.count(), 120);
        assert_eq!(app.stack.ses.refused(), 0);
    })
    .await;
}

#[tokio::test]
async fn a_template_that_can_not_be_read_any_more_stops_no_mail() {
    with_app(async |app| {
        for (sk, row) in [
            // A variable that there was in another version of Usher, and a row that is none.
            ("TEMPLATE#de", json!({"locale": "de", "version": 1, "changed_at": 0, "changed_by": {"id": "x"}, "subject": "{{gone}}", "text": "", "html": ""})),
            ("TEMPLATE#fr", json!({"locale": "fr"})),
        ] {
            put_row(app, sk, row).await;
        }
        for (to, locale) in [("ann@example.com", "de"), ("bo@example.com", "fr")] {
            app.post("/v1/invitations", &json!({"text": to, "locale": locale})).await;
            let mail = app.mails(to).await[0].clone();
            assert!(mail.html.contains(&format!("<html lang=\"{locale}\"")), "{}", mail.html);
        }
    })
    .await;
}

/// A part that can't be saved, where its flaw is, and what of it is said.
type Refused = (&'static str, &'static str, Option<(u32, u32)>, &'static str);
const REFUSED: [Refused; 7] = [
    (
        "text",
        "a\nü {{emial}} {{accept_url}}",
        Some((2, 3)),
        "emial",
    ),
    (
        "html",
        "\n<p>{{#if message}}</p>",
        Some((2, 4)),
        "never closed",
    ),
    ("html", "<p>Hi</p>", None, "{{accept_url}} is missing"),
    (
        "text",
        "{{#if message}}{{accept_url}}{{/if}}",
        None,
        "without message",
    ),
    (
        "html",
        "{{accept_url}}<script>x</script>",
        Some((1, 15)),
        "<script>",
    ),
    (
        "subject",
        "Hi\r\nBcc: eve@example.com",
        Some((1, 3)),
        "one line",
    ),
    ("text", "{{{accept_url}}}", Some((1, 1)), "two braces"),
];

#[tokio::test]
async fn what_would_fail_at_sending_can_not_be_saved_and_is_refused_with_its_place() {
    with_app(async |app| {
        let large = "x".repeat(350_001);
        let large = ("html", large.as_str(), None, "350000");
        for (part, text, place, said) in REFUSED.into_iter().chain([large]) {
            let mut body = words("Hi");
            body[part] = json!(text);
            let (line, column) = place.unzip();
            for (method, what) in [
                (Method::PUT, ""),
                (Method::POST, "/preview"),
                (Method::POST, "/test"),
            ] {
                let path = format!("{GERMAN}{what}");
                let answer = app.change(method, &path, Some("*"), Some(&body)).await;
                let (status, code) = (answer.status, answer.code());
                assert_eq!((status, code), (400, "template_refused"), "{answer:?}");
                let problem = &answer.body;
                assert_eq!(problem["part"], part);
                assert_eq!(problem["line"], json!(line), "{problem}");
                assert_eq!(problem["column"], json!(column), "{problem}");
                assert!(
                    problem["detail"].as_str().unwrap().contains(said),
                    "{problem}"
                );
                let variables = problem["variables"].as_array().unwrap();
                assert!(variables.contains(&json!("accept_url")));
            }
        }
        assert_eq!(app.get(GERMAN).await.body["source"], "built_in");
        let bad = app.write("/v1/templates/german", "*", &words("Hi")).await;
        assert_eq!((bad.status, bad.code()), (400, "invalid_field"));
        assert_eq!(bad.body["field"], "locale");
    })
    .await;
}

#[tokio::test]
async fn a_preview_shows_what_is_saved_what_is_written_and_what_a_person_would_get() {
    with_app(async |app| {
        let preview = async |locale: &str, body: Value| {
            let answer = app
                .post(&format!("/v1/templates/{locale}/preview"), &body)
                .await;
            assert_eq!(answer.status, 200, "{answer:?}");
            answer.body
        };
        let saved = preview("ar", json!({})).await;
        assert_eq!(
            (&saved["locale"], &saved["dir"]),
            (&json!("ar"), &json!("rtl"))
        );
        assert_eq!(saved["reply_to"], Value::Null);
        assert_eq!(saved["from"], "Usher <invitations@example.com>");
        assert!(
            saved["html"]
                .as_str()
                .unwrap()
                .contains("<html lang=\"ar\" dir=\"rtl\"")
        );
        // What would be sent to who reads this.
        assert_eq!(preview("de-AT", json!({})).await["locale"], "de");
        assert_eq!(preview("eu", json!({})).await["locale"], "en");
        let mut own = words("Kaixo");
        own["text"] = json!(
            [
                "{{#if message}}[{{message}}]{{/if}}{{#if invitee_name}}<{{invitee_name}}>{{/if}}",
                "{{#if reminder}}again{{/if}}{{accept_url}}",
            ]
            .concat()
        );
        assert_eq!(preview("eu", own.clone()).await["subject"], "Kaixo Acme");
        own["message"] = json!("Ongi etorri");
        own["sample"] = json!({"without": ["invitee_name"], "reminder": true});
        let text = preview("eu", own.clone()).await["text"]
            .as_str()
            .unwrap()
            .to_owned();
        assert!(text.starts_with("[Ongi etorri]againhttp"), "{text}");
        own["user_id"] = json!(app.invite("ann@example.com").await);
        own["sample"] = json!({});
        let theirs = preview("eu", own.clone()).await;
        assert_eq!(theirs["to"], "ann@example.com");
        let text = theirs["text"].as_str().unwrap();
        assert!(text.starts_with("[Ongi etorri]http"), "{text}");
        // The link is nobody's, and nothing of what was looked at is kept.
        assert_eq!(
            app.lookup(&token_in(text)).await.code(),
            "invitation_not_found"
        );
        assert_ne!(token_in(text), app.mailed_token("ann@example.com").await);
        assert_eq!(
            app.get("/v1/templates/eu").await.code(),
            "template_not_found"
        );

        let refused = async |body: Value| app.post("/v1/templates/de/preview", &body).await;
        assert_eq!(
            refused(json!({"subject": "Hi"})).await.code(),
            "incomplete_template"
        );
        let nobody = json!({"user_id": "usr_01KB0000000000000000000000"});
        assert_eq!(refused(nobody).await.code(), "user_not_found");
        let without = refused(json!({"sample": {"without": ["email"]}})).await;
        assert_eq!(without.body["field"], "sample.without");
        let other = app.token(&json!({"tenant": "other"})).await;
        let body = json!({"user_id": own["user_id"]});
        let path = "/v1/templates/de/preview";
        let stranger = app.post_as(&other, path, &body).await;
        assert_eq!((stranger.status, stranger.code()), (404, "user_not_found"));
    })
    .await;
}

#[tokio::test]
async fn a_preview_has_its_dates_as_the_mail_has_them() {
    with_app(async |app| {
        let preview = async |tag: &str, body: &Value| {
            let path = format!("/v1/templates/{tag}/preview");
            app.post(&path, body).await.body["text"]
                .as_str()
                .unwrap()
                .to_owned()
        };
        let mail = async |to: &str| app.mails(to).await[0].text.clone();
        let invite = async |to: &str, locale: Value| {
            let body = json!({"text": to, "locale": locale, "expires_in_days": 61});
            let answer = app.post("/v1/invitations", &body).await;
            answer.body["results"][0]["user_id"].clone()
        };
        let long = json!({"expires_in_days": 61});
        let regions = [
            ("en-GB", "23 January 2027 at 14:05"),
            ("de-AT", "23. Jänner 2027 um 14:05"),
            ("fr-CA", "23 janvier 2027 à 14 h 05"),
            ("de", "23. Januar 2027 um 14:05"),
            // In English, as who invites reads it.
            ("eu", "January 23, 2027 at 2:05\u{202f}PM"),
        ];
        for (tag, date) in regions {
            let to = format!("{tag}@example.com");
            let id = invite(&to, json!(tag)).await;
            assert!(mail(&to).await.contains(date), "{}", mail(&to).await);
            let seen = preview(tag, &long).await;
            assert!(seen.contains(date), "{tag}: {seen}");
            // Shown in the language that the person reads, it is theirs.
            let language = tag.split('-').next().unwrap();
            let theirs = preview(language, &json!({"user_id": id})).await;
            assert!(theirs.contains(date), "{tag}: {theirs}");
        }
        // Who is written to in the tenant's language gets its dates, too.
        for (default, date) in &regions[..4] {
            app.set(&json!({"default_locale": default})).await;
            let to = format!("default-{default}@example.com");
            invite(&to, Value::Null).await;
            assert!(mail(&to).await.contains(date), "{}", mail(&to).await);
            for tag in [*default, "und", "eu"] {
                let seen = preview(tag, &long).await;
                assert!(seen.contains(date), "{default} {tag}: {seen}");
            }
        }
        app.set(&json!({"default_locale": "en-GB"})).await;
        let american = preview("en-US", &long).await;
        assert!(american.contains("January 23, 2027 at"), "{american}");
    })
    .await;
}

#[tokio::test]
async fn a_test_mail_goes_to_whoever_asks_for_it_and_changes_nothing() {
    with_app(async |app| {
        let mut body = words("Probe");
        let ask = async |token: &str, body: &Value| {
            app.post_as(token, "/v1/templates/de/test", body).await
        };
        let sent = ask(&app.admin, &body).await;
        assert_eq!(
            (sent.status, &sent.body),
            (200, &json!({"to": "admin@example.com"}))
        );
        let mail = app.mails("admin@example.com").await[0].clone();
        assert_eq!(mail.subject, "Probe Acme");
        assert!(mail.tags.is_empty());
        let token = token_in(&mail.text);
        assert_eq!(app.lookup(&token).await.code(), "invitation_not_found");
        // Nobody else, whoever it is made for.
        body["user_id"] = json!(app.invite("ann@example.com").await);
        let ann = app.mails("ann@example.com").await.len();
        assert_eq!(ask(&app.admin, &body).await.body["to"], "admin@example.com");
        assert_eq!(app.mails("ann@example.com").await.len(), ann);
        body["to"] = json!("ann@example.com");
        assert_eq!(ask(&app.admin, &body).await.code(), "invalid_body");
        let nobody = app.token(&json!({"email": ""})).await;
        let refused = ask(&nobody, &words("Probe")).await;
        assert_eq!((refused.status, refused.code()), (409, "no_address"));
        app.stack.ses.change(|options| options.paused = true);
        let paused = ask(&app.admin, &words("Probe")).await;
        assert_eq!(
            (paused.status, paused.code()),
            (503, "mail_not_sent"),
            "{paused:?}"
        );
        assert!(paused.body["detail"].as_str().unwrap().contains("paused"));
        app.stack.ses.change(|options| options.paused = false);
    })
    .await;
}
