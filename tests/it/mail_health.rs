//! What an administrator is told is wrong with the mail, and what to do about it.

use jiff::SignedDuration;
use serde_json::{Value, json};
use usher::domain::{Delivery, DeliveryStatus, User};
use usher_local::{
    Options,
    ses::{CONFIGURATION_SET, ConfigurationSetState, Fault, SENDER, SesError, SesOptions},
};

use crate::{
    app::{App, with_app, with_options},
    engine::{start, user},
};

async fn health(app: &App) -> Value {
    let answer = app.get("/v1/mail-health").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body
}

fn codes(health: &Value) -> Vec<&str> {
    let problems = health["problems"].as_array().unwrap();
    for problem in problems {
        for text in ["detail", "hint"] {
            let text = problem[text].as_str().unwrap();
            assert!(text.ends_with('.') && text.len() <= 400, "{text}");
        }
    }
    problems
        .iter()
        .map(|problem| problem["code"].as_str().unwrap())
        .collect()
}

/// After a minute, since SES is asked no oftener.
async fn changed(app: &App, change: impl FnOnce(&mut SesOptions)) -> Value {
    app.advance(SignedDuration::from_mins(1));
    app.stack.ses.change(change);
    health(app).await
}

#[tokio::test]
async fn a_healthy_stack_says_so_with_every_field() {
    with_app(async |app| {
        app.post(
            "/v1/invitations",
            &json!({"text": "a@example.com b@example.com"}),
        )
        .await;
        app.stack.settled().await;
        let nothing = json!({"count": 0, "oldest_seconds": null});
        assert_eq!(
            health(app).await,
            json!({
                "status": "healthy",
                "ses_asked_at": "2026-11-23T14:05:00.000Z",
                "account": {
                    "sandbox": false,
                    "sending_enabled": true,
                    "enforcement_status": "healthy",
                    "max_send_rate": 10_000.0,
                    "quota": 1_000_000_000,
                    "used": 2,
                    "left": 999_999_998,
                },
                "sender": {"identity": SENDER, "exists": true, "verified": true, "dkim": "success"},
                "configuration_set": {
                    "name": CONFIGURATION_SET,
                    "exists": true,
                    "sending_enabled": true,
                    "event_destination": "present",
                },
                "mail": {
                    "queued": nothing,
                    "sending": nothing,
                    "unknown": nothing,
                    "parked": nothing,
                    "counted_all": true,
                },
                "last_hour": {
                    "sent": 2,
                    "bounced": 0,
                    "complained": 0,
                    "bounce_rate": 0.0,
                    "complaint_rate": 0.0,
                    "limits": {
                        "bounce_rate": {"review": 0.05, "pause": 0.1},
                        "complaint_rate": {"review": 0.001, "pause": 0.005},
                    },
                },
                "problems": [],
            })
        );
    })
    .await;
}

#[tokio::test]
async fn the_sandbox_is_a_warning_and_its_used_up_quota_an_error() {
    let sandbox = SesOptions {
        sandbox: true,
        daily: Some(2),
        // No test has the time for one mail a second.
        rate: Some(1000.0),
        verified: vec!["example.com".into()],
        ..SesOptions::default()
    };
    let options = Options {
        ses: sandbox,
        ..Options::default()
    };
    with_options(options, async |app| {
        let found = health(app).await;
        assert_eq!(
            (codes(&found), &found["status"]),
            (vec!["sandbox"], &json!("degraded"))
        );
        assert_eq!(found["account"]["sandbox"], true);
        app.post(
            "/v1/invitations",
            &json!({"text": "a@example.com b@example.com"}),
        )
        .await;
        app.stack.settled().await;
        // What was asked a moment ago counts for a minute.
        assert_eq!(codes(&health(app).await), ["sandbox"]);
        let found = changed(app, |_| {}).await;
        assert_eq!(
            (codes(&found), &found["status"]),
            (vec!["quota_used_up", "sandbox"], &json!("failing"))
        );
        assert_eq!(found["account"]["left"], 0);
    })
    .await;
}

