//! Calls a function with an event: here in this process, or where `cargo lambda watch` runs it.

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures::future::BoxFuture;
use lambda_http::{LambdaEvent, Request};
use lambda_runtime::Context;
use mailer::Mailing;
use serde_json::{Value, value::to_raw_value};
use sweeper::Sweeper;
use thiserror::Error;
use tokio::time::Instant;
use usher::{
    clock::{Clock, Entropy},
    config::{ConfigError, Environment},
    http::{Answer, Endpoint},
    table_stream::read_event,
};

/// Why there is no answer.
#[derive(Debug, Error)]
pub(crate) enum InvokeError {
    /// Nobody listens where the function should be: nothing was done.
    #[error("no function answers at {0}; is `cargo lambda watch` running?")]
    Unreachable(String),
    /// The function did not understand the event, or failed.
    #[error("the function {0} failed: {1}")]
    Failed(String, String),
}

type Function = Arc<dyn Fn(Value) -> BoxFuture<'static, Result<Value, String>> + Send + Sync>;

/// Where the functions are.
#[derive(Clone)]
pub(crate) enum Invoker {
    /// In this process.
    Here(Arc<HashMap<&'static str, Function>>),
    /// Behind Lambda's invoke endpoint at this address.
    Remote(reqwest::Client, String),
}

impl Invoker {
    /// All functions, each configured from `env` as Lambda would configure it.
    pub(crate) async fn here(
        env: &Environment,
        clock: &Clock,
        entropy: &Entropy,
    ) -> Result<Self, lambda_runtime::Error> {
        let mailing = Arc::new(Mailing::start(env, clock.clone()).await?);
        let make = Make {
            env,
            clock,
            entropy,
        };
        Ok(Self::Here(Arc::new(HashMap::from([
            (
                "accept",
                make.http(accept::Accept::new, |state, request| {
                    Box::pin(accept::handle(state, request))
                })?,
            ),
            (
                "invite",
                make.http(invite::Invite::new, |state, request| {
                    Box::pin(invite::handle(state, request))
                })?,
            ),
            (
                "erase",
                make.http(erase::Erase::new, |state, request| {
                    Box::pin(erase::handle(state, request))
                })?,
            ),
            (
                "feedback",
                listening_function(feedback::Listener::new(env)?),
            ),
            (
                "history",
                chronicling_function(history::Chronicler::new(env)?),
            ),
            (
                "list",
                make.http(list::List::new, |state, request| {
                    Box::pin(list::handle(state, request))
                })?,
            ),
            (
                "pages",
                make.http(pages::Pages::new, |state, request| {
                    Box::pin(async { pages::handle(state, request) })
                })?,
            ),
            (
                "resend",
                make.http(resend::Resend::new, |state, request| {
                    Box::pin(resend::handle(state, request))
                })?,
            ),
            (
                "revoke",
                make.http(revoke::Revoke::new, |state, request| {
                    Box::pin(revoke::handle(state, request))
                })?,
            ),
            (
                "settings",
                make.http(settings::Deciding::new, |state, request| {
                    Box::pin(settings::handle(state, request))
                })?,
            ),
            (
                "suppression",
                make.http(suppression::Lift::new, |state, request| {
                    Box::pin(suppression::handle(state, request))
                })?,
            ),
            (
                "update",
                make.http(update::Update::new, |state, request| {
                    Box::pin(update::handle(state, request))
                })?,
            ),
            ("mailer", mailing_function(mailing)),
            (
                "sweeper",
                sweeping_function(Sweeper::new(env, clock.clone())?),
            ),
        ]))))
    }

    /// The functions behind this address. A first call may wait for the function to be compiled.
    pub(crate) fn remote(address: &str) -> Self {
        let client = reqwest::Client::builder()
            .timeout(Duration::from_mins(15))
            .build()
            .unwrap_or_default();
        Self::Remote(client, address.trim_end_matches('/').to_owned())
    }

