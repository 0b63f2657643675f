//! What the sweeper does about users whose time has come: on every engine, with the clock in hand, and in a whole stack
//! whose SES fails.

use futures::future::join_all;
use jiff::SignedDuration;
use serde_json::{Value, json};
use sweeper::{Sweeper, Swept, sweep};
use tokio::time::{Duration, Instant};
use usher::{
    clock::Clock,
    domain::{ClaimMail, DeliveryStatus, State, StateName, TenantId, User, UserId},
    store::Selection,
};
use usher_local::{
    Options,
    ses::{ConfigurationSetState, Fault},
};

use crate::{
    app::{App, with_app, with_options},
    engine::{Engine, administrator, engines, hash, start, user},
};

const LEASE: SignedDuration = SignedDuration::from_secs(150);

/// As [`with_app`], of which SES tells nobody what becomes of mails.
async fn without_reports(test: impl AsyncFnOnce(&App)) {
    let mut options = Options::default();
    options.ses.configuration_set = ConfigurationSetState::Silent;
    with_options(options, test).await;
}

/// A table, its sweeper, and the clock of both.
struct Table<'a> {
    engine: &'a Engine,
    sweeper: Sweeper,
    clock: Clock,
}

impl<'a> Table<'a> {
    fn of(engine: &'a Engine) -> Self {
        let clock = Clock::fixed(start());
        let env = engine.variables.iter().cloned().collect();
        Self {
            engine,
            sweeper: Sweeper::new(&env, clock.clone()).unwrap(),
            clock,
        }
    }

    async fn invite(&self, count: u32) -> Vec<User> {
        let now = self.clock.now();
        let users: Vec<_> = (0..count)
            .map(|n| User {
                due_at: now.checked_add(SignedDuration::from_mins(2)).ok(),
                ..user(n, now)
            })
            .collect();
        for users in users.chunks(50) {
            self.engine.store.invite(users).await.unwrap();
        }
        users
    }

    async fn claim(&self, user: &User) {
        let now = self.clock.now();
        let claim = ClaimMail {
            user_id: user.id,
            record: user.version,
            doubted: None,
            now,
            until: now.checked_add(LEASE).unwrap(),
            token: hash(1),
        };
        let claimed = self.engine.store.claim_mail(&claim).await.unwrap();
        assert!(matches!(claimed, usher::store::Attempt::Done(_)));
    }

    async fn user(&self, id: UserId) -> User {
        self.engine.store.user(id).await.unwrap().unwrap()
    }

    /// What a sweep did; how long the mail has waited is asked for apart.
    async fn sweep(&self) -> Swept {
        Swept {
            oldest_seconds: 0,
            ..self.whole_sweep().await
        }
    }

    async fn whole_sweep(&self) -> Swept {
        sweep(&self.sweeper, Instant::now() + Duration::from_mins(1))
            .await
            .unwrap()
    }

    async fn sweep_after(&self, pause: SignedDuration) -> Swept {
        self.clock.advance(pause);
        self.sweep().await
    }
}

const NOTHING: Swept = Swept {
    queued: 0,
    unknown: 0,
    given_up: 0,
    settled: 0,
    reminded: 0,
    expired: 0,
    noted: 0,
    left: 0,
    finished: true,
    oldest_seconds: 0,
};

#[tokio::test]
async fn a_mail_that_nobody_has_claimed_is_announced_again_once_for_each_time_it_is_due() {
    for engine in engines().await {
        let table = Table::of(&engine);
        let users = table.invite(120).await;
        assert_eq!(table.sweep().await, NOTHING, "{}", engine.name);
        assert_eq!(
            table.sweep_after(SignedDuration::from_mins(2)).await,
            Swept {
                queued: 120,
                ..NOTHING
            }
        );
        assert_eq!(table.sweep().await, NOTHING);
        let again = table.user(users[7].id).await;
        assert!(again.outbox.is_some() && again.version > users[7].version);
        assert_eq!(again.nonce, users[7].nonce, "the link is the same");
        assert_eq!(
            table.sweep_after(SignedDuration::from_mins(2)).await,
            Swept {
                queued: 120,
                ..NOTHING
            }
        );
    }
}

#[tokio::test]
async fn sweeps_at_once_do_everything_once() {
    for engine in engines().await {
        let table = Table::of(&engine);
        let users = table.invite(60).await;
        table.clock.advance(SignedDuration::from_mins(2));
        let swept = join_all((0..4).map(|_| table.sweep())).await;
        assert_eq!(swept.iter().map(|swept| swept.queued).sum::<u64>(), 60);
        for user in &users {
            assert_eq!(table.user(user.id).await.version, user.version + 1);
        }
    }
}

