//! `GET /accept`: the page on which invited people register; `GET /`: where to look for those who come without a link.
//!
//! The link's token stands behind `#`, so it never reaches this function.

use lambda_http::{
    Body, Request, RequestExt, Response,
    http::{HeaderValue, header},
};
use usher::{
    clock::{Clock, Entropy},
    config::{ConfigError, Environment},
    function::WarmUp,
    http::Answer,
};

/// The function works with nothing: its pages are compiled in.
#[derive(Debug)]
pub struct Pages(());

impl Pages {
    /// Reads no variable.
    pub fn new(_: &Environment, _: Clock, _: Entropy) -> Result<Self, ConfigError> {
        Ok(Self(()))
    }
}

impl WarmUp for Pages {
    async fn warm_up(&self) -> Result<(), lambda_http::Error> {
        Ok(())
    }
}

/// Answers with the page of the path.
pub fn handle(_: &Pages, request: &Request) -> Answer {
    let html = match request.raw_http_path() {
        "/accept" => include_str!("accept.html"),
        _ => include_str!("index.html"),
    };
    Ok(page(html))
}

/// No site may frame a page, or learn from it where somebody came from; what else it may do, it says itself.
fn page(html: &str) -> Response<Body> {
    let mut response = Response::new(Body::Text(html.to_owned()));
    for (name, value) in [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, "frame-ancestors 'none'"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}
