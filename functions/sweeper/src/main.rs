//! The Lambda function `sweeper`: see the library beside it.

use std::process::ExitCode;

use sweeper::{Sweeper, sweep};
use usher::{
    clock::Clock,
    config::Environment,
    function::{WarmUp, end_of, run_events},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let start = async {
        let sweeper = Sweeper::new(&Environment::process(), Clock::system())?;
        sweeper.warm_up().await?;
        Ok(sweeper)
    };
    // The schedule's event says nothing that matters.
    let sweeps = run_events(start, async |sweeper, event| {
        Ok(sweep(sweeper, end_of(&event.context)).await?)
    });
    Box::pin(sweeps).await
}
