//! The Lambda function `sweeper`: see the library beside it.

use std::{process::ExitCode, time::Duration};

use jiff::Timestamp;
use sweeper::{Sweeper, sweep};
use tokio::time::Instant;
use usher::{
    clock::Clock,
    config::Environment,
    function::{WarmUp, run_events},
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
        let deadline = Timestamp::try_from(event.context.deadline())?;
        let left = Duration::try_from(deadline.duration_since(Clock::system().now()));
        Ok(sweep(sweeper, Instant::now() + left.unwrap_or_default()).await?)
    });
    Box::pin(sweeps).await
}
