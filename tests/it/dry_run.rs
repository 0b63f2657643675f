//! A dry run answers as the real call would, and changes nothing.

use jiff::SignedDuration;
use proptest::{collection::vec, prelude::*, sample::select, test_runner::TestRunner};
use reqwest::Method;
use serde_json::{Map, Value, json};
use tokio::runtime::Runtime;
use usher::{aws, config::Environment};
use usher_local::{
    Options,
    ses::{Fault, SesError, SesOptions},
};

use crate::app::{App, Response, token_in, with_app, with_options};

const DRY: &str = "/v1/invitations?dry_run=true";
const REAL: &str = "/v1/invitations";

pub(crate) fn table(app: &App) -> aws_sdk_dynamodb::Client {
    let env: Environment = app.stack.variables.iter().cloned().collect();
    aws::dynamodb(&env).unwrap()
}

/// Every item of the table, in one order.
async fn everything(app: &App) -> Vec<String> {
    let (client, mut items) = (table(app), Vec::new());
    let mut pages = client.scan().table_name("usher").into_paginator().send();
    while let Some(page) = pages.next().await {
        let found = page.unwrap().items.unwrap_or_default();
        // As JSON, in which the attributes have one order.
        let item = |item| {
            serde_dynamo::from_item::<_, Value>(item)
                .unwrap()
                .to_string()
        };
        items.extend(found.into_iter().map(item));
    }
    items.sort();
    items
}

async fn post(app: &App, token: &str, path: &str, key: Option<&str>, body: &Value) -> Response {
    let authorization = format!("Bearer {token}");
    let mut headers = vec![
        ("content-type", "application/json"),
        ("authorization", authorization.as_str()),
    ];
    headers.extend(key.map(|key| ("idempotency-key", key)));
    let body = body.to_string().into_bytes();
    app.request(Method::POST, path, &headers, Some(body)).await
}

/// The warnings' codes and what they say.
fn warnings(answer: &Response) -> Vec<(&str, &str)> {
    let warnings = answer.body["warnings"].as_array().unwrap().iter();
    warnings
        .map(|of| (of["code"].as_str().unwrap(), of["detail"].as_str().unwrap()))
        .collect()
}

