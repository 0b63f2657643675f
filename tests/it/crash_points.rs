//! One scene for each function, in which it is killed at its first await point, at its second, and so on to its last.
//! After each of them everything comes right.

#![expect(
    clippy::print_stdout,
    reason = "what was tried, and how to try it again, is for whoever runs the tests"
)]

use std::time::Duration;

use serde_json::{Value, json};
use usher::domain::DeliveryStatus;

use crate::world::{
    BATCH, SETTLE, Settings, World,
    asks::{ALL_SCOPES, Ask, administrator},
    checks,
    seeds::on_virtual_time,
    trace,
    weather::Fault,
};

/// Plays the scene until the function is not killed any more. `scene` says whether it was.
fn at_every_await_point(what: &str, scene: impl AsyncFn(&mut World, Option<u32>) -> bool) -> u32 {
    let mut point = 1;
    loop {
        trace::take();
        let (killed, violations) = on_virtual_time(async {
            let mut world = World::new(&Settings {
                seed: 7,
                rate: Some(14.0),
                // Calls that are under way together come back one by one, and so are points of their own.
                latency: (1, 20),
            })
            .await;
            let killed = Box::pin(scene(&mut world, Some(point))).await;
            world.recover().await;
            (killed, checks::violations(&world))
        });
        assert!(
            violations.is_empty(),
            "{}\n{what} killed at {point}:\n{}",
            trace::take().join("\n"),
            violations.join("\n")
        );
        if !killed {
            println!("{what} was killed at each of {} await points", point - 1);
            return point - 1;
        }
        point += 1;
    }
}

fn claims() -> Value {
    administrator("adm", "default", ALL_SCOPES)
}

fn two() -> Ask {
    let people = json!({"invitees": [{"email": "ann@example.com"}, {"email": "bob@example.com"}]});
    Ask::invite(&claims(), people, Some("the key".to_owned()))
}

async fn invite_two(world: &mut World) {
    let reply = world.ask(&two(), None).await.unwrap();
    assert_eq!(reply.status, 200, "{:?}", reply.body);
}

fn somebody(world: &World) -> String {
    world.changes.now.keys().next().unwrap().to_string()
}

#[test]
fn a_mailer_may_be_killed_anywhere() {
    let points = at_every_await_point("the mailer", async |world, kill| {
        invite_two(world).await;
        let batch = world.source.batch(BATCH);
        assert_eq!(batch.len(), 2);
        let answer = world.mail(&batch, kill).await;
        world.source.settle(&batch, answer.as_ref());
        answer.is_none()
    });
    assert!(
        points > 8,
        "{points} are too few: two claims, a turn, a call, two records"
    );
}

#[test]
fn a_sweeper_may_be_killed_anywhere() {
    let points = at_every_await_point("the sweeper", async |world, kill| {
        invite_two(world).await;
        // One mail is announced and not claimed; the other's mailer is gone.
        let batch = world.source.batch(1);
        world.mail(&batch, Some(3)).await;
        world.pass(Duration::from_mins(3)).await;
        let before = world.book().killed.len();
        world.sweep(kill).await;
        world.book().killed.len() > before
    });
    assert!(points > 8, "{points} are too few: eight shards are read");
}

#[test]
fn an_invite_may_be_killed_anywhere_and_asked_again_invites_nobody_twice() {
    let points = at_every_await_point("invite", async |world, kill| {
        let killed = world.ask(&two(), kill).await.is_none();
        world.deliver_all().await;
        world.pass(Duration::from_secs(5)).await;
        let again = world.ask(&two(), None).await.unwrap();
        let outcomes = again.body["results"].as_array().unwrap().iter();
        assert!(
            outcomes.clone().all(|row| row["outcome"] == "invited"),
            "{:?}",
            again.body
        );
        assert_eq!(world.changes.now.len(), 2);
        killed
    });
    assert!(points > 0);
}

#[test]
fn a_resend_of_many_may_be_killed_anywhere_and_asked_again_mails_everybody_once() {
    let points = at_every_await_point("resend of many", async |world, kill| {
        invite_two(world).await;
        world.deliver_all().await;
        world.pass(Duration::from_secs(61)).await;
        let all = Ask::resend_many(&claims(), json!({"state": "pending"}));
        let first = world.ask(&all, kill).await;
        world.deliver_all().await;
        let again = world.ask(&all, None).await.unwrap();
        let outcomes = again.body["results"].as_array().unwrap().iter();
        let outcomes: Vec<_> = outcomes.map(|row| row["outcome"].as_str()).collect();
        let expected = [Some("resent"), Some("too_soon")];
        assert_eq!(outcomes.len(), 2);
        assert!(
            outcomes.iter().all(|outcome| expected.contains(outcome)),
            "{outcomes:?}"
        );
        world.deliver_all().await;
        assert_eq!(world.book().sent.len(), 4, "two mails to each of the two");
        first.is_none()
    });
    assert!(points > 2, "{points} are too few: a list, two writes");
}

