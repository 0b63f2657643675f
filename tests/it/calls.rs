//! What an operation costs the table: how many calls. Units and bytes are counted by the bench.

use jiff::SignedDuration;
use serde_json::{Value, json};
use usher_local::Options;

use crate::{
    accounts::Pool,
    app::{App, token_in, with_options},
    faults::Proxy,
};

/// A stack that remembers settings as a deployed one does, and mails nobody by itself.
async fn counted(with_pool: bool, test: impl AsyncFnOnce(&App, &Proxy, Option<&Pool>)) {
    let (proxy, options) = Proxy::start().await;
    let mut variables = options.variables.clone();
    variables.push(("SETTINGS_SECONDS".to_owned(), "1".to_owned()));
    let pool = if with_pool {
        let (pool, with) = Pool::start().await;
        variables.extend(with.variables);
        Some(pool)
    } else {
        None
    };
    let options = Options {
        variables,
        ..options
    };
    with_options(options, async |app| {
        test(app, &proxy, pool.as_deref()).await;
    })
    .await;
}

async fn invite(app: &App, email: &str) -> String {
    let body = json!({"invitees": [{"email": email}], "notify": false});
    let answer = app.post("/v1/invitations", &body).await;
    answer.body["results"][0]["user_id"]
        .as_str()
        .unwrap()
        .to_owned()
}

async fn token_of(app: &App, id: &str) -> String {
    let link = app.get(&format!("/v1/users/{id}/link")).await.body;
    token_in(
        link["accept_url"]
            .as_str()
            .unwrap_or_else(|| panic!("{link}")),
    )
}

#[tokio::test]
async fn inviting_revoking_accepting_and_a_page_of_a_list_are_one_call_each() {
    counted(false, async |app, proxy, _| {
        invite(app, "first@example.com").await;

        let before = proxy.all_calls();
        let ann = invite(app, "ann@example.com").await;
        assert_eq!(proxy.since(&before), [("TransactWriteItems".to_owned(), 1)]);

        let token = token_of(app, &ann).await;
        let before = proxy.all_calls();
        assert_eq!(app.accept(&token).await.status, 200);
        assert_eq!(proxy.since(&before), [("UpdateItem".to_owned(), 1)]);

        let bo = invite(app, "bo@example.com").await;
        let before = proxy.all_calls();
        let path = format!("/v1/users/{bo}/revoke");
        assert_eq!(app.post(&path, &json!({})).await.status, 200);
        assert_eq!(proxy.since(&before), [("UpdateItem".to_owned(), 1)]);

        for state in ["pending", "accepted", "revoked", "declined"] {
            let before = proxy.all_calls();
            let page = app.get(&format!("/v1/users?state={state}&limit=10")).await;
            assert_eq!(page.status, 200);
            assert_eq!(proxy.since(&before), [("Query".to_owned(), 1)], "{state}");
        }
    })
    .await;
}

#[tokio::test]
async fn an_accept_with_an_account_reads_the_person_makes_it_and_accepts() {
    counted(true, async |app, proxy, pool| {
        let pool = pool.unwrap();
        let ann = invite(app, "ann@example.com").await;
        let token = token_of(app, &ann).await;
        let (before, asked) = (proxy.all_calls(), pool.operations());
        assert_eq!(app.accept(&token).await.status, 200);
        let calls = proxy.since(&before);
        let expected = [("GetItem", 1), ("UpdateItem", 1)].map(|(name, n)| (name.to_owned(), n));
        assert_eq!(calls, expected);
        assert_eq!(pool.operations()[asked.len()..], ["AdminCreateUser"]);
    })
    .await;
}

#[tokio::test]
async fn settings_that_were_just_read_are_used_again_for_a_moment_and_whoever_changes_them_waits_as_long()
 {
    counted(false, async |app, proxy, _| {
        let days = async |days: i64| {
            app.set(&json!({"expires_in_days": days})).await;
        };
        let lifetime = async |email: &str| {
            let id = invite(app, email).await;
            let user = app.get(&format!("/v1/users/{id}")).await.body;
            let at = |name: &Value| name.as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
            at(&user["expires_at"])
                .duration_since(at(&user["invited_at"]))
                .as_hours()
                / 24
        };
        days(3).await;
        assert_eq!(lifetime("a@example.com").await, 3);
        let asked = std::time::Instant::now();
        days(9).await;
        assert!(asked.elapsed() >= std::time::Duration::from_secs(1));
        app.advance(SignedDuration::from_millis(999));
        assert_eq!(lifetime("b@example.com").await, 3);
        let reads = proxy.calls("GetItem");
        app.advance(SignedDuration::from_millis(1));
        assert_eq!(lifetime("c@example.com").await, 9);
        // The settings, and the user who is looked at.
        assert_eq!(proxy.calls("GetItem") - reads, 2);
    })
    .await;
}
