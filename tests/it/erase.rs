//! Erasing a user, and what is left of them.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::SignedDuration;
use serde_json::{Value, json};
use usher::{
    aws,
    config::Environment,
    domain::{EmailAddress, TenantId, TokenKey},
};
use usher_local::ses::{EventKind, Fault};

use crate::app::{App, Response, with_app};

impl App {
    async fn erase(&self, id: &str) -> Response {
        self.delete(&format!("/v1/users/{id}")).await
    }

    /// Every row of the table, by its keys.
    async fn rows(&self) -> BTreeMap<(String, String), Value> {
        self.stack.settled().await;
        let env: Environment = self.stack.variables.iter().cloned().collect();
        let table = env.table_name().unwrap();
        let scan = aws::dynamodb(&env).unwrap().scan().table_name(table);
        let output = scan.send().await.unwrap();
        assert_eq!(output.last_evaluated_key, None);
        let rows = output.items.unwrap().into_iter();
        let part = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
        rows.map(|row| serde_dynamo::from_item(row).unwrap())
            .map(|row: Value| ((part(&row, "pk"), part(&row, "sk")), row))
            .collect()
    }

    fn key(&self) -> TokenKey {
        let env: Environment = self.stack.variables.iter().cloned().collect();
        env.token_key().unwrap()
    }
}

fn is_gone(answer: &Response) {
    assert_eq!(
        (answer.status, answer.code()),
        (404, "user_not_found"),
        "{answer:?}"
    );
}

#[tokio::test]
async fn of_an_erased_user_nothing_is_left_that_tells_who_they_were() {
    with_app(async |app| {
        let people = json!({"invitees": [{
            "email": "ann@example.com", "name": "Ann Lee", "external_id": "customer-7", "metadata": {"street": "Elm"},
        }]});
        let answer = app.post("/v1/invitations", &people).await;
        let id = answer.body["results"][0]["user_id"].as_str().unwrap().to_owned();
        let token = app.mailed_token("ann@example.com").await;
        let answer = app.erase(&id).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let expected = json!({"outcome": "erased", "user_id": id, "suppression_kept": false});
        assert_eq!(answer.body, expected);

        is_gone(&app.get(&format!("/v1/users/{id}")).await);
        is_gone(&app.get(&format!("/v1/users/{id}/history")).await);
        is_gone(&app.post(&format!("/v1/users/{id}/revoke"), &json!({})).await);
        is_gone(&app.erase(&id).await);
        assert_eq!(app.get("/v1/users").await.body["data"], json!([]));
        for path in ["", "/lookup", "/decline", "/renew"] {
            let body = if path.is_empty() { json!({"token": token, "name": "Ann"}) } else { json!({"token": token}) };
            let answer = app.public(&format!("/v1/accept{path}"), &body).await;
            assert_eq!((answer.status, answer.code()), (404, "invitation_not_found"));
        }

        let rows = app.rows().await;
        let pk = format!("USER#{id}");
        let own: Vec<_> = rows.iter().filter(|((row, _), _)| *row == pk).collect();
        assert_eq!(own.len(), 6, "five events and the end: {own:?}");
        let erased = &rows[&(pk.clone(), "ERASED".to_owned())];
        let address = EmailAddress::parse("ann@example.com").unwrap();
        let hash = app.key().address_hash(&TenantId::default(), &address.key());
        assert_eq!(erased["address_hash"], json!(hash.as_str()));
        assert_eq!(erased["by"], json!({"id": "admin", "name": "Alex Admin"}));
        let kinds: Vec<_> = own.iter().filter_map(|(_, row)| row["kind"].as_str()).collect();
        assert_eq!(kinds.iter().filter(|kind| **kind == "erased").count(), 1, "{kinds:?}");
        let left: String = rows.values().map(Value::to_string).collect();
        for telling in ["ann", "Ann", "customer-7", "Elm", "message_id", "reason"] {
            assert!(!left.contains(telling), "{telling} is left in {left}");
        }
    })
    .await;
}

