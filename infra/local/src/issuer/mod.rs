//! A small OIDC issuer, so that the page for administrators signs in here as it does in AWS: by authorization code
//! and PKCE. Whoever opens it says who they want to be.

mod grants;

use std::sync::{Arc, Mutex, PoisonError};

use axum::{
    Form, Router,
    body::Body,
    extract::{Query, State},
    http::{HeaderMap, HeaderValue, Response, StatusCode, header},
    response::{Html, IntoResponse},
    routing::{get, post},
};
use handlebars::Handlebars;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;
use usher::clock::Clock;

use self::grants::{Grants, Journey};
use crate::{
    sign_in::{SignIn, TOKEN_SECONDS},
    tools::TokenRequest,
};

/// Where all of it is.
pub(crate) const PATH: &str = "/_local/sign-in";
/// Who the page is to this issuer.
pub(crate) const CLIENT_ID: &str = "usher-pages";

const FORM: &str = include_str!("form.html");
const STYLE: &str = include_str!("form.css");
/// The form's own answer leads back to the page, which is what `form-action` is asked about too.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; img-src data:; form-action 'self' http://localhost:* http://127.0.0.1:*; \
     base-uri 'none'; frame-ancestors 'none'",
);
const COOKIE: &str = "usher_sign_in";

#[derive(Clone)]
struct Issuer {
    sign_in: Arc<SignIn>,
    grants: Arc<Mutex<Grants>>,
}

/// What the page asks for when it sends somebody here.
#[derive(Clone, Deserialize, Serialize)]
struct Ask {
    #[serde(default)]
    response_type: String,
    #[serde(default)]
    client_id: String,
    #[serde(default)]
    redirect_uri: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    code_challenge: String,
    #[serde(default)]
    code_challenge_method: String,
    #[serde(default)]
    prompt: String,
}

/// Who somebody wants to be.
#[derive(Deserialize)]
struct Choice {
    #[serde(rename = "as", default)]
    who: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    email: String,
    #[serde(default)]
    tenant: String,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    expires_in_seconds: String,
    #[serde(flatten)]
    ask: Ask,
}

/// How the page turns a code, or an older sign-in, into a token.
#[derive(Deserialize)]
struct TokenForm {
    #[serde(default)]
    grant_type: String,
    #[serde(default)]
    client_id: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    redirect_uri: String,
    #[serde(default)]
    code_verifier: String,
    #[serde(default)]
    refresh_token: String,
}

#[derive(Deserialize)]
struct Leave {
    #[serde(default)]
    logout_uri: String,
}

/// The routes.
pub(crate) fn router(sign_in: Arc<SignIn>) -> Router {
    let issuer = Issuer {
        sign_in,
        grants: Arc::default(),
    };
    Router::new()
        .route("/_local/sign-in/authorize", get(authorize).post(choose))
        .route("/_local/sign-in/token", post(token))
        .route("/_local/sign-in/logout", get(leave))
        .route("/_local/sign-in/form.css", get(style))
        .with_state(issuer)
}

async fn style() -> Response<Body> {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], STYLE).into_response()
}

/// Sends somebody who signed in here before straight back, and asks everybody else who they want to be.
async fn authorize(
    State(issuer): State<Issuer>,
    Query(ask): Query<Ask>,
    headers: HeaderMap,
) -> Response<Body> {
    let back = match ask.back() {
        Ok(back) => back,
        Err(refusal) => return *refusal,
    };
    let known = issuer.grants().session(cookie(&headers));
    match known {
        Some(person) if ask.prompt != "login" => {
            issuer.send_back(&ask, back, &person, Clock::system().now())
        }
        _ => form(&ask),
    }
}

async fn choose(State(issuer): State<Issuer>, Form(choice): Form<Choice>) -> Response<Body> {
    let back = match choice.ask.back() {
        Ok(back) => back,
        Err(refusal) => return *refusal,
    };
    let ask = choice.ask.clone();
    let Some(person) = choice.person() else {
        return redirect(back, &[("error", "access_denied"), ("state", &ask.state)]);
    };
    let session = issuer.grants().open_session(&person);
    let mut response = issuer.send_back(&ask, back, &person, Clock::system().now());
    set_cookie(&mut response, &session);
    response
}

async fn token(State(issuer): State<Issuer>, Form(form): Form<TokenForm>) -> Response<Body> {
    let now = Clock::system().now();
    let person = match form.grant_type.as_str() {
        _ if form.client_id != CLIENT_ID => return refused("invalid_client"),
        "authorization_code" => {
            let journey = issuer.grants().take_code(&form.code);
            journey
                .and_then(|journey| journey.person_if(&form.redirect_uri, &form.code_verifier, now))
        }
        "refresh_token" => issuer.grants().take_refresh_token(&form.refresh_token),
        _ => return refused("unsupported_grant_type"),
    };
    let Some(person) = person else {
        return refused("invalid_grant");
    };
    let seconds = person.expires_in_seconds;
    let Ok(access_token) = person.clone().issue(&issuer.sign_in) else {
        return refused("server_error");
    };
    let mut answer = json!({
        "access_token": access_token, "token_type": "Bearer", "expires_in": seconds, "scope": person.scope,
    });
    // Whoever wants a short session wants to see it end.
    if seconds == TOKEN_SECONDS {
        answer["refresh_token"] = Value::String(issuer.grants().refresh_token(&person));
    }
    let mut response = axum::Json(answer).into_response();
    no_store(&mut response);
    response
}