/// After their mails have gone, somebody is revoked.
async fn revoke_somebody(world: &mut World) {
    let revoke = Ask::change(&claims(), "revoke", &somebody(world), Value::Null);
    assert_eq!(world.ask(&revoke, None).await.unwrap().status, 200);
}

#[test]
fn a_restore_may_be_killed_anywhere_and_asked_again_and_a_mail_that_was_kept_goes() {
    for mailed in [true, false] {
        let points = at_every_await_point("restore", async |world, kill| {
            invite_two(world).await;
            if mailed {
                world.deliver_all().await;
            }
            revoke_somebody(world).await;
            world.deliver_all().await;
            world.pass(Duration::from_mins(5)).await;
            world.sweep(None).await;
            let ask = Ask::change(&claims(), "restore", &somebody(world), Value::Null);
            let first = world.ask(&ask, kill).await;
            if let Some(reply) = &first {
                assert_eq!(reply.status, 200, "{}", reply.code());
            } else {
                let again = world.ask(&ask, None).await.unwrap();
                assert!(matches!(again.code(), "" | "not_revoked"), "{again:?}");
            }
            world.deliver_all().await;
            assert_eq!(world.book().sent.len(), 2, "one mail to each of the two");
            first.is_none()
        });
        assert!(points > 1, "{points} are too few: a read, a write");
    }
}

#[test]
fn whoever_is_restored_while_the_mailer_leaves_out_their_mail_gets_it_all_the_same() {
    let mut left_out = 0;
    for milliseconds in (0..120).step_by(4) {
        on_virtual_time(async {
            let mut world = World::new(&Settings {
                seed: 7,
                rate: Some(1.0),
                latency: (1, 20),
            })
            .await;
            invite_two(&mut world).await;
            let first = world.source.batch(1);
            let answer = world.mail(&first, None).await;
            world.source.settle(&first, answer.as_ref());
            // The second mail waits a second for its turn. Meanwhile it is not wanted any more, and then it is again.
            let second = world.source.batch(1);
            let mut people = world.changes.now.values();
            let waiting = people.find(|user| user.delivery.status == DeliveryStatus::Queued);
            let id = waiting.unwrap().id.to_string();
            let ask = |what| Ask::change(&claims(), what, &id, Value::Null);
            let asks = vec![
                (Duration::from_millis(500), ask("revoke")),
                (Duration::from_millis(420 + milliseconds), ask("restore")),
            ];
            let answer = world.mail_while_asking_all(&second, asks).await;
            world.source.settle(&second, answer.as_ref());
            left_out += usize::from(world.book().sent.len() == 1);
            world.pass(Duration::from_mins(3)).await;
            world.sweep(None).await;
            world.deliver_all().await;
            assert_eq!(world.book().sent.len(), 2, "after {milliseconds} ms");
            world.recover().await;
            let violations = checks::violations(&world);
            assert!(violations.is_empty(), "{}", violations.join("\n"));
        });
    }
    assert!(left_out > 0, "the mail was never left out");
}

/// A function that somebody asks for, after the mails of two people have gone: killed, and asked again.
fn asked_again(what: &str, ask: impl Fn(&World) -> Ask, wait: Duration, end: &str) {
    let points = at_every_await_point(what, async |world, kill| {
        invite_two(world).await;
        world.deliver_all().await;
        world.pass(wait).await;
        let ask = ask(world);
        let first = world.ask(&ask, kill).await;
        world.deliver_all().await;
        if let Some(reply) = &first {
            assert_eq!(reply.status, 200, "{what}: {}", reply.code());
        } else {
            // Done before it was killed, or done now.
            let again = world.ask(&ask, None).await.unwrap();
            assert!(again.status < 500, "{what}: {}", again.code());
        }
        let id = somebody(world);
        let shown = world.ask(&Ask::get(&claims(), &id), None).await.unwrap();
        assert_eq!(shown.body["state"], end);
        first.is_none()
    });
    assert!(points > 0);
}

#[test]
fn whatever_is_asked_over_http_may_be_killed_anywhere_and_asked_again() {
    let minute = Duration::from_secs(61);
    asked_again(
        "resend",
        |world| Ask::change(&claims(), "resend", &somebody(world), json!({})),
        minute,
        "pending",
    );
    asked_again(
        "revoke",
        |world| Ask::change(&claims(), "revoke", &somebody(world), Value::Null),
        minute,
        "revoked",
    );
    asked_again(
        "show the link",
        |world| Ask::show_link(&claims(), &somebody(world)),
        minute,
        "pending",
    );
    asked_again("accept", |world| link(world, ""), minute, "accepted");
    asked_again(
        "decline",
        |world| link(world, "/decline"),
        minute,
        "declined",
    );
    asked_again(
        "the correction of an address",
        |world| Ask::correct(&claims(), &somebody(world), "new@example.com"),
        Duration::ZERO,
        "pending",
    );
    let week = Duration::from_hours(7 * 24);
    asked_again("renew", |world| link(world, "/renew"), week, "pending");
}

