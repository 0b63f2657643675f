//! The Lambda function `invite`: see the library beside it.

use invite::{Invite, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    usher::function::run(Invite::new, |state, request| {
        Box::pin(handle(state, request))
    })
    .await
}
