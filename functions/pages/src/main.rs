//! The Lambda function `pages`: see the library beside it.

use std::process::ExitCode;

use pages::{Pages, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    usher::function::run(Pages::new, |state, request| {
        Box::pin(async { handle(state, request) })
    })
    .await
}
