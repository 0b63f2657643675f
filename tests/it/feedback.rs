//! What SES reports of mails, and what becomes of it: in a whole stack, event by event, and many of them in any order.
//!
//! `USHER_EVENTS` says how many those are.

use std::collections::{BTreeMap, BTreeSet};

use feedback::{Listener, handle};
use futures::{StreamExt, stream};
use jiff::SignedDuration;
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::SliceRandom};
use serde_json::{Value, json};
use usher::{
    domain::{DeliveryStatus, Feedback, SuppressionReason, UserId},
    store::Tally,
};
use usher_local::ses::{BounceKind, Event, EventKind, Fault};

use crate::{
    app::{App, Response, with_app},
    engine::{Engine, engines, start, user},
    world::seeds::number,
};

impl App {
    pub(crate) async fn user(&self, id: &str) -> Value {
        self.stack.settled().await;
        self.get(&format!("/v1/users/{id}")).await.body
    }

    async fn delivery(&self, id: &str) -> Value {
        self.user(id).await["delivery"].clone()
    }

    /// What happened, oldest first.
    pub(crate) async fn happened(&self, id: &str) -> Vec<Value> {
        self.stack.settled().await;
        let mut history = self.get(&format!("/v1/users/{id}/history")).await.body;
        let mut events: Vec<_> = history["data"].as_array_mut().unwrap().drain(..).collect();
        events.reverse();
        events
    }

    pub(crate) async fn kinds(&self, id: &str) -> Vec<String> {
        let kinds = self.happened(id).await.into_iter();
        kinds
            .map(|event| event["kind"].as_str().unwrap().to_owned())
            .collect()
    }

    /// SES reports something of the mail that SES took last.
    pub(crate) async fn report(&self, kind: EventKind, later: i64) {
        self.stack.settled().await;
        let sent = self.stack.ses.events();
        let last = sent
            .iter()
            .rev()
            .find(|event| event.kind == EventKind::Send);
        self.report_of(last.unwrap(), kind, later).await;
    }

    pub(crate) async fn report_of(&self, mail: &Event, kind: EventKind, later: i64) {
        let at = mail
            .at
            .checked_add(SignedDuration::from_secs(later))
            .unwrap();
        let event = Event {
            kind,
            at,
            ..mail.clone()
        };
        self.stack.publish(event.to_bus_event()).await.unwrap();
    }

    async fn resend(&self, id: &str) -> Response {
        self.advance(SignedDuration::from_secs(61));
        self.post(&format!("/v1/users/{id}/resend"), &json!({}))
            .await
    }

    async fn lift(&self, id: &str) -> Response {
        self.delete(&format!("/v1/users/{id}/suppression")).await
    }
}

#[tokio::test]
async fn an_administrator_sees_what_became_of_the_mail_and_everything_that_happened() {
    with_app(async |app| {
        let id = app.invite("ann@example.com").await;
        assert_eq!(app.delivery(&id).await["status"], "delivered");
        let token = app.mailed_token("ann@example.com").await;
        assert_eq!(app.accept(&token).await.status, 200);
        let events = app.happened(&id).await;
        assert_eq!(
            app.kinds(&id).await,
            [
                "invited",
                "mail_confirmed",
                "mail_delivered",
                "mail_sent",
                "accepted"
            ]
        );
        assert!(events[0]["by"]["id"].is_string(), "{events:?}");
        let [confirmed, sent] = [&events[1], &events[3]];
        assert_eq!(sent["attempt"], 1);
        assert_eq!(sent["attempt"], confirmed["attempt"]);
        assert!(sent["message_id"].as_str().unwrap().ends_with("-000000"));
        assert_eq!(sent["message_id"], confirmed["message_id"]);
        for event in &events {
            assert!(!event.to_string().contains("inv_"));
        }
    })
    .await;
}

