//! Reading a JSON body, and saying precisely why it can't be read.

use std::fmt::Display;

use lambda_http::{
    Body, Request,
    http::{StatusCode, header},
};
use serde::de::DeserializeOwned;

use super::Problem;
use crate::domain::IdempotencyKey;

/// The body, which must be JSON and of this shape. Fields that are not known are refused by the types themselves.
pub fn json_body<T: DeserializeOwned>(request: &Request) -> Result<T, Problem> {
    let content_type = request
        .headers()
        .get(header::CONTENT_TYPE)
        .map_or("", |value| value.to_str().unwrap_or(""));
    let essence = content_type
        .split(';')
        .next()
        .unwrap_or("")
        .trim()
        .to_ascii_lowercase();
    if essence != "application/json" {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "The body must be JSON.",
            "Send the header Content-Type: application/json.",
        ));
    }
    let bytes = bytes(request);
    // Serde would read a list as an object, its fields by position.
    if bytes.trim_ascii_start().first() == Some(&b'[') {
        return Err(Problem::bad_request(
            "invalid_body",
            "The body must be a JSON object, not a list.",
            "Send the fields by their names.",
        )
        .with("field", "."));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = cut(&error.path().to_string());
        let inner = error.into_inner();
        if inner.is_data() {
            let place = if path == "." {
                "The body".to_owned()
            } else {
                format!("The field {path}")
            };
            Problem::bad_request(
                "invalid_body",
                format!("{place} {}.", in_plain_words(&inner)),
                "Correct the field; its name, type and limits are in the API's documentation.",
            )
            .with("field", path)
        } else {
            invalid_json(&inner)
        }
    })?;
    deserializer.end().map_err(|error| invalid_json(&error))?;
    Ok(value)
}

/// The body if there is one; else what a body of `{}` would be.
pub fn optional_json_body<T: DeserializeOwned + Default>(request: &Request) -> Result<T, Problem> {
    if bytes(request).is_empty() {
        Ok(T::default())
    } else {
        json_body(request)
    }
}

/// A field that has to be there, parsed into what it means. The error's sentence begins after the field's name.
pub fn required_field<V, T, E: Display>(
    name: &str,
    value: V,
    parse: impl FnOnce(V) -> Result<T, E>,
) -> Result<T, Problem> {
    parse(value).map_err(|error| {
        Problem::bad_request(
            "invalid_field",
            format!("The field {name} {error}."),
            "Correct the field; its limits are in the API's documentation.",
        )
        .with("field", name)
    })
}

/// A field that may be left out.
pub fn field<V, T, E: Display>(
    name: &str,
    value: Option<V>,
    parse: impl FnOnce(V) -> Result<T, E>,
) -> Result<Option<T>, Problem> {
    value
        .map(|value| required_field(name, value, parse))
        .transpose()
}

/// What the client calls this request, so that it may repeat it: the header `Idempotency-Key`.
pub fn idempotency_key(request: &Request) -> Result<Option<IdempotencyKey>, Problem> {
    let key = request.headers().get("idempotency-key");
    // What is no text is no line of text either.
    let key = key.map(|key| key.to_str().unwrap_or("\0"));
    field("Idempotency-Key", key, IdempotencyKey::parse)
}

fn bytes(request: &Request) -> &[u8] {
    match request.body() {
        Body::Text(text) => text.as_bytes(),
        Body::Binary(bytes) => bytes,
        _ => &[],
    }
}

/// What is wrong with a value, for people who know neither Rust nor its libraries. The place is named by the field's path, and
/// stands before it.
fn in_plain_words(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let text = text
        .rsplit_once(" at line ")
        .map_or(&*text, |(what, _)| what);
    let wanted = text
        .starts_with("invalid ")
        .then(|| text.rsplit_once(", expected "))
        .flatten();
    match wanted.map(|(_, wanted)| wanted) {
        None => match text.rsplit_once(", expected ") {
            Some((found, known)) => {
                format!("is not as it should be: {}, expected {known}", cut(found))
            }
            None => format!("is not as it should be: {}", cut(text)),
        },
        Some("i64") => "must be a whole number like 7".to_owned(),
        Some("a string") => "must be a text".to_owned(),
        Some("a boolean") => "must be true or false".to_owned(),
        Some("a sequence") => "must be a list".to_owned(),
        Some("a map") => "must be an object".to_owned(),
        Some(other) => format!("must be {other}"),
    }
}

/// A mistake may be megabytes long, and is shown no longer than it takes to recognise it.
fn cut(text: &str) -> String {
    const MOST: usize = 100;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn invalid_json(error: &serde_json::Error) -> Problem {
    Problem::bad_request(
        "invalid_json",
        format!("The body is no valid JSON: {error}."),
        "Send one JSON object, encoded in UTF-8.",
    )
}
