//! The command line of `cargo run`.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use clap::Parser;
use etcetera::{BaseStrategy, choose_base_strategy};
use tracing_subscriber::prelude::*;
use usher::telemetry;

use crate::{Options, Stack, StartError, ses::SesOptions};

/// Usher on this machine: the API, its database, its mail and a mailbox to read it in, in one process.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
struct Arguments {
    /// The port of the API and the mailbox, on this machine only
    #[arg(long, default_value_t = 8080)]
    port: u16,

    /// Where to keep users and mail [default: a directory of the user's data]
    #[arg(long, value_name = "DIR", conflicts_with = "memory")]
    data: Option<PathBuf>,

    /// Keep nothing: everything is gone when the stack stops
    #[arg(long)]
    memory: bool,

    /// Start database, mail and stream, and let `cargo lambda watch` run the functions
    #[arg(long)]
    services_only: bool,

    /// The port of the database, and the one after it of SES [default: 8081 with --services-only, else any]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..65535))]
    services_port: Option<u16>,

    /// Where `cargo lambda watch` listens, for --services-only
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:9000")]
    functions_url: String,

    /// What people are invited to, as mails name it
    #[arg(long, default_value = "Acme")]
    product_name: String,

    /// Behave as an SES account in its sandbox: 200 mails a day, one a second, to verified addresses only
    #[arg(long)]
    ses_sandbox: bool,

    /// An address or a domain that is verified, for --ses-sandbox; may be given again
    #[arg(long, value_name = "ADDRESS", requires = "ses_sandbox")]
    ses_verified: Vec<String>,

    /// How many mails SES takes a second [default: no limit]
    #[arg(long, value_name = "MAILS", value_parser = rate)]
    ses_rate: Option<f64>,
}

/// Oftener than in AWS, where it is every minute: whoever tries something out waits for it.
const SWEEP_EVERY: Duration = Duration::from_secs(2);

/// Variables of the functions that are handed on from the shell, as they would be set in a deployment.
const HANDED_ON: [&str; 4] = [
    "ALLOWED_EMAIL_DOMAINS",
    "DEFAULT_LOCALE",
    "REDIRECT_ORIGINS",
    "TENANT_CLAIM",
];

/// Runs until Ctrl-C.
pub async fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let lines = tracing_subscriber::fmt::layer()
        .compact()
        .with_target(false)
        .with_writer(std::io::stderr);
    tracing_subscriber::registry()
        .with(lines.with_filter(telemetry::filter()))
        .init();
    match start_and_wait(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("Usher can't start: {error}."));
            ExitCode::FAILURE
        }
    }
}

async fn start_and_wait(arguments: Arguments) -> Result<(), StartError> {
    let data = if arguments.memory {
        None
    } else {
        Some(arguments.data.clone().map_or_else(default_data, Ok)?)
    };
    let mut variables: Vec<_> = HANDED_ON
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)))
        .collect();
    variables.push(("PRODUCT_NAME".to_owned(), arguments.product_name.clone()));
    let services_port = arguments
        .services_port
        .unwrap_or(if arguments.services_only { 8081 } else { 0 });
    let stack = Stack::start(Options {
        data: data.clone(),
        port: arguments.port,
        services_port,
        functions_url: arguments
            .services_only
            .then(|| arguments.functions_url.clone()),
        ses: SesOptions {
            sandbox: arguments.ses_sandbox,
            verified: arguments.ses_verified,
            rate: arguments.ses_rate,
            ..SesOptions::default()
        },
        sweep_every: Some(SWEEP_EVERY),
        variables,
        ..Options::default()
    })
    .await?;
    say(&greeting(&stack, data.as_deref())?);
    if arguments.services_only {
        say(&functions_greeting(&stack, data.as_deref())?);
    }
    told_to_stop()
        .await
        .map_err(|error| StartError::Other(error.to_string()))?;
    say("\nStopping: what is under way is finished first. Ctrl-C again stops at once.");
    tokio::select! {
        () = stack.stop() => {}
        _ = told_to_stop() => {}
    }
    Ok(())
}

/// Ctrl-C, or what `kill` and service managers send.
async fn told_to_stop() -> io::Result<()> {
    #[cfg(unix)]
    {
        let mut terminate =
            tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted,
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}

fn greeting(stack: &Stack, data: Option<&Path>) -> Result<String, StartError> {
    let url = &stack.url;
    let kept = data.map_or_else(
        || "in memory, gone when this stops".to_owned(),
        |data| data.display().to_string(),
    );
    Ok(format!(
        "\nUsher is running. Ctrl-C stops it.\n\n  \
           Users    {url}/\n  \
           API      {url}/v1\n  \
           Mailbox  {url}/_local/mail\n  \
           Data     {kept}\n\n\
         Invite somebody on the Users page, or so (the token is an administrator's, valid for 12 hours; another: POST {url}/_local/token):\n\n\
         curl -sS {url}/v1/invitations -H 'Content-Type: application/json' \\\n  \
           -H 'Authorization: Bearer {token}' \\\n  \
           -d '{{\"text\": \"Ann Lee <ann@example.com>\"}}'\n",
        token = stack.admin_token()?,
    ))
}

/// Writes the variables to a file for `cargo lambda watch`, and says how to start it.
fn functions_greeting(stack: &Stack, data: Option<&Path>) -> Result<String, StartError> {
    let file = functions_file(&stack.variables, data).map_err(StartError::FunctionsFile)?;
    Ok(format!(
        "The functions are not running yet. In another terminal:\n\n\
         cargo lambda watch --invoke-address 127.0.0.1 --env-file {}\n",
        file.display()
    ))
}

/// The file holds the token key, so only its owner may read it.
fn functions_file(variables: &[(String, String)], data: Option<&Path>) -> io::Result<PathBuf> {
    let directory = data.map_or_else(std::env::temp_dir, Path::to_owned);
    let mut file = tempfile::Builder::new()
        .prefix("functions-")
        .suffix(".env")
        .tempfile_in(&directory)?;
    for (name, value) in variables {
        writeln!(file, "{name}=\"{value}\"")?;
    }
    match data {
        Some(data) => {
            let path = data.join("functions.env");
            file.persist(&path)?;
            Ok(path)
        }
        None => Ok(file.keep()?.1),
    }
}

fn default_data() -> Result<PathBuf, StartError> {
    choose_base_strategy().map(|directories| directories.data_dir().join("usher")).map_err(|_| {
        let hint = "there is no home directory to keep data in; choose a directory with --data, or use --memory";
        StartError::Other(hint.to_owned())
    })
}

fn rate(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|rate| (0.1..=100_000.0).contains(rate))
        .ok_or_else(|| "a number from 0.1 to 100000".to_owned())
}

/// What is said to the person at the terminal, apart from the log. A closed terminal is no reason to stop.
fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}
