//! Versions of what a tenant decides: as `ETag` in answers, and as `If-Match` in what changes it, so that nobody writes over
//! what they have not seen.

use lambda_http::{
    Request,
    http::{HeaderValue, StatusCode, header},
};
use serde::Serialize;
use usher::{
    http::{Answer, InviterView, Problem, json},
    store::{Expected, Standing},
};

/// How often something was decided, and when and by whom last. Version 0 is what nobody has decided yet.
#[derive(Serialize)]
pub(crate) struct Version<'a> {
    #[serde(rename = "version")]
    number: u64,
    changed_at: Option<String>,
    changed_by: Option<InviterView<'a>>,
}

impl<'a> Version<'a> {
    pub(crate) fn of<T>(found: &'a Standing<T>) -> Self {
        let (changed_at, changed_by) = found.changed().unzip();
        Self {
            number: found.version(),
            changed_at: changed_at.map(|at| format!("{at:.3}")),
            changed_by: changed_by.map(InviterView::of),
        }
    }
}

/// The answer, with the version of what it shows as `ETag`.
pub(crate) fn answer<T>(view: &impl Serialize, found: &Standing<T>) -> Answer {
    let mut response = json(view)?;
    if let Ok(value) = HeaderValue::try_from(format!("\"{}\"", found.version())) {
        response.headers_mut().insert(header::ETAG, value);
    }
    Ok(response)
}

/// What the caller expects to be there.
pub(crate) fn expected(request: &Request) -> Result<Expected, Problem> {
    let Some(value) = request.headers().get(header::IF_MATCH) else {
        return Err(Problem::new(
            StatusCode::PRECONDITION_REQUIRED,
            "precondition_required",
            "The request does not say which version it changes.",
            "Send the ETag of what you have read as If-Match, so that nobody's change is lost; or If-Match: * to write over whatever is there.",
        ));
    };
    let text = value.to_str().unwrap_or_default().trim();
    let number = text.strip_prefix("W/").unwrap_or(text).trim_matches('"');
    match (text, number.parse()) {
        ("*", _) => Ok(Expected::Anything),
        (_, Ok(0)) => Ok(Expected::Nothing),
        (_, Ok(version)) => Ok(Expected::Version(version)),
        _ => Err(Problem::bad_request(
            "invalid_if_match",
            "If-Match must be the ETag of an earlier answer, like \"3\", or *.",
            "Read the present state with GET, and send its ETag.",
        )),
    }
}

/// Somebody else was faster.
pub(crate) fn changed_meanwhile<T>(found: &Standing<T>) -> Problem {
    Problem::new(
        StatusCode::PRECONDITION_FAILED,
        "changed_meanwhile",
        "Somebody has changed this since you read it.",
        "Read it again with GET, bring your change into what you find, and send that with its ETag as If-Match.",
    )
    .with("version", found.version())
}
