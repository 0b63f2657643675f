//! The Lambda function `accept`: see the library beside it.

use std::process::ExitCode;

use accept::{Accept, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    usher::function::run(Accept::new, |state, request| {
        Box::pin(handle(state, request))
    })
    .await
}
