//! "This is not me": by the link in the mail, and by what mail programs post for people who want no more of it.

use reqwest::Method;
use serde_json::json;
use usher::domain::{DeclineToken, InvitationToken};

use crate::app::{App, Response, with_app};

const ANN: &str = "ann@example.com";
const ONE_CLICK: &str = "List-Unsubscribe=One-Click";

/// Where the newest mail lets mail programs post to, as they read it.
async fn one_click_path(app: &App) -> String {
    let mails = app.mails(ANN).await;
    let headers = &mails[0].headers;
    assert_eq!(headers["List-Unsubscribe-Post"], ONE_CLICK);
    let url = headers["List-Unsubscribe"].trim_matches(['<', '>']);
    let url: reqwest::Url = url.parse().unwrap();
    assert!(
        mails[0]
            .text
            .contains(url.path().rsplit('/').next().unwrap())
    );
    url.path().to_owned()
}

async fn click(app: &App, path: &str, body: &str) -> Response {
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let body = body.as_bytes().to_vec();
    app.request(Method::POST, path, &form, Some(body)).await
}

#[tokio::test]
async fn a_mail_program_declines_for_who_wants_no_more_of_it() {
    with_app(async |app| {
        let id = app.invite(ANN).await;
        let token = app.mailed_token(ANN).await;
        let path = one_click_path(app).await;
        // Twice, as such posts are repeated until they are answered.
        for _ in 0..2 {
            let answer = click(app, &path, ONE_CLICK).await;
            assert_eq!(
                (answer.status, &answer.body),
                (200, &json!({"outcome": "declined"}))
            );
        }
        assert_eq!(app.accept(&token).await.code(), "invitation_declined");
        let user = app.get(&format!("/v1/users/{id}")).await.body;
        assert_eq!(user["state"], "declined");
        // Nor is the address invited again.
        let again = app.post("/v1/invitations", &json!({"text": ANN})).await;
        assert_eq!(again.body["results"][0]["outcome"], "declined");
    })
    .await;
}

#[tokio::test]
async fn whoever_opens_or_fetches_the_link_to_decline_declines_nothing() {
    with_app(async |app| {
        let id = app.invite(ANN).await;
        let path = one_click_path(app).await;
        for method in [Method::GET, Method::HEAD] {
            app.request(method, &path, &[], None).await;
        }
        for body in ["", "x=1", "List-Unsubscribe", "{}"] {
            assert_eq!(
                click(app, &path, body).await.code(),
                "invalid_body",
                "{body}"
            );
        }
        let user = app.get(&format!("/v1/users/{id}")).await.body;
        assert_eq!(user["state"], "pending");
        let token = app.mailed_token(ANN).await;
        assert_eq!(app.accept(&token).await.status, 200);
        let late = click(app, &path, ONE_CLICK).await;
        assert_eq!(late.code(), "invitation_already_used");
    })
    .await;
}

#[tokio::test]
async fn the_token_to_decline_can_do_nothing_else_and_tells_little() {
    with_app(async |app| {
        let invitation = json!({"invitees": [{"email": ANN, "name": "Ann"}], "message": "Hi"});
        assert_eq!(app.post("/v1/invitations", &invitation).await.status, 200);
        let token: InvitationToken = app.mailed_token(ANN).await.parse().unwrap();
        let decline = token.decline().secret();
        assert_eq!(app.accept(&decline).await.code(), "invitation_not_found");
        let renewed = app
            .public("/v1/accept/renew", &json!({"token": decline}))
            .await;
        assert_eq!(renewed.code(), "invitation_not_found");
        let found = app.lookup(&decline).await;
        assert_eq!(found.body["email"], ANN);
        for secret in ["name", "message", "redirect_url"] {
            assert_eq!(found.body[secret], json!(null), "{secret}");
        }
        assert_eq!(found.body["inviter"]["name"], json!(null));
        let declined = app
            .public("/v1/accept/decline", &json!({"token": decline}))
            .await;
        assert_eq!(declined.status, 200, "{declined:?}");
        assert_eq!(app.lookup(&decline).await.code(), "invitation_declined");
    })
    .await;
}

#[tokio::test]
async fn a_wrong_token_to_decline_and_one_of_a_link_that_was_replaced_do_nothing() {
    with_app(async |app| {
        let id = app.invite(ANN).await;
        let old = one_click_path(app).await;
        app.advance(jiff::SignedDuration::from_secs(60));
        let resent = app
            .post(&format!("/v1/users/{id}/resend"), &json!({}))
            .await;
        assert_eq!(resent.status, 200, "{resent:?}");
        let (folder, token) = old.rsplit_once('/').unwrap();
        let token: DeclineToken = token.parse().unwrap();
        let mut other = token.secret().into_bytes();
        let last = other.len() - 1;
        other[last] = if other[last] == b'A' { b'E' } else { b'A' };
        let other = String::from_utf8(other).unwrap();
        for path in [
            old.clone(),
            format!("{folder}/{other}"),
            format!("{folder}/dec_x"),
        ] {
            let answer = click(app, &path, ONE_CLICK).await;
            assert_eq!(answer.code(), "invitation_not_found", "{path}");
        }
        let user = app.get(&format!("/v1/users/{id}")).await.body;
        assert_eq!(user["state"], "pending");
    })
    .await;
}
