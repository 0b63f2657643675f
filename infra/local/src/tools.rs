//! What exists on the local stack only, under `/_local/`: sign-in tokens for the asking, and a clock to move.

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, Bytes},
    http::{HeaderValue, Response, header},
    routing::post,
};
use jiff::SignedDuration;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};
use usher::clock::Clock;

use crate::{
    files::DataDir,
    gateway::problem,
    sign_in::{SignIn, TOKEN_SECONDS},
};

/// A century: more would leave what a timestamp can hold.
const MOST_SECONDS: i64 = 100 * 366 * 24 * 60 * 60;

/// Whom a token is for. Everything has a default: an administrator with all scopes.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct TokenRequest {
    pub(crate) sub: String,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) scope: String,
    pub(crate) tenant: Option<String>,
    pub(crate) groups: Option<Vec<String>>,
    pub(crate) username: Option<String>,
    pub(crate) expires_in_seconds: i64,
}

impl Default for TokenRequest {
    fn default() -> Self {
        Self {
            sub: "admin".to_owned(),
            name: "Alex Admin".to_owned(),
            email: "admin@example.com".to_owned(),
            scope: "users:read users:invite users:write settings:write".to_owned(),
            tenant: None,
            groups: None,
            username: None,
            expires_in_seconds: TOKEN_SECONDS,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockRequest {
    advance_seconds: i64,
}

impl TokenRequest {
    /// The token. Sign-in lives on the machine's clock, not on the stack's.
    pub(crate) fn issue(self, sign_in: &SignIn) -> Result<String, jsonwebtoken::errors::Error> {
        let mut claims = Map::new();
        for (name, value) in [
            ("sub", self.sub),
            ("name", self.name),
            ("email", self.email),
            ("scope", self.scope),
        ] {
            claims.insert(name.to_owned(), Value::String(value));
        }
        claims.insert("email_verified".to_owned(), Value::Bool(true));
        if let Some(tenant) = self.tenant {
            claims.insert("tenant".to_owned(), Value::String(tenant));
        }
        if let Some(username) = self.username {
            claims.insert("username".to_owned(), Value::String(username));
        }
        if let Some(groups) = self.groups {
            claims.insert("cognito:groups".to_owned(), groups.into());
        }
        sign_in.issue(
            claims,
            Clock::system().now().as_second(),
            self.expires_in_seconds.clamp(-MOST_SECONDS, MOST_SECONDS),
        )
    }
}

/// The routes.
pub(crate) fn router(sign_in: Arc<SignIn>, clock: Clock, data: Option<Arc<DataDir>>) -> Router {
    let token = async move |body: Bytes| -> Response<Body> {
        let request: TokenRequest = match read(if body.is_empty() { b"{}" } else { &body }) {
            Ok(request) => request,
            Err(problem) => return *problem,
        };
        match request.issue(&sign_in) {
            Ok(token) => answer(&json!({"access_token": token, "token_type": "Bearer"})),
            Err(error) => problem(
                500,
                "internal_error",
                &error.to_string(),
                "This is a bug.",
                "",
            ),
        }
    };
    let move_clock = async move |body: Bytes| -> Response<Body> {
        match read::<ClockRequest>(&body) {
            Err(problem) => *problem,
            Ok(ClockRequest { advance_seconds })
                if (0..=MOST_SECONDS).contains(&advance_seconds) =>
            {
                clock.advance(SignedDuration::from_secs(advance_seconds));
                if let Some(data) = &data
                    && let Err(error) = data.keep_clock(&clock)
                {
                    tracing::error!(%error, "the clock is moved, but after a restart it will not be");
                }
                answer(&json!({"now": format!("{:.3}", clock.now())}))
            }
            Ok(_) => problem(
                400,
                "invalid_field",
                "advance_seconds must be a whole number from 0 to a century.",
                "Time only moves forward, as users and mails carry the time of their making.",
                "",
            ),
        }
    };
    Router::new()
        .route("/_local/token", post(token))
        .route("/_local/clock", post(move_clock))
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Box<Response<Body>>> {
    serde_json::from_slice(body).map_err(|error| {
        Box::new(problem(
            400,
            "invalid_body",
            &format!("The body is not as it should be: {error}."),
            "Send a JSON object.",
            "",
        ))
    })
}

fn answer(body: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(body.to_string()));
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