#[tokio::test]
async fn an_address_that_bounced_gets_no_mail_until_an_administrator_says_otherwise() {
    with_app(async |app| {
        let id = app.invite("bounce+ann@simulator.amazonses.com").await;
        let user = app.user(&id).await;
        assert_eq!(user["delivery"]["status"], "bounced");
        assert_eq!(
            user["delivery"]["reason"],
            "The recipient's mail server refuses the address: most likely there is no such mailbox. (smtp; 550 5.1.1 user unknown)"
        );
        assert_eq!(user["suppressed"]["reason"], "bounced");

        let refused = app.resend(&id).await;
        assert_eq!((refused.status, refused.code()), (409, "suppressed"));
        assert!(refused.body["hint"].as_str().unwrap().contains("DELETE"));
        let again = json!({"invitees": [{"email": "bounce+ann@simulator.amazonses.com"}]});
        let again = app.post("/v1/invitations", &again).await;
        assert_eq!(again.body["results"][0]["outcome"], "suppressed");
        assert_eq!(again.body["results"][0]["user_id"], id.as_str());

        let lifted = app.lift(&id).await;
        assert_eq!(lifted.status, 200, "{lifted:?}");
        assert_eq!(lifted.body["suppressed"], Value::Null);
        assert_eq!(app.lift(&id).await.code(), "not_suppressed");
        assert_eq!(app.resend(&id).await.status, 200);
        // It is still no good, and the new bounce counts.
        assert_eq!(app.user(&id).await["suppressed"]["reason"], "bounced");
        let kinds = app.kinds(&id).await;
        assert_eq!(kinds.iter().filter(|kind| *kind == "mail_bounced").count(), 2);
        let by: BTreeMap<_, _> = app.happened(&id).await.into_iter()
            .map(|event| (event["kind"].as_str().unwrap().to_owned(), event["by"]["id"].clone()))
            .collect();
        assert!(by["suppression_lifted"].is_string() && by["resent"].is_string());
        assert!(by["mail_bounced"].is_null());
    })
    .await;
}

#[tokio::test]
async fn a_report_that_comes_late_or_twice_changes_nothing() {
    with_app(async |app| {
        let id = app.invite("ann@example.com").await;
        app.report(EventKind::Bounce(BounceKind::General), 60).await;
        let bounced = app.user(&id).await;
        assert_eq!(bounced["delivery"]["status"], "bounced");
        app.report(EventKind::Delivery, 90).await;
        app.report(EventKind::DeliveryDelay, 10).await;
        app.report(EventKind::Bounce(BounceKind::General), 60).await;
        app.report(EventKind::Send, 0).await;
        assert_eq!(app.user(&id).await, bounced);
        let kinds = app.kinds(&id).await;
        assert_eq!(
            kinds.iter().filter(|kind| *kind == "mail_bounced").count(),
            1
        );
        assert_eq!(
            kinds
                .iter()
                .filter(|kind| *kind == "mail_delivered")
                .count(),
            2
        );
    })
    .await;
}

#[tokio::test]
async fn a_report_of_an_earlier_mail_does_not_touch_a_later_one_but_a_bad_address_stays_bad() {
    with_app(async |app| {
        let id = app.invite("ann@example.com").await;
        app.stack.settled().await;
        let first = app.stack.ses.events()[0].clone();
        assert_eq!(app.resend(&id).await.status, 200);
        app.report_of(&first, EventKind::Bounce(BounceKind::MailboxFull), 30)
            .await;
        let user = app.user(&id).await;
        assert_eq!(user["delivery"]["status"], "delivered");
        assert_eq!(
            user["suppressed"],
            Value::Null,
            "a full mailbox may have room another day"
        );
        app.report_of(&first, EventKind::Complaint, 40).await;
        let user = app.user(&id).await;
        assert_eq!(user["delivery"]["status"], "delivered");
        assert_eq!(user["suppressed"]["reason"], "complained");
        assert_eq!(app.resend(&id).await.code(), "suppressed");
    })
    .await;
}

