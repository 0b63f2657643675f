//! A revocation is taken back: the invitation is as it was.

use jiff::SignedDuration;
use serde_json::{Value, json};
use usher_local::ses::Fault;

use crate::{
    app::{App, Response, with_app},
    bad_input::NOBODY,
};

impl App {
    async fn revoke(&self, id: &str) {
        let answer = self
            .post(&format!("/v1/users/{id}/revoke"), &json!({}))
            .await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    async fn restore(&self, id: &str) -> Response {
        self.post(&format!("/v1/users/{id}/restore"), &Value::Null)
            .await
    }
}

#[tokio::test]
async fn the_same_link_works_again_until_the_same_day_and_nobody_is_mailed() {
    with_app(async |app| {
        let id = app.invite("ann@example.com").await;
        let token = app.mailed_token("ann@example.com").await;
        let before = app.get(&format!("/v1/users/{id}")).await.body;
        app.advance(SignedDuration::from_secs(10));
        app.revoke(&id).await;
        assert_eq!(app.lookup(&token).await.code(), "invitation_revoked");

        app.advance(SignedDuration::from_secs(5));
        let undo = app
            .token(&json!({"sub": "carl", "name": "Carl", "scope": "users:write"}))
            .await;
        let path = format!("/v1/users/{id}/restore");
        let restored = app.post_as(&undo, &path, &json!({})).await;
        assert_eq!(restored.status, 200, "{restored:?}");
        let mut expected = before;
        expected["updated_at"] = restored.body["updated_at"].clone();
        assert_eq!(restored.body, expected, "as if nothing had been");
        let again = app.restore(&id).await;
        assert_eq!((again.status, again.code()), (409, "not_revoked"));

        assert_eq!(app.mails("ann@example.com").await.len(), 1);
        let events = app.happened(&id).await;
        let last = events.last().unwrap();
        assert_eq!(
            (&last["kind"], &last["by"]["id"]),
            (&json!("restored"), &json!("carl"))
        );
        assert_eq!(events[events.len() - 2]["kind"], "revoked");
        assert_eq!(app.accept(&token).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn a_mail_that_had_to_wait_goes_once_its_invitation_is_restored() {
    with_app(async |app| {
        let quota = Fault::EntryStatus("ACCOUNT_DAILY_QUOTA_EXCEEDED".into());
        app.stack.ses.fail_next(quota);
        let id = app.invite("ann@example.com").await;
        assert!(app.mails("ann@example.com").await.is_empty());
        app.revoke(&id).await;
        // Long enough for the sweeper to have forgotten the mail.
        app.advance(SignedDuration::from_hours(2));
        app.stack.sweep().await.unwrap();
        assert!(app.mails("ann@example.com").await.is_empty());
        let restored = app.restore(&id).await;
        assert_eq!(
            restored.body["delivery"]["status"], "queued",
            "{restored:?}"
        );
        let token = app.mailed_token("ann@example.com").await;
        assert_eq!(app.mails("ann@example.com").await.len(), 1);
        assert_eq!(app.accept(&token).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn whoever_is_restored_after_the_last_day_has_an_expired_link_and_is_listed_as_such() {
    with_app(async |app| {
        let id = app.invite("ann@example.com").await;
        let token = app.mailed_token("ann@example.com").await;
        app.revoke(&id).await;
        app.advance(SignedDuration::from_hours(8 * 24));
        app.stack.sweep().await.unwrap();
        let restored = app.restore(&id).await;
        assert_eq!(
            (restored.status, &restored.body["state"]),
            (200, &json!("expired"))
        );
        assert_eq!(app.lookup(&token).await.code(), "invitation_expired");
        app.stack.sweep().await.unwrap();
        let kinds = app.kinds(&id).await;
        assert_eq!(kinds[kinds.len() - 2..], ["restored", "expired"]);
        let listed = app.get("/v1/users?state=expired").await;
        assert_eq!(listed.body["data"][0]["id"], id.as_str());
        assert_eq!(app.mails("ann@example.com").await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn only_what_is_revoked_is_restored_and_every_refusal_says_what_to_do() {
    with_app(async |app| {
        let mut ids = Vec::new();
        for name in ["pending", "accepted", "declined", "revoked"] {
            ids.push(app.invite(&format!("{name}@example.com")).await);
        }
        app.accept(&app.mailed_token("accepted@example.com").await)
            .await;
        let link = json!({"token": app.mailed_token("declined@example.com").await});
        app.public("/v1/accept/decline", &link).await;
        app.revoke(&ids[3]).await;
        for (id, hint) in [
            (&ids[0], "waits"),
            (&ids[1], "registered"),
            (&ids[2], "reactivate"),
        ] {
            let answer = app.restore(id).await;
            assert_eq!((answer.status, answer.code()), (409, "not_revoked"));
            let said = answer.body["hint"].as_str().unwrap();
            assert!(said.contains(hint), "{said}");
        }
        let stranger = app.token(&json!({"tenant": "elsewhere"})).await;
        let path = format!("/v1/users/{}/restore", ids[3]);
        let hidden = app.post_as(&stranger, &path, &json!({})).await;
        assert_eq!((hidden.status, hidden.code()), (404, "user_not_found"));
        assert_eq!(app.restore(NOBODY).await.code(), "user_not_found");
        assert_eq!(app.restore("ann").await.code(), "invalid_user_id");
        app.advance(SignedDuration::from_hours(8 * 24));
        let expired = app.restore(&ids[0]).await;
        assert!(expired.body["hint"].as_str().unwrap().contains("expired"));
    })
    .await;
}

#[tokio::test]
async fn who_is_no_administrator_brings_no_administrators_invitation_back() {
    with_app(async |app| {
        let body = json!({"text": "ada@example.com", "groups": ["administrators"]});
        let answer = app.post("/v1/invitations", &body).await;
        let id = answer.body["results"][0]["user_id"].as_str().unwrap();
        app.stack.settled().await;
        let clerk = app
            .token(&json!({"scope": "users:read users:invite users:write"}))
            .await;
        let path = |what: &str| format!("/v1/users/{id}/{what}");
        let revoked = app.post_as(&clerk, &path("revoke"), &json!({})).await;
        assert_eq!(revoked.status, 200, "to take a right away is no risk");
        let refused = app.post_as(&clerk, &path("restore"), &json!({})).await;
        assert_eq!(
            (refused.status, refused.code()),
            (403, "administrators_only")
        );
        assert_eq!(app.restore(id).await.body["state"], "pending");
    })
    .await;
}

#[tokio::test]
async fn whoever_may_correct_and_restore_mails_nobody_over_the_daily_limit_by_it() {
    with_app(async |app| {
        let clerk = app.token(&json!({"scope": "users:write"})).await;
        let id = app.invite("ann@example.com").await;
        app.mailed_token("ann@example.com").await;
        let path = |what: &str| format!("/v1/users/{id}{what}");
        let mut refusal = None;
        for nth in 1..=12 {
            app.advance(SignedDuration::from_secs(1));
            let revoked = app.post_as(&clerk, &path("/revoke"), &json!({})).await;
            assert_eq!(revoked.status, 200, "{revoked:?}");
            for email in ["anna@example.com", "ann@example.com"] {
                let moved = app
                    .patch_as(&clerk, &path(""), &json!({"email": email}))
                    .await;
                assert_eq!(moved.status, 200, "{moved:?}");
            }
            let restored = app.post_as(&clerk, &path("/restore"), &json!({})).await;
            app.stack.settled().await;
            if restored.status != 200 {
                refusal = Some((nth, restored));
                break;
            }
        }
        let (nth, refused) = refusal.expect("no end of mails");
        assert_eq!(
            (nth, refused.status, refused.code()),
            (10, 429, "daily_limit")
        );
        assert_eq!(refused.headers["retry-after"], "86390");
        assert_eq!(app.mails("ann@example.com").await.len(), 10);
        assert_eq!(app.get(&path("")).await.body["state"], "revoked");

        app.advance(SignedDuration::from_hours(24));
        assert_eq!(app.restore(&id).await.status, 200);
        assert_eq!(app.mails("ann@example.com").await.len(), 11);
    })
    .await;
}

#[tokio::test]
async fn a_restore_that_mails_nobody_is_free() {
    with_app(async |app| {
        let id = app.invite("ann@example.com").await;
        app.mailed_token("ann@example.com").await;
        for _ in 0..12 {
            app.revoke(&id).await;
            assert_eq!(app.restore(&id).await.status, 200);
        }
        app.advance(SignedDuration::from_secs(60));
        let path = format!("/v1/users/{id}/resend");
        assert_eq!(app.post(&path, &json!({})).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn a_mail_that_waits_counts_once_however_often_its_revocation_is_taken_back() {
    with_app(async |app| {
        let quota = || {
            let quota = Fault::EntryStatus("ACCOUNT_DAILY_QUOTA_EXCEEDED".into());
            app.stack.ses.fail_next(quota);
        };
        for corrected in [false, true] {
            quota();
            let id = app.invite(&format!("ann-{corrected}@example.com")).await;
            // Each fault is to meet its own mail: one that is just being sent is not queued anew.
            app.stack.settled().await;
            let email = format!("anna-{corrected}@example.com");
            for nth in 0..12 {
                app.advance(SignedDuration::from_secs(1));
                app.revoke(&id).await;
                if corrected && nth == 0 {
                    let new = json!({"email": email});
                    let moved = app.patch(&format!("/v1/users/{id}"), &new).await;
                    assert_eq!(moved.status, 200, "{moved:?}");
                }
                quota();
                let restored = app.restore(&id).await;
                assert_eq!(restored.status, 200, "undo {nth}: {restored:?}");
                app.stack.settled().await;
            }
            // What is left of the day: all but the invitation, and the mail to the corrected address.
            let path = format!("/v1/users/{id}/resend");
            for _ in 0..if corrected { 8 } else { 9 } {
                app.advance(SignedDuration::from_secs(60));
                let resent = app.post(&path, &json!({})).await;
                assert_eq!(resent.status, 200, "{resent:?}");
            }
            app.advance(SignedDuration::from_secs(60));
            let limited = app.post(&path, &json!({})).await;
            assert_eq!(limited.code(), "daily_limit", "{limited:?}");
            app.stack.settled().await;
        }
    })
    .await;
}
