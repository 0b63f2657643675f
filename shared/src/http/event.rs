//! From the event that API Gateway sends to the request that a handler reads, and back.
//!
//! `lambda_http` does the translation, but it panics where a request's address is none that a strict parser takes, and
//! anybody can send one: a query with `<` in it is enough. So what nobody here reads is left out before.

use std::convert::Infallible;

use lambda_http::{
    Adapter, LambdaEvent, Request, aws_lambda_events::apigw::ApiGatewayV2httpRequest, http::header,
    request::LambdaRequest, service_fn,
};
use serde::Serialize;
use serde_json::{Value, value::RawValue};
use thiserror::Error;
use tower::ServiceExt;

use super::{Endpoint, caller::NOT_TEXT};

/// API Gateway takes no longer request line with headers, in bytes:
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>.
const LONGEST_PATH: usize = 10_240;

/// Whoever invoked the function is not API Gateway. Says nothing of what came instead: it may be somebody's address.
#[derive(Debug, Error)]
#[error(
    "this is no event of API Gateway's in payload format 2.0: call the function through its API"
)]
pub struct UnreadableEvent;

impl<S: Send + Sync + 'static> Endpoint<S> {
    /// Answers API Gateway's event in the form that it understands. Fails only if the event is none of API Gateway's.
    pub async fn answer_event(
        &self,
        event: LambdaEvent<Box<RawValue>>,
    ) -> Result<impl Serialize + use<S>, UnreadableEvent> {
        let request = read(event.payload.get())?;
        let endpoint = self.clone();
        let answers = service_fn(move |request: Request| {
            let endpoint = endpoint.clone();
            async move { Ok::<_, Infallible>(endpoint.answer(request).await) }
        });
        let event = LambdaEvent::new(request, event.context);
        match Adapter::from(answers).oneshot(event).await {
            Ok(response) => Ok(response),
            Err(never) => match never {},
        }
    }
}

fn read(event: &str) -> Result<LambdaRequest, UnreadableEvent> {
    let mut request: ApiGatewayV2httpRequest = serde_json::from_str(event)
        .or_else(|_| serde_json::from_value(with_claims_as_text(serde_json::from_str(event)?)))
        .map_err(|_| UnreadableEvent)?;
    let path = request.raw_path.as_deref().unwrap_or_default();
    if !path.starts_with('/') || path.len() > LONGEST_PATH {
        return Err(UnreadableEvent);
    }
    // Of the address, handlers read the path and the query's parameters, both as they were sent.
    let query = request.raw_query_string.take();
    let Ok(parameters) = query.unwrap_or_default().parse();
    request.query_string_parameters = parameters;
    request.headers.remove(header::HOST);
    request.request_context.domain_name = None;
    Ok(LambdaRequest::ApiGatewayV2(request))
}

/// API Gateway makes text of every claim. In an event that somebody else has made, what is no text is marked, so that it
/// is refused where it is read, and stops nothing where it is not.
fn with_claims_as_text(mut event: Value) -> Value {
    let claims = event.pointer_mut("/requestContext/authorizer/jwt/claims");
    if let Some(claims) = claims.and_then(Value::as_object_mut) {
        for claim in claims.values_mut().filter(|claim| !claim.is_string()) {
            *claim = NOT_TEXT.into();
        }
    }
    event
}

#[cfg(test)]
mod tests {
    use lambda_http::{
        Body, RequestExt, Response,
        lambda_runtime::{Context, Error},
    };
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::http::{Scope, SignIn};

