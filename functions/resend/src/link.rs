//! `GET /v1/users/{id}/link`: the link as it is now. It is derived, as the mailer derives it, and changes nothing.

use lambda_http::{Request, http::StatusCode};
use serde::Serialize;
use usher::{
    domain::{NoLink, ShowLink},
    http::{
        Answer, Problem, Scope, administrators_only, check_parameters, json, path_id,
        user_not_found,
    },
    mail::accept_url,
};

use crate::Resend;

#[derive(Serialize)]
struct Link {
    accept_url: String,
    expires_at: String,
}

/// Answers with the link that works now.
pub(crate) async fn link(state: &Resend, request: &Request) -> Answer {
    let caller = state.sign_in.caller(request, Scope::UsersInvite)?;
    let id = path_id(request)?;
    check_parameters(request, &[])?;
    let show = ShowLink {
        tenant: caller.tenant,
        now: state.clock.now(),
        appoints: caller.appoints,
    };
    let found = state.store.user(id).await?;
    let token = show.token(found.as_ref(), &state.key).map_err(none)?;
    let user = found.ok_or_else(user_not_found)?;
    json(&Link {
        accept_url: accept_url(&state.public_url, &token),
        expires_at: format!("{:.3}", user.expires_at),
    })
}

fn none(why: NoLink) -> Problem {
    let conflict = |code, detail, hint| Problem::new(StatusCode::CONFLICT, code, detail, hint);
    match why {
        NoLink::NotFound => user_not_found(),
        NoLink::Administrator => {
            administrators_only("This is an invitation to be an administrator, and you are none.")
        }
        NoLink::Accepted => conflict(
            "already_registered",
            "This person has registered, so there is no link any more.",
            "They can sign in. If they can't, help them to reset their password.",
        ),
        NoLink::Revoked => conflict(
            "revoked",
            "This invitation is revoked, so its link is dead.",
            "Take the revocation back with POST /v1/users/{id}/restore, or send a new link with POST /v1/users/{id}/resend and {\"reactivate\": true}.",
        ),
        NoLink::Declined => conflict(
            "declined",
            "This person has declined the invitation, so its link is dead.",
            "If they have changed their mind, use POST /v1/users/{id}/resend with {\"reactivate\": true}.",
        ),
        NoLink::Expired => conflict(
            "expired",
            "The link has expired.",
            "Send a new one with POST /v1/users/{id}/resend.",
        ),
        NoLink::MailOnItsWay => conflict(
            "mail_on_its_way",
            "The person has asked for a fresh link, which is made when its mail goes.",
            "Ask again in a minute. If it stays so, send a new link with POST /v1/users/{id}/resend.",
        ),
    }
}
