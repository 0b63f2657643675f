//! An address that no user has any more, and that gets no mail, may have mail again.

use serde_json::{Value, json};
use usher_local::ses::{BounceKind, Event, EventKind, Fault, SesError};

use crate::app::{App, Response, with_app};

const ROUTE: &str = "/v1/suppressions/lift";

impl App {
    async fn lift_address(&self, email: &str) -> Response {
        self.post(ROUTE, &json!({"email": email})).await
    }

    /// SES reports something of a mail that this user was sent at an address which they don't have any more.
    async fn report_of_an_old_address(&self, id: &str, old: &str, kind: EventKind) {
        self.stack.settled().await;
        let sent = self.stack.ses.events();
        let of_user = |event: &&Event| event.tags["user"] == id && event.kind == EventKind::Send;
        let mail = sent.iter().find(of_user).unwrap();
        let event = Event {
            kind,
            recipient: old.to_owned(),
            ..mail.clone()
        };
        self.stack.publish(event.to_bus_event()).await.unwrap();
        self.stack.settled().await;
    }

    async fn invite_row(&self, email: &str) -> Value {
        let body = json!({"text": email});
        let answer = self.post("/v1/invitations", &body).await;
        answer.body["results"][0].clone()
    }
}

#[tokio::test]
async fn whoever_is_invited_by_a_bad_address_that_nobody_has_is_told_why_and_how_to_lift_it() {
    with_app(async |app| {
        let ann = app.invite("ann@example.com").await;
        for (old, kind, why) in [
            (
                "old@example.com",
                EventKind::Bounce(BounceKind::General),
                "bounced",
            ),
            ("older@example.com", EventKind::Complaint, "spam"),
        ] {
            app.report_of_an_old_address(&ann, old, kind).await;
            let row = app.invite_row(old).await;
            assert_eq!(row["outcome"], "suppressed", "{row}");
            let detail = row["detail"].as_str().unwrap();
            assert!(detail.contains(why) && detail.contains(ROUTE), "{detail}");

            let lifted = app.lift_address(&format!(" {} ", old.to_uppercase())).await;
            assert_eq!(lifted.status, 200, "{lifted:?}");
            assert_eq!(lifted.body["outcome"], "lifted");
            let again = app.lift_address(old).await;
            assert_eq!((again.status, again.code()), (404, "not_suppressed"));
            assert_eq!(app.invite_row(old).await["outcome"], "invited");
            assert_eq!(app.mails(old).await.len(), 1);
        }
        let user = app.get(&format!("/v1/users/{ann}")).await.body;
        assert_eq!(
            user["suppressed"],
            Value::Null,
            "Ann's own address is none of these"
        );
    })
    .await;
}

#[tokio::test]
async fn an_address_that_somebody_has_is_lifted_with_them() {
    with_app(async |app| {
        let email = "bounce@simulator.amazonses.com";
        let id = app.invite(email).await;
        app.stack.settled().await;
        let lifted = app.lift_address(email).await;
        assert_eq!(lifted.body, json!({"outcome": "lifted", "email": email}));
        let user = app.get(&format!("/v1/users/{id}")).await.body;
        assert_eq!(user["suppressed"], Value::Null);
        assert!(
            app.kinds(&id)
                .await
                .contains(&"suppression_lifted".to_owned())
        );
        assert_eq!(app.lift_address(email).await.code(), "not_suppressed");
    })
    .await;
}

#[tokio::test]
async fn nobody_overrules_a_person_who_asked_not_to_be_invited() {
    with_app(async |app| {
        let id = app.invite("ann@example.com").await;
        let link = json!({"token": app.mailed_token("ann@example.com").await});
        assert_eq!(app.public("/v1/accept/decline", &link).await.status, 200);
        let refused = app.lift_address("ann@example.com").await;
        assert_eq!((refused.status, refused.code()), (409, "declined"));
        assert!(
            refused.body["hint"]
                .as_str()
                .unwrap()
                .contains("reactivate")
        );
        let user = app.get(&format!("/v1/users/{id}")).await.body;
        assert_eq!(user["state"], "declined");
    })
    .await;
}

#[tokio::test]
async fn an_address_stays_suppressed_where_ses_keeps_it_on_its_own_list() {
    with_app(async |app| {
        let ann = app.invite("ann@example.com").await;
        let (old, bounce) = ("old@example.com", EventKind::Bounce(BounceKind::General));
        app.report_of_an_old_address(&ann, old, bounce).await;
        let denied = SesError::AccessDenied("You are not authorized.".into());
        let fault = Fault::OperationRefused("DeleteSuppressedDestination", denied);
        app.stack.ses.fail_next(fault);
        let refused = app.lift_address(old).await;
        assert_eq!(
            (refused.status, refused.code()),
            (503, "mail_service_unavailable")
        );
        assert_eq!(app.invite_row(old).await["outcome"], "suppressed");
        assert_eq!(app.lift_address(old).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn nothing_is_lifted_of_another_tenant_or_of_what_is_no_address() {
    with_app(async |app| {
        let ann = app.invite("ann@example.com").await;
        let (old, bounce) = ("old@example.com", EventKind::Bounce(BounceKind::General));
        app.report_of_an_old_address(&ann, old, bounce).await;
        let stranger = app.token(&json!({"tenant": "elsewhere"})).await;
        let hidden = app.post_as(&stranger, ROUTE, &json!({"email": old})).await;
        assert_eq!((hidden.status, hidden.code()), (404, "not_suppressed"));
        assert_eq!(
            app.lift_address("ann@example.com").await.code(),
            "not_suppressed"
        );
        assert_eq!(
            app.lift_address("nobody@example.com").await.code(),
            "not_suppressed"
        );
        let wrong = app.lift_address("nonsense").await;
        assert_eq!((wrong.status, wrong.code()), (400, "invalid_email"));
        assert_eq!(app.post(ROUTE, &json!({})).await.code(), "invalid_body");
        assert_eq!(app.invite_row(old).await["outcome"], "suppressed");
    })
    .await;
}
