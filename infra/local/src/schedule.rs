//! The clock that invokes the sweeper, as `EventBridge` does by its schedule.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;

use crate::invoker::{InvokeError, Invoker};

/// Sweeps again and again, until it is told to stop. A sweep that is under way is finished first.
pub(crate) async fn run(invoker: Invoker, every: Duration, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        match sweep(&invoker).await {
            // The functions are still being compiled; the pump says so already.
            Ok(_) | Err(InvokeError::Unreachable(_)) => {}
            Err(error) => tracing::error!(%error, "the sweeper failed"),
        }
        // An error means that the stack is gone, and with it the reason to wait.
        let _ = tokio::time::timeout(every, stop.wait_for(|stop| *stop)).await;
    }
}

/// One sweep; what it has done.
pub(crate) async fn sweep(invoker: &Invoker) -> Result<Value, InvokeError> {
    let event = json!({"version": "0", "source": "aws.scheduler", "detail-type": "Scheduled Event", "detail": {}});
    invoker.invoke("sweeper", event).await
}