#[tokio::test]
async fn what_was_reported_before_a_suppression_was_lifted_does_not_bring_it_back() {
    with_app(async |app| {
        let id = app.invite("ann@example.com").await;
        app.report(EventKind::Complaint, 10).await;
        app.advance(SignedDuration::from_mins(5));
        assert_eq!(app.lift(&id).await.status, 200);
        app.report(EventKind::Complaint, 10).await;
        app.report(EventKind::Bounce(BounceKind::General), 20).await;
        assert_eq!(app.user(&id).await["suppressed"], Value::Null);
        app.report(EventKind::Complaint, 301).await;
        assert_eq!(app.user(&id).await["suppressed"]["reason"], "complained");
    })
    .await;
}

#[tokio::test]
async fn a_mail_whose_template_fails_says_so_in_the_templates_words() {
    with_app(async |app| {
        let id = app.invite("ann@example.com").await;
        assert_eq!(app.resend(&id).await.status, 200);
        app.stack.settled().await;
        let sent = app.stack.ses.events();
        let mut of_another_try = sent.last().unwrap().clone();
        of_another_try.tags.insert("attempt".into(), "0".into());
        let error = "Attribute 'x' is not present in the rendering data.\r\nBcc: a@b".to_owned();
        app.report_of(
            &of_another_try,
            EventKind::RenderingFailure {
                error: error.clone(),
            },
            1,
        )
        .await;
        assert_eq!(
            app.delivery(&id).await["status"],
            "delivered",
            "it is no try of this mail"
        );
        app.report(EventKind::RenderingFailure { error }, 1).await;
        let delivery = app.delivery(&id).await;
        assert_eq!(delivery["status"], "failed");
        let reason = delivery["reason"].as_str().unwrap();
        assert!(
            reason.contains("(Attribute 'x' is not present in the rendering data. Bcc: …)"),
            "{reason}"
        );
        assert_eq!(app.user(&id).await["suppressed"], Value::Null);
    })
    .await;
}

#[tokio::test]
async fn a_mail_whose_answer_was_lost_is_not_sent_again_once_ses_reports_it() {
    with_app(async |app| {
        app.stack.ses.fail_next(Fault::DropConnectionAfterAccept);
        let id = app.invite("ann@example.com").await;
        assert_eq!(app.delivery(&id).await["status"], "delivered");
        app.advance(SignedDuration::from_secs(30));
        let swept = app.stack.sweep().await.unwrap();
        assert_eq!(
            (&swept["settled"], &swept["queued"]),
            (&json!(1), &json!(0))
        );
        app.advance(SignedDuration::from_mins(30));
        assert_eq!(app.stack.sweep().await.unwrap()["queued"], 0);
        assert_eq!(app.mails("ann@example.com").await.len(), 1);
        let user = app.user(&id).await;
        assert_eq!(
            (&user["send_count"], &user["delivery"]["status"]),
            (&json!(1), &json!("delivered"))
        );
        assert_eq!(
            app.kinds(&id).await,
            [
                "invited",
                "mail_confirmed",
                "mail_delivered",
                "mail_unknown",
                "mail_sent"
            ]
        );
    })
    .await;
}

#[tokio::test]
async fn a_mail_that_waits_is_not_sent_to_an_address_that_was_suppressed_meanwhile() {
    with_app(async |app| {
        let id = app.invite("ann@example.com").await;
        app.stack.settled().await;
        let first = app.stack.ses.events()[0].clone();
        app.stack
            .ses
            .fail_next(Fault::EntryStatus("ACCOUNT_DAILY_QUOTA_EXCEEDED".into()));
        assert_eq!(app.resend(&id).await.status, 200);
        assert_eq!(app.delivery(&id).await["status"], "queued");
        app.report_of(&first, EventKind::Complaint, 5).await;
        let delivery = app.delivery(&id).await;
        assert_eq!(delivery["status"], "suppressed");
        assert!(
            delivery["reason"]
                .as_str()
                .unwrap()
                .contains("DELETE /v1/users/{id}/suppression")
        );
        app.advance(SignedDuration::from_hours(2));
        app.stack.sweep().await.unwrap();
        assert_eq!(app.mails("ann@example.com").await.len(), 1);
        // Lifting lets the mail go that waited.
        assert_eq!(app.lift(&id).await.status, 200);
        assert_eq!(app.mails("ann@example.com").await.len(), 2);
        assert_eq!(app.delivery(&id).await["status"], "delivered");
    })
    .await;
}

