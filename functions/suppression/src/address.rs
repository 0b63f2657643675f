//! `POST /v1/suppressions/lift`: by the address. The person who had it was erased, or has another one now.

use lambda_http::{Request, http::StatusCode};
use serde::{Deserialize, Serialize};
use usher::{
    domain::{EmailAddress, State, SuppressionReason, User},
    http::{Answer, Problem, Scope, check_parameters, corrected, json, json_body},
};

use crate::{Lift, lift_by, lift_of_user};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with an email")]
struct Body {
    email: String,
}

#[derive(Serialize)]
struct Lifted<'a> {
    outcome: &'static str,
    email: &'a str,
}

/// Answers that the address may have mail. Should a user have it after all, it is theirs that is lifted.
pub(crate) async fn lift(state: &Lift, request: &Request) -> Answer {
    let caller = state.sign_in.caller(request, Scope::UsersWrite)?;
    check_parameters(request, &[])?;
    let body: Body = json_body(request)?;
    let email = EmailAddress::parse(&body.email).map_err(|error| {
        Problem::bad_request(
            "invalid_email",
            error.to_string(),
            "Correct the address, then send it again.",
        )
    })?;
    let lift = lift_by(state, caller);
    let found = state.store.address(&lift.tenant, &email).await?;
    let found = found.ok_or_else(not_suppressed)?;
    if let Some(id) = found.user_id {
        let user = state.store.user(id).await?.ok_or_else(not_suppressed)?;
        lift_of_owner(state, &lift, user).await?;
    } else {
        let suppression = found.suppressed.ok_or_else(not_suppressed)?;
        if suppression.reason == SuppressionReason::Declined {
            return Err(declined(
                "Nobody is invited by this address any more, so their wish stands. Reach the person another way.",
            ));
        }
        state.list.remove(&email).await?;
        let forgotten = state
            .store
            .forget_suppression(&lift.tenant, &email, suppression);
        if !forgotten.await? {
            return Err(corrected());
        }
    }
    json(&Lifted {
        outcome: "lifted",
        email: email.as_str(),
    })
}

async fn lift_of_owner(
    state: &Lift,
    lift: &usher::domain::LiftSuppression,
    user: User,
) -> Result<(), Problem> {
    if let State::Declined { .. } = user.state {
        return Err(declined(
            "If they have changed their mind, use POST /v1/users/{id}/resend with {\"reactivate\": true}.",
        ));
    }
    if user.suppressed.is_none() {
        return Err(not_suppressed());
    }
    lift_of_user(state, lift, Some(user)).await.map(drop)
}

fn not_suppressed() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "not_suppressed",
        "This address is not suppressed.",
        "Check its spelling. If it is right, nothing is left to do.",
    )
}

fn declined(hint: &str) -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "declined",
        "The person with this address asked not to be invited again.",
        hint,
    )
}
