//! Every error that the API can answer, one snapshot a code, so that its whole wording can be read in one place.
//!
//! Each snapshot lists the ways to the code: what was done, and the body that came back. Nothing is redacted.

use std::{collections::BTreeMap, fmt::Write};

use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};
use usher_local::{
    Options,
    ses::{Fault, SesError},
};

use crate::{
    app::{App, Response, with_app, with_options},
    faults::{Proxy, Reply},
};

/// All codes. One that is missing here, or can't be reached any more, fails the test.
const CODES: [&str; 60] = [
    "address_taken",
    "administrators_in_sign_in",
    "administrators_only",
    "already_declined",
    "already_registered",
    "already_revoked",
    "body_too_large",
    "changed_meanwhile",
    "daily_limit",
    "declined",
    "domain_not_allowed",
    "expired",
    "function_unreachable",
    "ids_or_state",
    "incomplete_template",
    "internal_error",
    "invalid_body",
    "invalid_claim",
    "invalid_cursor",
    "invalid_dry_run",
    "invalid_email",
    "invalid_field",
    "invalid_if_match",
    "invalid_json",
    "invalid_limit",
    "invalid_state",
    "invalid_user_id",
    "invitation_already_used",
    "invitation_declined",
    "invitation_expired",
    "invitation_not_found",
    "invitation_revoked",
    "invitation_still_valid",
    "invitees_or_text",
    "mail_not_sent",
    "mail_refused",
    "mail_service_unavailable",
    "missing_scope",
    "no_address",
    "no_addresses",
    "no_ids",
    "no_such_route",
    "not_revoked",
    "not_signed_in",
    "not_suppressed",
    "nothing_to_change",
    "oneself",
    "precondition_required",
    "revoked",
    "suppressed",
    "template_not_found",
    "template_refused",
    "temporarily_unavailable",
    "too_many_addresses",
    "too_many_ids",
    "too_soon",
    "unknown_parameter",
    "unsupported_media_type",
    "user_not_found",
    "wrong_host",
];

/// The answers so far, by code.
#[derive(Default)]
struct Wording(BTreeMap<String, Vec<Value>>);

impl Wording {
    /// Keeps an answer, which must be a whole problem.
    fn note(&mut self, when: &str, answer: Response) {
        let code = answer.code().to_owned();
        assert_eq!(
            answer.headers["content-type"], "application/problem+json",
            "{answer:?}"
        );
        assert_eq!(answer.body["status"], answer.status, "{answer:?}");
        self.0
            .entry(code)
            .or_default()
            .push(json!({"when": when, "body": answer.body}));
    }

    async fn invite(&mut self, app: &App, when: &str, body: Value) {
        self.note(when, app.post("/v1/invitations", &body).await);
    }

    async fn raw(&mut self, app: &App, when: &str, content_type: &str, body: &[u8]) {
        let authorization = format!("Bearer {}", app.admin);
        let headers = [
            ("content-type", content_type),
            ("authorization", &authorization),
        ];
        let answer = app
            .request(
                Method::POST,
                "/v1/invitations",
                &headers,
                Some(body.to_vec()),
            )
            .await;
        self.note(when, answer);
    }

    async fn get(&mut self, app: &App, path: &str) {
        self.note(path, app.get(path).await);
    }
}

#[tokio::test]
async fn every_problem_says_in_a_sentence_what_is_wrong_and_what_to_do() {
    let mut wording = Wording::default();
    with_app(async |app| {
        bodies(app, &mut wording).await;
        fields(app, &mut wording).await;
        callers_and_routes(app, &mut wording).await;
        lists_and_users(app, &mut wording).await;
        links(app, &mut wording).await;
        dry_runs(app, &mut wording).await;
        suppressions(app, &mut wording).await;
        many(app, &mut wording).await;
        restored_and_shown(app, &mut wording).await;
        corrections(app, &mut wording).await;
        decisions(app, &mut wording).await;
    })
    .await;
    other_domains(&mut wording).await;
    outages(&mut wording).await;
    let codes: Vec<_> = wording.0.keys().map(String::as_str).collect();
    assert_eq!(codes, CODES);
    for (code, answers) in &wording.0 {
        insta::assert_json_snapshot!(code.as_str(), answers);
    }
    let bodies = wording.0.values().flatten().map(|answer| &answer["body"]);
    let texts = bodies.flat_map(|body| [&body["detail"], &body["hint"]]);
    assert_sentences(texts.map(|text| text.as_str().unwrap()));
}