/// Signs out here too.
async fn leave(
    State(issuer): State<Issuer>,
    Query(leave): Query<Leave>,
    headers: HeaderMap,
) -> Response<Body> {
    issuer.grants().close_session(cookie(&headers));
    let Some(back) = own_page(&leave.logout_uri) else {
        return mistake("logout_uri has to be a page of this machine.");
    };
    let mut response = redirect(back, &[]);
    set_cookie(&mut response, "");
    response
}

impl Issuer {
    fn grants(&self) -> std::sync::MutexGuard<'_, Grants> {
        self.grants.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn send_back(
        &self,
        ask: &Ask,
        back: Url,
        person: &TokenRequest,
        now: Timestamp,
    ) -> Response<Body> {
        let code = self.grants().code(Journey {
            person: person.clone(),
            redirect_uri: ask.redirect_uri.clone(),
            code_challenge: ask.code_challenge.clone(),
            at: now,
        });
        redirect(back, &[("code", &code), ("state", &ask.state)])
    }
}

impl Ask {
    /// Where the browser is sent back to; or why it can't be.
    fn back(&self) -> Result<Url, Box<Response<Body>>> {
        let Some(back) = own_page(&self.redirect_uri) else {
            return Err(Box::new(mistake(
                "redirect_uri has to be a page of this machine.",
            )));
        };
        if self.client_id != CLIENT_ID {
            return Err(Box::new(mistake("client_id has to be usher-pages.")));
        }
        let asked = (
            self.response_type.as_str(),
            self.code_challenge_method.as_str(),
        );
        if asked != ("code", "S256") || self.code_challenge.len() != 43 {
            let error = [("error", "invalid_request"), ("state", &self.state)];
            return Err(Box::new(redirect(back, &error)));
        }
        Ok(back)
    }
}

impl Choice {
    /// None if they don't want to be anybody.
    fn person(self) -> Option<TokenRequest> {
        let named = |sub: &str, name: &str, scope: &str| {
            let email = format!("{sub}@example.com");
            let tenant = Some(self.tenant.trim().to_owned()).filter(|tenant| !tenant.is_empty());
            TokenRequest {
                sub: sub.to_owned(),
                name: name.to_owned(),
                email,
                scope: scope.to_owned(),
                tenant,
                expires_in_seconds: self.expires_in_seconds.parse().unwrap_or(TOKEN_SECONDS),
                ..TokenRequest::default()
            }
        };
        match self.who.as_str() {
            "admin" => Some(named("admin", "Alex Admin", &TokenRequest::default().scope)),
            "inviter" => Some(named("inviter", "Ivo Inviter", "users:read users:invite")),
            "reader" => Some(named("reader", "Rita Reader", "users:read")),
            "nobody" => Some(named("nobody", "Nora Nobody", "")),
            "other" => Some(TokenRequest {
                email: self.email.trim().to_owned(),
                ..named(self.email.trim(), self.name.trim(), &self.scope)
            }),
            _ => None,
        }
    }
}

fn form(ask: &Ask) -> Response<Body> {
    let scope = TokenRequest::default().scope;
    let data = json!({"ask": ask, "path": format!("{PATH}/authorize"), "scope": scope});
    let Ok(html) = Handlebars::new().render_template(FORM, &data) else {
        return mistake("The form can't be shown. This is a bug.");
    };
    let mut response = Html(html).into_response();
    no_store(&mut response);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY);
    response
}

/// Only pages of this machine get a code.
fn own_page(address: &str) -> Option<Url> {
    let url = Url::parse(address).ok()?;
    let here = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    (url.scheme() == "http" && here && url.username().is_empty()).then_some(url)
}

fn redirect(mut to: Url, parameters: &[(&str, &str)]) -> Response<Body> {
    if !parameters.is_empty() {
        to.query_pairs_mut().extend_pairs(parameters);
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    if let Ok(to) = HeaderValue::from_str(to.as_str()) {
        response.headers_mut().insert(header::LOCATION, to);
    }
    no_store(&mut response);
    response
}

fn mistake(sentence: &'static str) -> Response<Body> {
    (StatusCode::BAD_REQUEST, sentence).into_response()
}

/// As RFC 6749 has it, section 5.2.
fn refused(error: &str) -> Response<Body> {
    (StatusCode::BAD_REQUEST, axum::Json(json!({"error": error}))).into_response()
}

fn no_store(response: &mut Response<Body>) {
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
}

fn cookie(headers: &HeaderMap) -> &str {
    let cookies = headers.get(header::COOKIE);
    let cookies = cookies.and_then(|value| value.to_str().ok());
    let mut pairs = cookies.unwrap_or_default().split(';');
    pairs
        .find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))
        .unwrap_or_default()
}

fn set_cookie(response: &mut Response<Body>, session: &str) {
    let cookie = format!("{COOKIE}={session}; Path={PATH}; HttpOnly; SameSite=Lax");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
}
