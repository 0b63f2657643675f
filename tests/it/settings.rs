//! What a tenant decides of how its people are invited, and that it holds from the next mail on.

use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};
use usher_local::Options;

use crate::{
    app::{App, Response, token_in, with_app, with_options},
    dry_run::table,
};

const SETTINGS: &str = "/v1/settings";

impl App {
    /// A request with JSON by the administrator, on this version.
    pub(crate) async fn change(
        &self,
        method: Method,
        path: &str,
        if_match: Option<&str>,
        body: Option<&Value>,
    ) -> Response {
        self.change_as(&self.admin, method, path, if_match, body)
            .await
    }

    pub(crate) async fn change_as(
        &self,
        token: &str,
        method: Method,
        path: &str,
        if_match: Option<&str>,
        body: Option<&Value>,
    ) -> Response {
        let authorization = format!("Bearer {token}");
        let mut headers = vec![
            ("content-type", "application/json"),
            ("authorization", authorization.as_str()),
        ];
        headers.extend(if_match.map(|version| ("if-match", version)));
        let body = body.map(|body| body.to_string().into_bytes());
        self.request(method, path, &headers, body).await
    }

    /// Sets these, and leaves the others as the stack was deployed.
    pub(crate) async fn set(&self, settings: &Value) -> Value {
        let answer = self
            .change(Method::PUT, SETTINGS, Some("*"), Some(settings))
            .await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body
    }
}

/// Puts a row among what the tenant has decided, whatever it is.
pub(crate) async fn put_row(app: &App, sk: &str, mut row: Value) {
    row["pk"] = json!("TENANT#default");
    row["sk"] = json!(sk);
    let item = serde_dynamo::to_item(row).unwrap();
    let put = table(app).put_item().table_name("usher");
    put.set_item(Some(item)).send().await.unwrap();
}

#[tokio::test]
async fn nobody_is_sent_any_more_to_an_origin_that_was_taken_away() {
    with_app(async |app| {
        app.set(&json!({"redirect_origins": ["https://app.example.com"]}))
            .await;
        let body =
            json!({"text": "ann@example.com", "redirect_url": "https://app.example.com/welcome"});
        assert_eq!(app.post("/v1/invitations", &body).await.status, 200);
        let token = app.mailed_token("ann@example.com").await;
        let shown = app.lookup(&token).await.body;
        assert_eq!(shown["redirect_url"], "https://app.example.com/welcome");
        app.set(&json!({"redirect_origins": ["https://other.example.com"]}))
            .await;
        assert_eq!(app.lookup(&token).await.body["redirect_url"], Value::Null);
        let registered = app.accept(&token).await;
        assert_eq!(
            (registered.status, &registered.body["redirect_url"]),
            (200, &Value::Null)
        );
    })
    .await;
}

#[tokio::test]
async fn what_was_decided_is_shown_beside_what_holds_where_nothing_was() {
    with_app(async |app| {
        let before = app.get(SETTINGS).await;
        assert_eq!((before.status, &before.headers["etag"]), (200, &"\"0\"".parse().unwrap()));
        assert_eq!(before.body["version"], 0);
        assert_eq!(before.body["changed_by"], Value::Null);
        let settings = before.body["settings"].as_object().unwrap();
        let defaults = before.body["defaults"].as_object().unwrap();
        assert!(settings.values().all(Value::is_null), "{settings:?}");
        assert!(settings.keys().eq(defaults.keys()));
        assert_eq!(defaults["product_name"], "Acme");
        assert_eq!(defaults["sender_address"], "invitations@example.com");
        assert_eq!(defaults["expires_in_days"], 7);
        assert_eq!(before.body["sender_identity"], "invitations@example.com");
        assert!(before.body["locales"].as_array().unwrap().len() >= 24);

        let all = json!({
            "product_name": "Rockets", "sender_name": "Rockets, Inc.", "sender_address": "Invitations@example.com",
            "reply_to": "help@rockets.example", "support_address": "ask@rockets.example",
            "logo_url": "https://rockets.example/logo.png", "brand_color": "#702090", "default_locale": "de-AT",
            "expires_in_days": 30, "reminder_days": [1, 3], "allowed_domains": ["Example.com", "münchen.example"],
            "blocked_domains": ["bad.example"], "redirect_origins": ["https://app.rockets.example/"],
            "daily_invitations": 500,
        });
        let after = app.set(&all).await;
        assert_eq!(after["version"], 1);
        assert_eq!(after["changed_by"], json!({"id": "admin", "name": "Alex Admin"}));
        assert_eq!(after["changed_at"], "2026-11-23T14:05:00.000Z");
        let mut read = all.clone();
        read["reminder_days"] = json!([3, 1]);
        read["allowed_domains"] = json!(["example.com", "xn--mnchen-3ya.example"]);
        read["redirect_origins"] = json!(["https://app.rockets.example"]);
        assert_eq!(after["settings"], read);
        assert_eq!(app.get(SETTINGS).await.body, after);
        // What is left out, or null, is as the stack was deployed again.
        let cleared = app.set(&json!({"product_name": null})).await;
        assert_eq!(cleared["settings"], before.body["settings"]);
        assert_eq!(cleared["version"], 2);
    })
    .await;
}

