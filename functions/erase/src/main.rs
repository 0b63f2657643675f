//! The Lambda function `erase`: see the library beside it.

use std::process::ExitCode;

use erase::{Erase, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    usher::function::run(Erase::new, |state, request| {
        Box::pin(handle(state, request))
    })
    .await
}
