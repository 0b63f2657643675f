//! The Lambda function `resend`: see the library beside it.

use resend::{Resend, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    usher::function::run(Resend::new, |state, request| {
        Box::pin(handle(state, request))
    })
    .await
}
