//! An administrator is shown the link that a person has, to hand it over by other means than a mail.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::{
    app::{App, Response, with_app},
    bad_input::NOBODY,
    world::{
        Settings, World,
        asks::{ALL_SCOPES, Ask, administrator},
        seeds::on_virtual_time,
    },
};

impl App {
    async fn link(&self, id: &str) -> Response {
        self.get(&format!("/v1/users/{id}/link")).await
    }
}

#[tokio::test]
async fn the_link_is_the_one_in_the_mail_and_to_show_it_changes_nothing() {
    with_app(async |app| {
        let id = app.invite("ann@example.com").await;
        let token = app.mailed_token("ann@example.com").await;
        let before = app.get(&format!("/v1/users/{id}")).await.body;
        let inviter = app.token(&json!({"scope": "users:invite"})).await;
        let shown = app.get_as(&inviter, &format!("/v1/users/{id}/link")).await;
        assert_eq!(shown.status, 200, "{shown:?}");
        let url = format!("{}/accept#{token}", app.stack.url);
        assert_eq!(
            shown.body,
            json!({"accept_url": url, "expires_at": before["expires_at"]})
        );
        assert_eq!(shown.headers["cache-control"], "no-store");
        assert_eq!(app.link(&id).await.body, shown.body);
        assert_eq!(app.get(&format!("/v1/users/{id}")).await.body, before);

        app.advance(SignedDuration::from_secs(60));
        let resend = format!("/v1/users/{id}/resend");
        assert_eq!(app.post(&resend, &json!({})).await.status, 200);
        let newer = app.link(&id).await.body["accept_url"].clone();
        assert_ne!(newer, url);
        let newer = newer
            .as_str()
            .unwrap()
            .split_once('#')
            .unwrap()
            .1
            .to_owned();
        assert_eq!(newer, app.mailed_token("ann@example.com").await);
        assert_eq!(app.accept(&newer).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn an_address_that_gets_no_mail_can_be_handed_its_link() {
    with_app(async |app| {
        let id = app.invite("bounce@simulator.amazonses.com").await;
        app.stack.settled().await;
        let shown = app.link(&id).await.body["accept_url"].clone();
        let token = shown
            .as_str()
            .unwrap()
            .split_once('#')
            .unwrap()
            .1
            .to_owned();
        assert_eq!(app.accept(&token).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn a_link_that_does_not_work_is_not_shown_and_the_answer_says_why() {
    with_app(async |app| {
        let mut ids = Vec::new();
        for name in ["accepted", "revoked", "declined", "expired"] {
            ids.push(app.invite(&format!("{name}@example.com")).await);
        }
        app.accept(&app.mailed_token("accepted@example.com").await)
            .await;
        let revoke = format!("/v1/users/{}/revoke", ids[1]);
        app.post(&revoke, &json!({})).await;
        let link = json!({"token": app.mailed_token("declined@example.com").await});
        app.public("/v1/accept/decline", &link).await;
        let stranger = app.token(&json!({"tenant": "elsewhere"})).await;
        let path = format!("/v1/users/{}/link", ids[3]);
        let hidden = app.get_as(&stranger, &path).await;
        assert_eq!((hidden.status, hidden.code()), (404, "user_not_found"));
        app.advance(SignedDuration::from_hours(7 * 24));
        for (id, status, code) in [
            (ids[0].as_str(), 409, "already_registered"),
            (&ids[1], 409, "revoked"),
            (&ids[2], 409, "declined"),
            (&ids[3], 409, "expired"),
            (NOBODY, 404, "user_not_found"),
            ("ann", 400, "invalid_user_id"),
        ] {
            let answer = app.link(id).await;
            assert_eq!((answer.status, answer.code()), (status, code));
            assert!(!answer.body.to_string().contains("inv_"));
        }
    })
    .await;
}

#[tokio::test]
async fn who_is_no_administrator_is_not_shown_an_administrators_link() {
    with_app(async |app| {
        let body = json!({"text": "ada@example.com", "groups": ["administrators"]});
        let answer = app.post("/v1/invitations", &body).await;
        let id = answer.body["results"][0]["user_id"].as_str().unwrap();
        app.stack.settled().await;
        let clerk = app
            .token(&json!({"scope": "users:read users:invite users:write"}))
            .await;
        let refused = app.get_as(&clerk, &format!("/v1/users/{id}/link")).await;
        assert_eq!(
            (refused.status, refused.code()),
            (403, "administrators_only")
        );
        assert_eq!(app.link(id).await.status, 200);
    })
    .await;
}

#[test]
fn a_fresh_link_is_shown_once_its_mail_is_taken_up() {
    on_virtual_time(async {
        let mut world = World::new(&Settings {
            seed: 1,
            rate: None,
            latency: (0, 0),
        })
        .await;
        let claims = administrator("adm", "default", ALL_SCOPES);
        let one = json!({"text": "ann@example.com"});
        let invited = world.ask(&Ask::invite(&claims, one, None), None).await;
        let id = invited.unwrap().body["results"][0]["user_id"].clone();
        let show = Ask::show_link(&claims, id.as_str().unwrap());
        world.deliver_all().await;
        let first = world.book().sent[0].token.clone();
        world.pass(Duration::from_hours(7 * 24)).await;
        let renewed = world.ask(&Ask::link("/renew", &first), None).await.unwrap();
        assert_eq!(renewed.status, 200, "{renewed:?}");
        let shown = world.ask(&show, None).await.unwrap();
        assert_eq!((shown.status, shown.code()), (409, "mail_on_its_way"));
        world.deliver_all().await;
        let shown = world.ask(&show, None).await.unwrap().body["accept_url"].clone();
        let fresh = format!(
            "https://usher.example/accept#{}",
            world.book().sent[1].token
        );
        assert_eq!(shown, Value::String(fresh));
    });
}