    /// The function's answer to the event.
    pub(crate) async fn invoke(&self, function: &str, event: Value) -> Result<Value, InvokeError> {
        let failed = |why: String| InvokeError::Failed(function.to_owned(), why);
        match self {
            Self::Here(functions) => match functions.get(function) {
                Some(call) => call(event).await.map_err(failed),
                None => Err(failed("there is no such function".to_owned())),
            },
            Self::Remote(client, address) => {
                let url = format!("{address}/2015-03-31/functions/{function}/invocations");
                let answer = client
                    .post(url)
                    .json(&event)
                    .send()
                    .await
                    .map_err(|error| {
                        if error.is_connect() {
                            InvokeError::Unreachable(address.clone())
                        } else {
                            failed(error.to_string())
                        }
                    })?;
                let error = answer.headers().contains_key("x-amz-function-error")
                    || !answer.status().is_success();
                let body = answer
                    .text()
                    .await
                    .map_err(|error| failed(error.to_string()))?;
                if error {
                    return Err(failed(body));
                }
                serde_json::from_str(&body).map_err(|error| failed(error.to_string()))
            }
        }
    }
}

struct Make<'a> {
    env: &'a Environment,
    clock: &'a Clock,
    entropy: &'a Entropy,
}

impl Make<'_> {
    /// A function behind the API, called with the very event that it has in Lambda.
    fn http<S: Send + Sync + 'static>(
        &self,
        new: fn(&Environment, Clock, Entropy) -> Result<S, ConfigError>,
        handle: for<'a> fn(&'a S, &'a Request) -> lambda_http::BoxFuture<'a, Answer>,
    ) -> Result<Function, ConfigError> {
        let endpoint = Endpoint::new(
            new(self.env, self.clock.clone(), self.entropy.clone())?,
            handle,
        );
        Ok(Arc::new(move |event| {
            let endpoint = endpoint.clone();
            Box::pin(async move {
                let event = to_raw_value(&event).map_err(|error| error.to_string())?;
                let event = LambdaEvent::new(event, Context::default());
                let response = endpoint.answer_event(event).await;
                serde_json::to_value(response.map_err(|error| error.to_string())?)
                    .map_err(|error| error.to_string())
            })
        }))
    }
}

/// As long as the template lets the mailer run, and as the schedule leaves until the next sweep.
const MAILER: Duration = Duration::from_mins(2);
const SWEEP: Duration = Duration::from_mins(1);

fn sweeping_function(sweeper: Sweeper) -> Function {
    let sweeper = Arc::new(sweeper);
    Arc::new(move |_| {
        let sweeper = Arc::clone(&sweeper);
        Box::pin(async move {
            let swept = sweeper::sweep(&sweeper, Instant::now() + SWEEP).await;
            serde_json::to_value(swept.map_err(|error| error.to_string())?)
                .map_err(|error| error.to_string())
        })
    })
}

fn listening_function(listener: feedback::Listener) -> Function {
    let listener = Arc::new(listener);
    Arc::new(move |event| {
        let listener = Arc::clone(&listener);
        Box::pin(async move {
            let taken_in = feedback::handle(&listener, &event.to_string()).await;
            taken_in.map_err(|error| error.to_string())?;
            Ok(Value::Null)
        })
    })
}

fn chronicling_function(chronicler: history::Chronicler) -> Function {
    let chronicler = Arc::new(chronicler);
    Arc::new(move |event| {
        let chronicler = Arc::clone(&chronicler);
        Box::pin(async move {
            let event = read_event(&event.to_string()).map_err(|error| error.to_string())?;
            serde_json::to_value(history::handle(&chronicler, event).await)
                .map_err(|error| error.to_string())
        })
    })
}

fn mailing_function(mailing: Arc<Mailing>) -> Function {
    Arc::new(move |event| {
        let mailing = Arc::clone(&mailing);
        Box::pin(async move {
            let event = read_event(&event.to_string()).map_err(|error| error.to_string())?;
            serde_json::to_value(mailer::handle(&mailing, event, Instant::now() + MAILER).await)
                .map_err(|error| error.to_string())
        })
    })
}