#[test]
fn an_erasure_may_be_killed_anywhere_and_asked_again() {
    let points = at_every_await_point("the erasure", async |world, kill| {
        invite_two(world).await;
        world.deliver_all().await;
        let id = somebody(world);
        let ask = Ask::erase(&claims(), &id);
        let first = world.ask(&ask, kill).await;
        if let Some(reply) = &first {
            assert_eq!(reply.status, 200, "{}", reply.code());
        } else {
            let again = world.ask(&ask, None).await.unwrap();
            assert!(matches!(again.status, 200 | 404), "{}", again.code());
        }
        let gone = world.ask(&ask, None).await.unwrap();
        assert_eq!((gone.status, gone.code()), (404, "user_not_found"));
        assert_eq!(world.changes.gone.len(), 1);
        first.is_none()
    });
    assert!(points > 2, "{points} are too few: two reads and a write");
}

#[test]
fn whoever_goes_through_the_history_of_an_erased_user_may_be_killed_anywhere() {
    let points = at_every_await_point("the history", async |world, kill| {
        invite_two(world).await;
        world.deliver_all().await;
        world.hear_events(true).await;
        world.chronicle_all().await;
        let ask = Ask::erase(&claims(), &somebody(world));
        assert_eq!(world.ask(&ask, None).await.unwrap().status, 200);
        let batch = world.chronicle.batch(BATCH);
        assert_eq!(batch.len(), 1);
        let answer = world.write_history(&batch, kill).await;
        world.chronicle.settle(&batch, answer.as_ref());
        answer.is_none()
    });
    assert!(
        points > 4,
        "{points} are too few: three events tell of the mail"
    );
}

#[test]
fn a_person_who_is_erased_or_moves_while_their_mail_is_being_sent_gets_it_once_at_most() {
    let ask_of = |world: &World, erase: bool| {
        let id = somebody(world);
        if erase {
            Ask::erase(&claims(), &id)
        } else {
            Ask::correct(&claims(), &id, "new@example.com")
        }
    };
    for (seed, erase) in (0..40).map(|n| (n / 2, n % 2 == 0)) {
        on_virtual_time(async {
            let mut world = World::new(&Settings {
                seed,
                rate: None,
                latency: (1, 40),
            })
            .await;
            invite_two(&mut world).await;
            let batch = world.source.batch(BATCH);
            let ask = ask_of(&world, erase);
            let answer = world.mail_while_asking(&batch, &ask).await;
            world.source.settle(&batch, answer.as_ref());
            world.recover().await;
            assert_eq!(
                checks::violations(&world),
                Vec::<String>::new(),
                "seed {seed}"
            );
            let gone = usize::from(erase);
            assert_eq!(
                (world.changes.now.len(), world.changes.gone.len()),
                (2 - gone, gone)
            );
        });
    }
}

#[test]
fn a_mail_that_ses_reports_after_it_was_announced_again_goes_once() {
    on_virtual_time(async {
        let mut world = World::new(&Settings {
            seed: 7,
            rate: None,
            latency: (0, 0),
        })
        .await;
        invite_two(&mut world).await;
        world.book().weather.next = Some(("SendBulkEmail", Fault::AnswerLost));
        world.deliver_all().await;
        world.pass(SETTLE + Duration::from_mins(1)).await;
        world.sweep(None).await;
        let announced = world.source.batch(BATCH);
        assert_eq!(announced.len(), 2, "both mails are in doubt");
        world.hear_events(true).await;
        world.mail(&announced, None).await.unwrap();
        world.source.settle(&announced, Some(&Value::Null));
        world.recover().await;
        assert_eq!(world.book().sent.len(), 2);
        assert_eq!(checks::violations(&world), Vec::<String>::new());
    });
}

#[test]
fn a_claim_that_was_lost_on_its_way_back_mails_no_link_that_is_replaced_meanwhile() {
    on_virtual_time(async {
        let mut world = World::new(&Settings {
            seed: 1,
            rate: None,
            latency: (0, 0),
        })
        .await;
        let one = json!({"invitees": [{"email": "ann@example.com"}]});
        world.ask(&Ask::invite(&claims(), one, None), None).await;
        world.pass(Duration::from_secs(61)).await;
        let batch = world.source.batch(BATCH);
        let resend = Ask::change(&claims(), "resend", &somebody(&world), json!({}));
        world.book().weather.next = Some(("UpdateItem", Fault::AnswerLost));
        let answer = world.mail_while_asking(&batch, &resend).await;
        world.source.settle(&batch, answer.as_ref());
        assert!(world.book().sent.is_empty(), "the replaced link was mailed");
        world.recover().await;
        let violations = checks::violations(&world);
        assert!(violations.is_empty(), "{}", violations.join("\n"));
        assert_eq!(world.book().sent.len(), 1);
    });
}

/// What the first person does with their first link.
fn link(world: &World, what: &str) -> Ask {
    let id = somebody(world);
    let book = world.book();
    let mail = book.sent.iter().find(|mail| mail.user == id).unwrap();
    Ask::link(what, &mail.token)
}