async fn decisions(app: &App, wording: &mut Wording) {
    let template = "/v1/templates/de";
    let test = format!("{template}/test");
    let mut words = json!({"subject": "Hi", "text": "{{accept_url}}", "html": "{{accept_url}}"});
    for (when, version, path, body) in [
        ("no version", None, "/v1/settings", json!({})),
        ("no version", None, template, words.clone()),
        (
            "a version that is none",
            Some("today"),
            template,
            words.clone(),
        ),
        ("another version", Some("\"4\""), "/v1/settings", json!({})),
        ("another version", Some("\"4\""), template, words.clone()),
        (
            "no address",
            Some("*"),
            "/v1/settings",
            json!({"reply_to": "me"}),
        ),
        (
            "not our address",
            Some("*"),
            "/v1/settings",
            json!({"sender_address": "me@else.example"}),
        ),
        (
            "a light colour",
            Some("*"),
            "/v1/settings",
            json!({"brand_color": "#ffcc00"}),
        ),
        (
            "no language of ours",
            Some("*"),
            "/v1/settings",
            json!({"default_locale": "eu"}),
        ),
        (
            "no language",
            Some("*"),
            "/v1/templates/german",
            words.clone(),
        ),
    ] {
        let answer = app.change(Method::PUT, path, version, Some(&body)).await;
        wording.note(&format!("{when}: {path}"), answer);
    }
    for (part, text) in [
        ("subject", ""),
        ("subject", "a\nb"),
        ("subject", "{{message}}"),
        ("text", "nothing"),
        ("text", "{{#if message}}{{accept_url}}{{/if}}"),
        ("text", "{{emial}}"),
        ("text", "{{reminder}}"),
        ("html", "{{#if message}}"),
        ("html", "{{#unless message}}{{/if}}"),
        ("html", "{{else}}"),
        ("html", "{{email"),
        ("html", "{{{email}}}"),
        ("html", "\\{{email}}"),
        ("html", "{{> part}}"),
        ("html", "{{accept_url}}<script>"),
        ("html", "{{accept_url}}<a onclick=x>"),
        ("html", "{{accept_url}}<a href='javascript:x'>"),
        ("html", "{{accept_url}}<a title={{email}}>"),
        ("html", "{{accept_url}}<a href='{{message}}'>"),
    ] {
        let mut bad = words.clone();
        bad[part] = json!(text);
        let answer = app
            .change(Method::PUT, template, Some("*"), Some(&bad))
            .await;
        wording.note(&format!("{part}: {text}"), answer);
    }
    wording.get(app, "/v1/templates/eu").await;
    wording.note("one part", app.post(&test, &json!({"text": "Hi"})).await);
    let without = json!({"sample": {"without": ["email"]}});
    wording.note("without what must be", app.post(&test, &without).await);
    words["user_id"] = json!("nobody");
    wording.note("for nobody", app.post(&test, &words).await);
    let nobody = app.token(&json!({"email": ""})).await;
    wording.note("no address", app.post_as(&nobody, &test, &json!({})).await);
    for status in [
        "MESSAGE_REJECTED",
        "ACCOUNT_DAILY_QUOTA_EXCEEDED",
        "TRANSIENT_FAILURE",
    ] {
        app.stack.ses.fail_next(Fault::EntryStatus(status.into()));
        wording.note(status, app.post(&test, &json!({})).await);
    }
    app.stack.ses.fail_next(Fault::DropConnectionAfterAccept);
    wording.note("a lost answer", app.post(&test, &json!({})).await);
}

