//! The Lambda function `pages`: see the library beside it.

use pages::{Pages, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    usher::function::run(Pages::new, |state, request| {
        Box::pin(async { handle(state, request) })
    })
    .await
}
