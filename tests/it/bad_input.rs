//! Bodies that nobody should send, and some do: each is refused with its own code, and nothing is written or lost.

use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use reqwest::Method;
use serde_json::{Map, Value, json};
use usher_local::Options;

use crate::app::{App, Response, token_in, with_app, with_options};

pub(crate) const NOBODY: &str = "usr_01ARZ3NDEKTSV4RRFFQ69G5FAV";

/// A POST to the invitations by the administrator, with exactly these bytes.
pub(crate) async fn send(
    app: &App,
    headers: &[(&str, &str)],
    body: impl Into<Vec<u8>>,
) -> Response {
    let authorization = format!("Bearer {}", app.admin);
    let headers = [headers, &[("authorization", authorization.as_str())]].concat();
    app.request(Method::POST, "/v1/invitations", &headers, Some(body.into()))
        .await
}

pub(crate) async fn assert_nobody_is_invited(app: &App) {
    assert_eq!(app.get("/v1/users").await.body["data"], json!([]));
    app.stack.settled().await;
    assert!(app.stack.mailbox.list(None).is_empty());
}

pub(crate) fn outcomes(answer: &Response) -> Vec<&str> {
    let rows = answer.body["results"].as_array().unwrap();
    rows.iter()
        .map(|row| row["outcome"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn a_body_that_is_no_json_invites_nobody() {
    with_app(async |app| {
        let json = [("content-type", "application/json")];
        for body in [
            "ann@example.com",
            "",
            r#"{"text": "ann@example.com""#,
            r#"{"text": "ann@example.com"} {"text": "bo@example.com"}"#,
            "\u{FEFF}{\"text\": \"ann@example.com\"}",
            r#"{"text": "\ud800@example.com"}"#,
            r#"{"text": "ann@example.com", "expires_in_days": 1e999}"#,
        ] {
            let answer = send(app, &json, body).await;
            assert_eq!(
                (answer.status, answer.code()),
                (400, "invalid_json"),
                "{body}"
            );
        }
        let answer = send(app, &json, b"{\"text\": \"ann@example.com \xFF\"}".to_vec()).await;
        assert_eq!((answer.status, answer.code()), (400, "invalid_json"));
        assert_nobody_is_invited(app).await;
    })
    .await;
}

#[tokio::test]
async fn a_body_of_another_content_type_invites_nobody() {
    with_app(async |app| {
        let body = r#"{"text": "ann@example.com"}"#;
        for headers in [
            &[("content-type", "text/plain")][..],
            &[("content-type", "application/x-www-form-urlencoded")],
            &[("content-type", "application/jsonx")],
            &[],
        ] {
            let answer = send(app, headers, body).await;
            assert_eq!(
                (answer.status, answer.code()),
                (415, "unsupported_media_type"),
                "{headers:?}"
            );
        }
        assert_nobody_is_invited(app).await;
        let headers = [("content-type", "Application/JSON; charset=utf-8")];
        assert_eq!(send(app, &headers, body).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn the_field_that_can_not_be_read_is_named_by_its_path() {
    with_app(async |app| {
        let good = json!({"email": "ann@example.com"});
        for (field, body) in [
            ("mesage", json!({"invitees": [good], "mesage": "Hi"})),
            (
                "invitees[1].nmae",
                json!({"invitees": [good, {"email": "bo@example.com", "nmae": "Bo"}]}),
            ),
            (
                "invitees[1].email",
                json!({"invitees": [good, {"email": 7}]}),
            ),
            ("invitees[1]", json!({"invitees": [good, {"name": "Bo"}]})),
            ("invitees[1]", json!({"invitees": [good, "bo@example.com"]})),
            (
                "invitees[0].metadata",
                json!({"invitees": [{"email": "a@example.com", "metadata": [1]}]}),
            ),
            (
                "invitees[0].groups[1]",
                json!({"invitees": [{"email": "a@example.com", "groups": ["a", 1]}]}),
            ),
            ("invitees", json!({"invitees": "ann@example.com"})),
            ("text", json!({"text": ["ann@example.com"]})),
            ("notify", json!({"invitees": [good], "notify": "yes"})),
            (
                "expires_in_days",
                json!({"invitees": [good], "expires_in_days": 1.5}),
            ),
            (
                "expires_in_days",
                json!({"invitees": [good], "expires_in_days": "7"}),
            ),
        ] {
            let answer = app.post("/v1/invitations", &body).await;
            assert_eq!(
                (answer.status, answer.code(), &answer.body["field"]),
                (400, "invalid_body", &json!(field)),
                "{body}"
            );
        }
        for body in [
            json!(null),
            json!("ann@example.com"),
            json!(["ann@example.com"]),
            json!([]),
        ] {
            let answer = app.post("/v1/invitations", &body).await;
            assert_eq!(
                (answer.status, answer.code()),
                (400, "invalid_body"),
                "{body}"
            );
        }
        assert_nobody_is_invited(app).await;
    })
    .await;
}

#[tokio::test]
async fn a_field_beyond_its_limits_invites_nobody_and_is_named() {
    with_app(async |app| {
        let many: Vec<_> = (0..21).map(|n| format!("g{n}")).collect();
        for (field, value) in [
            ("locale", json!("no language")),
            ("locale", json!("")),
            ("groups", json!(many)),
            ("groups", json!(["two words"])),
            ("groups", json!(["x".repeat(65)])),
            ("message", json!("x".repeat(1001))),
            ("message", json!("bell\u{7}")),
            ("expires_in_days", json!(0)),
            ("expires_in_days", json!(-1)),
            ("expires_in_days", json!(366)),
            ("expires_in_days", json!(i64::MAX)),
            ("redirect_url", json!("https://evil.example/")),
            ("redirect_url", json!(format!("{}.evil.example/", app.stack.url))),
            ("redirect_url", json!(format!("{}@evil.example/", app.stack.url))),
            ("redirect_url", json!("javascript:alert(1)")),
            ("redirect_url", json!("/welcome")),
        ] {
            let mut body = json!({"text": "ann@example.com"});
            body[field] = value;
            let answer = app.post("/v1/invitations", &body).await;
            assert_eq!((answer.status, answer.code(), &answer.body["field"]), (400, "invalid_field", &json!(field)), "{body}");
        }
        let text = r#"{"text": "ann@example.com"}"#;
        for key in ["k".repeat(256), "a\tb".to_owned(), String::new()] {
            let headers = [("content-type", "application/json"), ("idempotency-key", key.as_str())];
            let answer = send(app, &headers, text).await;
            assert_eq!((answer.status, answer.code(), &answer.body["field"]), (400, "invalid_field", &json!("Idempotency-Key")), "{key:?}");
        }
        assert_nobody_is_invited(app).await;
        let redirect = format!("{}/welcome", app.stack.url);
        let answer = app.post("/v1/invitations", &json!({"text": "ann@example.com", "redirect_url": redirect, "expires_in_days": 365})).await;
        assert_eq!(outcomes(&answer), ["invited"]);
    })
    .await;
}

#[tokio::test]
async fn a_request_without_one_clear_list_of_addresses_invites_nobody() {
    with_app(async |app| {
        let many: Vec<_> = (0..10_001)
            .map(|n| json!({"email": format!("p{n}@example.com")}))
            .collect();
        for (code, body) in [
            ("invitees_or_text", json!({})),
            (
                "invitees_or_text",
                json!({"text": "ann@example.com", "invitees": [{"email": "ann@example.com"}]}),
            ),
            ("invitees_or_text", json!({"text": null, "invitees": null})),
            ("no_addresses", json!({"invitees": []})),
            ("no_addresses", json!({"text": " ,;\n"})),
            ("too_many_addresses", json!({"invitees": many})),
        ] {
            let answer = app.post("/v1/invitations", &body).await;
            assert_eq!((answer.status, answer.code()), (400, code));
        }
        assert_nobody_is_invited(app).await;
    })
    .await;
}

#[tokio::test]
async fn a_body_over_6_mb_is_refused_with_an_answer_and_not_with_a_broken_connection() {
    with_app(async |app| {
        let json = [("content-type", "application/json")];
        for megabytes in [7, 7, 7, 20] {
            let body = format!(
                "{{\"text\": \"ann@example.com{}\"}}",
                " ".repeat(megabytes << 20)
            );
            let answer = send(app, &json, body).await;
            assert_eq!((answer.status, answer.code()), (413, "body_too_large"));
        }
        // What counts is the event, in which a quote takes two bytes.
        let body = format!(
            "{{\"text\": \"ann@example.com\", \"message\": {}}}",
            "\"\",".repeat(3 << 19)
        );
        assert_eq!(
            (
                send(app, &json, body.clone()).await.status,
                body.len() < 6 << 20
            ),
            (413, true)
        );
        let answer = app
            .request(
                Method::POST,
                "/v1/invitations",
                &json,
                Some(vec![b' '; 7 << 20]),
            )
            .await;
        assert_eq!(answer.status, 401);
        assert_nobody_is_invited(app).await;
    })
    .await;
}

#[tokio::test]
async fn a_mistake_of_megabytes_is_not_sent_back_in_megabytes() {
    with_app(async |app| {
        let long = "\u{1}".repeat(1 << 19);
        for body in [
            json!({"invitees": long}),
            json!({"invitees": [{"email": "ann@example.com", "expires": {long.clone(): 1}}]}),
            json!({"text": "ann@example.com", long.clone(): 1}),
            json!({"text": "ann@example.com", "expires_in_days": long}),
        ] {
            let answer = app.post("/v1/invitations", &body).await;
            let length = answer.body.to_string().len();
            assert_eq!((answer.status, length < 4000), (400, true), "{length}");
        }
        let paths = [
            format!("/v1/users?{}=1", "x".repeat(5000)),
            format!("/v1/users?q={}", "x".repeat(5000)),
        ];
        for path in paths {
            let answer = app.get(&path).await;
            assert!(answer.status < 500 && answer.body.to_string().len() < 8000);
        }
        assert_nobody_is_invited(app).await;
    })
    .await;
}

#[tokio::test]
async fn what_is_no_address_is_a_row_of_its_own_and_the_others_are_invited() {
    with_app(async |app| {
        let bad = [
            "",
            " ",
            "ann",
            "ann@bo@example.com",
            "ann\u{FF20}example.com",
            "ann@evil.example\u{FF20}example.com",
            "a\0@example.com",
            "a\u{7f}b@example.com",
            "a\tb@example.com",
            "ann@example.com\r\nBcc: victim@example.com",
            "victim@example.com\n",
            "jürgen@example.com",
            &format!("{}@example.com", "x".repeat(300)),
            "ann@example",
            "ann@127.0.0.1",
            "\"ann\"@example.com",
            "<ann@example.com>",
        ];
        let mut invitees: Vec<_> = bad.iter().map(|email| json!({"email": email})).collect();
        invitees.push(json!({"email": "good@example.com"}));
        let answer = app
            .post("/v1/invitations", &json!({"invitees": invitees}))
            .await;
        assert_eq!(
            (
                answer.status,
                answer.body["results"].as_array().unwrap().len()
            ),
            (200, bad.len() + 1)
        );
        for (row, email) in answer.body["results"].as_array().unwrap().iter().zip(bad) {
            // White space around an address is dropped, a line break too.
            let expected = if email == "victim@example.com\n" {
                "invited"
            } else {
                "invalid_email"
            };
            assert_eq!(row["outcome"], expected, "{email:?}");
        }
        let users = app.get("/v1/users").await;
        assert_eq!(users.body["data"].as_array().unwrap().len(), 2);
        assert_eq!(app.mails("good@example.com").await.len(), 1);
        assert_eq!(app.mails("victim@example.com").await.len(), 1);
        assert_eq!(app.stack.mailbox.list(None).len(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_row_with_a_bad_name_locale_or_metadata_stops_no_other() {
    with_app(async |app| {
        let many: Vec<_> = (0..21).map(|n| format!("g{n}")).collect();
        let bad = [
            ("name", json!("Ann\r\nBcc: victim@example.com")),
            ("name", json!("Win at https://spam.example")),
            ("name", json!("www.spam.example")),
            ("name", json!(" ")),
            ("name", json!("x".repeat(101))),
            ("locale", json!("no language")),
            ("groups", json!(many)),
            ("groups", json!(["two words"])),
            ("external_id", json!("x".repeat(256))),
            ("metadata", json!({"x": "x".repeat(4096)})),
        ];
        let rows = bad.iter().enumerate().map(|(n, (field, value))| {
            let mut row = json!({"email": format!("p{n}@example.com")});
            row[*field] = value.clone();
            row
        });
        let mut invitees: Vec<_> = rows.collect();
        invitees.push(json!({"email": "good@example.com"}));
        // The same address again, this time without a mistake: the row before has not taken it.
        invitees.push(json!({"email": "p0@example.com"}));
        let answer = app
            .post("/v1/invitations", &json!({"invitees": invitees}))
            .await;
        assert_eq!(
            answer.body["counts"],
            json!({"total": 12, "invited": 2, "not_invited": 10})
        );
        for (row, (field, _)) in answer.body["results"].as_array().unwrap().iter().zip(&bad) {
            assert_eq!(row["outcome"], "invalid_invitee", "{row}");
            assert!(row["detail"].as_str().unwrap().contains(field), "{row}");
        }
        assert_eq!(outcomes(&answer)[10..], ["invited", "invited"]);
        app.stack.settled().await;
        assert_eq!(app.stack.mailbox.list(None).len(), 2);
    })
    .await;
}

#[tokio::test]
async fn html_in_a_name_is_only_text() {
    with_app(async |app| {
        let inviter = app.token(&json!({"name": "<i>Al</i> & Co"})).await;
        let name = "<b>Ann</b> & \"Lee\" {{accept_url}}";
        let body = json!({"invitees": [{"email": "ann@example.com", "name": name}], "message": "<script>alert(1)</script>"});
        assert_eq!(outcomes(&app.post_as(&inviter, "/v1/invitations", &body).await), ["invited"]);
        let mail = app.mails("ann@example.com").await.remove(0);
        assert_eq!(mail.subject, "<i>Al</i> & Co invites you to Acme");
        assert!(mail.text.contains(&format!("Hello {name},")), "{}", mail.text);
        assert!(mail.text.contains("<i>Al</i> & Co invites"), "{}", mail.text);
        assert!(mail.html.contains("&lt;b&gt;Ann&lt;/b&gt; &amp; &quot;Lee&quot; {{accept_url}}"), "{}", mail.html);
        for bad in ["<b>", "<i>", "<script>"] {
            assert!(!mail.html.contains(bad), "{bad} in {}", mail.html);
        }
        assert_eq!(app.lookup(&token_in(&mail.text)).await.body["name"], name);
    })
    .await;
}

#[tokio::test]
async fn one_mailbox_in_two_spellings_is_invited_once() {
    with_app(async |app| {
        let text = "Ann@Example.com, ann@example.COM, ANN@EXAMPLE.COM";
        let answer = app.post("/v1/invitations", &json!({"text": text})).await;
        assert_eq!(
            outcomes(&answer),
            ["invited", "duplicate_in_request", "duplicate_in_request"]
        );
        assert_eq!(app.mails("Ann@example.com").await.len(), 1);
        assert_eq!(app.stack.mailbox.list(None).len(), 1);
    })
    .await;
}

#[tokio::test]
async fn only_allowed_domains_are_invited_and_their_subdomains_are_others() {
    let variables = vec![(
        "ALLOWED_EMAIL_DOMAINS".to_owned(),
        "Example.com bücher.example".to_owned(),
    )];
    with_options(Options { variables, ..Options::default() }, async |app| {
        let text = "a@EXAMPLE.com, b@evil.example, c@sub.example.com, d@evilexample.com, e@example.com.evil.example, f@bücher.example";
        let answer = app.post("/v1/invitations", &json!({"text": text})).await;
        let no = "domain_not_allowed";
        assert_eq!(outcomes(&answer), ["invited", no, no, no, no, "invited"]);
        assert_eq!(app.get("/v1/users").await.body["data"].as_array().unwrap().len(), 2);
    })
    .await;
}

/// JSON of any shape.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[a-z]{1,8}@[a-z]{1,8}\\.[a-z]{2,3}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((any::<String>(), inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// An object of some of these fields, with anything in them.
fn object_of(
    fields: &'static [&'static str],
    value: impl Strategy<Value = Value>,
) -> impl Strategy<Value = Value> {
    prop::collection::vec((prop::sample::select(fields), value), 0..4).prop_map(|members| {
        let members: Map<_, _> = members
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        Value::Object(members)
    })
}

#[test]
fn no_json_whatsoever_is_an_error_of_ours() {
    let row = object_of(
        &[
            "email",
            "name",
            "locale",
            "groups",
            "external_id",
            "metadata",
        ],
        any_json(),
    );
    let value = prop_oneof![
        any_json(),
        prop::collection::vec(row, 0..4).prop_map(Value::from)
    ];
    let fields = &[
        "invitees",
        "text",
        "locale",
        "groups",
        "message",
        "expires_in_days",
        "redirect_url",
        "notify",
        "token",
    ];
    let body = prop_oneof![any_json(), object_of(fields, value)];
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let app = runtime.block_on(App::start(Options::default()));
    let config = Config {
        cases: 64,
        failure_persistence: None,
        ..Config::default()
    };
    let mut runner =
        TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let result = runner.run(&body, |body| {
        let (invited, found) = runtime.block_on(async {
            (
                app.post("/v1/invitations", &body).await,
                app.public("/v1/accept/lookup", &body).await,
            )
        });
        prop_assert!(invited.status < 500, "{invited:?}");
        prop_assert!(matches!(found.status, 400 | 404), "{found:?}");
        Ok(())
    });
    result.unwrap();
    runtime.block_on(async {
        app.assert_no_mail_is_left().await;
        app.stack.stop().await;
    });
}