async fn suppressions(app: &App, wording: &mut Wording) {
    for (address, reason) in [
        ("complaint@simulator.amazonses.com", "complained"),
        ("bounce@simulator.amazonses.com", "bounced"),
    ] {
        let id = app.invite(address).await;
        app.stack.settled().await;
        app.advance(SignedDuration::from_mins(2));
        let resend = format!("/v1/users/{id}/resend");
        wording.note(reason, app.post(&resend, &json!({})).await);
        if reason == "complained" {
            let token = app.mailed_token(address).await;
            app.advance(SignedDuration::from_hours(8 * 24));
            let renewed = app
                .public("/v1/accept/renew", &json!({"token": token}))
                .await;
            wording.note("renew", renewed);
        }
        let lift = format!("/v1/users/{id}/suppression");
        let denied = SesError::AccessDenied("You are not authorized.".into());
        let fault = Fault::OperationRefused("DeleteSuppressedDestination", denied);
        app.stack.ses.fail_next(fault);
        wording.note("SES refuses", app.delete(&lift).await);
        assert_eq!(app.delete(&lift).await.status, 200);
        wording.note("not suppressed", app.delete(&lift).await);
    }
}

async fn many(app: &App, wording: &mut Wording) {
    let ids: Vec<_> = (0..10_001).map(|_| "usr").collect();
    for (when, body) in [
        ("neither ids nor state", json!({})),
        (
            "both ids and state",
            json!({"ids": ids[..1], "state": "pending"}),
        ),
        ("no ids", json!({"ids": []})),
        ("10,001 ids", json!({"ids": ids})),
        ("resending to the declined", json!({"state": "declined"})),
        (
            "reactivating a state",
            json!({"state": "pending", "reactivate": true}),
        ),
        ("after with ids", json!({"ids": ids[..1], "after": "bjo"})),
    ] {
        wording.note(when, app.post("/v1/invitations/resend", &body).await);
    }
}

async fn restored_and_shown(app: &App, wording: &mut Wording) {
    let body = json!({"text": "ada@example.com", "groups": ["administrators"]});
    let ada = app.post("/v1/invitations", &body).await.body["results"][0]["user_id"].clone();
    let others = app
        .token(&json!({"scope": "users:invite users:write"}))
        .await;
    let path = |id: &Value, what: &str| format!("/v1/users/{}/{what}", id.as_str().unwrap());
    wording.note(
        "another's link",
        app.get_as(&others, &path(&ada, "link")).await,
    );
    app.post(&path(&ada, "revoke"), &json!({})).await;
    for what in ["restore", "resend"] {
        let body = json!({"reactivate": true});
        let answer = app.post_as(&others, &path(&ada, what), &body).await;
        wording.note(what, answer);
    }
    wording.note("a revoked link", app.get(&path(&ada, "link")).await);
    let restored = app.post(&path(&ada, "restore"), &json!({})).await;
    assert_eq!(restored.status, 200, "{restored:?}");
    wording.note(
        "pending",
        app.post(&path(&ada, "restore"), &json!({})).await,
    );
    app.advance(SignedDuration::from_hours(8 * 24));
    wording.note(
        "expired",
        app.post(&path(&ada, "restore"), &json!({})).await,
    );
    wording.note("an expired link", app.get(&path(&ada, "link")).await);
    for name in ["cy", "bo"] {
        let found = app.get(&format!("/v1/users?q={name}@")).await;
        let id = &found.body["data"][0]["id"];
        wording.note(name, app.post(&path(id, "restore"), &json!({})).await);
        wording.note(name, app.get(&path(id, "link")).await);
    }
    for email in ["bo@example.com", "nobody@example.com", "nonsense"] {
        let body = json!({"email": email});
        wording.note(email, app.post("/v1/suppressions/lift", &body).await);
    }
}

