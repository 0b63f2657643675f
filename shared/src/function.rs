//! Where HTTP and the table meet: what the `main` of a function behind the API does, and how trouble with the table is
//! answered.

use std::process::ExitCode;

use lambda_http::{Request, lambda_runtime, service_fn};

use crate::{
    clock::{Clock, Entropy},
    config::{ConfigError, Environment},
    http::{Answer, Endpoint, Problem, unavailable},
    store::StoreError,
    telemetry,
};

/// What a function works with, once it is ready for the first request.
pub trait WarmUp {
    /// Opens every connection with a cheap call, so that the first request need not. Fails if what the environment
    /// names is not there or may not be used.
    fn warm_up(&self) -> impl Future<Output = Result<(), lambda_http::Error>>;
}

/// What a function's `main` does: read the environment, open the connections, and answer until Lambda stops it.
///
/// A wrong environment, or a table or user pool out of reach, ends it at once, with one log line that says what is wrong.
pub async fn run<S: WarmUp + Send + Sync>(
    new: fn(&Environment, Clock, Entropy) -> Result<S, ConfigError>,
    handle: for<'a> fn(&'a S, &'a Request) -> lambda_http::BoxFuture<'a, Answer>,
) -> ExitCode {
    telemetry::start();
    let endpoint = match start(new, handle).await {
        Ok(endpoint) => endpoint,
        Err(error) => return cannot_start(&error),
    };
    let answers = lambda_http::run(service_fn(move |request| {
        let endpoint = endpoint.clone();
        async move { Ok::<_, lambda_runtime::Error>(endpoint.answer(request).await) }
    }));
    ended(answers.await)
}

/// Says why a function can't start. The process's own words for an error would be a second line that says the same.
pub fn cannot_start(error: &lambda_http::Error) -> ExitCode {
    tracing::error!(%error, "the function can't start");
    ExitCode::FAILURE
}

/// Says why a function has ended, if not because Lambda wanted it to.
pub fn ended(how: Result<(), lambda_http::Error>) -> ExitCode {
    match how {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the function has ended");
            ExitCode::FAILURE
        }
    }
}

async fn start<S: WarmUp + Send + Sync>(
    new: fn(&Environment, Clock, Entropy) -> Result<S, ConfigError>,
    handle: for<'a> fn(&'a S, &'a Request) -> lambda_http::BoxFuture<'a, Answer>,
) -> Result<Endpoint<S>, lambda_http::Error> {
    let env = Environment::process().with_secrets().await;
    let state = new(&env, Clock::system(), Entropy::system())?;
    state.warm_up().await?;
    Ok(Endpoint::new(state, handle))
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable { .. } => unavailable().because(error),
            _ => Self::internal(error),
        }
    }
}