#[tokio::test]
async fn a_sweep_that_runs_out_of_time_leaves_the_rest_to_the_next() {
    let engines = engines().await;
    let table = Table::of(&engines[0]);
    table.invite(10).await;
    table.clock.advance(SignedDuration::from_mins(2));
    let hurried = sweep(&table.sweeper, Instant::now()).await.unwrap();
    assert_eq!(
        hurried,
        Swept {
            finished: false,
            ..NOTHING
        }
    );
    assert_eq!(table.sweep().await.queued, 10);
}

#[tokio::test]
async fn a_mail_whose_mailer_is_gone_is_unknown_first_and_then_sent_again() {
    for engine in engines().await {
        let table = Table::of(&engine);
        let [user] = &table.invite(1).await[..] else {
            panic!("one was invited");
        };
        table.claim(user).await;
        assert_eq!(
            table.sweep_after(SignedDuration::from_secs(149)).await,
            NOTHING
        );
        assert_eq!(
            table.sweep_after(SignedDuration::from_secs(1)).await,
            Swept {
                unknown: 1,
                ..NOTHING
            }
        );
        let found = table.user(user.id).await;
        assert_eq!(found.delivery.status, DeliveryStatus::Unknown);
        assert!(found.outbox.is_none(), "it is left alone for a while");
        assert_eq!(
            table.sweep_after(SignedDuration::from_mins(10)).await,
            Swept {
                queued: 1,
                ..NOTHING
            }
        );
        assert_eq!(
            table.user(user.id).await.nonce,
            user.nonce,
            "the link is the same"
        );
    }
}

#[tokio::test]
async fn a_mail_that_was_being_sent_when_its_invitation_was_revoked_is_not_sent_again() {
    for engine in engines().await {
        let table = Table::of(&engine);
        let [user] = &table.invite(1).await[..] else {
            panic!("one was invited");
        };
        table.claim(user).await;
        let revoke = usher::domain::Revoke {
            by: administrator(),
            tenant: TenantId::default(),
            now: table.clock.now(),
        };
        engine.store.revoke(user.id, &revoke).await.unwrap();
        assert_eq!(
            table.sweep_after(LEASE).await,
            Swept {
                unknown: 1,
                ..NOTHING
            }
        );
        assert_eq!(
            table.sweep_after(SignedDuration::from_mins(10)).await,
            Swept {
                noted: 1,
                ..NOTHING
            }
        );
        let found = table.user(user.id).await;
        assert!(matches!(found.state, State::Revoked { .. }));
        assert_eq!((found.due_at, found.outbox), (None, None));
        assert_eq!(
            table.sweep_after(SignedDuration::from_hours(240)).await,
            NOTHING
        );
    }
}

#[tokio::test]
async fn an_invitation_whose_link_is_over_is_moved_among_the_expired_and_never_mailed() {
    for engine in engines().await {
        let table = Table::of(&engine);
        let [user] = &table.invite(1).await[..] else {
            panic!("one was invited");
        };
        table.clock.advance(SignedDuration::from_hours(24 * 7));
        assert_eq!(
            table.sweep().await,
            Swept {
                expired: 1,
                ..NOTHING
            }
        );
        let found = table.user(user.id).await;
        assert_eq!((found.due_at, found.outbox), (None, None));
        assert_eq!(listed(&table, StateName::Expired).await, [user.id]);
        assert!(listed(&table, StateName::Pending).await.is_empty());
    }
}

async fn listed(table: &Table<'_>, state: StateName) -> Vec<UserId> {
    let selection = Selection {
        tenant: TenantId::default(),
        state: Some(state),
        after: None,
        limit: 10,
        now: table.clock.now(),
    };
    let page = table.engine.store.list(&selection).await.unwrap();
    page.users.iter().map(|user| user.id).collect()
}

/// Moves the clock on, sweeps, and waits for the mails that this sends. What the sweep did.
async fn sweep_after(app: &App, seconds: i64) -> Value {
    app.advance(SignedDuration::from_secs(seconds));
    let swept = app.stack.sweep().await.unwrap();
    app.stack.settled().await;
    swept
}

