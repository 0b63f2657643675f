//! The Lambda function `revoke`: see the library beside it.

use std::process::ExitCode;

use revoke::{Revoke, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    usher::function::run(Revoke::new, |state, request| {
        Box::pin(handle(state, request))
    })
    .await
}