#[tokio::test]
async fn whatever_ses_says_against_the_account_its_sender_or_its_configuration_set_is_told() {
    with_app(async |app| {
        let healthy = SesOptions::default;
        let unhealthy = [
            (
                "sending_paused",
                SesOptions {
                    paused: true,
                    ..healthy()
                },
            ),
            (
                "account_under_review",
                SesOptions {
                    enforcement_status: Some("PROBATION"),
                    ..healthy()
                },
            ),
            (
                "account_shut_down",
                SesOptions {
                    enforcement_status: Some("SHUTDOWN"),
                    ..healthy()
                },
            ),
            (
                "identity_unverified",
                SesOptions {
                    sender_unverified: true,
                    ..healthy()
                },
            ),
            (
                "dkim_not_verified",
                SesOptions {
                    dkim: Some("TEMPORARY_FAILURE"),
                    ..healthy()
                },
            ),
            (
                "configuration_set_missing",
                SesOptions {
                    configuration_set: ConfigurationSetState::Absent,
                    ..healthy()
                },
            ),
            (
                "event_destination_missing",
                SesOptions {
                    configuration_set: ConfigurationSetState::Silent,
                    ..healthy()
                },
            ),
            (
                "event_destination_disabled",
                SesOptions {
                    configuration_set: ConfigurationSetState::Silenced,
                    ..healthy()
                },
            ),
        ];
        for (code, options) in unhealthy {
            let found = changed(app, |now| *now = options).await;
            assert_eq!(codes(&found), [code], "{found}");
        }
        let found = changed(app, |now| *now = healthy()).await;
        assert_eq!(found["status"], "healthy", "{found}");
    })
    .await;
}

#[tokio::test]
async fn without_a_configuration_set_nobody_hears_what_becomes_of_mails() {
    let options = Options {
        variables: vec![("MAIL_CONFIGURATION_SET".into(), String::new())],
        ..Options::default()
    };
    with_options(options, async |app| {
        let found = health(app).await;
        assert_eq!(codes(&found), ["no_configuration_set"]);
        assert_eq!(found["configuration_set"], Value::Null);
    })
    .await;
}

#[tokio::test]
async fn where_ses_gives_no_answer_the_rest_is_told_all_the_same() {
    with_app(async |app| {
        // Four questions, each asked three times.
        for _ in 0..12 {
            app.stack.ses.fail_next(Fault::ServiceDown);
        }
        let found = health(app).await;
        assert_eq!(
            (codes(&found), &found["status"]),
            (vec!["ses_unanswered"], &json!("degraded"))
        );
        assert_eq!(found["mail"]["counted_all"], true);
        assert_eq!(
            (&found["account"]["sandbox"], &found["account"]["left"]),
            (&Value::Null, &Value::Null)
        );
        assert_eq!(
            found["sender"],
            json!({"identity": SENDER, "exists": null, "verified": null, "dkim": null})
        );
        // And it is asked again at once.
        assert_eq!(health(app).await["status"], "healthy");
    })
    .await;
}

#[tokio::test]
async fn a_permission_that_the_role_lacks_is_named() {
    with_app(async |app| {
        let denied = || SesError::AccessDenied("User is not authorized.".into());
        for operation in ["GetEmailIdentity", "GetConfigurationSetEventDestinations"] {
            app.stack
                .ses
                .fail_next(Fault::OperationRefused(operation, denied()));
        }
        let found = health(app).await;
        assert_eq!(codes(&found), ["ses_not_allowed"]);
        let detail = found["problems"][0]["detail"].as_str().unwrap();
        for operation in ["GetEmailIdentity", "GetConfigurationSetEventDestinations"] {
            assert!(detail.contains(&format!("ses:{operation}")), "{detail}");
        }
        assert_eq!(found["account"]["sandbox"], false);
    })
    .await;
}

