//! The Lambda function `invite`: see the library beside it.

use std::process::ExitCode;

use invite::{Invite, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    usher::function::run_with_secrets(Invite::new, |state, request| {
        Box::pin(handle(state, request))
    })
    .await
}
