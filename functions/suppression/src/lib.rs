//! `DELETE /v1/users/{id}/suppression`: an administrator who knows better lets an address have mail again that bounced, or
//! called a mail spam.

use lambda_http::{Request, http::StatusCode};
use usher::{
    clock::{Clock, Entropy},
    config::{ConfigError, Environment},
    domain::{LiftRefusal, LiftSuppression},
    function::WarmUp,
    http::{Answer, Problem, Scope, SignIn, UserView, corrected, json, path_id, user_not_found},
    mail::SuppressionList,
    store::{Attempt, Store},
};

/// What the function works with.
#[derive(Debug)]
pub struct Lift {
    store: Store,
    list: SuppressionList,
    sign_in: SignIn,
    clock: Clock,
}

impl Lift {
    /// Reads `TABLE_NAME` and what [`SignIn`] reads.
    pub fn new(env: &Environment, clock: Clock, _: Entropy) -> Result<Self, ConfigError> {
        let (store, list) = (Store::from_env(env), SuppressionList::from_env(env));
        let sign_in = SignIn::from_env(env);
        env.finish((|| {
            Some(Self {
                store: store?,
                list: list?,
                sign_in,
                clock,
            })
        })())
    }
}

impl WarmUp for Lift {
    async fn warm_up(&self) -> Result<(), lambda_http::Error> {
        Ok(self.store.warm_up().await?)
    }
}

/// Answers with the user, whose address may have mail. Nothing is sent by this, except what had waited for it.
///
/// SES keeps a list of its own: the address is taken off that one first, since mail to it would only bounce again.
pub async fn handle(state: &Lift, request: &Request) -> Answer {
    let caller = state.sign_in.caller(request, Scope::UsersWrite)?;
    let id = path_id(request)?;
    let lift = LiftSuppression {
        tenant: caller.tenant,
        by: caller.identity,
        now: state.clock.now(),
    };
    let found = state.store.user(id).await?;
    let user = match (lift.refusal(found.as_ref()), found) {
        (None, Some(user)) => user,
        (refusal, _) => return Err(refused(refusal.unwrap_or(LiftRefusal::NotFound))),
    };
    state.list.remove(&user.email).await?;
    match state.store.lift_suppression(&user, &lift).await? {
        Attempt::Done(user) => json(&UserView::of(&user, lift.now)),
        // Changed since it was read: the same again meets what is there now.
        Attempt::Refused(_) => Err(corrected()),
    }
}

fn refused(refusal: LiftRefusal) -> Problem {
    match refusal {
        LiftRefusal::NotFound => user_not_found(),
        LiftRefusal::NotSuppressed => Problem::new(
            StatusCode::CONFLICT,
            "not_suppressed",
            "This address may have mail.",
            "Nothing is left to do. To send the invitation again, use POST /v1/users/{id}/resend.",
        ),
    }
}
