//! What neither engine does by itself: a database that throttles, conflicts, loses answers or is gone; mail that SES
//! does not take.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Response},
    routing::any,
};
use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::Notify};
use usher_local::{
    Options, Stack,
    ses::{Fault, SesError, SesOptions},
};

use crate::{
    app::{App, with_app},
    settings::put_row,
};

/// Stands between the functions and the database: counts calls, and can answer some of them itself.
pub(crate) struct Proxy {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    database: String,
    calls: Mutex<HashMap<String, usize>>,
    faults: Mutex<Vec<Rule>>,
    held: Notify,
    go_on: Notify,
    http: reqwest::Client,
}

struct Rule {
    operation: &'static str,
    /// What the call has to hold, if not all fit.
    about: String,
    times: usize,
    reply: Reply,
}

/// What happens to a call instead.
#[derive(Clone)]
pub(crate) enum Reply {
    /// This error, and nothing is done.
    Error(&'static str),
    /// A transaction that is cancelled because of this at its first action.
    Cancelled(&'static str),
    /// It is done, but the answer is lost.
    Lost,
    /// It waits until it is told to go on.
    Held,
}

impl Proxy {
    /// A proxy, and the options of a stack whose functions reach the database through it.
    pub(crate) async fn start() -> (Self, Options) {
        let database = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared {
            database: format!("http://{}", database.local_addr().unwrap()),
            ..Shared::default()
        });
        let router = Router::new()
            .route("/", any(forward))
            .with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let variables = vec![("AWS_ENDPOINT_URL_DYNAMODB".to_owned(), url)];
        (
            Self { shared },
            Options {
                variables,
                database: Some(database),
                ..Options::default()
            },
        )
    }

    /// How often the operation was called, by all but the history's question who was erased.
    pub(crate) fn calls(&self, operation: &str) -> usize {
        self.shared
            .calls
            .lock()
            .unwrap()
            .get(operation)
            .copied()
            .unwrap_or(0)
    }

    /// The same of every operation.
    pub(crate) fn all_calls(&self) -> HashMap<String, usize> {
        self.shared.calls.lock().unwrap().clone()
    }

    /// What was called since then, by name; but for what the history writes in its own time, which no request does.
    pub(crate) fn since(&self, before: &HashMap<String, usize>) -> Vec<(String, usize)> {
        let now = self.all_calls().into_iter();
        let more = now.map(|(name, calls)| {
            let earlier = before.get(&name).copied().unwrap_or(0);
            (name, calls - earlier)
        });
        let mut more: Vec<_> = more.collect();
        more.retain(|(name, calls)| *calls > 0 && name != "BatchWriteItem");
        more.sort();
        more
    }

    pub(crate) fn inject(&self, operation: &'static str, times: usize, reply: Reply) {
        self.inject_about("", operation, times, reply);
    }

    /// As [`inject`](Self::inject), of calls about this user.
    pub(crate) fn inject_about(
        &self,
        user: &str,
        operation: &'static str,
        times: usize,
        reply: Reply,
    ) {
        self.shared.faults.lock().unwrap().push(Rule {
            operation,
            about: user.to_owned(),
            times,
            reply,
        });
    }

    /// When a call is held.
    async fn held(&self) {
        self.shared.held.notified().await;
    }

    /// Lets it go on.
    fn go_on(&self) {
        self.shared.go_on.notify_one();
    }

    pub(crate) fn heal(&self) {
        self.shared.faults.lock().unwrap().clear();
    }
}

async fn forward(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let target = headers["x-amz-target"].to_str().unwrap().to_owned();
    let operation = target.rsplit('.').next().unwrap().to_owned();
    // The history asks who was erased, in its own time.
    let of_history = String::from_utf8_lossy(&body).contains("\"ERASED\"");
    if !of_history {
        let mut calls = shared.calls.lock().unwrap();
        *calls.entry(operation.clone()).or_default() += 1;
    }
    let reply = {
        let mut faults = shared.faults.lock().unwrap();
        let text = String::from_utf8_lossy(&body);
        let rule = faults.iter_mut().find(|rule| {
            rule.operation == operation && rule.times > 0 && text.contains(&rule.about)
        });
        rule.map(|rule| {
            rule.times -= 1;
            rule.reply.clone()
        })
    };
    let error = |status: u16, body: Value| {
        let builder = Response::builder()
            .status(status)
            .header("content-type", "application/x-amz-json-1.0");
        builder.body(Body::from(body.to_string())).unwrap()
    };
    let kind = |code: &str| format!("com.amazonaws.dynamodb.v20120810#{code}");
    match reply {
        Some(Reply::Error(code)) => {
            let status = if code == "InternalServerError" {
                500
            } else {
                400
            };
            return error(status, json!({"__type": kind(code), "message": "injected"}));
        }
        Some(Reply::Cancelled(code)) => {
            let request: Value = serde_json::from_slice(&body).unwrap();
            let actions = request["TransactItems"].as_array().unwrap().len();
            let mut reasons = vec![json!({"Code": "None"}); actions];
            reasons[0] = json!({"Code": code, "Message": "injected"});
            let body = json!({"__type": kind("TransactionCanceledException"), "Message": "injected", "CancellationReasons": reasons});
            return error(400, body);
        }
        Some(Reply::Held) => {
            shared.held.notify_one();
            shared.go_on.notified().await;
        }
        Some(Reply::Lost) | None => {}
    }
    let mut request = shared.http.post(&shared.database);
    for (name, value) in headers
        .iter()
        .filter(|(name, _)| *name != "host" && *name != "content-length")
    {
        request = request.header(name, value);
    }
    let answer = request.body(body).send().await.unwrap();
    if matches!(reply, Some(Reply::Lost)) {
        return error(
            500,
            json!({"__type": kind("InternalServerError"), "message": "the answer was lost"}),
        );
    }
    let mut response = Response::builder().status(answer.status());
    for (name, value) in answer
        .headers()
        .iter()
        .filter(|(name, _)| *name != "transfer-encoding")
    {
        response = response.header(name, value);
    }
    response
        .body(Body::from(answer.bytes().await.unwrap()))
        .unwrap()
}

/// Runs a test with a proxy before the database.
async fn with_proxy(test: impl AsyncFnOnce(&App, &Proxy)) {
    let (proxy, options) = Proxy::start().await;
    let app = App::start(options).await;
    test(&app, &proxy).await;
    proxy.heal();
    app.assert_no_mail_is_left().await;
    app.stack.stop().await;
}

fn emails(count: usize) -> String {
    (0..count).map(|n| format!("p{n}@example.com\n")).collect()
}

fn outcomes(body: &Value) -> Vec<&str> {
    body["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["outcome"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn transactions_in_conflict_are_tried_again_and_nobody_notices() {
    with_proxy(async |app, proxy| {
        proxy.inject(
            "TransactWriteItems",
            2,
            Reply::Cancelled("TransactionConflict"),
        );
        let answer = app
            .post("/v1/invitations", &json!({"text": emails(60)}))
            .await;
        assert_eq!(
            (answer.status, &answer.body["counts"]["invited"]),
            (200, &json!(60))
        );
    })
    .await;
}

#[tokio::test]
async fn a_throttled_table_is_a_503_that_tells_every_rows_true_outcome() {
    with_proxy(async |app, proxy| {
        app.invite("p0@example.com").await;
        // The first 50 hold somebody who exists, so they take two calls; then the table gives out for good.
        proxy.inject(
            "TransactWriteItems",
            usize::MAX,
            Reply::Error("ThrottlingException"),
        );
        let answer = app
            .post(
                "/v1/invitations",
                &json!({"text": format!("{} nonsense", emails(60))}),
            )
            .await;
        assert_eq!(
            (answer.status, answer.code()),
            (503, "temporarily_unavailable")
        );
        assert!(answer.headers.contains_key("retry-after"));
        assert_eq!(
            outcomes(&answer.body)
                .iter()
                .filter(|outcome| **outcome == "unavailable")
                .count(),
            60
        );
        assert_eq!(outcomes(&answer.body)[60], "invalid_email");
        proxy.heal();
        let again = app
            .post("/v1/invitations", &json!({"text": emails(60)}))
            .await;
        assert_eq!(
            (again.status, &again.body["counts"]["invited"]),
            (200, &json!(59))
        );
        assert_eq!(outcomes(&again.body)[0], "already_invited");
    })
    .await;
}

#[tokio::test]
async fn what_was_written_before_the_table_failed_is_told_as_invited() {
    with_proxy(async |app, proxy| {
        // Who is there already can't be asked; everybody else is written.
        proxy.inject(
            "BatchGetItem",
            usize::MAX,
            Reply::Error("InternalServerError"),
        );
        app.invite("p5@example.com").await;
        let answer = app
            .post("/v1/invitations", &json!({"text": emails(60)}))
            .await;
        assert_eq!(answer.status, 503);
        let told = outcomes(&answer.body);
        assert_eq!(
            told.iter().filter(|outcome| **outcome == "invited").count(),
            59
        );
        assert_eq!(told[5], "unavailable");
    })
    .await;
}

#[tokio::test]
async fn a_lost_answer_does_not_make_a_new_user_look_like_an_old_one() {
    with_proxy(async |app, proxy| {
        proxy.inject("TransactWriteItems", 1, Reply::Lost);
        let answer = app
            .post("/v1/invitations", &json!({"text": emails(3)}))
            .await;
        assert_eq!(
            (answer.status, outcomes(&answer.body)),
            (200, vec!["invited"; 3])
        );
        assert_eq!(
            app.get("/v1/users").await.body["data"]
                .as_array()
                .unwrap()
                .len(),
            3
        );
    })
    .await;
}

#[tokio::test]
async fn a_lost_answer_does_not_make_a_success_look_like_a_refusal() {
    with_proxy(async |app, proxy| {
        let id = app.invite("ann@example.com").await;
        app.stack.settled().await;
        app.advance(SignedDuration::from_secs(60));
        proxy.inject("UpdateItem", 1, Reply::Lost);
        assert_eq!(
            app.post(&format!("/v1/users/{id}/resend"), &json!({}))
                .await
                .status,
            200
        );
        // The mailer's claim too.
        proxy.inject("UpdateItem", 1, Reply::Lost);
        let token = app.mailed_token("ann@example.com").await;
        proxy.inject("UpdateItem", 1, Reply::Lost);
        assert_eq!(app.accept(&token).await.status, 200);
        let other = app.invite("bo@example.com").await;
        app.stack.settled().await;
        proxy.inject("UpdateItem", 1, Reply::Lost);
        assert_eq!(
            app.post(&format!("/v1/users/{other}/revoke"), &json!({}))
                .await
                .body["state"],
            "revoked"
        );
    })
    .await;
}

#[tokio::test]
async fn a_table_that_is_down_is_given_up_soon_however_many_are_invited() {
    with_proxy(async |app, proxy| {
        proxy.inject(
            "TransactWriteItems",
            usize::MAX,
            Reply::Error("InternalServerError"),
        );
        let answer = app
            .post("/v1/invitations", &json!({"text": emails(2000)}))
            .await;
        assert_eq!(
            (answer.status, answer.body["counts"]["not_invited"].as_u64()),
            (503, Some(2000))
        );
        // Eight transactions at a time, each tried four times, and every try three times by the SDK.
        assert!(
            proxy.calls("TransactWriteItems") <= 8 * 4 * 3,
            "{}",
            proxy.calls("TransactWriteItems")
        );
    })
    .await;
}

#[tokio::test]
async fn a_mail_that_waits_for_ses_or_for_the_operator_says_so_and_can_be_sent_again() {
    let entry = |status: &str| Fault::EntryStatus(status.into());
    let call = |error: SesError| Fault::CallRefused(error);
    for (number, (fault, said)) in [
        (entry("ACCOUNT_DAILY_QUOTA_EXCEEDED"), "quota"),
        (entry("CONFIGURATION_SET_SENDING_PAUSED"), "paused"),
        (entry("MAIL_FROM_DOMAIN_NOT_VERIFIED"), "not verified"),
        (entry("CONFIGURATION_SET_NOT_FOUND"), "mailer's log"),
        (call(SesError::LimitExceeded(String::new())), "quota"),
        (call(SesError::AccountSuspended), "paused"),
        (
            call(SesError::MessageRejected(String::new())),
            "not verified",
        ),
        (call(SesError::BadRequest(String::new())), "mailer's log"),
        (call(SesError::AccessDenied(String::new())), "role lacks"),
    ]
    .into_iter()
    .enumerate()
    {
        let app = App::start(Options::default()).await;
        app.stack.ses.fail_next(fault.clone());
        let id = app.invite(&format!("ann{number}@example.com")).await;
        app.stack.settled().await;
        let delivery = app.get(&format!("/v1/users/{id}")).await.body["delivery"].clone();
        assert_eq!(delivery["status"], "queued", "{fault:?}");
        let reason = delivery["reason"].as_str().unwrap();
        assert!(
            reason.contains(said) && reason.contains("again"),
            "{fault:?}: {reason}"
        );
        app.advance(SignedDuration::from_secs(60));
        app.post(&format!("/v1/users/{id}/resend"), &json!({}))
            .await;
        app.assert_no_mail_is_left().await;
        app.stack.stop().await;
    }
}

#[tokio::test]
async fn the_mailer_asks_again_if_ses_is_busy_when_it_starts() {
    let app = App::start(with_ses(SesOptions {
        faults: vec![Fault::CallThrottled, Fault::ServiceDown],
        ..SesOptions::default()
    }))
    .await;
    app.invite("ann@example.com").await;
    assert_eq!(app.mails("ann@example.com").await.len(), 1);
    app.stack.stop().await;
}

#[tokio::test]
async fn the_mailer_does_not_start_before_its_sender_is_verified() {
    let unverified = with_ses(SesOptions {
        sender_unverified: true,
        ..SesOptions::default()
    });
    let error = Stack::start(unverified).await.err().unwrap().to_string();
    assert!(
        error.contains("MAIL_IDENTITY") && error.contains("DNS records"),
        "{error}"
    );
}

fn with_ses(ses: SesOptions) -> Options {
    Options {
        ses,
        ..Options::default()
    }
}

#[tokio::test]
async fn every_function_answers_503_while_the_table_is_out_of_reach() {
    with_proxy(async |app, proxy| {
        let id = app.invite("ann@example.com").await;
        let token = app.mailed_token("ann@example.com").await;
        for operation in [
            "GetItem",
            "BatchGetItem",
            "UpdateItem",
            "Query",
            "TransactWriteItems",
        ] {
            proxy.inject(operation, usize::MAX, Reply::Error("InternalServerError"));
        }
        for answer in [
            app.get("/v1/users").await,
            app.get("/v1/mail-health").await,
            app.post(
                "/v1/invitations?dry_run=true",
                &json!({"text": "bo@example.com"}),
            )
            .await,
            app.get(&format!("/v1/users/{id}")).await,
            app.post(&format!("/v1/users/{id}/revoke"), &json!({}))
                .await,
            app.post(&format!("/v1/users/{id}/resend"), &json!({}))
                .await,
            app.lookup(&token).await,
            app.accept(&token).await,
        ] {
            assert_eq!(
                (answer.status, answer.code()),
                (503, "temporarily_unavailable")
            );
            assert!(answer.headers.contains_key("retry-after"));
        }
    })
    .await;
}

#[tokio::test]
async fn a_claim_that_fails_is_made_when_the_record_comes_again() {
    with_proxy(async |app, proxy| {
        proxy.inject("UpdateItem", 3, Reply::Error("ThrottlingException"));
        app.invite("ann@example.com").await;
        assert_eq!(app.mails("ann@example.com").await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_mail_that_ses_refuses_for_good_is_recorded_with_what_to_do_and_stops_nobody_else() {
    with_app(async |app| {
        app.stack
            .ses
            .fail_next(Fault::EntryStatus("MESSAGE_REJECTED".into()));
        app.post(
            "/v1/invitations",
            &json!({"text": "a@example.com b@example.com"}),
        )
        .await;
        app.stack.settled().await;
        let users = app.get("/v1/users?q=").await.body["data"].clone();
        let mut statuses: Vec<_> = users
            .as_array()
            .unwrap()
            .iter()
            .map(|user| user["delivery"]["status"].as_str().unwrap())
            .collect();
        statuses.sort_unstable();
        assert_eq!(statuses, ["delivered", "failed"]);
        let failed = users
            .as_array()
            .unwrap()
            .iter()
            .find(|user| user["delivery"]["status"] == "failed")
            .unwrap();
        assert!(
            failed["delivery"]["reason"]
                .as_str()
                .unwrap()
                .contains("Check")
                || failed["delivery"]["reason"]
                    .as_str()
                    .unwrap()
                    .contains("check")
        );
        app.advance(SignedDuration::from_secs(60));
        let id = failed["id"].as_str().unwrap();
        assert_eq!(
            app.post(&format!("/v1/users/{id}/resend"), &json!({}))
                .await
                .status,
            200
        );
        app.stack.settled().await;
        assert_eq!(
            app.get(&format!("/v1/users/{id}")).await.body["delivery"]["status"],
            "delivered"
        );
    })
    .await;
}

#[tokio::test]
async fn an_invitation_that_is_revoked_before_its_mail_goes_is_not_mailed() {
    with_proxy(async |app, proxy| {
        // The claim can't be made until the revocation is through.
        proxy.inject("UpdateItem", 3, Reply::Error("ThrottlingException"));
        let id = app.invite("ann@example.com").await;
        let answer = loop {
            let answer = app
                .post(&format!("/v1/users/{id}/revoke"), &json!({}))
                .await;
            if answer.status != 503 {
                break answer;
            }
        };
        let mailed = app.mails("ann@example.com").await.len();
        // Whichever came first: no mail, or a mail whose link is dead.
        assert_eq!(answer.body["state"], "revoked");
        assert!(mailed <= 1);
        for mail in app.mails("ann@example.com").await {
            assert_eq!(
                app.accept(&crate::app::token_in(&mail.text)).await.code(),
                "invitation_revoked"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn whoever_is_invited_while_the_one_with_their_address_is_erased_is_somebody_new() {
    with_proxy(async |app, proxy| {
        let old = app.invite("ann@example.com").await;
        app.stack.settled().await;
        for dry_run in [true, false] {
            let id = if dry_run {
                old.clone()
            } else {
                let answer = app.get("/v1/users?q=ann").await;
                answer.body["data"][0]["id"].as_str().unwrap().to_owned()
            };
            proxy.inject_about(&id, "BatchGetItem", 1, Reply::Held);
            let erase = async {
                proxy.held().await;
                let erased = app.delete(&format!("/v1/users/{id}")).await;
                assert_eq!(erased.status, 200, "{erased:?}");
                proxy.go_on();
            };
            let body = json!({"text": "ann@example.com bo@example.com"});
            let path = format!("/v1/invitations?dry_run={dry_run}");
            let (answer, ()) = tokio::join!(app.post(&path, &body), erase);
            assert_eq!(answer.status, 200, "{answer:?}");
            let rows = answer.body["results"].as_array().unwrap();
            assert!(
                rows.iter().all(|row| row["outcome"] == "invited"),
                "{rows:?}"
            );
            if dry_run {
                app.invite("ann@example.com").await;
                app.stack.settled().await;
            } else {
                assert_ne!(rows[0]["user_id"], id);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_decision_whose_answer_was_lost_is_not_taken_for_somebody_elses() {
    with_proxy(async |app, proxy| {
        let words =
            json!({"subject": "Hi", "text": "{{accept_url}}", "html": "<p>{{accept_url}}</p>"});
        let german = "/v1/templates/de";
        for (method, path, body, about) in [
            (
                Method::PUT,
                "/v1/settings",
                Some(json!({"product_name": "Rockets"})),
                "SETTINGS",
            ),
            (Method::PUT, german, Some(words), "TEMPLATE#de"),
            (Method::DELETE, german, None, "TEMPLATE#de"),
        ] {
            let version = app.get(path).await.body["version"].as_u64().unwrap();
            let before = proxy.calls("PutItem");
            proxy.inject_about(about, "PutItem", 1, Reply::Lost);
            let etag = format!("\"{version}\"");
            let ask = || app.change(method.clone(), path, Some(&etag), body.as_ref());
            let answer = ask().await;
            assert!(answer.status < 300, "{method} {path}: {answer:?}");
            assert_eq!(proxy.calls("PutItem") - before, 2);
            assert_eq!(app.get(path).await.body["version"], version + 1);
            // The same once more is another change, and comes too late.
            let again = ask().await;
            assert!(
                [404, 412].contains(&again.status),
                "{method} {path}: {again:?}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn settings_that_can_not_be_read_hold_mail_back_until_they_are_saved_once_more() {
    for version in [json!(3), json!("three"), Value::Null] {
        with_proxy(async |app, proxy| {
            let seen = version.as_u64().unwrap_or(0);
            proxy.inject_about("TENANT#default", "Query", 1, Reply::Held);
            let id = app.invite("ann@example.com").await;
            proxy.held().await;
            put_row(app, "SETTINGS", json!({"version": version, "changed_at": 0, "changed_by": {"id": "x"}, "brand_color": "no colour"})).await;
            proxy.go_on();
            app.stack.settled().await;
            put_row(app, "SETTINGS", json!({"version": version, "changed_at": 0, "changed_by": {"id": "x"}, "brand_color": "no colour"})).await;
            app.advance(SignedDuration::from_hours(2));
            app.stack.sweep().await.unwrap();
            app.stack.settled().await;
            let waits = app.get(&format!("/v1/users/{id}")).await.body["delivery"].clone();
            assert_eq!(app.stack.mailbox.count(), 0);
            assert!(waits["reason"].as_str().unwrap().contains("save the settings once more"), "{waits}");

            let shown = app.get("/v1/settings").await;
            assert_eq!((shown.status, &shown.body["unreadable"], &shown.body["version"]), (200, &json!(true), &json!(seen)));
            assert!(shown.body["settings"].as_object().unwrap().values().all(Value::is_null));
            let put = async |version: &str| {
                app.change(Method::PUT, "/v1/settings", Some(version), Some(&json!({"product_name": "Rockets"}))).await
            };
            let stale = put("\"9\"").await;
            assert_eq!((stale.status, &stale.body["version"]), (412, &json!(seen)));
            let etag = if seen == 0 { "*".to_owned() } else { format!("\"{seen}\"") };
            let saved = put(&etag).await;
            assert_eq!((saved.status, &saved.body["version"], &saved.body["unreadable"]), (200, &json!(seen + 1), &json!(false)));
            app.advance(SignedDuration::from_hours(2));
            app.stack.sweep().await.unwrap();
            let mails = app.mails("ann@example.com").await;
            assert!(mails[0].subject.contains("Rockets"), "{}", mails[0].subject);
        })
        .await;
    }
}

#[tokio::test]
async fn a_mailer_that_may_not_read_the_settings_says_that_and_nothing_about_saving_them() {
    with_proxy(async |app, proxy| {
        let denied = Reply::Error("AccessDeniedException");
        proxy.inject_about("TENANT#default", "Query", 1, denied);
        let id = app.invite("ann@example.com").await;
        app.stack.settled().await;
        let waits = app.get(&format!("/v1/users/{id}")).await.body["delivery"].clone();
        let reason = waits["reason"].as_str().unwrap();
        assert!(reason.contains("does not let the mailer read"), "{waits}");
        assert_eq!(app.stack.mailbox.count(), 0);
        app.advance(SignedDuration::from_hours(2));
        app.stack.sweep().await.unwrap();
        assert_eq!(app.mails("ann@example.com").await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn what_is_given_back_of_a_day_is_given_back_once_although_the_answer_was_lost() {
    with_proxy(async |app, proxy| {
        app.set(&json!({"daily_invitations": 4})).await;
        // While one request takes its place in the day, another invites the very person.
        proxy.inject_about("DAY#", "UpdateItem", 1, Reply::Held);
        let ask = async |text: &str| {
            let answer = app.post("/v1/invitations", &json!({"text": text})).await;
            outcomes(&answer.body).join(" ")
        };
        let other = async {
            proxy.held().await;
            assert_eq!(
                ask("ann@example.com bo@example.com").await,
                "invited invited"
            );
            proxy.inject_about(":unused", "UpdateItem", 1, Reply::Lost);
            proxy.go_on();
        };
        let (first, ()) = tokio::join!(ask("ann@example.com"), other);
        assert_eq!(first, "already_invited");
        let rest = ask("c@example.com d@example.com e@example.com").await;
        assert_eq!(rest, "invited invited daily_cap");
    })
    .await;
}