async fn corrections(app: &App, wording: &mut Wording) {
    let people = json!({"invitees": [{"email": "fay@example.com", "groups": ["administrators"]}]});
    let answer = app.post("/v1/invitations", &people).await;
    let fay = answer.body["results"][0]["user_id"].as_str().unwrap();
    let path = format!("/v1/users/{fay}");
    app.invite("taken@example.com").await;
    let gone = app.invite("gone@example.com").await;
    let token = app.mailed_token("gone@example.com").await;
    app.public("/v1/accept/decline", &json!({"token": token}))
        .await;
    let erased = app.delete(&format!("/v1/users/{gone}")).await;
    assert_eq!(erased.body["suppression_kept"], true, "{erased:?}");
    let writer = app.token(&json!({"scope": "users:write"})).await;
    for body in [
        json!({}),
        json!({"email": "nonsense"}),
        json!({"name": "", "locale": "de"}),
        json!({"expires_in_days": 3}),
        json!({"email": "taken@example.com"}),
        json!({"email": "gone@example.com"}),
        json!({"groups": []}),
    ] {
        let token = if body["groups"].is_null() {
            &app.admin
        } else {
            &writer
        };
        let answer = app.patch_as(token, &path, &body).await;
        wording.note(&format!("PATCH {body}"), answer);
    }
    wording.note("DELETE", app.delete_as(&writer, &path).await);
    let token = app.mailed_token("fay@example.com").await;
    assert_eq!(app.accept(&token).await.status, 200);
    for body in [json!({"email": "fay2@example.com"}), json!({"groups": []})] {
        wording.note(&format!("PATCH {body}"), app.patch(&path, &body).await);
    }
    let oneself = json!({"groups": ["administrators"], "scope": "openid", "username": fay});
    let oneself = app.token(&oneself).await;
    wording.note("DELETE", app.delete_as(&oneself, &path).await);
}

/// What depends on how the functions are configured.
async fn other_domains(wording: &mut Wording) {
    let domains = "acme.example b.example c.example d.example";
    let options = Options {
        variables: vec![("ALLOWED_EMAIL_DOMAINS".into(), domains.into())],
        ..Options::default()
    };
    with_options(options, async |app| {
        let id = app.invite("ann@acme.example").await;
        let body = json!({"email": "ann@example.com"});
        let answer = app.patch(&format!("/v1/users/{id}"), &body).await;
        wording.note(&format!("PATCH {body}"), answer);
    })
    .await;
}

/// People read these: whole sentences, short enough to read, without the names of types that only the code knows.
pub(crate) fn assert_sentences<'a>(texts: impl Iterator<Item = &'a str>) {
    let jargon = ["struct ", "i64", "a sequence", "a map", "floating point"];
    let bad: Vec<_> = texts
        .filter(|text| {
            !text.ends_with('.')
                || text.ends_with("..")
                || text.contains(".. ")
                || text.contains("..:")
                || text.len() > 400
                || jargon.iter().any(|word| text.contains(word))
        })
        .collect();
    assert!(bad.is_empty(), "no sentences: {bad:#?}");
}

async fn dry_runs(app: &App, wording: &mut Wording) {
    for query in ["dry_run=1", "dryrun=true"] {
        let path = format!("/v1/invitations?{query}");
        let answer = app.post(&path, &json!({"text": "ann@example.com"})).await;
        wording.note(&path, answer);
    }
    wording.get(app, "/v1/mail-health?verbose=true").await;
}

