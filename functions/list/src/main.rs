//! The Lambda function `list`: see the library beside it.

use list::{List, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    usher::function::run(List::new, |state, request| Box::pin(handle(state, request))).await
}
