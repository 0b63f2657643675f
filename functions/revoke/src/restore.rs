//! `POST /v1/users/{id}/restore`: the invitation is as it was before it was revoked.

use jiff::Timestamp;
use lambda_http::{Request, http::StatusCode};
use usher::{
    domain::{self, RestoreRefusal, StateName},
    http::{
        Answer, Problem, Scope, UserView, administrators_only, check_parameters, corrected,
        daily_limit, json, path_id, user_not_found,
    },
    store::Attempt,
};

use crate::Revoke;

/// How often the user may change between their being read and written: the mailer or the sweeper may be at them.
const TRIES: usize = 3;

/// Answers with the user, who is `pending` again, or `expired`. In the user pool nothing is to be done: the account of an
/// accept that broke off was taken away by the revocation, and the next accept makes another.
pub(crate) async fn restore(state: &Revoke, request: &Request) -> Answer {
    let caller = state.sign_in.caller(request, Scope::UsersWrite)?;
    check_parameters(request, &[])?;
    let id = path_id(request)?;
    let restore = domain::Restore {
        tenant: caller.tenant,
        by: caller.identity,
        now: state.clock.now(),
        appoints: caller.appoints,
    };
    let mut found = state.store.user(id).await?;
    for _ in 0..TRIES {
        let user = match (restore.refusal(found.as_ref()), found) {
            (None, Some(user)) => user,
            (refusal, _) => {
                return Err(refused(
                    refusal.unwrap_or(RestoreRefusal::NotFound),
                    restore.now,
                ));
            }
        };
        match state.store.restore(&user, &restore).await? {
            Attempt::Done(user) => return json(&UserView::of(&user, restore.now)),
            Attempt::Refused(newer) => found = newer.map(|user| *user),
        }
    }
    Err(corrected())
}

fn refused(refusal: RestoreRefusal, now: Timestamp) -> Problem {
    let hint = match refusal {
        RestoreRefusal::NotFound => return user_not_found(),
        RestoreRefusal::Administrator => {
            return administrators_only(
                "This was an invitation to be an administrator, and you are none.",
            );
        }
        RestoreRefusal::DailyLimit { retry_at } => return daily_limit(now, retry_at),
        RestoreRefusal::NotRevoked(StateName::Pending) => {
            "Nothing is left to do: the invitation waits to be accepted."
        }
        RestoreRefusal::NotRevoked(StateName::Expired) => {
            "Its link has expired. To send a new one, use POST /v1/users/{id}/resend."
        }
        RestoreRefusal::NotRevoked(StateName::Declined) => {
            "The person has declined it. If they have changed their mind, use POST /v1/users/{id}/resend with {\"reactivate\": true}."
        }
        RestoreRefusal::NotRevoked(_) => "Nothing is left to do: the person has registered.",
    };
    Problem::new(
        StatusCode::CONFLICT,
        "not_revoked",
        "This invitation is not revoked.",
        hint,
    )
}
