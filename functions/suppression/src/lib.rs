//! `DELETE /v1/users/{id}/suppression`: an administrator who knows better lets an address have mail again that bounced, or
//! called a mail spam. `POST /v1/suppressions/lift`: the same of an address that no user has any more.

mod address;

use lambda_http::{Request, RequestExt, http::StatusCode};
use usher::{
    clock::{Clock, Entropy},
    config::{ConfigError, Environment},
    domain::{LiftRefusal, LiftSuppression, User},
    function::WarmUp,
    http::{
        Answer, Caller, Problem, Scope, SignIn, UserView, check_parameters, corrected, json,
        path_id, user_not_found,
    },
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
        let (table, ()) = tokio::join!(self.store.warm_up(), self.list.warm_up());
        Ok(table?)
    }
}

/// Answers the route: of an address, or of a user.
pub async fn handle(state: &Lift, request: &Request) -> Answer {
    if request.raw_http_path().ends_with("/lift") {
        return address::lift(state, request).await;
    }
    let caller = state.sign_in.caller(request, Scope::UsersWrite)?;
    check_parameters(request, &[])?;
    let id = path_id(request)?;
    let lift = lift_by(state, caller);
    let found = state.store.user(id).await?;
    let user = lift_of_user(state, &lift, found).await?;
    json(&UserView::of(&user, lift.now))
}

fn lift_by(state: &Lift, caller: Caller) -> LiftSuppression {
    LiftSuppression {
        tenant: caller.tenant,
        by: caller.identity,
        now: state.clock.now(),
    }
}

/// The user, whose address may have mail. Nothing is sent by this, except what had waited for it.
///
/// SES keeps a list of its own: the address is taken off that one first, since mail to it would only bounce again.
async fn lift_of_user(
    state: &Lift,
    lift: &LiftSuppression,
    found: Option<User>,
) -> Result<Box<User>, Problem> {
    let user = match (lift.refusal(found.as_ref()), found) {
        (None, Some(user)) => user,
        (refusal, _) => return Err(refused(refusal.unwrap_or(LiftRefusal::NotFound))),
    };
    state.list.remove(&user.email).await?;
    match state.store.lift_suppression(&user, lift).await? {
        Attempt::Done(user) => Ok(user),
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
