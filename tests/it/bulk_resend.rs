//! Many invitations are sent again at once: by their ids, or everybody's who is in a state.

use std::{collections::HashMap, time::Duration};

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::{
    app::{App, Response, token_in, with_app},
    bad_input::NOBODY,
    faults::{Proxy, Reply},
    wording::assert_sentences,
    world::{
        Settings, World,
        asks::{ALL_SCOPES, Ask, administrator},
        seeds::on_virtual_time,
    },
};

const ROUTE: &str = "/v1/invitations/resend";

impl Response {
    /// Of every row, what became of it.
    fn outcomes(&self) -> Vec<&str> {
        outcomes(&self.body)
    }
}

fn outcomes(body: &Value) -> Vec<&str> {
    let rows = body["results"].as_array().unwrap().iter();
    rows.map(|row| row["outcome"].as_str().unwrap()).collect()
}

/// Invites people without a mail, and answers their ids.
async fn invite_silently(app: &App, people: std::ops::Range<usize>, days: i64) -> Vec<String> {
    invite_many(app, people, days, false).await
}

async fn invite_many(
    app: &App,
    people: std::ops::Range<usize>,
    days: i64,
    notify: bool,
) -> Vec<String> {
    let text: String = people.map(|n| format!("p{n}@example.com\n")).collect();
    let body = json!({"text": text, "notify": notify, "expires_in_days": days});
    let answer = app.post("/v1/invitations", &body).await;
    assert_eq!(answer.body["counts"]["not_invited"], 0, "{answer:?}");
    let rows = answer.body["results"].as_array().unwrap().iter();
    rows.map(|row| row["user_id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn every_row_says_what_became_of_it_and_only_the_old_links_of_those_resent_are_dead() {
    with_app(async |app| {
        let mut ids = HashMap::new();
        for name in ["pending", "accepted", "revoked", "declined", "late"] {
            ids.insert(name, app.invite(&format!("{name}@example.com")).await);
        }
        ids.insert(
            "bounced",
            app.invite("bounce@simulator.amazonses.com").await,
        );
        ids.insert(
            "complained",
            app.invite("complaint@simulator.amazonses.com").await,
        );
        let stranger = app.token(&json!({"tenant": "elsewhere"})).await;
        let body = json!({"text": "hidden@example.com"});
        let hidden = app.post_as(&stranger, "/v1/invitations", &body).await;
        let hidden = hidden.body["results"][0]["user_id"].clone();
        let old = app.mailed_token("pending@example.com").await;
        app.accept(&app.mailed_token("accepted@example.com").await)
            .await;
        let revoke = format!("/v1/users/{}/revoke", ids["revoked"]);
        app.post(&revoke, &json!({})).await;
        let link = json!({"token": app.mailed_token("declined@example.com").await});
        app.public("/v1/accept/decline", &link).await;
        app.advance(SignedDuration::from_secs(60));
        let late = format!("/v1/users/{}/resend", ids["late"]);
        assert_eq!(app.post(&late, &json!({})).await.status, 200);

        let asked = [
            (json!(ids["pending"]), "resent", "pending@example.com"),
            (
                json!(ids["accepted"]),
                "already_registered",
                "accepted@example.com",
            ),
            (json!("ann@example.com"), "invalid_id", ""),
            (json!(ids["revoked"]), "revoked", "revoked@example.com"),
            (json!(ids["declined"]), "declined", "declined@example.com"),
            (
                json!(ids["bounced"]),
                "suppressed",
                "bounce@simulator.amazonses.com",
            ),
            (
                json!(ids["complained"]),
                "suppressed",
                "complaint@simulator.amazonses.com",
            ),
            (json!(ids["late"]), "too_soon", "late@example.com"),
            (json!(NOBODY), "not_found", ""),
            (hidden, "not_found", ""),
            (json!(ids["pending"]), "duplicate_in_request", ""),
        ];
        let all: Vec<_> = asked.iter().map(|(id, ..)| id).collect();
        let body = json!({"ids": all, "locale": "de", "message": "Nun aber!"});
        let answer = app.post(ROUTE, &body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(
            answer.body["counts"],
            json!({"total": 11, "resent": 1, "not_resent": 10})
        );
        assert_eq!(answer.body["list_metadata"], json!({"after": null}));
        for (index, (id, outcome, email)) in asked.iter().enumerate() {
            let row = &answer.body["results"][index];
            let user_id = if *outcome == "invalid_id" {
                &Value::Null
            } else {
                id
            };
            let email = if email.is_empty() {
                Value::Null
            } else {
                json!(email)
            };
            assert_eq!(row["index"], index);
            assert_eq!(
                (&row["outcome"], &row["user_id"], &row["email"]),
                (&json!(outcome), user_id, &email)
            );
            assert_eq!(row["detail"].is_null(), *outcome == "resent", "{row}");
        }

        let rows = answer.body["results"].as_array().unwrap().iter();
        assert_sentences(rows.filter_map(|row| row["detail"].as_str()));

        let mails = app.mails("pending@example.com").await;
        assert_eq!(mails.len(), 2);
        assert!(mails[0].text.contains("Nun aber!"), "{}", mails[0].text);
        assert_eq!(app.lookup(&old).await.code(), "invitation_not_found");
        assert_eq!(app.accept(&token_in(&mails[0].text)).await.status, 200);
        assert_eq!(app.mails("revoked@example.com").await.len(), 1);

        app.advance(SignedDuration::from_secs(60));
        let body = json!({"ids": [ids["revoked"], ids["declined"]], "reactivate": true});
        assert_eq!(
            app.post(ROUTE, &body).await.outcomes(),
            ["resent", "resent"]
        );
    })
    .await;
}

/// Sends everybody in the state their invitation again, in as many calls as it takes: what became of each.
async fn walk(app: &App, state: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut body = json!({"state": state});
    loop {
        let answer = app.post(ROUTE, &body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let some = answer.outcomes();
        assert!(some.len() <= 1000);
        all.extend(some.into_iter().map(ToOwned::to_owned));
        // The mails of these go while the next are asked for.
        app.stack.settled().await;
        body["after"] = answer.body["list_metadata"]["after"].clone();
        if body["after"].is_null() {
            return all;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_whose_link_has_expired_gets_one_mail_however_many_calls_it_takes() {
    let app = App::start(usher_local::Options::default()).await;
    invite_many(&app, 0..700, 1, true).await;
    invite_silently(&app, 2000..2003, 30).await;
    app.stack.settled().await;
    app.advance(SignedDuration::from_hours(25));
    // Some have been moved to the expired, some are only shown there.
    app.stack.sweep().await.unwrap();
    invite_many(&app, 700..1050, 1, true).await;
    app.stack.settled().await;
    app.advance(SignedDuration::from_hours(25));

    assert_eq!(app.stack.mailbox.list(None).len(), 1050);

    let resent = walk(&app, "expired").await;
    assert_eq!(resent, vec!["resent"; 1050]);
    let mails = app.stack.mailbox.list(None);
    let people: std::collections::HashSet<_> = mails.iter().map(|mail| &mail.to).collect();
    assert_eq!((mails.len(), people.len()), (2100, 1050));
    let none = app.post(ROUTE, &json!({"state": "expired"})).await;
    assert_eq!(none.body["counts"]["total"], 0);

    // All of them are pending now, and were mailed just now; three others were to have no mail.
    let outcomes = walk(&app, "pending").await;
    let counted = |wanted: &str| outcomes.iter().filter(|found| *found == wanted).count();
    assert_eq!((counted("too_soon"), counted("not_requested")), (1050, 3));
    app.assert_no_mail_is_left().await;
    app.stack.stop().await;
}

#[tokio::test]
async fn a_repeated_request_with_the_same_key_sends_nothing_again_and_counts_nothing() {
    with_app(async |app| {
        let id = app.invite("ann@example.com").await;
        app.stack.settled().await;
        let path = format!("/v1/users/{id}/resend");
        let carl = app.token(&json!({"sub": "carl"})).await;
        let send = async |key: &str, token: &str| {
            app.advance(SignedDuration::from_secs(61));
            let answer = app.post_named(key, token, &path, &json!({})).await;
            assert_eq!(answer.status, 200, "{answer:?}");
            (answer, app.mails("ann@example.com").await.len())
        };
        let (first, mails) = send("k1", &app.admin).await;
        assert_eq!(mails, 2);
        for _ in 0..12 {
            let (again, mails) = send("k1", &app.admin).await;
            assert_eq!(
                (&again.body["expires_at"], mails),
                (&first.body["expires_at"], 2)
            );
        }
        assert_eq!(send("k1", &carl).await.1, 3, "somebody else's is another");
        assert_eq!(send("k2", &carl).await.1, 4);
        // One without a name makes nobody forget.
        app.advance(SignedDuration::from_secs(61));
        assert_eq!(app.post(&path, &json!({})).await.status, 200);
        assert_eq!(send("k2", &carl).await.1, 5);

        let revoke = format!("/v1/users/{id}/revoke");
        assert_eq!(app.post(&revoke, &json!({})).await.status, 200);
        let (late, mails) = send("k2", &carl).await;
        assert_eq!((&late.body["state"], mails), (&json!("revoked"), 5));
        let kinds = app.kinds(&id).await;
        let resent = kinds.iter().filter(|kind| *kind == "resent").count();
        assert_eq!(resent, 4);
    })
    .await;
}

#[tokio::test]
async fn many_who_were_sent_by_a_request_are_not_by_its_repetition_and_the_others_are() {
    with_app(async |app| {
        let ids = [
            app.invite("ann@example.com").await,
            app.invite("bo@example.com").await,
        ];
        app.stack.settled().await;
        for body in [json!({"ids": ids}), json!({"state": "pending"})] {
            app.advance(SignedDuration::from_secs(61));
            let key = body.to_string();
            let path = format!("/v1/users/{}/resend", ids[0]);
            let one = app.post_named(&key, &app.admin, &path, &json!({})).await;
            assert_eq!(one.status, 200, "{one:?}");
            let before = app.mails("ann@example.com").await.len();
            for mails in [before, before] {
                let many = app.post_named(&key, &app.admin, ROUTE, &body).await;
                assert_eq!(many.outcomes(), ["resent", "resent"]);
                app.advance(SignedDuration::from_secs(61));
                assert_eq!(app.mails("ann@example.com").await.len(), mails);
                assert_eq!(app.mails("bo@example.com").await.len(), mails);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn who_was_invited_without_a_mail_is_mailed_only_when_they_are_named() {
    with_app(async |app| {
        let ids = invite_silently(app, 0..1, 7).await;
        let answer = app.post(ROUTE, &json!({"state": "pending"})).await;
        assert_eq!(answer.outcomes(), ["not_requested"]);
        assert_eq!(
            answer.body["counts"],
            json!({"total": 1, "resent": 0, "not_resent": 1})
        );
        let row = &answer.body["results"][0];
        assert_eq!(
            (&row["user_id"], &row["email"]),
            (&json!(ids[0]), &json!("p0@example.com"))
        );
        assert_sentences(row["detail"].as_str().into_iter());
        assert!(app.mails("p0@example.com").await.is_empty());

        let named = app.post(ROUTE, &json!({"ids": ids})).await;
        assert_eq!(named.outcomes(), ["resent"]);
        assert_eq!(app.mails("p0@example.com").await.len(), 1);
        // From now on they are one of those who were mailed.
        app.advance(SignedDuration::from_secs(61));
        let all = app.post(ROUTE, &json!({"state": "pending"})).await;
        assert_eq!(all.outcomes(), ["resent"]);
    })
    .await;
}

#[tokio::test]
async fn only_who_may_do_everything_sends_an_administrators_invitation_again() {
    with_app(async |app| {
        let body = json!({"invitees": [
            {"email": "ada@example.com", "groups": ["administrators"]}, {"email": "bo@example.com"},
        ]});
        app.post("/v1/invitations", &body).await;
        app.stack.settled().await;
        app.advance(SignedDuration::from_secs(60));
        let inviter = app.token(&json!({"scope": "users:invite"})).await;
        let answer = app
            .post_as(&inviter, ROUTE, &json!({"state": "pending"}))
            .await;
        let mut outcomes = answer.outcomes();
        outcomes.sort_unstable();
        assert_eq!(outcomes, ["administrators_only", "resent"]);
        assert_eq!(app.mails("ada@example.com").await.len(), 1);
        assert_eq!(app.mails("bo@example.com").await.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_row_that_the_database_does_not_confirm_stops_no_other() {
    let (proxy, options) = Proxy::start().await;
    let app = App::start(options).await;
    let ids = invite_silently(&app, 0..40, 7).await;
    // Whatever the client tries.
    let throttled = Reply::Error("ThrottlingException");
    proxy.inject_about(&ids[3], "UpdateItem", 3, throttled.clone());
    let answer = app.post(ROUTE, &json!({"ids": ids})).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.body["results"][3]["outcome"], "unavailable");
    assert_eq!(
        answer.body["counts"],
        json!({"total": 40, "resent": 39, "not_resent": 1})
    );
    // Sent again, only that one is.
    app.stack.settled().await;
    let again = app.post(ROUTE, &json!({"ids": ids})).await;
    assert_eq!(again.body["counts"]["resent"], 1);
    assert_eq!(again.body["results"][3]["outcome"], "resent");

    app.stack.settled().await;
    app.advance(SignedDuration::from_secs(60));
    proxy.inject("UpdateItem", usize::MAX, throttled);
    let asked = [ids.as_slice(), &["nonsense".to_owned()]].concat();
    let nothing = app.post(ROUTE, &json!({"ids": asked})).await;
    assert_eq!(
        (nothing.status, nothing.code()),
        (503, "temporarily_unavailable")
    );
    assert!(nothing.headers.contains_key("retry-after"));
    assert_eq!(nothing.body["counts"]["resent"], 0);
    let mut expected = vec!["unavailable"; 40];
    expected.push("invalid_id");
    assert_eq!(nothing.outcomes(), expected);
    proxy.heal();
    let again = app.post(ROUTE, &json!({"ids": ids})).await;
    assert_eq!(again.body["counts"]["resent"], 40, "{again:?}");
    app.assert_no_mail_is_left().await;
    app.stack.stop().await;
}

#[test]
fn where_the_table_is_slow_every_row_is_answered_before_lambda_ends_the_function() {
    on_virtual_time(async {
        let mut world = World::new(&Settings {
            seed: 1,
            rate: None,
            latency: (1300, 1400),
        })
        .await;
        let claims = administrator("adm", "default", ALL_SCOPES);
        let text: String = (0..200).map(|n| format!("p{n}@example.com\n")).collect();
        let invite = Ask::invite(&claims, json!({"text": text}), None);
        let invited = world.ask(&invite, None).await.unwrap().body;
        world.pass(Duration::from_secs(61)).await;
        let rows = invited["results"].as_array().unwrap().iter();
        let ids: Vec<_> = rows.map(|row| row["user_id"].clone()).collect();
        assert_eq!(ids.len(), 200);
        let mut found = Vec::new();
        let mut ask = async |body: Value| {
            let began = tokio::time::Instant::now();
            let ask = Ask::resend_many(&claims, body);
            let answer = world.ask(&ask, None).await.unwrap();
            assert!(began.elapsed() < Duration::from_secs(29));
            assert_eq!(answer.status, 200);
            answer.body
        };
        let answer = ask(json!({"ids": ids})).await;
        let of_ids = outcomes(&answer);
        let count = |wanted: &str| of_ids.iter().filter(|found| **found == wanted).count();
        assert!((80..200).contains(&count("resent")), "{answer}");
        assert_eq!(count("resent") + count("unavailable"), 200);

        // The others are left to the next calls.
        let mut body = json!({"state": "pending"});
        while body["after"] != Value::Null || found.is_empty() {
            let answer = ask(body.clone()).await;
            found.extend(outcomes(&answer).into_iter().map(ToOwned::to_owned));
            body["after"] = answer["list_metadata"]["after"].clone();
        }
        assert_eq!(found.len(), 200);
        assert!(!found.contains(&"unavailable".to_owned()));
    });
}

#[tokio::test]
async fn a_request_that_is_not_as_it_should_be_sends_nothing() {
    with_app(async |app| {
        let id = app.invite("ann@example.com").await;
        app.stack.settled().await;
        app.advance(SignedDuration::from_secs(60));
        let many: Vec<_> = (0..=10_000).map(|_| &id).collect();
        for (code, body) in [
            ("ids_or_state", json!({})),
            ("ids_or_state", json!({"ids": [id], "state": "pending"})),
            ("no_ids", json!({"ids": []})),
            ("too_many_ids", json!({"ids": many})),
            ("invalid_body", json!({"ids": [1]})),
            ("invalid_body", json!({"ids": [id], "notify": false})),
            ("invalid_state", json!({"state": "revoked"})),
            ("invalid_state", json!({"state": "lost"})),
            (
                "invalid_cursor",
                json!({"state": "pending", "after": "rubbish"}),
            ),
            ("invalid_field", json!({"ids": [id], "after": "bjo"})),
            (
                "invalid_field",
                json!({"state": "pending", "reactivate": true}),
            ),
            ("invalid_field", json!({"ids": [id], "expires_in_days": 0})),
            (
                "invalid_field",
                json!({"ids": [id], "locale": "no language"}),
            ),
        ] {
            let answer = app.post(ROUTE, &body).await;
            assert_eq!((answer.status, answer.code()), (400, code), "{body}");
        }
        let dry = app
            .post(&format!("{ROUTE}?dry_run=true"), &json!({"ids": [id]}))
            .await;
        assert_eq!((dry.status, dry.code()), (400, "unknown_parameter"));
        assert_eq!(app.mails("ann@example.com").await.len(), 1);
    })
    .await;
}
