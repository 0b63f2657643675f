//! The Lambda function `erase`: see the library beside it.

use std::process::ExitCode;

use erase::{Erase, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    usher::function::run_with_secrets(Erase::new, |state, request| {
        Box::pin(handle(state, request))
    })
    .await
}
