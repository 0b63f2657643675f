//! A function behind the API: request in, answer out, and one log line between.

use std::sync::Arc;

use aws_lambda_events::apigw::ApiGatewayV2httpRequestContext;
use lambda_http::{
    Body, Request, RequestExt, Response,
    http::{HeaderValue, StatusCode, header},
    request::RequestContext,
};
use serde::Serialize;

use super::Problem;
use crate::domain::UserId;

/// What a handler gives back.
pub type Answer = Result<Response<Body>, Problem>;

/// A handler of requests with what it was configured with. Cheap to clone.
#[derive(Debug)]
pub struct Endpoint<S> {
    state: Arc<S>,
    handle: for<'a> fn(&'a S, &'a Request) -> lambda_http::BoxFuture<'a, Answer>,
}

impl<S> Clone for Endpoint<S> {
    fn clone(&self) -> Self {
        Self {
            state: Arc::clone(&self.state),
            handle: self.handle,
        }
    }
}

impl<S: Send + Sync> Endpoint<S> {
    /// Answers with `handle`.
    pub fn new(
        state: S,
        handle: for<'a> fn(&'a S, &'a Request) -> lambda_http::BoxFuture<'a, Answer>,
    ) -> Self {
        Self {
            state: Arc::new(state),
            handle,
        }
    }

    /// What it was configured with.
    pub fn state(&self) -> &S {
        &self.state
    }

    /// Answers one request. Never fails: whatever goes wrong becomes a problem with the request's id.
    pub async fn answer(&self, request: Request) -> Response<Body> {
        let (request_id, route) = (request_id(&request), route(&request).to_owned());
        let answer = (self.handle)(&self.state, &request).await;
        let status = match &answer {
            Ok(response) => response.status(),
            Err(problem) => problem.status(),
        };
        let code = answer.as_ref().err().map(Problem::code);
        let cause = answer
            .as_ref()
            .err()
            .and_then(Problem::cause)
            .map(tracing::field::display);
        // The one place where requests are logged. The path is the route's pattern: a path may hold what was typed.
        if status.is_server_error() {
            tracing::error!(
                request_id,
                route,
                status = status.as_u16(),
                code,
                cause,
                "request failed"
            );
        } else {
            tracing::info!(
                request_id,
                route,
                status = status.as_u16(),
                code,
                "request answered"
            );
        }
        let mut response = answer.unwrap_or_else(|problem| problem.into_response(&request_id));
        // Nothing is kept unless the handler says so.
        response
            .headers_mut()
            .entry(header::CACHE_CONTROL)
            .or_insert(HeaderValue::from_static("no-store"));
        response
    }
}

/// The id under which the caller can be found in the logs.
fn request_id(request: &Request) -> String {
    let id = gateway(request).and_then(|context| context.request_id.clone());
    let id = id.filter(|id| !id.is_empty()).or_else(|| {
        request
            .lambda_context_ref()
            .map(|context| context.request_id.clone())
    });
    id.unwrap_or_default()
}

/// The route as the gateway knows it, with its method, and its pattern for a path: `GET /v1/users/{id}`.
pub fn route(request: &Request) -> &str {
    let route = gateway(request).and_then(|context| context.route_key.as_deref());
    route.unwrap_or_default()
}

fn gateway(request: &Request) -> Option<&ApiGatewayV2httpRequestContext> {
    match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV2(context)) => Some(context),
        _ => None,
    }
}

/// A 200 with this JSON.
pub fn json(body: &impl Serialize) -> Answer {
    let text = serde_json::to_string(body).map_err(Problem::internal)?;
    let mut response = Response::new(Body::Text(text));
    *response.status_mut() = StatusCode::OK;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    Ok(response)
}

/// The user id in the path.
pub fn path_id(request: &Request) -> Result<UserId, Problem> {
    let id = request
        .path_parameters_ref()
        .and_then(|parameters| parameters.first("id"))
        .unwrap_or_default();
    id.parse().map_err(|_| {
        Problem::bad_request(
            "invalid_user_id",
            "The id in the path is no user id.",
            "A user id is usr_ followed by 26 capital letters and digits. Take it from GET /v1/users.",
        )
    })
}
