//! What the holder of a link that does nothing is told. A wrong link tells nothing; the current one tells exactly.

use jiff::Timestamp;
use lambda_http::http::StatusCode;
use usher::{
    domain::{LinkRefusal, RenewRefusal},
    http::{Problem, daily_limit, too_soon},
};

use crate::Accept;

pub(crate) fn link_problem(refusal: LinkRefusal) -> Problem {
    match refusal {
        LinkRefusal::Unknown => Problem::new(
            StatusCode::NOT_FOUND,
            "invitation_not_found",
            "This link is not, or no longer, valid.",
            "Open the link in the newest invitation in your mailbox, or ask whoever invited you for another.",
        ),
        LinkRefusal::Expired => Problem::new(
            StatusCode::GONE,
            "invitation_expired",
            "This invitation has expired.",
            "Ask for a fresh link: it is sent to the address that was invited.",
        ),
        LinkRefusal::Revoked => Problem::new(
            StatusCode::GONE,
            "invitation_revoked",
            "This invitation was withdrawn.",
            "If you think that is a mistake, ask whoever invited you.",
        ),
        LinkRefusal::Declined => Problem::new(
            StatusCode::GONE,
            "invitation_declined",
            "This invitation was declined.",
            "If you have changed your mind, ask whoever invited you for another.",
        ),
        LinkRefusal::AlreadyUsed => Problem::new(
            StatusCode::CONFLICT,
            "invitation_already_used",
            "This invitation was used already: the account exists.",
            "Sign in. If it was not you who registered, tell whoever invited you.",
        ),
    }
}

pub(crate) fn renew_problem(state: &Accept, refusal: RenewRefusal, now: Timestamp) -> Problem {
    match refusal {
        RenewRefusal::Link(refusal) => state.link_problem(refusal),
        RenewRefusal::StillValid => Problem::new(
            StatusCode::CONFLICT,
            "invitation_still_valid",
            "This invitation has not expired.",
            "Use the link in the newest invitation in your mailbox.",
        ),
        RenewRefusal::Suppressed => Problem::new(
            StatusCode::CONFLICT,
            "suppressed",
            "Mail to this address came back, or was reported as spam, so no fresh link can be sent there.",
            "Ask whoever invited you: they can let this address have mail again.",
        ),
        RenewRefusal::TooSoon { retry_at } => too_soon(now, retry_at),
        RenewRefusal::DailyLimit { retry_at } => daily_limit(now, retry_at),
    }
}