async fn bodies(app: &App, wording: &mut Wording) {
    for (when, body) in [
        ("no JSON at all", "hello"),
        ("an empty body", ""),
        ("half a body", "{\"text\": \"ann@example.com\""),
        (
            "a second value after the first",
            "{\"text\": \"ann@example.com\"} {}",
        ),
    ] {
        wording
            .raw(app, when, "application/json", body.as_bytes())
            .await;
    }
    wording
        .raw(app, "no UTF-8", "application/json", b"{\"text\": \"\xFF\"}")
        .await;
    wording.raw(app, "text/plain", "text/plain", b"{}").await;
    wording
        .raw(
            app,
            "7 MB",
            "application/json",
            &vec![b' '; 7 * 1024 * 1024],
        )
        .await;
    for (when, body) in [
        (
            "an unknown field",
            json!({"text": "ann@example.com", "mesage": "Hi"}),
        ),
        (
            "an unknown field in a row",
            json!({"invitees": [{"email": "a@example.com"}, {"email": "b@example.com", "nmae": "B"}]}),
        ),
        (
            "a row without an address",
            json!({"invitees": [{"name": "Ann"}]}),
        ),
        (
            "rows that are only addresses",
            json!({"invitees": ["ann@example.com"]}),
        ),
        (
            "invitees that are no list",
            json!({"invitees": "ann@example.com"}),
        ),
        (
            "an address that is a number",
            json!({"invitees": [{"email": 1}]}),
        ),
        (
            "metadata that is a list",
            json!({"invitees": [{"email": "a@example.com", "metadata": []}]}),
        ),
        (
            "groups that are a text",
            json!({"text": "ann@example.com", "groups": "staff"}),
        ),
        (
            "notify that is a text",
            json!({"text": "ann@example.com", "notify": "yes"}),
        ),
        (
            "expires_in_days of 1.5",
            json!({"text": "ann@example.com", "expires_in_days": 1.5}),
        ),
        (
            "expires_in_days as a text",
            json!({"text": "ann@example.com", "expires_in_days": "7"}),
        ),
        ("a body that is a list", json!([])),
        ("a body that is a text", json!("ann@example.com")),
    ] {
        wording.invite(app, when, body).await;
    }
    wording.note(
        "accepting without a token",
        app.public("/v1/accept", &json!({"name": "Ann"})).await,
    );
    let many: Vec<_> = (0..10_001)
        .map(|n| json!({"email": format!("p{n}@example.com")}))
        .collect();
    for (when, body) in [
        ("neither invitees nor text", json!({"message": "Hi"})),
        (
            "both invitees and text",
            json!({"invitees": [], "text": ""}),
        ),
        ("no invitees", json!({"invitees": []})),
        ("a text of spaces", json!({"text": " \n "})),
        ("10,001 addresses", json!({"invitees": many})),
    ] {
        wording.invite(app, when, body).await;
    }
}

async fn fields(app: &App, wording: &mut Wording) {
    let groups: Vec<_> = (0..21).map(|n| format!("g{n}")).collect();
    for (field, value) in [
        ("locale", json!("no language")),
        ("groups", json!(groups)),
        ("groups", json!(["two words"])),
        ("groups", json!([""])),
        ("message", json!("x".repeat(1001))),
        ("message", json!("bell\u{7}")),
        ("message", json!(" ")),
        ("expires_in_days", json!(0)),
        ("expires_in_days", json!(366)),
        ("redirect_url", json!("https://evil.example/")),
        ("redirect_url", json!("javascript:alert(1)")),
    ] {
        let mut body = json!({"text": "ann@example.com"});
        body[field] = value;
        let mut when = format!("{field}: {}", body[field]);
        when.truncate(60);
        wording.invite(app, &when, body).await;
    }
    let authorization = format!("Bearer {}", app.admin);
    for (when, key) in [
        ("an Idempotency-Key of 256 characters", "k".repeat(256)),
        ("an Idempotency-Key with a tab", "a\tb".to_owned()),
    ] {
        let headers = [
            ("content-type", "application/json"),
            ("authorization", &authorization),
            ("idempotency-key", &key),
        ];
        let body = json!({"text": "ann@example.com"}).to_string().into_bytes();
        wording.note(
            when,
            app.request(Method::POST, "/v1/invitations", &headers, Some(body))
                .await,
        );
    }
    for (when, name) in [
        ("accepting without a name", None),
        ("accepting with an empty name", Some(" ".to_owned())),
        (
            "accepting with a name of two lines",
            Some("Ann\nLee".to_owned()),
        ),
        (
            "accepting with a name that is a web address",
            Some("www.spam.example".to_owned()),
        ),
        (
            "accepting with a name of 101 characters",
            Some("x".repeat(101)),
        ),
    ] {
        let body = json!({"token": "inv_", "name": name});
        wording.note(when, app.public("/v1/accept", &body).await);
    }
    wording.note(
        "time backwards",
        app.public("/_local/clock", &json!({"advance_seconds": -1}))
            .await,
    );
}

