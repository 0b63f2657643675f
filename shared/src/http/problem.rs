//! Errors as RFC 9457 `application/problem+json`: a stable code, a sentence, and a hint that says what to do.

use std::error::Error;

use lambda_http::{
    Body, Response,
    http::{StatusCode, header},
};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// An answer that is not what the caller hoped for.
#[derive(Debug)]
pub struct Problem(Box<Parts>);

/// Boxed, so that results are not as large as their rarest case.
#[derive(Debug)]
struct Parts {
    status: StatusCode,
    code: &'static str,
    detail: String,
    hint: String,
    retry_after: Option<i64>,
    members: Map<String, Value>,
    cause: Option<Box<dyn Error + Send + Sync>>,
}

impl Problem {
    /// `detail` says what is wrong, `hint` what the reader can do about it. Both are shown to people.
    pub fn new(
        status: StatusCode,
        code: &'static str,
        detail: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self(Box::new(Parts {
            status,
            code,
            detail: detail.into(),
            hint: hint.into(),
            retry_after: None,
            members: Map::new(),
            cause: None,
        }))
    }

    /// A 400 about what the caller sent.
    pub fn bad_request(
        code: &'static str,
        detail: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail, hint)
    }

    /// Something of ours is broken. The cause is logged, never answered.
    pub fn internal(cause: impl Error + Send + Sync + 'static) -> Self {
        let mut problem = Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal_error",
            "Something went wrong on our side.",
            "Try again. If it happens again, tell the operator the request_id.",
        );
        problem.0.cause = Some(Box::new(cause));
        problem
    }

    /// After how many seconds trying again can help. Answered as `Retry-After`.
    #[must_use]
    pub fn retry_after(mut self, seconds: i64) -> Self {
        self.0.retry_after = Some(seconds.max(1));
        self
    }

    /// A member beside the standard ones.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Serialize) -> Self {
        self.0.members.insert(
            name.to_owned(),
            serde_json::to_value(value).unwrap_or_default(),
        );
        self
    }

    /// Why, for the log alone.
    #[must_use]
    pub fn because(mut self, cause: impl Error + Send + Sync + 'static) -> Self {
        self.0.cause = Some(Box::new(cause));
        self
    }

    /// The status it is answered with.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// Stable, in `snake_case`: what programs look at.
    pub fn code(&self) -> &'static str {
        self.0.code
    }

    /// The cause, for the log.
    pub fn cause(&self) -> Option<&(dyn Error + Send + Sync)> {
        self.0.cause.as_deref()
    }

    /// The answer.
    pub fn into_response(self, request_id: &str) -> Response<Body> {
        let parts = *self.0;
        let mut body = json!({
            "type": "about:blank",
            "title": parts.status.canonical_reason(),
            "status": parts.status.as_u16(),
            "code": parts.code,
            "detail": parts.detail,
            "hint": parts.hint,
            "request_id": request_id,
        });
        if let Value::Object(body) = &mut body {
            body.extend(parts.members);
        }
        let mut response = Response::new(Body::Text(body.to_string()));
        *response.status_mut() = parts.status;
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            header::HeaderValue::from_static("application/problem+json"),
        );
        if let Some(seconds) = parts.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}
