//! The Lambda function `accept`: see the library beside it.

use accept::{Accept, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    usher::function::run(Accept::new, |state, request| {
        Box::pin(handle(state, request))
    })
    .await
}