#[tokio::test]
async fn mail_that_ses_takes_none_of_is_parked_until_it_does() {
    with_app(async |app| {
        app.stack.ses.change(|now| now.paused = true);
        app.post(
            "/v1/invitations",
            &json!({"text": "a@example.com b@example.com"}),
        )
        .await;
        app.stack.settled().await;
        let other = app.token(&json!({"tenant": "other"})).await;
        app.advance(SignedDuration::from_mins(30));
        let found = health(app).await;
        assert_eq!(codes(&found), ["sending_paused", "mail_parked"]);
        assert_eq!(found["status"], "failing");
        assert_eq!(
            found["mail"]["parked"],
            json!({"count": 2, "oldest_seconds": 1800})
        );
        assert_eq!(found["mail"]["queued"]["count"], 0);
        // The account is everybody's, the mails are their tenant's.
        let theirs = app.get_as(&other, "/v1/mail-health").await.body;
        assert_eq!(codes(&theirs), ["sending_paused"]);

        let found = changed(app, |now| now.paused = false).await;
        assert_eq!(codes(&found), ["mail_parked"], "it waits for its next try");
        app.advance(SignedDuration::from_mins(30));
        app.stack.sweep().await.unwrap();
        app.stack.settled().await;
        assert_eq!(health(app).await["status"], "healthy");
        assert_eq!(app.mails("a@example.com").await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn mail_of_which_nobody_knows_whether_it_went_is_told() {
    with_app(async |app| {
        // Had SES taken it, its events would tell.
        app.stack.ses.fail_next(Fault::ServiceDown);
        app.invite("ann@example.com").await;
        app.stack.settled().await;
        let found = health(app).await;
        assert_eq!(codes(&found), ["mail_unknown"]);
        assert_eq!(found["mail"]["unknown"]["count"], 1);
        app.advance(SignedDuration::from_secs(3));
        app.stack.sweep().await.unwrap();
        app.stack.settled().await;
        assert_eq!(codes(&health(app).await), Vec::<&str>::new());
    })
    .await;
}

#[tokio::test]
async fn too_many_bounces_and_complaints_of_the_last_hour_are_told() {
    with_app(async |app| {
        let fine: String = (0..90).map(|n| format!("p{n}@example.com ")).collect();
        let bounced: String = (0..6)
            .map(|n| format!("bounce+{n}@simulator.amazonses.com "))
            .collect();
        let complained: String = (0..4)
            .map(|n| format!("complaint+{n}@simulator.amazonses.com "))
            .collect();
        let text = format!("{fine} {bounced} {complained}");
        app.post("/v1/invitations", &json!({"text": text})).await;
        app.stack.settled().await;
        let found = health(app).await;
        let hour = &found["last_hour"];
        assert_eq!(
            (&hour["sent"], &hour["bounced"], &hour["complained"]),
            (&json!(100), &json!(6), &json!(4))
        );
        assert_eq!(
            (&hour["bounce_rate"], &hour["complaint_rate"]),
            (&json!(0.06), &json!(0.04))
        );
        assert_eq!(
            codes(&found),
            ["complaint_rate_high", "bounce_rate_high"],
            "4% complaints are far over the limit, 6% bounces are under review"
        );
        app.advance(SignedDuration::from_hours(2));
        let found = health(app).await;
        assert_eq!(found["status"], "healthy");
        assert_eq!(found["last_hour"]["bounce_rate"], Value::Null);
    })
    .await;
}

#[tokio::test]
async fn mail_that_no_mailer_takes_up_is_stuck_after_a_quarter_of_an_hour() {
    let app = App::start(Options::default()).await;
    // Announced to nobody: as if the mailer did not run.
    let users: Vec<_> = (0..3)
        .map(|n| User {
            outbox: None,
            delivery: Delivery::new(DeliveryStatus::Queued, start()),
            ..user(n, start())
        })
        .collect();
    app.stack.store.invite(&users).await.unwrap();
    app.advance(SignedDuration::from_mins(15));
    let found = health(&app).await;
    assert_eq!(codes(&found), Vec::<&str>::new());
    assert_eq!(
        found["mail"]["queued"],
        json!({"count": 3, "oldest_seconds": 900})
    );
    app.advance(SignedDuration::from_mins(1));
    let found = health(&app).await;
    assert_eq!(
        (codes(&found), &found["status"]),
        (vec!["mail_stuck"], &json!("failing"))
    );
    app.stack.stop().await;
}

#[tokio::test]
async fn more_mail_than_is_worth_counting_is_not_counted_to_the_end() {
    let app = App::start(Options::default()).await;
    let users: Vec<_> = (0..2500)
        .map(|n| User {
            outbox: None,
            ..user(n, start())
        })
        .collect();
    for users in users.chunks(50) {
        app.stack.store.invite(users).await.unwrap();
    }
    let mail = &health(&app).await["mail"];
    assert_eq!(mail["counted_all"], false);
    assert!(
        (2000..2500).contains(&mail["queued"]["count"].as_u64().unwrap()),
        "{mail}"
    );
    app.stack.stop().await;
}
