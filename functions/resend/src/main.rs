//! The Lambda function `resend`: see the library beside it.

use std::process::ExitCode;

use resend::{Resend, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    usher::function::run_with_secrets(Resend::new, |state, request| {
        Box::pin(handle(state, request))
    })
    .await
}
