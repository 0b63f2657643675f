//! `POST /v1/users/{id}/revoke`: an administrator withdraws an invitation, and its link dies at once.

use lambda_http::{Request, http::StatusCode};
use usher::{
    clock::{Clock, Entropy},
    config::{ConfigError, Environment},
    domain::{self, RevokeRefusal},
    function::WarmUp,
    http::{Answer, Problem, Scope, SignIn, UserView, corrected, json, path_id, user_not_found},
    store::{Attempt, Store},
};

/// What the function works with.
#[derive(Debug)]
pub struct Revoke {
    store: Store,
    sign_in: SignIn,
    clock: Clock,
}

impl Revoke {
    /// Reads `TABLE_NAME` and `TENANT_CLAIM`.
    pub fn new(env: &Environment, clock: Clock, _: Entropy) -> Result<Self, ConfigError> {
        let (store, sign_in) = (Store::from_env(env), SignIn::from_env(env));
        env.finish(store.map(|store| Self {
            store,
            sign_in,
            clock,
        }))
    }
}

impl WarmUp for Revoke {
    async fn warm_up(&self) -> Result<(), lambda_http::Error> {
        Ok(self.store.warm_up().await?)
    }
}

/// Answers with the user, who is `revoked` now.
pub async fn handle(state: &Revoke, request: &Request) -> Answer {
    let caller = state.sign_in.caller(request, Scope::UsersWrite)?;
    let id = path_id(request)?;
    let revoke = domain::Revoke {
        tenant: caller.tenant,
        now: state.clock.now(),
    };
    match state.store.revoke(id, &revoke).await? {
        Attempt::Done(user) => json(&UserView::of(&user, revoke.now)),
        Attempt::Refused(found) => Err(revoke
            .refusal(found.as_deref())
            .map_or_else(corrected, refused)),
    }
}

fn refused(refusal: RevokeRefusal) -> Problem {
    let conflict = |code, detail, hint| Problem::new(StatusCode::CONFLICT, code, detail, hint);
    match refusal {
        RevokeRefusal::NotFound => user_not_found(),
        RevokeRefusal::Accepted => conflict(
            "already_registered",
            "This person has registered, so there is no invitation left to revoke.",
            "Close the account in your product instead.",
        ),
        RevokeRefusal::Revoked => conflict(
            "already_revoked",
            "This invitation is revoked already.",
            "Nothing is left to do.",
        ),
        RevokeRefusal::Declined => conflict(
            "already_declined",
            "This person has declined the invitation, and its link is dead.",
            "Nothing is left to do.",
        ),
    }
}
