//! SES's rate, which is the account's: how mailers take turns, on every engine.

use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use usher::store::{Slot, Store};
use usher_local::{Options, ses::SesOptions};

use crate::{
    app::{App, with_app},
    dry_run::table,
    engine::{engines, start},
};

/// What a call to 50 recipients takes at 14 a second.
const CALL: SignedDuration = SignedDuration::from_millis(3571);

fn after(seconds: i64) -> Timestamp {
    start()
        .checked_add(SignedDuration::from_secs(seconds))
        .unwrap()
}

#[tokio::test]
async fn any_number_of_mailers_at_once_take_turns_without_a_gap() {
    for engine in engines().await {
        let turns = (0..12).map(|_| engine.store.reserve_sending(start(), CALL, after(3600)));
        let mut slots: Vec<_> = join_all(turns)
            .await
            .into_iter()
            .map(|slot| match slot.unwrap() {
                Slot::At(at) => at,
                full @ Slot::Full { .. } => panic!("{full:?} on {}", engine.name),
            })
            .collect();
        slots.sort_unstable();
        let expected: Vec<_> = (0..12)
            .map(|n| start().checked_add(CALL * n).unwrap())
            .collect();
        assert_eq!(slots, expected, "{}", engine.name);
    }
}

#[tokio::test]
async fn whoever_would_have_to_wait_too_long_takes_no_place_and_is_told_when_there_is_one() {
    for engine in engines().await {
        let turn = || engine.store.reserve_sending(start(), CALL, after(5));
        assert_eq!(turn().await.unwrap(), Slot::At(start()));
        let second = start().checked_add(CALL).unwrap();
        assert_eq!(turn().await.unwrap(), Slot::At(second));
        let free_at = second.checked_add(CALL).unwrap();
        for _ in 0..3 {
            assert_eq!(turn().await.unwrap(), Slot::Full { free_at });
        }
        let later = engine.store.reserve_sending(after(60), CALL, after(60));
        assert_eq!(
            later.await.unwrap(),
            Slot::At(after(60)),
            "nobody waits any more"
        );
    }
}

#[tokio::test]
async fn a_clock_that_was_wrong_holds_up_nobody_for_long() {
    for engine in engines().await {
        let wrong = engine
            .store
            .reserve_sending(after(86_400), CALL, after(90_000));
        assert_eq!(wrong.await.unwrap(), Slot::At(after(86_400)));
        let right = engine.store.reserve_sending(start(), CALL, after(5));
        assert_eq!(right.await.unwrap(), Slot::At(start()));
    }
}

#[tokio::test]
async fn ses_never_has_to_refuse_a_mail_for_its_rate() {
    let app = App::start(Options {
        ses: SesOptions {
            rate: Some(25.0),
            ..SesOptions::default()
        },
        ..Options::default()
    })
    .await;
    let text: String = (0..150).map(|n| format!("p{n}@example.com\n")).collect();
    app.post("/v1/invitations", &json!({"text": text})).await;
    app.assert_no_mail_is_left().await;
    assert_eq!(app.stack.ses.refused(), 0);
    assert_eq!(app.stack.mailbox.list(None).len(), 150);
    app.stack.stop().await;
}

#[tokio::test]
async fn a_test_mail_takes_its_turn_and_is_not_sent_where_that_would_be_long() {
    with_app(async |app| {
        let now = app.stack.clock.running().now();
        let store = Store::new(table(app), "usher");
        let minute = SignedDuration::from_mins(1);
        assert_eq!(
            store.reserve_sending(now, minute, now).await.unwrap(),
            Slot::At(now)
        );
        let refused = app.post("/v1/templates/en/test", &json!({})).await;
        assert_eq!(
            (refused.status, refused.code()),
            (503, "mail_not_sent"),
            "{refused:?}"
        );
        let seconds: i64 = refused.headers["retry-after"]
            .to_str()
            .unwrap()
            .parse()
            .unwrap();
        assert!((2..=61).contains(&seconds), "{seconds}");
        assert_eq!(app.stack.mailbox.count(), 0);
    })
    .await;
}
