//! Query parameters: which there are, and for lists a limit and an opaque cursor.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use lambda_http::{Request, RequestExt};

use super::Problem;

const LIMITS: std::ops::RangeInclusive<usize> = 1..=100;
const DEFAULT_LIMIT: usize = 50;

/// Which order a cursor belongs to. One of another order is refused, as its place would mean nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CursorKind {
    /// Newest first.
    Newest,
    /// By address.
    Address,
    /// Of one user's history.
    History,
}

impl CursorKind {
    fn tag(self) -> &'static str {
        match self {
            Self::Newest => "n:",
            Self::Address => "a:",
            Self::History => "h:",
        }
    }
}

/// How much, and from where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paging {
    /// 1 to 100; 50 if not said.
    pub limit: usize,
    /// The place after which the page begins.
    pub after: Option<String>,
}

impl Paging {
    /// Reads `limit` and `after`.
    pub fn of(request: &Request, kind: CursorKind) -> Result<Self, Problem> {
        let limit = match query(request, "limit") {
            None => DEFAULT_LIMIT,
            Some(text) => text
                .parse()
                .ok()
                .filter(|limit| LIMITS.contains(limit))
                .ok_or_else(|| {
                    Problem::bad_request(
                        "invalid_limit",
                        "limit must be a whole number from 1 to 100.",
                        "Leave it out to get 50 a page.",
                    )
                })?,
        };
        let after = query(request, "after")
            .map(|cursor| decode_cursor(cursor, kind))
            .transpose()?;
        Ok(Self { limit, after })
    }
}

/// A query parameter, if it is there and not empty.
pub fn query<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    request
        .query_string_parameters_ref()?
        .first(name)
        .filter(|value| !value.is_empty())
}

/// A misspelt parameter would be as good as none, and show everybody or change something that was only to be tried; so
/// parameters that are not known, or come twice, are refused.
pub fn check_parameters(request: &Request, known: &[&str]) -> Result<(), Problem> {
    let parameters = request.query_string_parameters();
    if let Some(name) = known
        .iter()
        .find(|name| parameters.all(name).is_some_and(|values| values.len() > 1))
    {
        return Err(Problem::bad_request(
            "repeated_parameter",
            format!("The parameter {name} is there more than once."),
            "Send it once.",
        ));
    }
    match parameters.iter().find(|(name, _)| !known.contains(name)) {
        None => Ok(()),
        Some((name, _)) => Err(Problem::bad_request(
            "unknown_parameter",
            format!("There is no parameter {name:?}."),
            match known {
                [] => "Leave it out.".to_owned(),
                known => format!("Use {}, or leave it out.", known.join(", ")),
            },
        )),
    }
}

/// Makes a cursor out of a place.
pub fn encode_cursor(place: &str, kind: CursorKind) -> String {
    URL_SAFE_NO_PAD.encode(format!("{}{place}", kind.tag()))
}

/// The place in a cursor of this order.
pub fn decode_cursor(cursor: &str, kind: CursorKind) -> Result<String, Problem> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    text.as_deref()
        .and_then(|text| text.strip_prefix(kind.tag()))
        .filter(|place| (1..=300).contains(&place.len()) && place.is_ascii())
        .map(ToOwned::to_owned)
        .ok_or_else(|| {
            Problem::bad_request(
                "invalid_cursor",
                "after is no cursor of this list.",
                "Take it from list_metadata.after of the page before, with the same q, or leave it out to begin at the first page.",
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_and_fits_only_its_own_order() {
        let cursor = encode_cursor("2026#usr", CursorKind::Newest);
        assert_eq!(
            decode_cursor(&cursor, CursorKind::Newest).unwrap(),
            "2026#usr"
        );
        assert_eq!(
            decode_cursor(&cursor, CursorKind::Address)
                .unwrap_err()
                .code(),
            "invalid_cursor"
        );
        for bad in ["!", "AAAA", "bjo", &"A".repeat(1000)] {
            assert!(decode_cursor(bad, CursorKind::Newest).is_err(), "{bad}");
        }
    }
}