#[tokio::test]
async fn a_dry_run_says_what_would_happen_and_a_real_call_says_nothing_of_dry_runs() {
    with_app(async |app| {
        let ann = app.invite("ann@example.com").await;
        app.stack.settled().await;
        let before = everything(app).await;
        let body = json!({"text": "ann@example.com bo@example.com BO@example.com nonsense"});
        let dry = app.post(DRY, &body).await;
        assert_eq!(dry.status, 200, "{dry:?}");
        assert!(everything(app).await == before, "a dry run has written");
        assert_eq!(
            (&dry.body["dry_run"], &dry.body["warnings"]),
            (&json!(true), &json!([]))
        );
        assert_eq!(
            dry.body["counts"],
            json!({"total": 4, "invited": 1, "not_invited": 3})
        );
        assert_eq!(dry.body["results"][0]["user_id"], json!(ann));
        assert_eq!(
            (
                &dry.body["results"][1]["outcome"],
                &dry.body["results"][1]["user_id"]
            ),
            (&json!("invited"), &Value::Null)
        );
        for path in [REAL, "/v1/invitations?dry_run=false"] {
            let real = app.post(path, &body).await;
            let members: Vec<_> = real.body.as_object().unwrap().keys().cloned().collect();
            assert_eq!(members, ["counts", "results"]);
        }
        assert_eq!(app.mails("bo@example.com").await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_request_that_may_be_meant_as_a_dry_run_invites_nobody() {
    with_app(async |app| {
        let body = json!({"text": "ann@example.com"});
        for (code, query) in [
            ("invalid_dry_run", "dry_run"),
            ("invalid_dry_run", "dry_run="),
            ("invalid_dry_run", "dry_run=1"),
            ("invalid_dry_run", "dry_run=True"),
            ("invalid_dry_run", "dry_run=yes"),
            ("invalid_dry_run", "dry_run=true,true"),
            ("repeated_parameter", "dry_run=true&dry_run=true"),
            ("unknown_parameter", "dryrun=true"),
            ("unknown_parameter", "dry-run=true"),
            ("unknown_parameter", "Dry_Run=true"),
            ("unknown_parameter", "dry_run=true&notify=false"),
        ] {
            let answer = app.post(&format!("{REAL}?{query}"), &body).await;
            assert_eq!((answer.status, answer.code()), (400, code), "{query}");
        }
        assert_eq!(app.get("/v1/users").await.body["data"], json!([]));
    })
    .await;
}

#[tokio::test]
async fn in_the_sandbox_a_dry_run_says_how_many_would_get_no_mail() {
    let options = Options {
        ses: SesOptions {
            sandbox: true,
            rate: Some(1000.0),
            daily: Some(50),
            verified: vec!["ann@example.com".into(), "acme.example".into()],
            ..SesOptions::default()
        },
        ..Options::default()
    };
    with_options(options, async |app| {
        let unknown: String = (0..37).map(|n| format!("p{n}@example.com ")).collect();
        let text = format!("{unknown} ann@example.com bo@acme.example cy@mail.acme.example");
        let answer = app.post(DRY, &json!({"text": text})).await;
        let [(code, detail)] = warnings(&answer)[..] else {
            panic!("{answer:?}");
        };
        assert_eq!(code, "sandbox");
        assert!(
            detail.contains("You are in the SES sandbox; 37 of 40 addresses are not verified"),
            "{detail}"
        );
        // Whoever gets no mail, or is mailed all the same, is no reason to warn.
        for body in [
            json!({"text": text, "notify": false}),
            json!({"text": "ann@example.com bo@acme.example"}),
            json!({"text": "nonsense"}),
        ] {
            assert_eq!(app.post(DRY, &body).await.body["warnings"], json!([]));
        }
        let many: String = (0..60).map(|n| format!("p{n}@acme.example ")).collect();
        let answer = app.post(DRY, &json!({"text": many})).await;
        let [(code, detail)] = warnings(&answer)[..] else {
            panic!("{answer:?}");
        };
        assert_eq!(code, "quota_too_small");
        assert!(
            detail.contains("60 mails") && detail.contains("50 more"),
            "{detail}"
        );
    })
    .await;
}

#[tokio::test]
async fn a_dry_run_warns_of_what_ses_says_and_of_what_it_may_not_be_asked() {
    with_app(async |app| {
        let body = json!({"text": "ann@example.com"});
        let denied = SesError::AccessDenied("User is not authorized.".into());
        app.stack
            .ses
            .fail_next(Fault::OperationRefused("GetAccount", denied));
        let codes = |answer: &Response| -> Vec<String> {
            let warnings = warnings(answer).into_iter();
            warnings.map(|(code, _)| code.to_owned()).collect()
        };
        assert_eq!(codes(&app.post(DRY, &body).await), ["ses_not_allowed"]);
        app.stack.ses.change(|now| now.paused = true);
        assert_eq!(codes(&app.post(DRY, &body).await), ["sending_paused"]);
        app.stack.ses.change(|now| now.paused = false);
    })
    .await;
}

#[tokio::test]
async fn a_dry_run_of_many_reads_a_hundred_addresses_a_call() {
    let (proxy, options) = crate::faults::Proxy::start().await;
    with_options(options, async |app| {
        let text: String = (0..1000).map(|n| format!("p{n}@example.com\n")).collect();
        app.stack.settled().await;
        let before = proxy.calls("BatchGetItem");
        let answer = app.post(DRY, &json!({"text": text})).await;
        assert_eq!(answer.body["counts"]["invited"], 1000, "{}", answer.status);
        assert_eq!(proxy.calls("BatchGetItem") - before, 10);
        assert_eq!(
            (
                proxy.calls("TransactWriteItems"),
                proxy.calls("PutItem"),
                proxy.calls("UpdateItem")
            ),
            (0, 0, 0)
        );
    })
    .await;
}

/// What has happened to an address before.
#[derive(Clone, Copy, Debug)]
enum Past {
    Invited,
    InvitedWith(&'static str),
    Expired,
    Accepted,
    Revoked,
    Declined,
    Suppressed,
}

/// How many addresses there are. Few, so that coincidences are common.
const ADDRESSES: usize = 8;

fn any_past() -> impl Strategy<Value = Vec<Option<Past>>> {
    use Past::{Accepted, Declined, Expired, Invited, InvitedWith, Revoked, Suppressed};
    let past = select(vec![
        Invited,
        InvitedWith("k1"),
        InvitedWith("k2"),
        Expired,
        Accepted,
        Revoked,
        Declined,
        Suppressed,
    ]);
    vec(prop::option::of(past), ADDRESSES)
}

fn any_invitee() -> impl Strategy<Value = Value> {
    let address = (0..ADDRESSES * 2, any::<bool>()).prop_map(|(n, shouted)| {
        let address = format!("p{n}@example.com");
        if shouted {
            address.to_uppercase()
        } else {
            address
        }
    });
    let address = prop_oneof![
        8 => address,
        1 => select(vec!["nonsense", "a@@b", "x@elsewhere.test", ""]).prop_map(str::to_owned),
    ];
    let name = select(vec![
        None,
        None,
        Some("Ann Lee"),
        Some("http://bad.example"),
    ]);
    (address, name).prop_map(|(email, name)| json!({"email": email, "name": name}))
}

fn any_request() -> impl Strategy<Value = (Value, Option<&'static str>)> {
    let key = select(vec![None, Some("k1"), Some("k2"), Some("k3")]);
    let groups = select(vec![json!([]), json!(["staff"])]);
    (vec(any_invitee(), 1..12), any::<bool>(), groups, key).prop_map(
        |(invitees, notify, groups, key)| {
            let body = json!({"invitees": invitees, "notify": notify, "groups": groups});
            (body, key)
        },
    )
}

#[test]
fn a_dry_run_answers_what_the_real_call_then_answers_and_leaves_the_table_as_it_was() {
    let runtime = Runtime::new().unwrap();
    let app = runtime.block_on(App::start(Options {
        variables: vec![("ALLOWED_EMAIL_DOMAINS".into(), "example.com".into())],
        ..Options::default()
    }));
    let mut runner = TestRunner::new(ProptestConfig {
        cases: 40,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let tenants = std::cell::Cell::new(0);
    runner
        .run(&(any_past(), any_request()), |(past, request)| {
            tenants.set(tenants.get() + 1);
            runtime.block_on(compare(&app, tenants.get(), &past, request));
            Ok(())
        })
        .unwrap();
    runtime.block_on(async {
        app.assert_no_mail_is_left().await;
        app.stack.stop().await;
    });
}

async fn compare(
    app: &App,
    tenant: u32,
    past: &[Option<Past>],
    (body, key): (Value, Option<&'static str>),
) {
    let tenant = format!("t{tenant}");
    let token = app.token(&json!({"tenant": tenant})).await;
    for (n, past) in past.iter().enumerate() {
        if let Some(past) = past {
            happen(app, &token, &tenant, &format!("p{n}@example.com"), *past).await;
        }
    }
    // The links of those who were to expire are over; the others' are not.
    app.advance(SignedDuration::from_hours(25));
    app.stack.settled().await;
    let before = everything(app).await;
    let dry = post(app, &token, DRY, key, &body).await;
    assert!(everything(app).await == before, "a dry run has written");
    let real = post(app, &token, REAL, key, &body).await;
    assert_eq!((dry.status, real.status), (200, 200), "{dry:?} {real:?}");
    assert_eq!(dry.body["counts"], real.body["counts"]);
    let (dry, real) = (rows(&dry), rows(&real));
    assert_eq!(dry.len(), real.len());
    for (dry, mut real) in dry.into_iter().zip(real) {
        let made_now = dry["outcome"] == "invited" && dry["user_id"].is_null();
        if made_now {
            // Whoever is not there yet has neither an id nor a link.
            let id = real.insert("user_id".into(), Value::Null).unwrap();
            real.remove("accept_url");
            assert!(
                !before
                    .iter()
                    .any(|item| item.contains(id.as_str().unwrap()))
            );
        }
        assert_eq!(dry, real);
    }
    app.stack.settled().await;
}

fn rows(answer: &Response) -> Vec<Map<String, Value>> {
    let rows = answer.body["results"].as_array().unwrap().iter();
    rows.map(|row| row.as_object().unwrap().clone()).collect()
}

async fn happen(app: &App, token: &str, tenant: &str, address: &str, past: Past) {
    let (key, days) = match past {
        Past::Suppressed => return suppress(app, tenant, address).await,
        Past::InvitedWith(key) => (Some(key), 7),
        Past::Expired => (None, 1),
        _ => (None, 7),
    };
    let body = json!({"text": address, "notify": false, "expires_in_days": days});
    let invited = post(app, token, REAL, key, &body).await;
    let row = &invited.body["results"][0];
    assert_eq!(row["outcome"], "invited", "{invited:?}");
    let link = json!({"token": token_in(row["accept_url"].as_str().unwrap()), "name": "Ann Lee"});
    let answer = match past {
        Past::Accepted => app.public("/v1/accept", &link).await,
        Past::Declined => {
            let link = json!({"token": link["token"]});
            app.public("/v1/accept/decline", &link).await
        }
        Past::Revoked => {
            let path = format!("/v1/users/{}/revoke", row["user_id"].as_str().unwrap());
            app.post_as(token, &path, &json!({})).await
        }
        _ => return,
    };
    assert_eq!(answer.status, 200, "{past:?} {answer:?}");
}

/// An address whose user is gone, and which must not be written to all the same.
async fn suppress(app: &App, tenant: &str, address: &str) {
    let row = json!({
        "pk": format!("ADDRESS#{tenant}#{address}"),
        "sk": "ADDRESS",
        "suppressed": {"reason": "declined", "at": 0},
    });
    let item = serde_dynamo::to_item(row).unwrap();
    let put = table(app).put_item().table_name("usher");
    put.set_item(Some(item)).send().await.unwrap();
}
