//! The Lambda function `list`: see the library beside it.

use std::process::ExitCode;

use list::{List, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    usher::function::run(List::new, |state, request| Box::pin(handle(state, request))).await
}
