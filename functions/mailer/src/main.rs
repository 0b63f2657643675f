//! The Lambda function `mailer`: see the library beside it.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use mailer::{Mailing, handle};
use usher::{clock::Clock, config::Environment, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::start();
    let env = Environment::process().with_secrets().await;
    let mailing = Mailing::start(&env, Clock::system())
        .await
        .inspect_err(|error| tracing::error!(%error, "the function can't start"))?;
    let mailing = &mailing;
    lambda_runtime::run(service_fn(async |event: LambdaEvent<_>| {
        Ok::<_, Error>(handle(mailing, event.payload).await)
    }))
    .await
}
