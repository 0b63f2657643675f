//! The Lambda function `mailer`: see the library beside it.

use std::process::ExitCode;

use lambda_runtime::{Error, LambdaEvent, service_fn};
use mailer::{Mailing, handle, read_event};
use serde_json::value::RawValue;
use usher::{
    clock::Clock,
    config::Environment,
    function::{cannot_start, ended, in_time},
    telemetry,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    telemetry::start();
    let start = async {
        let env = Environment::process().with_secrets().await;
        Mailing::start(&env, Clock::system()).await
    };
    let mailing = match in_time(start).await {
        Ok(mailing) => mailing,
        Err(error) => return cannot_start(&error),
    };
    let mailing = &mailing;
    let sends = lambda_runtime::run(service_fn(async |event: LambdaEvent<Box<RawValue>>| {
        Ok::<_, Error>(handle(mailing, read_event(event.payload.get())?).await)
    }));
    ended(sends.await)
}
