//! `cargo run`: Usher on this machine. See [`usher_local`].

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    usher_local::cli::run().await
}
