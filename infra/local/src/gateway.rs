//! The API's front door: finds the route, checks the sign-in token, and hands a real API Gateway event to the function.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{RawPathParams, Request, rejection::RawPathParamsRejection},
    http::{HeaderMap, HeaderValue, Response, StatusCode, header},
    middleware::{Next, from_fn},
    routing::{MethodFilter, on},
};
use serde_json::json;
use ulid::Ulid;
use usher::clock::{Clock, Entropy};

use crate::{
    event::{Context, request_event, response},
    invoker::{InvokeError, Invoker},
    routes::{ROUTES, Route},
    sign_in::{SignIn, looks_like_token},
};

/// The largest event that Lambda takes, and so the largest body, less what the event adds to it.
const EVENT_BYTES: usize = 6 * 1024 * 1024;

/// What every route works with.
pub(crate) struct Gateway {
    pub(crate) invoker: Invoker,
    pub(crate) sign_in: Arc<SignIn>,
    pub(crate) clock: Clock,
    pub(crate) entropy: Entropy,
}

/// All routes of the API.
pub(crate) fn router(gateway: Gateway) -> Router {
    let gateway = Arc::new(gateway);
    let mut router = Router::new();
    for route in ROUTES {
        let filter = match route.method {
            "GET" => MethodFilter::GET,
            "DELETE" => MethodFilter::DELETE,
            "PATCH" => MethodFilter::PATCH,
            "PUT" => MethodFilter::PUT,
            _ => MethodFilter::POST,
        };
        let gateway = Arc::clone(&gateway);
        let answer = async move |parameters: Result<RawPathParams, _>, request: Request| {
            let parameters = match parameters {
                Ok(parameters) => parameters
                    .iter()
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .collect(),
                // No UTF-8, so no id: the function says so in its own words.
                Err::<_, RawPathParamsRejection>(_) => {
                    BTreeMap::from([("id".to_owned(), char::REPLACEMENT_CHARACTER.to_string())])
                }
            };
            gateway.answer(&route, parameters, request).await
        };
        router = router.route(route.path, on(filter, answer));
    }
    let not_found = async || {
        problem(
            404,
            "no_such_route",
            "There is no such route.",
            "See the API in the README.",
            "",
        )
    };
    router
        .method_not_allowed_fallback(not_found)
        .fallback(not_found)
}

/// Refuses what other sites could make the browser of whoever runs the stack send: requests that name another host,
/// because a name somewhere could be made to point here, and requests that come from a page of another origin.
pub(crate) fn only_local(router: Router) -> Router {
    router.layer(from_fn(async |request: Request, next: Next| {
        if is_from_here(request.headers()) {
            next.run(request).await
        } else {
            problem(
                421,
                "wrong_host",
                "This stack answers on this machine only.",
                "Use http://localhost and the port.",
                "",
            )
        }
    }))
}

fn is_from_here(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let origin =
        text(header::ORIGIN).map(|origin| origin.strip_prefix("http://").unwrap_or("elsewhere"));
    is_local(text(header::HOST).unwrap_or_default()) && origin.is_none_or(is_local)
}

/// Whether a host, with or without a port, is this machine.
fn is_local(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    let port = |port: &str| port.bytes().all(|b| b.is_ascii_digit());
    let name = host
        .rsplit_once(':')
        .filter(|(_, end)| port(end))
        .map_or(host.as_str(), |(name, _)| name);
    matches!(name, "localhost" | "127.0.0.1" | "[::1]")
}

impl Gateway {
    async fn answer(
        &self,
        route: &Route,
        path_parameters: BTreeMap<String, String>,
        request: Request,
    ) -> Response<Body> {
        let now = self.clock.now();
        let request_id = Ulid::from_parts(
            now.as_millisecond().unsigned_abs(),
            u128::from_be_bytes(self.entropy.bytes()),
        )
        .to_string();
        let mut response = self
            .invoke(route, path_parameters, request, &request_id)
            .await;
        if let Ok(id) = HeaderValue::from_str(&request_id) {
            response.headers_mut().insert("apigw-requestid", id);
        }
        response
    }

    async fn invoke(
        &self,
        route: &Route,
        path_parameters: BTreeMap<String, String>,
        request: Request,
        request_id: &str,
    ) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let authorization = parts
            .headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        let claims = self.sign_in.check(authorization);
        if !route.public && claims.is_none() {
            return unauthorized(authorization, request_id);
        }
        let Ok(body) = to_bytes(body, EVENT_BYTES).await else {
            return too_large(request_id);
        };
        let claims = claims.filter(|_| !route.public);
        let context = Context {
            route,
            path_parameters,
            claims,
            request_id,
            now: self.clock.now(),
        };
        let event = request_event(&parts, &body, &context);
        // What counts is the event, in which the body stands as a JSON string.
        if body.len() > EVENT_BYTES / 2 && event.to_string().len() > EVENT_BYTES {
            return too_large(request_id);
        }
        match self.invoker.invoke(route.function, event).await {
            // Lambda lets no larger answer through.
            Ok(answer) if answer.to_string().len() > EVENT_BYTES => {
                tracing::error!(request_id, "a function's answer is larger than 6 MB");
                broken(request_id)
            }
            Ok(answer) => response(&answer).unwrap_or_else(|| broken(request_id)),
            Err(error) => {
                tracing::error!(%error, request_id, "a function gave no answer");
                match error {
                    InvokeError::Unreachable(_) => problem(
                        503,
                        "function_unreachable",
                        "The function is not running.",
                        "Start the functions with `cargo lambda watch`.",
                        request_id,
                    ),
                    InvokeError::Failed(..) => broken(request_id),
                }
            }
        }
    }
}

fn unauthorized(authorization: Option<&str>, request_id: &str) -> Response<Body> {
    let hint = match authorization {
        None => "Send the header Authorization: Bearer followed by your access token.",
        Some(text) if !looks_like_token(text) => {
            "What follows Bearer in your Authorization header is no token. Copy it again."
        }
        Some(_) => "Your token is expired, or not from this stack. Get a new one.",
    };
    let mut response = problem(
        401,
        "not_signed_in",
        "This needs a signed-in administrator.",
        hint,
        request_id,
    );
    response
        .headers_mut()
        .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

fn too_large(request_id: &str) -> Response<Body> {
    problem(
        413,
        "body_too_large",
        "The request is larger than 6 MB, which is the most that a function takes.",
        "Split it into several requests.",
        request_id,
    )
}

fn broken(request_id: &str) -> Response<Body> {
    problem(
        500,
        "internal_error",
        "Something went wrong on our side.",
        "Try again. If it happens again, tell the operator the request_id.",
        request_id,
    )
}

/// A problem of the gateway itself. In AWS, API Gateway words these in its own way.
pub(crate) fn problem(
    status: u16,
    code: &str,
    detail: &str,
    hint: &str,
    request_id: &str,
) -> Response<Body> {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = json!({
        "type": "about:blank",
        "title": status.canonical_reason(),
        "status": status.as_u16(),
        "code": code,
        "detail": detail,
        "hint": hint,
        "request_id": request_id,
    });
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    response
}