#[tokio::test]
async fn an_erased_address_can_be_invited_again_and_is_somebody_new() {
    with_app(async |app| {
        let id = app.invite("ann@example.com").await;
        let old = app.mailed_token("ann@example.com").await;
        assert_eq!(app.erase(&id).await.status, 200);
        let new = app.invite("ann@example.com").await;
        assert_ne!(new, id);
        let token = app.mailed_token("ann@example.com").await;
        assert_eq!(app.accept(&old).await.code(), "invitation_not_found");
        assert_eq!(app.accept(&token).await.body["user"]["id"], json!(new));
        // What is left of the first says nothing of the second.
        assert_eq!(app.kinds(&new).await[0], "invited");
        is_gone(&app.erase(&id).await);
        assert_eq!(app.erase(&new).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn that_an_address_is_not_to_be_written_to_outlives_its_user() {
    with_app(async |app| {
        let bounced = "bounce+ann@simulator.amazonses.com";
        let (ann, bo) = (
            app.invite(bounced).await,
            app.invite("bo@example.com").await,
        );
        let token = app.mailed_token("bo@example.com").await;
        assert_eq!(
            app.public("/v1/accept/decline", &json!({"token": token}))
                .await
                .status,
            200
        );
        for (id, address) in [(&ann, bounced), (&bo, "bo@example.com")] {
            let answer = app.erase(id).await;
            assert_eq!(
                (answer.status, &answer.body["suppression_kept"]),
                (200, &json!(true)),
                "{answer:?}"
            );
            let row =
                &app.rows().await[&(format!("ADDRESS#default#{address}"), "ADDRESS".to_owned())];
            let names: Vec<_> = row
                .as_object()
                .unwrap()
                .keys()
                .map(String::as_str)
                .collect();
            assert_eq!(names, ["pk", "sk", "suppressed"]);
            let again = app.post("/v1/invitations", &json!({"text": address})).await;
            assert_eq!(again.body["results"][0]["outcome"], "suppressed");
        }
    })
    .await;
}

#[tokio::test]
async fn what_ses_reports_late_brings_nothing_back_of_an_erased_user() {
    with_app(async |app| {
        let id = app.invite("ann@example.com").await;
        app.mails("ann@example.com").await;
        let mail = app
            .stack
            .ses
            .events()
            .into_iter()
            .find(|event| event.kind == EventKind::Send)
            .unwrap();
        assert_eq!(app.erase(&id).await.status, 200);
        let before = app.rows().await;
        for kind in [EventKind::Delivery, EventKind::Complaint] {
            app.report_of(&mail, kind, 9).await;
        }
        assert_eq!(app.rows().await, before);
        assert_eq!(app.erase(&id).await.code(), "user_not_found");
        app.invite("ann@example.com").await;
    })
    .await;
}

#[tokio::test]
async fn a_mail_that_still_waits_when_its_person_is_erased_goes_to_nobody() {
    with_app(async |app| {
        let quota = Fault::EntryStatus("ACCOUNT_DAILY_QUOTA_EXCEEDED".into());
        app.stack.ses.fail_next(quota);
        let id = app.invite("ann@example.com").await;
        assert_eq!(app.user(&id).await["delivery"]["status"], "queued");
        assert_eq!(app.erase(&id).await.status, 200);
        app.advance(SignedDuration::from_hours(2));
        app.stack.sweep().await.unwrap();
        app.stack.settled().await;
        assert_eq!(app.mails("ann@example.com").await.len(), 0);
        let rows = app.rows().await;
        assert!(
            !rows.contains_key(&(format!("USER#{id}"), "USER".to_owned())),
            "{rows:?}"
        );
    })
    .await;
}

#[tokio::test]
async fn only_an_administrator_erases_an_administrator_and_only_their_own_tenants() {
    with_app(async |app| {
        let people =
            json!({"invitees": [{"email": "ada@example.com", "groups": ["administrators"]}]});
        let answer = app.post("/v1/invitations", &people).await;
        let ada = answer.body["results"][0]["user_id"]
            .as_str()
            .unwrap()
            .to_owned();
        let bo = app.invite("bo@example.com").await;
        let writer = app.token(&json!({"scope": "users:write"})).await;
        let path = |id: &str| format!("/v1/users/{id}");
        let answer = app.delete_as(&writer, &path(&ada)).await;
        assert_eq!((answer.status, answer.code()), (403, "administrators_only"));
        let other = app.token(&json!({"tenant": "other"})).await;
        is_gone(&app.delete_as(&other, &path(&bo)).await);
        let reader = app
            .token(&json!({"scope": "users:read users:invite settings:write"}))
            .await;
        assert_eq!(
            app.delete_as(&reader, &path(&bo)).await.code(),
            "missing_scope"
        );
        assert_eq!(app.delete_as(&writer, &path(&bo)).await.status, 200);
        assert_eq!(app.erase(&ada).await.status, 200);
        assert_eq!(app.erase("usr_1").await.code(), "invalid_user_id");
    })
    .await;
}

#[tokio::test]
async fn only_an_administrator_erases_who_has_registered_as_the_sign_in_alone_knows_what_they_are()
{
    with_app(async |app| {
        let id = app.invite("bo@example.com").await;
        let token = app.mailed_token("bo@example.com").await;
        assert_eq!(app.accept(&token).await.status, 200);
        let writer = app.token(&json!({"scope": "users:read users:write"})).await;
        let path = format!("/v1/users/{id}");
        let answer = app.delete_as(&writer, &path).await;
        assert_eq!((answer.status, answer.code()), (403, "administrators_only"));
        assert_eq!(app.get(&path).await.body["state"], "accepted");
        assert_eq!(app.erase(&id).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn a_parameter_that_erasing_does_not_have_erases_nobody() {
    with_app(async |app| {
        let id = app.invite("bo@example.com").await;
        let answer = app.delete(&format!("/v1/users/{id}?dry_run=true")).await;
        assert_eq!((answer.status, answer.code()), (400, "unknown_parameter"));
        assert_eq!(app.get(&format!("/v1/users/{id}")).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn a_decline_that_was_taken_back_does_not_outlive_its_user() {
    with_app(async |app| {
        let id = app.invite("bo@example.com").await;
        let token = app.mailed_token("bo@example.com").await;
        let declined = app
            .public("/v1/accept/decline", &json!({"token": token}))
            .await;
        assert_eq!(declined.status, 200);
        app.advance(SignedDuration::from_mins(2));
        let again = format!("/v1/users/{id}/resend");
        assert_eq!(
            app.post(&again, &json!({"reactivate": true})).await.status,
            200
        );
        let answer = app.erase(&id).await;
        assert_eq!(answer.body["suppression_kept"], false, "{answer:?}");
        app.invite("bo@example.com").await;
    })
    .await;
}

#[tokio::test]
async fn somebody_whose_address_was_lost_by_hand_can_still_be_erased() {
    with_app(async |app| {
        let id = app.invite("ann@example.com").await;
        app.mails("ann@example.com").await;
        let env: Environment = app.stack.variables.iter().cloned().collect();
        let key = [("pk", "ADDRESS#default#ann@example.com"), ("sk", "ADDRESS")];
        let key = key.map(|(name, value)| (name.to_owned(), AttributeValue::S(value.to_owned())));
        let delete = aws::dynamodb(&env)
            .unwrap()
            .delete_item()
            .set_key(Some(key.into()));
        delete
            .table_name(env.table_name().unwrap())
            .send()
            .await
            .unwrap();
        // Now it is somebody else's.
        let other = app.invite("ann@example.com").await;
        assert_eq!(app.erase(&id).await.status, 200);
        assert_eq!(app.user(&other).await["email"], "ann@example.com");
        let again = app
            .post("/v1/invitations", &json!({"text": "ann@example.com"}))
            .await;
        assert_eq!(again.body["results"][0]["user_id"], json!(other));
    })
    .await;
}
