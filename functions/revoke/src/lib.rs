//! `POST /v1/users/{id}/revoke`: an administrator withdraws an invitation, and its link dies at once.
//! `POST /v1/users/{id}/restore`: they take that back.

mod restore;

use lambda_http::{Request, RequestExt, http::StatusCode};
use usher::{
    clock::{Clock, Entropy},
    config::{ConfigError, Environment},
    domain::{self, RevokeRefusal},
    function::WarmUp,
    http::{
        Answer, Problem, Scope, SignIn, UserView, check_parameters, corrected, json, path_id,
        user_not_found,
    },
    pool::{UserPool, warm_up, withdraw},
    store::{Attempt, Store},
};

/// What the function works with.
#[derive(Debug)]
pub struct Revoke {
    store: Store,
    pool: Option<UserPool>,
    sign_in: SignIn,
    clock: Clock,
}

impl Revoke {
    /// Reads `TABLE_NAME`, `USER_POOL_ID` and what [`SignIn`] reads.
    pub fn new(env: &Environment, clock: Clock, _: Entropy) -> Result<Self, ConfigError> {
        let (store, sign_in) = (Store::from_env(env), SignIn::from_env(env));
        let pool = UserPool::from_env(env);
        env.finish(store.map(|store| Self {
            store,
            pool,
            sign_in,
            clock,
        }))
    }
}

impl WarmUp for Revoke {
    async fn warm_up(&self) -> Result<(), lambda_http::Error> {
        let (table, pool) = tokio::join!(self.store.warm_up(), warm_up(self.pool.as_ref()));
        table?;
        Ok(pool?)
    }
}

/// Answers the route that the path ends with.
pub async fn handle(state: &Revoke, request: &Request) -> Answer {
    if request.raw_http_path().ends_with("/restore") {
        restore::restore(state, request).await
    } else {
        revoke(state, request).await
    }
}

/// Answers with the user, who is `revoked` now.
async fn revoke(state: &Revoke, request: &Request) -> Answer {
    let caller = state.sign_in.caller(request, Scope::UsersWrite)?;
    check_parameters(request, &[])?;
    let id = path_id(request)?;
    let revoke = domain::Revoke {
        tenant: caller.tenant,
        by: caller.identity,
        now: state.clock.now(),
    };
    match state.store.revoke(id, &revoke).await? {
        Attempt::Done(user) => {
            // An accept that broke off may have made an account already.
            withdraw(state.pool.as_ref(), &state.store, id).await?;
            json(&UserView::of(&user, revoke.now))
        }
        Attempt::Refused(found) => {
            let refusal = revoke.refusal(found.as_deref());
            // An earlier try may have got no further than the table.
            if refusal == Some(RevokeRefusal::Revoked) {
                withdraw(state.pool.as_ref(), &state.store, id).await?;
            }
            Err(refusal.map_or_else(corrected, refused))
        }
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
            "Nothing is left to do. To take it back, use POST /v1/users/{id}/restore.",
        ),
        RevokeRefusal::Declined => conflict(
            "already_declined",
            "This person has declined the invitation, and its link is dead.",
            "Nothing is left to do.",
        ),
    }
}
