//! People who have not registered are reminded, where the operator wants it.

use jiff::SignedDuration;
use serde_json::json;
use usher_local::{
    Options,
    ses::{BounceKind, Event, EventKind},
};

use crate::app::{App, token_in, with_options};

async fn with_reminders(days: &str, test: impl AsyncFnOnce(&App)) {
    let variables = vec![("REMINDER_DAYS".to_owned(), days.to_owned())];
    let options = Options {
        variables,
        ..Options::default()
    };
    with_options(options, test).await;
}

impl App {
    /// Sweeps after so many hours; how many were reminded.
    async fn reminded_after(&self, hours: i64) -> u64 {
        self.advance(SignedDuration::from_hours(hours));
        let swept = self.stack.sweep().await.unwrap();
        self.stack.settled().await;
        swept["reminded"].as_u64().unwrap()
    }
}

#[tokio::test]
async fn a_person_is_reminded_with_the_same_link_as_often_as_the_operator_says() {
    with_reminders("3 1", async |app| {
        let id = app.invite("ann@example.com").await;
        let _german = app
            .post(
                "/v1/invitations",
                &json!({"invitees": [{"email": "ben@example.com"}], "locale": "de"}),
            )
            .await;
        app.stack.settled().await;
        assert_eq!(app.reminded_after(4 * 24 - 1).await, 0);
        assert_eq!(app.reminded_after(1).await, 2);
        assert_eq!(app.reminded_after(0).await, 0);
        assert_eq!(app.reminded_after(48).await, 2);
        assert_eq!(app.reminded_after(24).await, 0);
        let mails = app.mails("ann@example.com").await;
        assert_eq!(mails.len(), 3);
        let first = token_in(&mails[2].text);
        for reminder in &mails[..2] {
            assert!(
                reminder.subject.starts_with("Reminder: "),
                "{}",
                reminder.subject
            );
            assert!(reminder.text.contains("you have not used it yet"));
            assert!(reminder.html.contains("you have not used it yet"));
            assert_eq!(token_in(&reminder.text), first);
        }
        assert!(!mails[2].subject.starts_with("Reminder"));
        assert!(
            app.mails("ben@example.com").await[0]
                .subject
                .starts_with("Erinnerung: ")
        );
        let history = app
            .get(&format!("/v1/users/{id}/history"))
            .await
            .body
            .to_string();
        assert_eq!(history.matches("\"reminded\"").count(), 2);
        let user = app.get(&format!("/v1/users/{id}")).await.body;
        assert_eq!(
            (&user["state"], &user["send_count"]),
            (&json!("expired"), &json!(3))
        );
    })
    .await;
}

#[tokio::test]
async fn nobody_is_reminded_unless_the_operator_says_so() {
    with_reminders("", async |app| {
        app.invite("ann@example.com").await;
        app.stack.settled().await;
        for _ in 0..7 {
            assert_eq!(app.reminded_after(24).await, 0);
        }
        assert_eq!(app.mails("ann@example.com").await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn whoever_registered_declined_was_revoked_or_complained_is_not_reminded() {
    with_reminders("3", async |app| {
        let [accepts, declines, revoked, complains, bounced] =
            ["a", "d", "r", "c", "b"].map(|name| format!("{name}@example.com"));
        let mut ids = Vec::new();
        for address in [&accepts, &declines, &revoked, &complains, &bounced] {
            ids.push(app.invite(address).await);
        }
        let token = app.mailed_token(&accepts).await;
        assert_eq!(app.accept(&token).await.status, 200);
        let token = app.mailed_token(&declines).await;
        let answer = app
            .public("/v1/accept/decline", &json!({"token": token}))
            .await;
        assert_eq!(answer.status, 200);
        let revoke = format!("/v1/users/{}/revoke", ids[2]);
        assert_eq!(app.post(&revoke, &json!({})).await.status, 200);
        for (address, kind) in [
            (&complains, EventKind::Complaint),
            (&bounced, EventKind::Bounce(BounceKind::MailboxFull)),
        ] {
            let sent = app.stack.ses.events();
            let mail = sent
                .iter()
                .find(|event| event.recipient == **address)
                .unwrap();
            let report = Event {
                kind,
                ..mail.clone()
            };
            app.stack.publish(report.to_bus_event()).await.unwrap();
        }
        assert_eq!(app.reminded_after(4 * 24).await, 0);
        assert_eq!(app.stack.mailbox.list(None).len(), 5);
    })
    .await;
}

#[tokio::test]
async fn a_link_that_was_renewed_has_reminders_of_its_own() {
    with_reminders("3", async |app| {
        let id = app.invite("ann@example.com").await;
        app.stack.settled().await;
        assert_eq!(app.reminded_after(4 * 24).await, 1);
        assert_eq!(
            app.post(&format!("/v1/users/{id}/resend"), &json!({}))
                .await
                .status,
            429
        );
        app.advance(SignedDuration::from_mins(2));
        assert_eq!(
            app.post(&format!("/v1/users/{id}/resend"), &json!({}))
                .await
                .status,
            200
        );
        let mails = app.mails("ann@example.com").await;
        assert_eq!(mails.len(), 3);
        assert!(
            !mails[0].subject.starts_with("Reminder"),
            "a new link is an invitation again"
        );
        assert_eq!(app.reminded_after(4 * 24).await, 1);
        assert_eq!(app.mails("ann@example.com").await.len(), 4);
    })
    .await;
}