async fn callers_and_routes(app: &App, wording: &mut Wording) {
    wording.note(
        "without a sign-in token",
        app.request(Method::GET, "/v1/users", &[], None).await,
    );
    wording.note(
        "with something that is no token",
        app.get_as("abc", "/v1/users").await,
    );
    let expired = app.token(&json!({"expires_in_seconds": -1})).await;
    wording.note(
        "with an expired token",
        app.get_as(&expired, "/v1/users").await,
    );
    let id = "usr_01ARZ3NDEKTSV4RRFFQ69G5FAV";
    let none = app.token(&json!({"scope": "openid"})).await;
    wording.note("users:read", app.get_as(&none, "/v1/users").await);
    wording.note(
        "users:invite",
        app.post_as(&none, "/v1/invitations", &json!({})).await,
    );
    wording.note(
        "users:write",
        app.post_as(&none, &format!("/v1/users/{id}/revoke"), &json!({}))
            .await,
    );
    for claims in [json!({"sub": ""}), json!({"tenant": "two words"})] {
        let token = app.token(&claims).await;
        wording.note(&claims.to_string(), app.get_as(&token, "/v1/users").await);
    }
    wording.get(app, "/v2/users").await;
    wording.note("a method that the route lacks", app.get("/v1/accept").await);
    let headers = [("host", "evil.example")];
    wording.note(
        "another host",
        app.request(Method::GET, "/v1/users", &headers, None).await,
    );
}

async fn lists_and_users(app: &App, wording: &mut Wording) {
    for path in [
        "/v1/users?limit=0",
        "/v1/users?after=rubbish",
        "/v1/users?state=lost",
        "/v1/users?sate=pending",
        "/v1/users/ann",
        "/v1/users/usr_01ARZ3NDEKTSV4RRFFQ69G5FAV",
    ] {
        wording.get(app, path).await;
    }
}

async fn links(app: &App, wording: &mut Wording) {
    wording.note("a link that never was", app.lookup("inv_").await);
    let id = app.invite("ann@example.com").await;
    let path = |what: &str| format!("/v1/users/{id}/{what}");
    let token = app.mailed_token("ann@example.com").await;
    let renew = async || {
        app.public("/v1/accept/renew", &json!({"token": token}))
            .await
    };
    wording.note(
        "resending at once",
        app.post(&path("resend"), &json!({})).await,
    );
    wording.note("renewing a valid link", renew().await);
    for _ in 1..10 {
        app.advance(SignedDuration::from_secs(60));
        app.stack.settled().await;
        assert_eq!(app.post(&path("resend"), &json!({})).await.status, 200);
    }
    app.advance(SignedDuration::from_secs(60));
    wording.note(
        "resending for the eleventh time",
        app.post(&path("resend"), &json!({})).await,
    );
    let token = app.mailed_token("ann@example.com").await;
    app.advance(SignedDuration::from_hours(24 * 7));
    wording.note("an expired link", app.lookup(&token).await);
    let revoked = app.post(&path("revoke"), &json!({})).await;
    assert_eq!(revoked.status, 200, "{revoked:?}");
    wording.note("a revoked link", app.lookup(&token).await);
    wording.note(
        "revoking twice",
        app.post(&path("revoke"), &json!({})).await,
    );
    wording.note(
        "resending what is revoked",
        app.post(&path("resend"), &json!({})).await,
    );

    let id = app.invite("bo@example.com").await;
    let path = |what: &str| format!("/v1/users/{id}/{what}");
    let token = app.mailed_token("bo@example.com").await;
    let body = json!({"token": token});
    assert_eq!(app.public("/v1/accept/decline", &body).await.status, 200);
    wording.note("a declined link", app.lookup(&token).await);
    wording.note(
        "revoking what is declined",
        app.post(&path("revoke"), &json!({})).await,
    );
    wording.note(
        "resending what is declined",
        app.post(&path("resend"), &json!({})).await,
    );

    let id = app.invite("cy@example.com").await;
    let path = |what: &str| format!("/v1/users/{id}/{what}");
    let token = app.mailed_token("cy@example.com").await;
    assert_eq!(app.accept(&token).await.status, 200);
    wording.note("a used link", app.accept(&token).await);
    wording.note(
        "revoking a registered user",
        app.post(&path("revoke"), &json!({})).await,
    );
    wording.note(
        "resending to a registered user",
        app.post(&path("resend"), &json!({})).await,
    );
}

