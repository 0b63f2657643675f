//! HTTP as API Gateway tells it to functions (payload format 2.0), and back.

use std::collections::BTreeMap;

use axum::{
    body::Body,
    http::{
        HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Uri, header,
        request::Parts,
    },
};
use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Map, Value, json};

use crate::routes::{ROUTES, Route};

/// What the gateway knows of a request besides its HTTP.
pub(crate) struct Context<'a> {
    pub(crate) route: &'a Route,
    pub(crate) path_parameters: BTreeMap<String, String>,
    pub(crate) claims: Option<Map<String, Value>>,
    pub(crate) request_id: &'a str,
    pub(crate) now: Timestamp,
}

/// A request without a network, as the gateway would hand it on: the function that answers it, and its event. None if no
/// route leads there. `claims` are those of a token that was checked.
pub fn invocation(
    method: &str,
    target: &str,
    claims: &Value,
    body: &[u8],
) -> Option<(&'static str, Value)> {
    let request = Request::builder()
        .method(method)
        .uri(target)
        .header(header::HOST, "localhost")
        .header(header::CONTENT_TYPE, "application/json")
        .body(())
        .ok()?;
    let (parts, ()) = request.into_parts();
    let found = |route| Some((route, path_parameters(route, parts.uri.path())?));
    let (route, path_parameters) = ROUTES
        .iter()
        .filter(|route| route.method == method)
        .find_map(found)?;
    let context = Context {
        route,
        path_parameters,
        claims: claims.as_object().filter(|_| !route.public).cloned(),
        request_id: "00000000000000000000000000",
        now: Timestamp::UNIX_EPOCH,
    };
    Some((route.function, request_event(&parts, body, &context)))
}

/// What the path has where the route has parameters; none if it is not this route's.
fn path_parameters(route: &Route, path: &str) -> Option<BTreeMap<String, String>> {
    let (mut wanted, mut given) = (route.path.split('/'), path.split('/'));
    let mut parameters = BTreeMap::new();
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(parameters),
            (Some(wanted), Some(given)) => {
                let name = wanted
                    .strip_prefix('{')
                    .and_then(|name| name.strip_suffix('}'));
                match name {
                    Some(name) => {
                        parameters.insert(name.to_owned(), given.to_owned());
                    }
                    None if wanted == given => {}
                    None => return None,
                }
            }
            _ => return None,
        }
    }
}

/// The event for a request.
pub(crate) fn request_event(parts: &Parts, body: &[u8], context: &Context<'_>) -> Value {
    let Context {
        route,
        path_parameters,
        claims,
        request_id,
        now,
    } = context;
    let headers = joined_headers(&parts.headers);
    let cookies: Vec<_> = parts
        .headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect();
    let route_key = format!("{} {}", route.method, route.path);
    let mut request_context = json!({
        "accountId": "000000000000",
        "apiId": "local",
        "domainName": headers.get("host"),
        "domainPrefix": "local",
        "http": {
            "method": parts.method.as_str(),
            "path": parts.uri.path(),
            "protocol": "HTTP/1.1",
            "sourceIp": "127.0.0.1",
            "userAgent": headers.get("user-agent"),
        },
        "requestId": request_id,
        "routeKey": route_key,
        "stage": "$default",
        "time": now.to_zoned(TimeZone::UTC).strftime("%d/%b/%Y:%H:%M:%S %z").to_string(),
        "timeEpoch": now.as_millisecond(),
    });
    if let Some(claims) = claims {
        request_context["authorizer"] = json!({"jwt": {"claims": claims, "scopes": null}});
    }
    let mut event = json!({
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": parts.uri.path(),
        "rawQueryString": parts.uri.query().unwrap_or_default(),
        "headers": headers,
        "requestContext": request_context,
        "isBase64Encoded": false,
    });
    if !cookies.is_empty() {
        event["cookies"] = json!(cookies);
    }
    let query = query_parameters(&parts.uri);
    if !query.is_empty() {
        event["queryStringParameters"] = json!(query);
    }
    if !path_parameters.is_empty() {
        event["pathParameters"] = json!(path_parameters);
    }
    match std::str::from_utf8(body) {
        Ok("") => {}
        Ok(text) => event["body"] = json!(text),
        Err(_) => {
            event["body"] = json!(STANDARD.encode(body));
            event["isBase64Encoded"] = json!(true);
        }
    }
    event
}

/// Names in lower case; the values of a header that comes twice are joined with commas. Cookies stand elsewhere.
fn joined_headers(headers: &HeaderMap) -> BTreeMap<String, String> {
    let mut joined: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in headers.iter().filter(|(name, _)| *name != header::COOKIE) {
        let value = String::from_utf8_lossy(value.as_bytes());
        joined
            .entry(name.as_str().to_owned())
            .and_modify(|all| *all = format!("{all},{value}"))
            .or_insert(value.into());
    }
    joined
}

/// Decoded; the values of a parameter that comes twice are joined with commas.
fn query_parameters(uri: &Uri) -> BTreeMap<String, String> {
    let mut joined: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
        joined
            .entry(name.into_owned())
            .and_modify(|all| *all = format!("{all},{value}"))
            .or_insert_with(|| value.clone().into_owned());
    }
    joined
}

/// The HTTP of a function's answer; none if it is no answer that API Gateway understands.
pub(crate) fn response(answer: &Value) -> Option<Response<Body>> {
    let status =
        StatusCode::from_u16(u16::try_from(answer.get("statusCode")?.as_u64()?).ok()?).ok()?;
    let text = answer
        .get("body")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let body = match answer.get("isBase64Encoded").and_then(Value::as_bool) {
        Some(true) => STANDARD.decode(text).ok()?,
        _ => text.as_bytes().to_vec(),
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let single = answer
        .get("headers")
        .and_then(Value::as_object)
        .into_iter()
        .flatten();
    for (name, value) in single {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        response
            .headers_mut()
            .insert(name, HeaderValue::from_str(value.as_str()?).ok()?);
    }
    for cookie in answer
        .get("cookies")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        response.headers_mut().append(
            header::SET_COOKIE,
            HeaderValue::from_str(cookie.as_str()?).ok()?,
        );
    }
    Some(response)
}
