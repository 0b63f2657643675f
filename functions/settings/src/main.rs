//! The Lambda function `settings`: see the library beside it.

use std::process::ExitCode;

use settings::{Deciding, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    usher::function::run(Deciding::new, |state, request| {
        Box::pin(handle(state, request))
    })
    .await
}
