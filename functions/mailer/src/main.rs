//! The Lambda function `mailer`: see the library beside it.

use std::process::ExitCode;

use mailer::{Mailing, handle};
use usher::{
    clock::Clock,
    config::Environment,
    function::{end_of, run_events},
    table_stream::read_event,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let start = async {
        let env = Environment::process().with_secrets().await;
        Mailing::start(&env, Clock::system()).await
    };
    let sends = run_events(start, async |mailing, event| {
        let end = end_of(&event.context);
        Ok(handle(mailing, read_event(event.payload.get())?, end).await)
    });
    Box::pin(sends).await
}
