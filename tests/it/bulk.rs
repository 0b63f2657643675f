//! Ten thousand addresses in one request.

use std::collections::HashSet;

use serde_json::json;
use usher_local::{Options, ses::ConfigurationSetState};

use crate::{
    app::{App, with_app},
    faults::Proxy,
};

const MANY: usize = 10_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_new_addresses_are_200_transactions_and_one_mail_each() {
    let (proxy, mut options) = Proxy::start().await;
    // What SES reports makes transactions of its own.
    options.ses.configuration_set = ConfigurationSetState::Silent;
    let app = App::start(options).await;
    let text: String = (0..MANY).map(|n| format!("p{n}@example.com\n")).collect();
    let answer = app.post("/v1/invitations", &json!({"text": text})).await;
    assert_eq!(
        answer.body["counts"],
        json!({"total": MANY, "invited": MANY, "not_invited": 0})
    );
    assert_eq!(proxy.calls("TransactWriteItems"), 200);
    assert_eq!(proxy.calls("BatchGetItem"), 0);
    app.stack.settled().await;
    let mails = app.stack.mailbox.list(None);
    let people: HashSet<_> = mails.iter().map(|mail| mail.to.as_str()).collect();
    assert_eq!((mails.len(), people.len()), (MANY, MANY));
    app.stack.stop().await;
}

#[tokio::test]
async fn one_address_too_many_is_refused_before_anybody_is_invited() {
    with_app(async |app| {
        let text: String = (0..=MANY).map(|n| format!("p{n}@example.com\n")).collect();
        let answer = app.post("/v1/invitations", &json!({"text": text})).await;
        assert_eq!((answer.status, answer.code()), (400, "too_many_addresses"));
        assert_eq!(app.get("/v1/users").await.body["data"], json!([]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_longest_rows_there_can_be_fit_into_one_answer() {
    let app = App::start(Options::default()).await;
    // 64 characters before the @, and 189 after it: with what the API adds to a row, the most that one can be.
    let domain = format!("{0}.{0}.{0}.org", "d".repeat(61));
    let invitees: Vec<_> = (0..MANY)
        .map(|n| json!({"email": format!("\"{n:a>63}@{domain}")}))
        .collect();
    let valid: Vec<_> = (0..MANY)
        .map(|n| json!({"email": format!("{n:a>64}@{domain}")}))
        .collect();
    for (invitees, invited) in [(valid, MANY), (invitees, 0)] {
        let body = json!({"invitees": invitees, "notify": false});
        let answer = app.post("/v1/invitations", &body).await;
        assert_eq!(
            (answer.status, answer.body["counts"]["invited"].as_u64()),
            (200, Some(invited as u64))
        );
        assert_eq!(answer.body["results"].as_array().unwrap().len(), MANY);
    }
    app.stack.stop().await;
}
