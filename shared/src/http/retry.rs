//! Problems that several functions answer with, so that each is worded once.

use jiff::Timestamp;
use lambda_http::http::StatusCode;

use super::Problem;

/// The database does not answer just now.
pub fn unavailable() -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "temporarily_unavailable",
        "The database is busy or out of reach.",
        "Try again in a few seconds.",
    )
    .retry_after(2)
}

/// A mail was asked for less than a minute ago.
pub fn too_soon(now: Timestamp, retry_at: Timestamp) -> Problem {
    let seconds = seconds_until(now, retry_at);
    Problem::new(
        StatusCode::TOO_MANY_REQUESTS,
        "too_soon",
        "A mail to this address was asked for less than a minute ago.",
        format!("Look into the mailbox first. Another mail can be asked for in {seconds} seconds."),
    )
    .retry_after(seconds)
}

/// The address has had its mails for the day.
pub fn daily_limit(now: Timestamp, retry_at: Timestamp) -> Problem {
    Problem::new(
        StatusCode::TOO_MANY_REQUESTS,
        "daily_limit",
        "This address was sent 10 mails within a day, which is the limit.",
        format!("Another mail can be asked for from {retry_at:.0} on."),
    )
    .retry_after(seconds_until(now, retry_at))
}

/// No such user, or another tenant's: the answer is the same.
pub fn user_not_found() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "user_not_found",
        "There is no user with this id.",
        "Take the id from GET /v1/users or from the answer to the invitation.",
    )
}

/// A write was refused although, by the item that came back, it should not have been.
pub fn corrected() -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "conflict",
        "The user was changed by somebody else at the same moment.",
        "Try again.",
    )
    .retry_after(1)
}

fn seconds_until(now: Timestamp, then: Timestamp) -> i64 {
    let milliseconds = then.as_millisecond().saturating_sub(now.as_millisecond());
    milliseconds.div_euclid(1000) + i64::from(milliseconds.rem_euclid(1000) > 0)
}
