//! The Lambda function `update`: see the library beside it.

use std::process::ExitCode;

use update::{Update, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    usher::function::run_with_secrets(Update::new, |state, request| {
        Box::pin(handle(state, request))
    })
    .await
}
