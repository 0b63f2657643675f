//! The Lambda function `feedback`: see the library beside it.

use std::process::ExitCode;

use feedback::{Listener, handle};
use usher::{
    config::Environment,
    function::{WarmUp, run_events},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let start = async {
        let listener = Listener::new(&Environment::process())?;
        listener.warm_up().await?;
        Ok(listener)
    };
    let listens = run_events(start, async |listener, event| {
        Ok(handle(listener, event.payload.get()).await?)
    });
    Box::pin(listens).await
}
