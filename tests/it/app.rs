//! The application under test, and what tests do with it.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use usher::clock::{Clock, Entropy};
use usher_local::{Options, Stack, mailbox::Mail};

/// When all tests begin.
pub(crate) const START: &str = "2026-11-23T14:05:00Z";

/// A running stack, a signed-in administrator, and an HTTP client.
pub(crate) struct App {
    pub(crate) stack: Stack,
    pub(crate) admin: String,
    http: Client,
}

/// An HTTP answer.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Value,
}

/// Runs a test on a stack in memory, and then checks that no mail was left unsent.
pub(crate) async fn with_app(test: impl AsyncFnOnce(&App)) {
    with_options(Options::default(), test).await;
}

/// As [`with_app`], with options for the stack; clock and seed are fixed all the same.
pub(crate) async fn with_options(options: Options, test: impl AsyncFnOnce(&App)) {
    let app = App::start(options).await;
    test(&app).await;
    app.assert_no_mail_is_left().await;
    app.stack.stop().await;
}

impl App {
    pub(crate) async fn start(options: Options) -> Self {
        let start: Timestamp = START.parse().unwrap();
        let options = Options {
            clock: Clock::fixed(start),
            entropy: Entropy::seeded(1),
            ..options
        };
        let stack = Stack::start(options).await.unwrap();
        let admin = stack.admin_token().unwrap();
        Self {
            stack,
            admin,
            http: Client::new(),
        }
    }

    pub(crate) async fn request(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Vec<u8>>,
    ) -> Response {
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.stack.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.body(body);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Response {
            status,
            headers,
            body,
        }
    }

    /// A POST of JSON by the administrator.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Response {
        self.post_as(&self.admin, path, body).await
    }

    /// A POST of JSON with this sign-in token.
    pub(crate) async fn post_as(&self, token: &str, path: &str, body: &Value) -> Response {
        let authorization = format!("Bearer {token}");
        let headers = [
            ("content-type", "application/json"),
            ("authorization", &authorization),
        ];
        self.request(
            Method::POST,
            path,
            &headers,
            Some(body.to_string().into_bytes()),
        )
        .await
    }

    /// A POST of JSON with this sign-in token, of a request that has a name.
    pub(crate) async fn post_named(
        &self,
        key: &str,
        token: &str,
        path: &str,
        body: &Value,
    ) -> Response {
        let authorization = format!("Bearer {token}");
        let headers = [
            ("content-type", "application/json"),
            ("authorization", &authorization),
            ("idempotency-key", key),
        ];
        let body = body.to_string().into_bytes();
        self.request(Method::POST, path, &headers, Some(body)).await
    }

    /// A POST of JSON by nobody in particular.
    pub(crate) async fn public(&self, path: &str, body: &Value) -> Response {
        let headers = [("content-type", "application/json")];
        self.request(
            Method::POST,
            path,
            &headers,
            Some(body.to_string().into_bytes()),
        )
        .await
    }

    /// A DELETE by the administrator.
    pub(crate) async fn delete(&self, path: &str) -> Response {
        self.delete_as(&self.admin, path).await
    }

    /// A DELETE with this sign-in token.
    pub(crate) async fn delete_as(&self, token: &str, path: &str) -> Response {
        let authorization = format!("Bearer {token}");
        let headers = [("authorization", authorization.as_str())];
        self.request(Method::DELETE, path, &headers, None).await
    }

    /// A PATCH of JSON by the administrator.
    pub(crate) async fn patch(&self, path: &str, body: &Value) -> Response {
        self.patch_as(&self.admin, path, body).await
    }

    /// A PATCH of JSON with this sign-in token.
    pub(crate) async fn patch_as(&self, token: &str, path: &str, body: &Value) -> Response {
        let authorization = format!("Bearer {token}");
        let headers = [
            ("content-type", "application/json"),
            ("authorization", &authorization),
        ];
        self.request(
            Method::PATCH,
            path,
            &headers,
            Some(body.to_string().into_bytes()),
        )
        .await
    }

    /// A GET by the administrator.
    pub(crate) async fn get(&self, path: &str) -> Response {
        self.get_as(&self.admin, path).await
    }

    pub(crate) async fn get_as(&self, token: &str, path: &str) -> Response {
        let authorization = format!("Bearer {token}");
        self.request(
            Method::GET,
            path,
            &[("authorization", &authorization)],
            None,
        )
        .await
    }

    /// A sign-in token with these claims.
    pub(crate) async fn token(&self, claims: &Value) -> String {
        let answer = self.public("/_local/token", claims).await;
        answer.body["access_token"].as_str().unwrap().to_owned()
    }

    /// Invites one address and answers the user's id.
    pub(crate) async fn invite(&self, email: &str) -> String {
        let answer = self
            .post("/v1/invitations", &json!({"invitees": [{"email": email}]}))
            .await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(
            answer.body["results"][0]["outcome"], "invited",
            "{answer:?}"
        );
        answer.body["results"][0]["user_id"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// The mails to this address, newest first, once all that was queued is sent.
    pub(crate) async fn mails(&self, to: &str) -> Vec<Arc<Mail>> {
        self.stack.settled().await;
        self.stack.mailbox.list(Some(to))
    }

    /// The token out of the newest mail to this address, as a person finds it: in the link.
    pub(crate) async fn mailed_token(&self, to: &str) -> String {
        let mails = self.mails(to).await;
        token_in(&mails.first().unwrap_or_else(|| panic!("no mail came")).text)
    }

    pub(crate) async fn lookup(&self, token: &str) -> Response {
        self.public("/v1/accept/lookup", &json!({"token": token}))
            .await
    }

    pub(crate) async fn accept(&self, token: &str) -> Response {
        self.public("/v1/accept", &json!({"token": token, "name": "Ann Lee"}))
            .await
    }

    pub(crate) fn advance(&self, by: SignedDuration) {
        self.stack.clock.advance(by);
    }

    /// Everybody who was to get mail got it, or it is recorded why not.
    pub(crate) async fn assert_no_mail_is_left(&self) {
        tokio::time::timeout(Duration::from_mins(1), self.stack.settled())
            .await
            .expect("mail is stuck");
        let mut after = String::new();
        loop {
            let page = self.get(&format!("/v1/users?limit=100{after}")).await;
            assert_eq!(page.status, 200, "{page:?}");
            for user in page.body["data"].as_array().unwrap() {
                let status = user["delivery"]["status"].as_str().unwrap();
                let open = matches!(status, "queued" | "sending" | "unknown")
                    && user["state"] == "pending";
                assert!(!open, "mail was left unsent: {user}");
            }
            match page.body["list_metadata"]["after"].as_str() {
                Some(cursor) => after = format!("&after={cursor}"),
                None => return,
            }
        }
    }
}

impl Response {
    /// The problem's code.
    pub(crate) fn code(&self) -> &str {
        self.body["code"]
            .as_str()
            .unwrap_or_else(|| panic!("no problem: {self:?}"))
    }
}

/// The token in a mail's text.
pub(crate) fn token_in(text: &str) -> String {
    let link = text
        .split_whitespace()
        .find(|word| word.contains("/accept#"))
        .unwrap();
    link.split_once('#').unwrap().1.to_owned()
}