#[tokio::test]
async fn a_mail_that_may_have_gone_waits_as_long_as_any_such_although_its_suppression_is_lifted() {
    for suppressed_for in [1, 60] {
        with_app(async |app| {
            let id = app.invite("ann@example.com").await;
            app.stack.settled().await;
            let first = app.stack.ses.events()[0].clone();
            app.stack.ses.fail_next(Fault::ServiceDown);
            assert_eq!(app.resend(&id).await.status, 200);
            assert_eq!(app.delivery(&id).await["status"], "unknown");
            app.report_of(&first, EventKind::Complaint, 5).await;
            app.advance(SignedDuration::from_secs(suppressed_for));
            app.stack.sweep().await.unwrap();
            assert_eq!(app.lift(&id).await.status, 200);
            app.stack.sweep().await.unwrap();
            // The local stack leaves them alone for three seconds.
            let over = suppressed_for >= 3;
            let mails = app.mails("ann@example.com").await.len();
            assert_eq!(mails, 1 + usize::from(over));
            app.advance(SignedDuration::from_secs(2));
            app.stack.sweep().await.unwrap();
            assert_eq!(app.mails("ann@example.com").await.len(), 2);
        })
        .await;
    }
}

#[tokio::test]
async fn what_is_no_report_of_ours_is_left_alone_and_what_is_no_report_at_all_comes_again() {
    with_app(async |app| {
        let id = app.invite("ann@example.com").await;
        let before = app.user(&id).await;
        let mail = app.stack.ses.events()[0].clone();
        let mut foreign = mail.clone();
        foreign.tags.clear();
        let mut nobody = mail.clone();
        let stranger = UserId::from_bytes([9; 16]);
        nobody.tags.insert("user".into(), stranger.to_string());
        for event in [foreign, nobody] {
            app.report_of(&event, EventKind::Bounce(BounceKind::General), 5)
                .await;
        }
        let mut not_spam = mail.to_bus_event();
        not_spam["detail"]["eventType"] = json!("Complaint");
        not_spam["detail"]["complaint"] = json!({
            "timestamp": "2026-11-23T15:00:00Z", "complaintFeedbackType": "not-spam",
        });
        let mut opened = mail.to_bus_event();
        opened["detail"]["eventType"] = json!("Open");
        for event in [not_spam, opened] {
            app.stack.publish(event).await.unwrap();
        }
        assert_eq!(app.user(&id).await, before);
        let mut half = mail.to_bus_event();
        half["detail"]["eventType"] = json!("Bounce");
        for unreadable in [
            half,
            json!({"detail": {"mail": "ann@example.com"}}),
            json!([]),
            Value::Null,
        ] {
            let error = app.stack.publish(unreadable).await.unwrap_err().to_string();
            assert!(
                error.contains("no event of SES's") && !error.contains("ann@"),
                "{error}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn a_history_is_shown_to_its_tenants_readers_a_page_at_a_time() {
    with_app(async |app| {
        let id = app.invite("ann@example.com").await;
        let path = format!("/v1/users/{id}/history");
        let whole = app.happened(&id).await;
        let mut paged = Vec::new();
        let mut after = String::new();
        loop {
            let page = app.get(&format!("{path}?limit=1{after}")).await;
            assert_eq!(page.status, 200, "{page:?}");
            paged.extend(page.body["data"].as_array().unwrap().iter().cloned());
            match page.body["list_metadata"]["after"].as_str() {
                Some(cursor) => after = format!("&after={cursor}"),
                None => break,
            }
        }
        paged.reverse();
        assert_eq!(paged, whole);

        let other = app.token(&json!({"tenant": "other"})).await;
        assert_eq!(app.get_as(&other, &path).await.code(), "user_not_found");
        let blind = app.token(&json!({"scope": "users:invite"})).await;
        assert_eq!(app.get_as(&blind, &path).await.status, 403);
        assert_eq!(
            app.get(&format!("{path}?state=pending")).await.code(),
            "unknown_parameter"
        );
        let users = app.get("/v1/users?limit=1").await;
        let _ = app.invite("bob@example.com").await;
        let of_users = app.get("/v1/users?limit=1").await.body["list_metadata"]["after"].clone();
        assert_eq!(users.status, 200);
        let mixed = app
            .get(&format!("{path}?after={}", of_users.as_str().unwrap()))
            .await;
        assert_eq!(mixed.code(), "invalid_cursor");
    })
    .await;
}

const PEOPLE: usize = 100;

/// Users with two tries behind them, and a third that the delivery is of.
async fn people(engine: &Engine) -> Vec<UserId> {
    let users: Vec<_> = (0..PEOPLE)
        .map(|n| {
            let mut user = user(u32::try_from(n).unwrap(), start());
            user.delivery.status = DeliveryStatus::Sent;
            user.delivery.attempt = Some(3);
            user
        })
        .collect();
    for users in users.chunks(50) {
        engine.store.invite(users).await.unwrap();
    }
    users.iter().map(|user| user.id).collect()
}

fn any_event(rng: &mut StdRng, n: usize, id: UserId) -> Event {
    let kind = match rng.random_range(0..12) {
        0..3 => EventKind::Send,
        3..6 => EventKind::Delivery,
        6 => EventKind::DeliveryDelay,
        7 => EventKind::Bounce(BounceKind::General),
        8 => EventKind::Bounce(BounceKind::MailboxFull),
        9 => EventKind::Complaint,
        10 => EventKind::Reject,
        _ => EventKind::RenderingFailure {
            error: format!("Attribute 'x{}' is missing", rng.random_range(0..3)),
        },
    };
    let attempt: u64 = rng.random_range(1..=3);
    let tags = [("user", id.to_string()), ("attempt", attempt.to_string())];
    Event {
        kind,
        message_id: format!("m{n}"),
        recipient: format!("p{}@example.com", n % PEOPLE),
        tags: tags.map(|(name, value)| (name.to_owned(), value)).into(),
        // Often at the same instant, which must not matter either.
        at: start()
            .checked_add(SignedDuration::from_secs(rng.random_range(0..7200)))
            .unwrap(),
    }
}

/// Every item of the table, each as text, in order.
async fn contents(engine: &Engine) -> Vec<String> {
    let pages = engine
        .client
        .scan()
        .table_name(&engine.table)
        .into_paginator()
        .items()
        .send();
    let items: Vec<_> = pages.collect::<Result<_, _>>().await.unwrap();
    let mut rows: Vec<_> = items
        .into_iter()
        .map(|item| {
            serde_json::to_value(serde_dynamo::Item::from(item))
                .unwrap()
                .to_string()
        })
        .collect();
    rows.sort_unstable();
    rows
}

#[tokio::test]
async fn events_end_in_the_same_table_in_whatever_order_and_however_often_they_come() {
    let many = usize::try_from(number("USHER_EVENTS", 1_500)).unwrap();
    let mut rng = StdRng::seed_from_u64(1);
    let mut tables: Vec<Vec<String>> = Vec::new();
    let mut events: Vec<Event> = Vec::new();
    for _ in 0..3 {
        let engine = engines().await.remove(0);
        let ids = people(&engine).await;
        if events.is_empty() {
            events = (0..many - many / 10)
                .map(|n| any_event(&mut rng, n, ids[n % ids.len()]))
                .collect();
            let again: Vec<_> = events.iter().take(many / 10).cloned().collect();
            events.extend(again);
        }
        events.shuffle(&mut rng);
        let env = engine.variables.iter().cloned().collect();
        let listener = &Listener::new(&env).unwrap();
        stream::iter(&events)
            .for_each_concurrent(8, async |event| {
                handle(listener, &event.to_bus_event().to_string())
                    .await
                    .unwrap();
            })
            .await;
        tables.push(contents(&engine).await);
        check(&engine, &ids, &events).await;
    }
    assert_eq!(tables[0].len(), tables[1].len());
    assert!(tables[0] == tables[1] && tables[1] == tables[2]);
}

/// Each user has what counts most of what was reported, found another way.
async fn check(engine: &Engine, ids: &[UserId], events: &[Event]) {
    let mut of_user: BTreeMap<String, Vec<&Event>> = BTreeMap::new();
    for event in events {
        of_user
            .entry(event.tags["user"].clone())
            .or_default()
            .push(event);
    }
    let users = stream::iter(ids).then(async |id| engine.store.user(*id).await.unwrap().unwrap());
    let users: Vec<_> = users.collect().await;
    for user in users {
        let events = &of_user[&user.id.to_string()];
        let latest = events
            .iter()
            .map(|event| event.tags["attempt"].clone())
            .max()
            .unwrap();
        let weight = |kind: &EventKind| match kind {
            EventKind::Send => 0,
            EventKind::DeliveryDelay => 1,
            EventKind::Delivery => 2,
            EventKind::Reject | EventKind::RenderingFailure { .. } => 3,
            EventKind::Bounce(_) => 4,
            EventKind::Complaint => 5,
        };
        let of_latest = events
            .iter()
            .filter(|event| event.tags["attempt"] == latest);
        let greatest = of_latest
            .max_by_key(|event| (weight(&event.kind), event.at))
            .unwrap();
        let Feedback {
            attempt,
            status,
            at,
            ..
        } = user.feedback.clone().unwrap();
        assert_eq!((attempt.to_string(), at), (latest, greatest.at));
        let expected = [
            "sent",
            "delayed",
            "delivered",
            "failed",
            "bounced",
            "complained",
        ];
        assert_eq!(json!(status), expected[weight(&greatest.kind)]);
        let complained = events
            .iter()
            .any(|event| event.kind == EventKind::Complaint);
        let bounced = events
            .iter()
            .any(|event| event.kind == EventKind::Bounce(BounceKind::General));
        let expected = match (complained, bounced) {
            (true, _) => Some(SuppressionReason::Complained),
            (false, true) => Some(SuppressionReason::Bounced),
            (false, false) => None,
        };
        assert_eq!(
            user.suppressed.map(|suppressed| suppressed.reason),
            expected
        );
    }
    // To ten minutes: all begin five minutes after such a piece of time has begun.
    let minutes = |minutes| {
        start()
            .checked_add(SignedDuration::from_mins(minutes))
            .unwrap()
    };
    let lately = |event: &&Event| (minutes(5)..minutes(65)).contains(&event.at);
    let counted = |kind: EventKind| {
        let of_kind = events
            .iter()
            .filter(lately)
            .filter(|event| event.kind == kind);
        of_kind
            .map(|event| &event.message_id)
            .collect::<BTreeSet<_>>()
            .len() as u64
    };
    let expected = Tally {
        sent: counted(EventKind::Send),
        bounced: counted(EventKind::Bounce(BounceKind::General)),
        complained: counted(EventKind::Complaint),
    };
    assert_eq!(
        engine.store.mail_tally(minutes(60)).await.unwrap(),
        expected
    );
}
