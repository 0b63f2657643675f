//! `POST /v1/users/{id}/resend`: one user, and a problem that says why not.

use jiff::Timestamp;
use lambda_http::{Request, http::StatusCode};
use serde::Deserialize;
use usher::{
    domain::{ResendRefusal, SuppressionReason},
    http::{
        Answer, Problem, Scope, UserView, administrators_only, check_parameters, corrected,
        daily_limit, json, optional_json_body, path_id, too_soon, user_not_found,
    },
    store::Attempt,
};

use crate::{
    Resend,
    terms::{Asked, Terms},
};

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
struct Body {
    locale: Option<String>,
    message: Option<String>,
    expires_in_days: Option<i64>,
    reactivate: Option<bool>,
}

/// Answers with the user, whose mail is queued.
pub(crate) async fn one(state: &Resend, request: &Request) -> Answer {
    let caller = state.sign_in.caller(request, Scope::UsersInvite)?;
    check_parameters(request, &[])?;
    let id = path_id(request)?;
    let body: Body = optional_json_body(request)?;
    let asked = Asked {
        locale: body.locale,
        message: body.message,
        expires_in_days: body.expires_in_days,
        reactivate: body.reactivate,
    };
    let terms = Terms::of(state, request, caller, asked).await?;
    let resend = terms.resend(state, id);
    match state.store.resend(id, &resend).await? {
        Attempt::Done(user) => json(&UserView::of(&user, resend.now)),
        Attempt::Refused(found) => Err(resend
            .refusal(found.as_deref())
            .map_or_else(corrected, |why| refused(why, resend.now))),
    }
}

fn refused(refusal: ResendRefusal, now: Timestamp) -> Problem {
    let conflict = |code, detail, hint| Problem::new(StatusCode::CONFLICT, code, detail, hint);
    match refusal {
        ResendRefusal::NotFound => user_not_found(),
        ResendRefusal::Accepted => conflict(
            "already_registered",
            "This person has registered, so there is no invitation to send again.",
            "They can sign in. If they can't, help them to reset their password.",
        ),
        ResendRefusal::Revoked => conflict(
            "invitation_revoked",
            "This invitation is revoked.",
            "To invite the person after all, send {\"reactivate\": true}.",
        ),
        ResendRefusal::Declined => conflict(
            "invitation_declined",
            "This person has declined the invitation and asked not to be invited again.",
            "If they have changed their mind, send {\"reactivate\": true}.",
        ),
        ResendRefusal::Administrator => {
            administrators_only("This was an invitation to be an administrator, and you are none.")
        }
        ResendRefusal::Suppressed(why) => conflict(
            "suppressed",
            match why {
                SuppressionReason::Bounced => {
                    "This address gets no mail: an earlier one bounced, since there is no such mailbox."
                }
                SuppressionReason::Complained => {
                    "This address gets no mail: the person has called an earlier one spam."
                }
                SuppressionReason::Declined => {
                    "This address gets no mail: the person asked not to be invited again."
                }
            },
            "Check the address, or reach the person another way. If mail is right after all, lift the suppression with DELETE /v1/users/{id}/suppression, then send again.",
        ),
        ResendRefusal::TooSoon { retry_at } => too_soon(now, retry_at),
        ResendRefusal::DailyLimit { retry_at } => daily_limit(now, retry_at),
    }
}
