//! What a function's `main` does, and where HTTP meets the table and the user pool: how trouble with them is answered.

use std::{future::ready, process::ExitCode, time::Duration};

use jiff::Timestamp;
use lambda_http::{
    BoxFuture, Context, LambdaEvent, Request, http::StatusCode, lambda_runtime, service_fn,
};
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::time::Instant;

use crate::{
    clock::{Clock, Entropy},
    config::{ConfigError, Environment},
    http::{Answer, Caller, Endpoint, Problem, unavailable},
    mail::StillListed,
    pool::{AccountInDoubt, PoolError},
    store::{Store, StoreError},
    telemetry,
};

/// What a function works with, once it is ready for the first request.
pub trait WarmUp {
    /// Opens every connection with a cheap call, so that the first request need not. Fails if what the environment
    /// names is not there or may not be used.
    fn warm_up(&self) -> impl Future<Output = Result<(), lambda_http::Error>>;
}

/// How a function is made of its environment.
type New<S> = fn(&Environment, Clock, Entropy) -> Result<S, ConfigError>;
/// How it answers a request.
type Handle<S> = for<'a> fn(&'a S, &'a Request) -> BoxFuture<'a, Answer>;

/// What a function's `main` does: read the environment, open the connections, and answer until Lambda stops it.
///
/// A wrong environment, or a table or user pool out of reach, ends it at once, with one log line that says what is wrong.
pub async fn run<S>(new: New<S>, handle: Handle<S>) -> ExitCode
where
    S: WarmUp + Send + Sync + 'static,
{
    run_in(ready(Environment::process()), new, handle).await
}

/// The same for a function that makes tokens: it reads their key from its secret. Apart, so that no other has to carry what
/// that needs.
pub async fn run_with_secrets<S>(new: New<S>, handle: Handle<S>) -> ExitCode
where
    S: WarmUp + Send + Sync + 'static,
{
    let env = Box::pin(Environment::process().with_secrets());
    Box::pin(run_in(env, new, handle)).await
}

async fn run_in<S>(
    env: impl Future<Output = Environment>,
    new: New<S>,
    handle: Handle<S>,
) -> ExitCode
where
    S: WarmUp + Send + Sync + 'static,
{
    telemetry::start();
    let start = async {
        let state = new(&env.await, Clock::system(), Entropy::system())?;
        state.warm_up().await?;
        Ok(Endpoint::new(state, handle))
    };
    let endpoint = match in_time(start).await {
        Ok(endpoint) => endpoint,
        Err(error) => return cannot_start(&error),
    };
    let endpoint = &endpoint;
    let answers = lambda_runtime::run(service_fn(async |event| {
        Ok::<_, lambda_runtime::Error>(endpoint.answer_event(event).await?)
    }));
    ended(answers.await)
}

/// The same for a function that no route leads to: it answers events with `answer`.
pub async fn run_events<S, A: Serialize>(
    start: impl Future<Output = Result<S, lambda_http::Error>>,
    answer: impl AsyncFn(&S, LambdaEvent<Box<RawValue>>) -> Result<A, lambda_http::Error>,
) -> ExitCode {
    telemetry::start();
    let state = match in_time(start).await {
        Ok(state) => state,
        Err(error) => return cannot_start(&error),
    };
    let answers = lambda_runtime::run(service_fn(async |event| {
        answer(&state, event).await.map_err(in_words)
    }));
    ended(answers.await)
}

/// Cognito's access tokens have no name. Who signs in at the stack's own pool was invited once too, so the table knows.
pub async fn introduce(store: &Store, caller: &mut Caller) -> Result<(), StoreError> {
    if let (None, Some(id)) = (&caller.identity.name, caller.user) {
        let user = store.user(id).await?;
        let user = user.filter(|user| user.tenant == caller.tenant);
        caller.identity.name = user.and_then(|user| user.name);
    }
    Ok(())
}

/// When Lambda will end this invocation.
pub fn end_of(invocation: &Context) -> Instant {
    let left = Timestamp::try_from(invocation.deadline())
        .map(|deadline| deadline.duration_since(Clock::system().now()));
    let left = left.ok().and_then(|left| Duration::try_from(left).ok());
    // `cargo lambda watch` names an instant in 1970.
    Instant::now() + left.unwrap_or(UNTOLD)
}

/// How long an invocation may take if nobody says so: less than any function of the template may.
const UNTOLD: Duration = Duration::from_secs(50);

/// Says why a function can't start. The process's own words for an error would be a second line that says the same.
fn cannot_start(error: &lambda_http::Error) -> ExitCode {
    tracing::error!(%error, "the function can't start");
    ExitCode::FAILURE
}

/// The runtime logs an error by its `Debug`, which says nothing to an operator; of a text, that is the text.
fn in_words(error: lambda_http::Error) -> lambda_http::Error {
    error.to_string().into()
}

/// Says why a function has ended, if not because Lambda wanted it to.
fn ended(how: Result<(), lambda_http::Error>) -> ExitCode {
    match how {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the function has ended");
            ExitCode::FAILURE
        }
    }
}

/// See [`in_time`].
const LONGEST_START: Duration = Duration::from_secs(9);
const TOO_SLOW: &str = "AWS does not answer: nothing was ready within 9 seconds. Check the function's network, and the AWS_ENDPOINT_URL variables if there are any";

/// Waits for what a start needs, but not so long that Lambda ends it (INIT may take ten seconds) before it has said why.
async fn in_time<T>(
    start: impl Future<Output = Result<T, lambda_http::Error>>,
) -> Result<T, lambda_http::Error> {
    tokio::time::timeout(LONGEST_START, Box::pin(start))
        .await
        .unwrap_or_else(|_| Err(TOO_SLOW.into()))
}

impl From<PoolError> for Problem {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Unavailable { .. } => unavailable().because(error),
            PoolError::AddressTaken => Self::new(
                StatusCode::CONFLICT,
                "address_taken",
                "There is an account with this address already.",
                "Sign in with it. If you can't, ask whoever invited you to invite another address.",
            ),
            PoolError::Rejected { .. } => Self::internal(error),
        }
    }
}

impl From<AccountInDoubt> for Problem {
    fn from(error: AccountInDoubt) -> Self {
        match error {
            AccountInDoubt::Pool(error) => error.into(),
            AccountInDoubt::Table(error) => error.into(),
        }
    }
}

impl From<StillListed> for Problem {
    fn from(error: StillListed) -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "mail_service_unavailable",
            "SES did not take the address off its own list of those that it sends nothing to, so mail would only bounce again.",
            "Try again in a minute. If it stays so, the operator finds SES's code in the function's log under the request's id.",
        )
        .retry_after(60)
        .because(error)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable { .. } => unavailable().because(error),
            _ => Self::internal(error),
        }
    }
}