async fn outages(wording: &mut Wording) {
    let (proxy, options) = Proxy::start().await;
    let app = App::start(options).await;
    proxy.inject("Query", usize::MAX, Reply::Error("ThrottlingException"));
    wording.note(
        "listing while the table is throttled",
        app.get("/v1/users").await,
    );
    proxy.inject(
        "TransactWriteItems",
        usize::MAX,
        Reply::Error("ThrottlingException"),
    );
    wording
        .invite(
            &app,
            "inviting while the table is throttled",
            json!({"text": "ann@example.com"}),
        )
        .await;
    proxy.inject("GetItem", 1, Reply::Error("AccessDeniedException"));
    let path = "/v1/users/usr_01ARZ3NDEKTSV4RRFFQ69G5FAV";
    wording.note("reading without permission", app.get(path).await);
    app.stack.stop().await;

    let nowhere = Options {
        functions_url: Some("http://127.0.0.1:1".to_owned()),
        ..Options::default()
    };
    let app = App::start(nowhere).await;
    wording.note("no `cargo lambda watch`", app.get("/v1/users").await);
    app.stack.stop().await;
}

#[tokio::test]
async fn every_row_that_is_not_invited_says_in_a_sentence_why_and_what_to_do() {
    let variables = vec![(
        "ALLOWED_EMAIL_DOMAINS".to_owned(),
        "example.com bücher.example".to_owned(),
    )];
    let options = Options {
        variables,
        ..Options::default()
    };
    crate::app::with_options(options, async |app| {
        let mut ids = Vec::new();
        for name in ["pending", "expired", "accepted", "revoked", "declined"] {
            let days = if name == "expired" { 1 } else { 30 };
            let body = json!({"text": format!("{name}@example.com"), "expires_in_days": days});
            let answer = app.post("/v1/invitations", &body).await;
            ids.push(
                answer.body["results"][0]["user_id"]
                    .as_str()
                    .unwrap()
                    .to_owned(),
            );
        }
        app.accept(&app.mailed_token("accepted@example.com").await)
            .await;
        app.post(&format!("/v1/users/{}/revoke", ids[3]), &json!({}))
            .await;
        let body = json!({"token": app.mailed_token("declined@example.com").await});
        app.public("/v1/accept/decline", &body).await;
        app.advance(SignedDuration::from_hours(24));

        let mut invitees: Vec<_> = [
            "pending@example.com",
            "expired@example.com",
            "accepted@example.com",
            "revoked@example.com",
            "declined@example.com",
            "PENDING@Example.com",
            "ann@example.org",
            "",
            "ann",
            "a@b@example.com",
            "ann\u{FF20}example.com",
            "a\0@example.com",
            "a b@example.com",
            "ann@example.com\r\nBcc: z@example.com",
            "jürgen@example.com",
            &format!("{}@example.com", "x".repeat(300)),
            "a\"b@example.com",
            "a..b@example.com",
            "a@localhost",
            &format!("a@{}.com", "b".repeat(250)),
        ]
        .map(|email| json!({"email": email}))
        .into();
        let groups: Vec<_> = (0..21).map(|n| format!("g{n}")).collect();
        for (field, value) in [
            ("name", json!("Ann\r\nBcc: z@example.com")),
            ("name", json!("Win at https://spam.example")),
            ("name", json!("")),
            ("name", json!("x".repeat(101))),
            ("locale", json!("no language")),
            ("groups", json!(groups)),
            ("groups", json!(["two words"])),
            ("external_id", json!("x".repeat(256))),
            ("metadata", json!({"x": "x".repeat(4096)})),
        ] {
            let mut row = json!({"email": "ann@example.com"});
            row[field] = value;
            invitees.push(row);
        }
        let answer = app
            .post("/v1/invitations", &json!({"invitees": invitees}))
            .await;
        assert_eq!(
            answer.body["counts"],
            json!({"total": invitees.len(), "invited": 0, "not_invited": invitees.len()})
        );
        let mut table = String::new();
        let rows = answer.body["results"].as_array().unwrap();
        for row in rows {
            let detail = row["detail"].as_str().unwrap();
            writeln!(
                table,
                "{}\n  {}\n  {detail}\n",
                row["input"],
                row["outcome"].as_str().unwrap()
            )
            .unwrap();
        }
        insta::assert_snapshot!("rows", table);
        assert_sentences(rows.iter().map(|row| row["detail"].as_str().unwrap()));
    })
    .await;
}
