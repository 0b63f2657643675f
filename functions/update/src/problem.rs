//! Why a user is not changed, for people.

use jiff::Timestamp;
use lambda_http::http::StatusCode;
use usher::{
    domain::{ChangeRefusal, EmailError, UserId},
    http::{Problem, administrators_only, daily_limit, user_not_found},
};

fn conflict(code: &'static str, detail: &str, hint: &str) -> Problem {
    Problem::new(StatusCode::CONFLICT, code, detail, hint)
}

pub(crate) fn refused(refusal: ChangeRefusal, now: Timestamp) -> Problem {
    match refusal {
        ChangeRefusal::NotFound => user_not_found(),
        ChangeRefusal::Administrator => administrators_only(
            "Who is invited to be an administrator, and at which address, only an administrator may change, and you are none.",
        ),
        ChangeRefusal::Registered => conflict(
            "already_registered",
            "This person has registered, and signs in with this address.",
            "Change the address in your sign-in and in your product. Everything else about the user can be changed here.",
        ),
        ChangeRefusal::GroupsInSignIn => conflict(
            "administrators_in_sign_in",
            "This person has registered, so whether they are an administrator is decided where they sign in.",
            "Add them to the group administrators of your sign-in's user pool, or take them out of it. Leave that group here as it is.",
        ),
        ChangeRefusal::DailyLimit { retry_at } => daily_limit(now, retry_at),
    }
}

/// The new address is this user's.
pub(crate) fn address_taken(other: UserId) -> Problem {
    conflict(
        "address_taken",
        "Another user has this address.",
        "See who it is with GET /v1/users/{id} and the user_id in this answer. If both are the same person, erase one of them.",
    )
    .with("user_id", other)
}

pub(crate) fn suppressed() -> Problem {
    conflict(
        "suppressed",
        "This address gets no mail: an earlier one bounced or was called spam, or the person asked not to be written to.",
        "Check the address, or reach the person another way. If mail to it is right after all, use POST /v1/suppressions/lift, then send this again.",
    )
}

pub(crate) fn invalid_email(error: &EmailError) -> Problem {
    Problem::bad_request(
        "invalid_email",
        error.to_string(),
        "Correct the address and send it again.",
    )
    .with("field", "email")
}

pub(crate) fn domain_not_allowed(detail: String) -> Problem {
    Problem::bad_request(
        "domain_not_allowed",
        detail,
        "Use another address, or ask an administrator to change the settings.",
    )
    .with("field", "email")
}

pub(crate) fn only_with_email() -> Problem {
    Problem::bad_request(
        "invalid_field",
        "The field expires_in_days can only be sent with email.",
        "A new address gets a new link, whose life this is. To renew a link, use POST /v1/users/{id}/resend.",
    )
    .with("field", "expires_in_days")
}

pub(crate) fn nothing_to_change() -> Problem {
    Problem::bad_request(
        "nothing_to_change",
        "There is no field in the request.",
        "Send at least one of email, name, locale, groups, external_id and metadata.",
    )
}