#[tokio::test]
async fn nobody_writes_over_what_they_have_not_seen() {
    with_app(async |app| {
        let put = async |version: Option<&str>, name: &str| {
            let body = json!({"product_name": name});
            app.change(Method::PUT, SETTINGS, version, Some(&body))
                .await
        };
        let unsaid = put(None, "A").await;
        assert_eq!(
            (unsaid.status, unsaid.code()),
            (428, "precondition_required")
        );
        let nonsense = put(Some("today"), "A").await;
        assert_eq!(
            (nonsense.status, nonsense.code()),
            (400, "invalid_if_match")
        );
        assert_eq!(put(Some("\"0\""), "A").await.status, 200);
        for stale in ["\"0\"", "\"2\""] {
            let refused = put(Some(stale), "B").await;
            assert_eq!((refused.status, refused.code()), (412, "changed_meanwhile"));
            assert_eq!(refused.body["version"], 1);
        }
        assert_eq!(put(Some("\"1\""), "C").await.status, 200);
        let now = app.get(SETTINGS).await;
        assert_eq!(now.body["settings"]["product_name"], "C");
        assert_eq!(now.headers["etag"], "\"2\"");
    })
    .await;
}

#[tokio::test]
async fn a_setting_that_can_not_hold_is_refused_with_what_is_allowed() {
    with_app(async |app| {
        for (field, value, allowed) in [
            ("product_name", json!(""), "must not be empty"),
            (
                "product_name",
                json!("x".repeat(101)),
                "at most 100 characters",
            ),
            ("product_name", json!("A\r\nBcc: x"), "control characters"),
            (
                "sender_name",
                json!("www.evil.example"),
                "without a web address",
            ),
            (
                "sender_address",
                json!("other@example.com"),
                "must be invitations@example.com",
            ),
            ("sender_address", json!("nobody"), "like name@example.com"),
            ("reply_to", json!("a@b@c"), "like name@example.com"),
            (
                "support_address",
                json!("ä@example.com"),
                "like name@example.com",
            ),
            ("product_name", json!("\u{200b}"), "that can be seen"),
            (
                "logo_url",
                json!("http://example.com/a.png"),
                "must begin with https://",
            ),
            ("logo_url", json!("example.com/a.png"), "like https://"),
            ("brand_color", json!("red"), "six hexadecimal digits"),
            ("brand_color", json!("#ffcc00"), "contrast of at least 4.5"),
            ("default_locale", json!("german"), "BCP 47"),
            ("default_locale", json!("eu"), "there are mails in: en, ar,"),
            ("expires_in_days", json!(0), "from 1 to 365"),
            ("daily_invitations", json!(0), "from 1 to 1000000"),
            (
                "reminder_days",
                json!([1, 2, 3]),
                "at most two numbers from 1 to 89",
            ),
            (
                "allowed_domains",
                json!(["a b"]),
                "domain names like example.com",
            ),
            (
                "blocked_domains",
                json!(["x@y.example"]),
                "domain names like example.com",
            ),
            (
                "redirect_origins",
                json!(["https://a.example/path"]),
                "without a path",
            ),
            (
                "redirect_origins",
                json!(["https://*.example.com"]),
                "without a path or *",
            ),
        ] {
            let body = json!({ field: value });
            let answer = app
                .change(Method::PUT, SETTINGS, Some("*"), Some(&body))
                .await;
            assert_eq!(
                (answer.status, answer.code()),
                (400, "invalid_field"),
                "{body}: {answer:?}"
            );
            assert_eq!(answer.body["field"], field);
            let detail = answer.body["detail"].as_str().unwrap();
            assert!(detail.contains(allowed), "{body}: {detail}");
        }
        let unknown = app
            .change(
                Method::PUT,
                SETTINGS,
                Some("*"),
                Some(&json!({"colour": "#000000"})),
            )
            .await;
        assert_eq!((unknown.status, unknown.code()), (400, "invalid_body"));
        assert_eq!(app.get(SETTINGS).await.body["version"], 0);
    })
    .await;
}