async fn delivery(app: &App, id: &str) -> (String, String) {
    let user = app.get(&format!("/v1/users/{id}")).await.body;
    let text = |name: &str| {
        user["delivery"][name]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    (text("status"), text("reason"))
}

#[tokio::test]
async fn a_mail_that_ses_puts_off_is_sent_later_with_the_same_link() {
    for fault in [
        Fault::CallThrottled,
        Fault::EntryStatus("TRANSIENT_FAILURE".into()),
        Fault::EntryStatus("FAILED".into()),
    ] {
        with_app(async |app| {
            // As often as the mailer asks within two runs.
            for _ in 0..6 {
                app.stack.ses.fail_next(fault.clone());
            }
            let id = app.invite("ann@example.com").await;
            app.stack.settled().await;
            let (status, reason) = delivery(app, &id).await;
            assert_eq!(status, "queued");
            assert!(reason.contains("tried again"), "{reason}");
            assert_eq!(sweep_after(app, 59).await["queued"], 0);
            assert_eq!(sweep_after(app, 1).await["queued"], 1);
            assert_eq!(delivery(app, &id).await.0, "queued");
            assert_eq!(
                sweep_after(app, 119).await["queued"],
                0,
                "the pause is doubled"
            );
            assert_eq!(sweep_after(app, 1).await["queued"], 1);
            assert_eq!(delivery(app, &id).await.0, "delivered");
            let token = app.mailed_token("ann@example.com").await;
            assert_eq!(app.mails("ann@example.com").await.len(), 1);
            assert_eq!(app.accept(&token).await.status, 200);
        })
        .await;
    }
}

#[tokio::test]
async fn a_mail_that_ses_refuses_ten_times_for_no_known_reason_is_given_up() {
    with_app(async |app| {
        for _ in 0..30 {
            app.stack
                .ses
                .fail_next(Fault::EntryStatus("A_STATUS_OF_THE_FUTURE".into()));
        }
        let id = app.invite("ann@example.com").await;
        app.stack.settled().await;
        for _ in 0..9 {
            assert_eq!(delivery(app, &id).await.0, "queued");
            assert_eq!(sweep_after(app, 3600).await["queued"], 1);
        }
        let (status, reason) = delivery(app, &id).await;
        assert_eq!(status, "failed");
        assert!(reason.contains("ten tries"), "{reason}");
    })
    .await;
}

#[tokio::test]
async fn when_the_answer_of_ses_is_lost_the_mail_is_unknown_until_it_is_sent_again_with_the_same_link()
 {
    for (fault, mails) in [
        (Fault::DropConnectionAfterAccept, 2),
        (Fault::ServiceDown, 1),
    ] {
        without_reports(async |app| {
            app.stack.ses.fail_next(fault.clone());
            let id = app.invite("ann@example.com").await;
            app.stack.settled().await;
            let (status, reason) = delivery(app, &id).await;
            assert_eq!(status, "unknown");
            assert!(reason.contains("same link"), "{reason}");
            assert_eq!(sweep_after(app, 2).await["queued"], 0);
            assert_eq!(sweep_after(app, 1).await["queued"], 1);
            assert_eq!(delivery(app, &id).await.0, "sent");
            let mailed = app.mails("ann@example.com").await;
            assert_eq!(mailed.len(), mails);
            assert!(mailed.iter().all(|mail| mail.text == mailed[0].text));
        })
        .await;
    }
}

#[tokio::test]
async fn an_expired_invitation_is_listed_as_such_and_comes_back_with_a_resend() {
    with_app(async |app| {
        let id = app.invite("ann@example.com").await;
        app.stack.settled().await;
        let week = 7 * 24 * 60 * 60;
        assert_eq!(sweep_after(app, week - 1).await["expired"], 0);
        assert_eq!(sweep_after(app, 1).await["expired"], 1);
        let listed = |state: &str| {
            let path = format!("/v1/users?state={state}");
            async move { app.get(&path).await.body["data"].as_array().unwrap().len() }
        };
        assert_eq!((listed("expired").await, listed("pending").await), (1, 0));
        let path = format!("/v1/users/{id}/resend");
        assert_eq!(app.post(&path, &json!({})).await.status, 200);
        assert_eq!((listed("expired").await, listed("pending").await), (0, 1));
        app.stack.settled().await;
        assert_eq!(sweep_after(app, week).await["expired"], 1);
    })
    .await;
}

#[tokio::test]
async fn a_sweep_says_for_how_long_the_oldest_mail_has_waited() {
    let engines = engines().await;
    let table = Table::of(&engines[0]);
    table.invite(3).await;
    assert_eq!(table.whole_sweep().await.oldest_seconds, 0);
    table.clock.advance(SignedDuration::from_secs(130));
    assert_eq!(table.whole_sweep().await.oldest_seconds, 130);
    assert_eq!(
        table.whole_sweep().await.oldest_seconds,
        0,
        "it is on its way again"
    );
}

#[tokio::test]
async fn a_mail_that_may_have_gone_three_times_is_not_sent_a_fourth_time() {
    without_reports(async |app| {
        for _ in 0..3 {
            app.stack.ses.fail_next(Fault::DropConnectionAfterAccept);
        }
        let id = app.invite("ann@example.com").await;
        app.stack.settled().await;
        for _ in 0..2 {
            assert_eq!(delivery(app, &id).await.0, "unknown");
            assert_eq!(sweep_after(app, 3).await["queued"], 1);
        }
        assert_eq!(delivery(app, &id).await.0, "unknown");
        assert_eq!(sweep_after(app, 3).await["given_up"], 1);
        let (status, reason) = delivery(app, &id).await;
        assert_eq!(status, "failed");
        assert!(reason.contains("send the invitation again"), "{reason}");
        assert_eq!(app.mails("ann@example.com").await.len(), 3);
        assert_eq!(sweep_after(app, 3600).await["queued"], 0);
    })
    .await;
}
