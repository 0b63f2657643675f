//! The program that `cargo run` starts, under a name by which cargo gives it to the tests, so that they can kill it.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    usher_local::cli::run().await
}
