//! `GET /`: the page on which administrators invite; `GET /accept`: the page on which invited people register;
//! `GET /assets/{version}/{file}`: what both load; `GET /v1/accept/decline/{token}`: for who opens what mail programs post to.
//!
//! Both call nothing but the public API. A link's token stands behind `#`, so it never reaches this function.

mod assets;
mod document;
mod page;
mod sign_in;
#[cfg(test)]
mod tests;

use lambda_http::{
    Body, Request, RequestExt, Response,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
};
use usher::{
    clock::{Clock, Entropy},
    config::{ConfigError, Environment},
    domain::DeclineToken,
    function::WarmUp,
    http::{Answer, Problem},
};

use crate::{assets::Asset, document::Document, sign_in::SignIn};

/// The pages as this stack shows them.
#[derive(Debug)]
pub struct Pages {
    users: Document,
    accept: Document,
    users_policy: HeaderValue,
    accept_policy: HeaderValue,
}

impl Pages {
    /// Reads `PRODUCT_NAME` and where administrators sign in: `SIGN_IN_AUTHORIZE_URL`, `SIGN_IN_TOKEN_URL`,
    /// `SIGN_IN_CLIENT_ID`, `SIGN_IN_SCOPES` and `SIGN_IN_LOGOUT_URL`.
    pub fn new(env: &Environment, _: Clock, _: Entropy) -> Result<Self, ConfigError> {
        let (product_name, sign_in) = (env.product_name(), SignIn::from_env(env));
        let pages = product_name.and_then(|product_name| {
            Some(Self {
                users_policy: HeaderValue::from_str(&policy(sign_in.as_ref(), "'self'")).ok()?,
                accept_policy: HeaderValue::from_str(&policy(sign_in.as_ref(), "'none'")).ok()?,
                accept: Document::new(
                    include_str!("../web/accept.html"),
                    product_name.as_str(),
                    None,
                ),
                users: Document::new(
                    include_str!("../web/users.html"),
                    product_name.as_str(),
                    sign_in.as_ref(),
                ),
            })
        });
        env.finish(pages)
    }
}

impl WarmUp for Pages {
    async fn warm_up(&self) -> Result<(), lambda_http::Error> {
        Ok(())
    }
}

/// No script, style or picture from elsewhere or in the page itself; no text that becomes a script; no site around the page.
/// Forms are sent by scripts only, so that a mail scanner's click on a button sends nothing before the page has decided to.
fn policy(sign_in: Option<&SignIn>, frames: &str) -> String {
    let issuer = sign_in.map(|sign_in| format!(" {}", sign_in.origin()));
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'{}; \
         frame-src {frames}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
        issuer.unwrap_or_default()
    )
}

/// For the document in which the Users page shows a mail. Mails are styled within themselves, and that is all they may be: no
/// script runs, nothing is sent or followed, and only pictures come from elsewhere. The page reaches in, so it is its origin's.
const MAIL_POLICY: &str = "sandbox allow-same-origin; default-src 'none'; style-src 'unsafe-inline'; img-src https: data:; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

/// Answers with the page, or the file, of the path.
pub fn handle(pages: &Pages, request: &Request) -> Answer {
    let parameters = request.path_parameters_ref();
    let parameter = |name| parameters.and_then(|parameters| parameters.first(name));
    if let Some(token) = parameter("token") {
        return Ok(to_decline_page(token));
    }
    match (parameter("version"), parameter("file")) {
        (Some(version), Some(file)) => {
            let asset = assets::find(file).ok_or_else(no_such_file)?;
            send_asset(asset, assets::is_current(version), request.headers())
        }
        _ if request.raw_http_path().ends_with("/accept") => {
            send_page(&pages.accept, &pages.accept_policy, request.headers())
        }
        _ => send_page(&pages.users, &pages.users_policy, request.headers()),
    }
}

/// Leads to the page for invited people, which asks before it declines: opening a link must do nothing. What is no token of ours
/// leads there without one.
fn to_decline_page(token: &str) -> Response<Body> {
    let token: Option<DeclineToken> = token.parse().ok();
    let token = token.map(|token| token.secret()).unwrap_or_default();
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = StatusCode::SEE_OTHER;
    if let Ok(place) = HeaderValue::try_from(format!("/accept#{token}")) {
        response.headers_mut().insert(header::LOCATION, place);
    }
    set(&mut response, header::CACHE_CONTROL, "no-store");
    set(&mut response, header::REFERRER_POLICY, "no-referrer");
    response
}

fn send_asset(asset: &Asset, current: bool, headers: &HeaderMap) -> Answer {
    let mut response = if accepts_gzip(headers) {
        compressed(asset.gzip)
    } else {
        Response::new(Body::Binary(asset.plain().map_err(Problem::internal)?))
    };
    set(&mut response, header::CONTENT_TYPE, asset.content_type);
    if asset.content_type.starts_with("text/html") {
        set(&mut response, header::CONTENT_SECURITY_POLICY, MAIL_POLICY);
        set(&mut response, header::REFERRER_POLICY, "no-referrer");
    }
    set(&mut response, header::VARY, "accept-encoding");
    set(&mut response, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    // While one version follows another, an old page may meet the new function: it gets what there is, but doesn't keep it.
    let keep = if current {
        "public, max-age=31536000, immutable"
    } else {
        "no-store"
    };
    set(&mut response, header::CACHE_CONTROL, keep);
    Ok(response)
}

fn send_page(document: &Document, policy: &HeaderValue, headers: &HeaderMap) -> Answer {
    let page = document.page(headers).map_err(Problem::internal)?;
    let known = headers.get(header::IF_NONE_MATCH);
    let mut response = if known.is_some_and(|known| known == page.etag.as_str()) {
        let mut response = Response::new(Body::Empty);
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else if accepts_gzip(headers) {
        compressed(&page.gzip)
    } else {
        Response::new(Body::Text(page.plain.clone()))
    };
    set(
        &mut response,
        header::CONTENT_TYPE,
        "text/html; charset=utf-8",
    );
    set(
        &mut response,
        header::VARY,
        "accept-encoding, accept-language",
    );
    set(&mut response, header::CACHE_CONTROL, "no-cache");
    set(&mut response, header::REFERRER_POLICY, "no-referrer");
    set(&mut response, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    let opener = HeaderName::from_static("cross-origin-opener-policy");
    set(&mut response, opener, "same-origin");
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, policy.clone());
    if let Ok(etag) = HeaderValue::from_str(&page.etag) {
        headers.insert(header::ETAG, etag);
    }
    Ok(response)
}

fn compressed(bytes: &[u8]) -> Response<Body> {
    let mut response = Response::new(Body::Binary(bytes.to_vec()));
    set(&mut response, header::CONTENT_ENCODING, "gzip");
    response
}

fn set(response: &mut Response<Body>, name: HeaderName, value: &'static str) {
    let value = HeaderValue::from_static(value);
    response.headers_mut().insert(name, value);
}

fn accepts_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT_ENCODING);
    let accepted = accepted.and_then(|value| value.to_str().ok());
    accepted.unwrap_or_default().split(',').any(|coding| {
        let (name, quality) = coding.split_once(';').unwrap_or((coding, ""));
        name.trim().eq_ignore_ascii_case("gzip")
            && !matches!(quality.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000")
    })
}

fn no_such_file() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "no_such_file",
        "The pages have no file of this name.",
        "Load the page again.",
    )
}