    fn event() -> Value {
        json!({
            "version": "2.0", "routeKey": "GET /v1/users", "rawPath": "/v1/users", "rawQueryString": "",
            "headers": {"host": "api.example", "x-forwarded-proto": "https"}, "isBase64Encoded": false,
            "requestContext": {
                "http": {"method": "GET", "path": "/v1/users", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": ""},
                "routeKey": "GET /v1/users", "stage": "$default", "requestId": "r", "timeEpoch": 0, "accountId": "0",
                "apiId": "a", "domainName": "api.example",
            },
        })
    }

    /// Says what it was asked, and whether the caller may read.
    fn mirror(request: &Request) -> Response<Body> {
        let caller = SignIn::from_env(&crate::config::Environment::default())
            .caller(request, Scope::UsersRead);
        let said = json!({
            "path": request.raw_http_path(),
            "q": request.query_string_parameters_ref().and_then(|query| query.first("q")),
            "tenant": caller.as_ref().map(|caller| caller.tenant.to_string()).unwrap_or_default(),
            "refused": caller.as_ref().err().map(crate::http::Problem::code),
        });
        Response::new(Body::Text(said.to_string()))
    }

    /// What the function answers to the event, and what the handler was asked.
    fn answer(event: &Value) -> Result<Value, Error> {
        let endpoint = Endpoint::new((), |(), request| Box::pin(async { Ok(mirror(request)) }));
        let event = LambdaEvent::new(serde_json::value::to_raw_value(event)?, Context::default());
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        let response = runtime.block_on(endpoint.answer_event(event))?;
        let response = serde_json::to_value(response)?;
        assert_eq!(response["statusCode"], 200);
        Ok(serde_json::from_str(
            response["body"].as_str().unwrap_or_default(),
        )?)
    }

    #[test]
    fn an_address_that_no_parser_takes_reaches_the_handler() {
        for (query, q) in [
            ("<", Value::Null),
            ("q=\"<b>\"", json!("\"<b>\"")),
            ("q=a%20b&q=c", json!("a b")),
            ("q=ü", json!("ü")),
        ] {
            let mut event = event();
            event["rawQueryString"] = json!(query);
            assert_eq!(answer(&event).unwrap()["q"], q, "{query}");
        }
        for (header, value) in [
            ("host", "[::1"),
            ("host", "a b"),
            ("x-forwarded-proto", "1:/"),
        ] {
            let mut event = event();
            event["headers"][header] = json!(value);
            assert_eq!(
                answer(&event).unwrap()["path"],
                "/v1/users",
                "{header}: {value}"
            );
        }
    }

    #[test]
    fn a_claim_that_is_no_text_gives_no_right() {
        let refused = |claims: Value| {
            let mut event = event();
            event["requestContext"]["authorizer"] =
                json!({"jwt": {"claims": claims, "scopes": null}});
            answer(&event).unwrap()["refused"].clone()
        };
        assert_eq!(
            refused(json!({"sub": "a", "scope": "users:read"})),
            Value::Null
        );
        assert_eq!(
            refused(json!({"sub": "a", "scope": "users:read", "aud": ["x"], "exp": 1})),
            Value::Null
        );
        for claims in [
            json!({"sub": "a", "scope": ["users:read"]}),
            json!({"sub": "a", "scope": {"x": " users:read "}}),
            json!({"sub": ["a"], "scope": "users:read"}),
            json!({"sub": 1, "scope": "users:read"}),
            json!({"sub": "a", "scope": "users:read", "tenant": ["acme"]}),
            json!({"sub": "a", "scope": "users:read", "tenant": null}),
        ] {
            assert_eq!(refused(claims.clone()), "invalid_claim", "{claims}");
        }
    }

    #[test]
    fn what_is_no_event_of_api_gateways_is_refused_without_quoting_it() {
        for event in [
            json!({}),
            json!("ann@example.com"),
            json!({"rawPath": "ann@example.com"}),
            {
                let mut event = event();
                event["rawPath"] = json!(":ann@example.com");
                event
            },
            {
                let mut event = event();
                event["rawPath"] = json!(format!("/{}", "a".repeat(70_000)));
                event
            },
        ] {
            let error = answer(&event).unwrap_err().to_string();
            assert!(
                error.contains("API Gateway") && !error.contains("ann@"),
                "{error}"
            );
        }
    }

    proptest! {
        #[test]
        fn whatever_the_address_holds_no_event_panics(
            path in "/\\PC{0,40}", query in "\\PC{0,40}", host in "\\PC{0,20}", proto in "\\PC{0,10}", stage in "\\PC{0,5}",
        ) {
            let mut event = event();
            event["rawPath"] = json!(path);
            event["rawQueryString"] = json!(query);
            event["headers"] = json!({"host": host, "x-forwarded-proto": proto});
            event["requestContext"]["domainName"] = json!(host);
            event["requestContext"]["stage"] = json!(stage);
            if let Ok(said) = answer(&event) {
                prop_assert_eq!(&said["path"], &path);
            }
        }
    }
}