#[tokio::test]
async fn settings_that_contradict_each_other_are_refused() {
    with_app(async |app| {
        let put = async |body: &Value| {
            app.change(Method::PUT, SETTINGS, Some("*"), Some(body))
                .await
        };
        for (body, field, why) in [
            (
                json!({"expires_in_days": 7, "reminder_days": [30, 10]}),
                "reminder_days",
                "at least 2 less than expires_in_days, which is 7",
            ),
            // The mail itself goes a moment after the invitation, and a day has to be between two.
            (
                json!({"expires_in_days": 7, "reminder_days": [6]}),
                "reminder_days",
                "nobody would be reminded",
            ),
            (
                json!({"allowed_domains": ["a.example", "b.example"], "blocked_domains": ["b.example", "@A.example"]}),
                "blocked_domains",
                "nobody could be invited",
            ),
        ] {
            let answer = put(&body).await;
            assert_eq!((answer.status, answer.code()), (400, "invalid_field"));
            assert_eq!(answer.body["field"], field);
            let detail = answer.body["detail"].as_str().unwrap();
            assert!(detail.contains(why), "{detail}");
        }
        for body in [
            json!({"expires_in_days": 7, "reminder_days": [30, 5]}),
            json!({"expires_in_days": 1, "reminder_days": []}),
            // Who invites may say how long a link lives.
            json!({"reminder_days": [30]}),
            json!({"allowed_domains": [], "blocked_domains": ["a.example"]}),
        ] {
            assert_eq!(put(&body).await.status, 200, "{body}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_value_of_another_type_is_named_in_plain_words() {
    with_app(async |app| {
        for (body, said) in [
            (
                r#"{"expires_in_days": 1e23}"#,
                "The field expires_in_days must be a whole number like 7.",
            ),
            (
                r#"{"expires_in_days": 7.5}"#,
                "The field expires_in_days must be a whole number like 7.",
            ),
            (
                r#"{"daily_invitations": "many"}"#,
                "The field daily_invitations must be a whole number like 7.",
            ),
            (
                r#"{"daily_invitations": 99999999999999999999}"#,
                "The field daily_invitations must be a whole number like 7.",
            ),
            (
                r#"{"product_name": 7}"#,
                "The field product_name must be a text.",
            ),
            (
                r#"{"allowed_domains": "a.example"}"#,
                "The field allowed_domains must be a list.",
            ),
            (
                r#"{"reminder_days": [true]}"#,
                "The field reminder_days[0] must be a whole number like 7.",
            ),
        ] {
            let authorization = format!("Bearer {}", app.admin);
            let headers = [
                ("content-type", "application/json"),
                ("authorization", authorization.as_str()),
                ("if-match", "*"),
            ];
            let body = Some(body.as_bytes().to_vec());
            let answer = app.request(Method::PUT, SETTINGS, &headers, body).await;
            assert_eq!((answer.status, answer.code()), (400, "invalid_body"));
            assert_eq!(answer.body["detail"], said);
        }
    })
    .await;
}

#[tokio::test]
async fn with_a_german_default_everybody_without_a_language_is_written_to_in_german() {
    with_app(async |app| {
        app.set(&json!({"default_locale": "de-AT"})).await;
        let body = json!({"invitees": [
            {"email": "ann@example.com"},
            {"email": "ben@example.com", "locale": "fr"},
            {"email": "eve@example.com", "locale": "eu"},
        ]});
        let answer = app.post("/v1/invitations", &body).await;
        assert_eq!(answer.body["counts"]["invited"], 3);
        for (to, subject, language, source, page) in [
            ("ann@example.com", "lädt Sie", "de", "tenant_default", "de"),
            ("ben@example.com", "invite", "fr", "invitee", "fr"),
            // Nobody has Basque. It stays what the person reads, and the page has the tenant's default to fall back to.
            ("eve@example.com", "lädt Sie", "de", "tenant_default", "eu"),
        ] {
            let mails = app.mails(to).await;
            assert!(mails[0].subject.contains(subject), "{}", mails[0].subject);
            assert!(
                mails[0]
                    .html
                    .contains(&format!("<html lang=\"{language}\""))
            );
            let seen = app.lookup(&token_in(&mails[0].text)).await.body;
            assert_eq!(
                (&seen["locale"], &seen["default_locale"]),
                (&json!(page), &json!("de-AT"))
            );
            let found = app.get(&format!("/v1/users?q={to}")).await.body;
            assert_eq!(found["data"][0]["locale_source"], source, "{to}");
        }
        // Also who was invited before: what is sent from now on is as was decided now.
        app.set(&json!({"default_locale": "it"})).await;
        let found = app.get("/v1/users?q=eve").await.body;
        app.advance(SignedDuration::from_mins(2));
        let id = found["data"][0]["id"].as_str().unwrap();
        assert_eq!(
            app.post(&format!("/v1/users/{id}/resend"), &json!({}))
                .await
                .status,
            200
        );
        assert!(
            app.mails("eve@example.com").await[0]
                .html
                .contains("<html lang=\"it\"")
        );
    })
    .await;
}

#[tokio::test]
async fn the_next_mail_is_as_was_decided() {
    let variables = [
        ("MAIL_IDENTITY", "example.com"),
        ("MAIL_FROM", "Usher <invitations@example.com>"),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mut options = Options {
        variables: variables.into(),
        ..Options::default()
    };
    options.ses.verified = vec!["example.com".to_owned()];
    with_options(options, async |app| {
        app.invite("before@example.com").await;
        let before = app.mails("before@example.com").await;
        assert_eq!(before[0].from, "Usher <invitations@example.com>");
        assert!(!before[0].headers.contains_key("Reply-To"));
        app.set(&json!({
            "product_name": "Rockets & Sons", "sender_name": "Rockets", "sender_address": "join@mail.example.com",
            "reply_to": "help@rockets.example", "support_address": "ask@rockets.example",
            "logo_url": "https://rockets.example/logo.png?a=1&b=2", "brand_color": "#702090", "expires_in_days": 30,
        })).await;
        app.invite("ann@example.com").await;
        let mails = app.mails("ann@example.com").await;
        let mail = &mails[0];
        assert_eq!(mail.from, "Rockets <join@mail.example.com>");
        assert_eq!(mail.headers["Reply-To"], "help@rockets.example");
        assert!(mail.subject.contains("Rockets & Sons"), "{}", mail.subject);
        assert!(mail.text.contains("ask@rockets.example") && mail.text.contains("December 23, 2026"), "{}", mail.text);
        for there in ["#702090", "https://rockets.example/logo.png?a=1&amp;b=2", "Rockets &amp; Sons"] {
            assert!(mail.html.contains(there), "{there}");
        }
        assert!(!mail.html.contains("#0b6b54"));
        let seen = app.lookup(&token_in(&mail.text)).await.body;
        assert_eq!(seen["product_name"], "Rockets & Sons");
        assert!(seen["expires_at"].as_str().unwrap().starts_with("2026-12-23"));
        // The other tenant has decided nothing.
        let token = app.token(&json!({"tenant": "other"})).await;
        app.post_as(&token, "/v1/invitations", &json!({"text": "bo@example.com"})).await;
        assert_eq!(app.mails("bo@example.com").await[0].from, before[0].from);
        assert_eq!(app.get_as(&token, SETTINGS).await.body["version"], 0);
    })
    .await;
}

#[tokio::test]
async fn who_may_be_invited_and_where_they_may_be_sent_is_as_was_decided() {
    with_app(async |app| {
        app.set(&json!({
            "allowed_domains": ["good.example", "both.example"], "blocked_domains": ["both.example"],
            "redirect_origins": ["https://app.rockets.example"],
        })).await;
        let body = json!({
            "text": "a@good.example, b@both.example, c@else.example",
            "redirect_url": "https://app.rockets.example/welcome",
        });
        for path in ["/v1/invitations?dry_run=true", "/v1/invitations"] {
            let rows = app.post(path, &body).await.body["results"].clone();
            let outcomes: Vec<_> = rows.as_array().unwrap().iter().map(|row| row["outcome"].as_str().unwrap()).collect();
            assert_eq!(outcomes, ["invited", "domain_not_allowed", "domain_not_allowed"], "{rows}");
            assert!(rows[1]["detail"].as_str().unwrap().contains("at both.example are not invited"));
        }
        let elsewhere = json!({"text": "d@good.example", "redirect_url": format!("{}/", app.stack.url)});
        assert_eq!(app.post("/v1/invitations", &elsewhere).await.body["field"], "redirect_url");
        let found = app.get("/v1/users?q=a@good.example").await.body;
        let id = found["data"][0]["id"].as_str().unwrap();
        let moved = app.patch(&format!("/v1/users/{id}"), &json!({"email": "a@both.example"})).await;
        assert_eq!((moved.status, moved.code()), (400, "domain_not_allowed"));
        // Empty is decided too: everybody.
        app.set(&json!({"allowed_domains": []})).await;
        app.invite("c@else.example").await;
    })
    .await;
}

#[tokio::test]
async fn links_live_and_people_are_reminded_as_long_as_was_decided() {
    with_app(async |app| {
        app.set(&json!({"expires_in_days": 10, "reminder_days": [2]}))
            .await;
        let id = app.invite("ann@example.com").await;
        let token = app.mailed_token("ann@example.com").await;
        app.advance(SignedDuration::from_hours(8 * 24));
        assert_eq!(app.stack.sweep().await.unwrap()["reminded"], 1);
        assert!(
            app.mails("ann@example.com").await[0]
                .subject
                .starts_with("Reminder")
        );
        app.advance(SignedDuration::from_hours(2 * 24));
        assert_eq!(app.lookup(&token).await.code(), "invitation_expired");
        app.set(&json!({"expires_in_days": 3})).await;
        let expires = async || app.get(&format!("/v1/users/{id}")).await.body["expires_at"].clone();
        assert_eq!(
            app.public("/v1/accept/renew", &json!({"token": token}))
                .await
                .status,
            200
        );
        assert_eq!(expires().await, "2026-12-06T14:05:00.000Z");
        app.stack.settled().await;
        app.set(&json!({"expires_in_days": 5})).await;
        app.advance(SignedDuration::from_mins(2));
        assert_eq!(
            app.post(&format!("/v1/users/{id}/resend"), &json!({}))
                .await
                .status,
            200
        );
        assert_eq!(expires().await, "2026-12-08T14:07:00.000Z");
        let moved = app
            .patch(
                &format!("/v1/users/{id}"),
                &json!({"email": "bo@example.com"}),
            )
            .await;
        assert_eq!(moved.body["expires_at"], "2026-12-08T14:07:00.000Z");
        // Nobody is reminded any more.
        app.advance(SignedDuration::from_hours(4 * 24));
        assert_eq!(app.stack.sweep().await.unwrap()["reminded"], 0);
    })
    .await;
}

#[tokio::test]
async fn no_more_than_was_decided_are_invited_a_day_and_only_who_is_new_counts() {
    with_app(async |app| {
        app.invite("before@example.com").await;
        app.set(&json!({"daily_invitations": 3})).await;
        let body = json!({"text": "before@example.com a@example.com nonsense b@example.com c@example.com d@example.com e@example.com"});
        let outcomes = |answer: &Response| -> String {
            let rows = answer.body["results"].as_array().unwrap().iter();
            let rows: Vec<_> = rows.map(|row| row["outcome"].as_str().unwrap()).collect();
            rows.join(" ")
        };
        let expected = "already_invited invited invalid_email invited invited daily_cap daily_cap";
        let dry = app.post("/v1/invitations?dry_run=true", &body).await;
        assert_eq!(outcomes(&dry), expected);
        // Under its name the request may be repeated, however full the day is.
        for _ in 0..2 {
            let answer = app.post_named("k", &app.admin, "/v1/invitations", &body).await;
            assert_eq!(outcomes(&answer), expected, "{answer:?}");
            let detail = answer.body["results"][5]["detail"].as_str().unwrap();
            assert!(detail.contains("in the settings, 3, is used up") && detail.contains("2026-11-24T00:00:00Z"), "{detail}");
        }
        assert_eq!(outcomes(&app.post("/v1/invitations?dry_run=true", &json!({"text": "x@example.com"})).await), "daily_cap");
        // Another tenant has a day of its own, and the next day is another.
        let other = app.token(&json!({"tenant": "other"})).await;
        let elsewhere = app.post_as(&other, "/v1/invitations", &json!({"text": "x@example.com"})).await;
        assert_eq!(outcomes(&elsewhere), "invited");
        app.advance(SignedDuration::from_hours(10));
        assert_eq!(outcomes(&app.post("/v1/invitations", &json!({"text": "d@example.com e@example.com"})).await), "invited invited");
        // Many at once are no more than are left.
        let asks = (0..6).map(|n| async move {
            let answer = app.post("/v1/invitations", &json!({"text": format!("n{n}@example.com")})).await;
            answer.body["counts"]["invited"].as_u64().unwrap()
        });
        let invited: u64 = futures::future::join_all(asks).await.into_iter().sum();
        assert_eq!(invited, 1);
        app.set(&json!({})).await;
        app.invite("y@example.com").await;
    })
    .await;
}
