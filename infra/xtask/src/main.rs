//! `cargo xtask`: builds the functions and takes the stack to AWS and away again, one command each.
//!
//! It only calls `cargo lambda` and `sam` with the arguments that are right for this repository, and says so, so that
//! whoever needs others can copy the line.

mod administrator;
mod build;
mod environment;
mod run;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::{
    environment::Environment,
    run::{Failed, sam},
};

#[derive(Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    about = "Usher in an AWS account"
)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Build the functions into target/lambda, where the template takes them from.
    Build(build::Build),
    /// Create or update the stack of an environment.
    Deploy {
        /// One of infra/samconfig.toml: dev or prod.
        environment: String,
        /// More for `sam deploy`, after --.
        #[arg(last = true)]
        more: Vec<String>,
    },
    /// Invite somebody to be an administrator, as any other person is invited. For the first one; later ones are
    /// invited through the API, with the group administrators.
    InviteAdministrator(administrator::InviteAdministrator),
    /// Delete the stack of an environment. Table, token key, user pool and records set aside stay, under the names that
    /// are printed first.
    TearDown {
        /// One of infra/samconfig.toml: dev or prod.
        environment: String,
        /// More for `sam delete`, after --.
        #[arg(last = true)]
        more: Vec<String>,
    },
}

fn deploy(environment: &str, more: &[String]) -> Result<(), Failed> {
    let environment = Environment::named(environment)?;
    build::check_built(environment.architecture(more))?;
    let arguments = ["deploy", "--template-file", "template.yaml"];
    sam(&arguments, &environment, more).status()
}

fn tear_down(environment: &str, more: &[String]) -> Result<(), Failed> {
    let environment = Environment::named(environment)?;
    // They name what stays, and nobody can ask for them afterwards. A stack that was never complete has none.
    let _ = sam(&["list", "stack-outputs"], &environment, &[]).status();
    sam(&["delete"], &environment, more).status()
}

fn main() -> ExitCode {
    let done = match Arguments::parse().task {
        Task::Build(build) => build.run(),
        Task::Deploy { environment, more } => deploy(&environment, &more),
        Task::InviteAdministrator(invite) => invite.run(),
        Task::TearDown { environment, more } => tear_down(&environment, &more),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failed(why)) => {
            run::say(&format!("failed: {why}"));
            ExitCode::FAILURE
        }
    }
}
