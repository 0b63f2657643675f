//! The Lambda function `revoke`: see the library beside it.

use revoke::{Revoke, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    usher::function::run(Revoke::new, |state, request| {
        Box::pin(handle(state, request))
    })
    .await
}
