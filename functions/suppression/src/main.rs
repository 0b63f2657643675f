//! The Lambda function `suppression`: see the library beside it.

use std::process::ExitCode;

use suppression::{Lift, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    usher::function::run(Lift::new, |state, request| Box::pin(handle(state, request))).await
}
