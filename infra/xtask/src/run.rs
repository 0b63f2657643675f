//! Calls the tools that do the work, and shows the line that is called.

use std::{
    io::{ErrorKind, Write},
    path::PathBuf,
    process::{Command, ExitStatus, Stdio},
};

use thiserror::Error;

use crate::environment::Environment;

/// Why a task was not done.
#[derive(Debug, Error)]
#[error("{0}")]
pub(crate) struct Failed(pub(crate) String);

/// A tool that is about to be called.
pub(crate) struct Tool {
    command: Command,
    name: &'static str,
    install: &'static str,
}

/// The repository's root, wherever the task was called from.
pub(crate) fn root() -> PathBuf {
    // As cargo says when it runs this, since a clone may have moved after it was built.
    let here = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let here = here.unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    here.ancestors().nth(2).unwrap_or(&here).to_owned()
}

/// `cargo`, in the repository's root.
pub(crate) fn cargo(arguments: &[&str]) -> Tool {
    tool("cargo", "install rustup", root()).with(arguments)
}

/// `cargo lambda`, in the repository's root. Fails if cargo does not know it: its own words for that name no remedy.
pub(crate) fn cargo_lambda(arguments: &[&str]) -> Result<Tool, Failed> {
    let mut probe = Command::new("cargo");
    let known = probe.args(["lambda", "--version"]).output();
    if known.is_ok_and(|known| known.status.success()) {
        Ok(cargo(&["lambda"]).with(arguments))
    } else {
        Err(Failed(
            "there is no cargo-lambda here; install it: pip install cargo-lambda".to_owned(),
        ))
    }
}

/// `sam`, beside the template, with an environment of samconfig.toml.
pub(crate) fn sam(arguments: &[&str], environment: &Environment, more: &[String]) -> Tool {
    let more: Vec<_> = more.iter().map(String::as_str).collect();
    let install = "install the SAM CLI: pip install aws-sam-cli";
    tool("sam", install, root().join("infra"))
        .with(arguments)
        .with(&["--config-env", &environment.name])
        .with(&more)
}

fn tool(name: &'static str, install: &'static str, directory: PathBuf) -> Tool {
    let mut command = Command::new(name);
    command.current_dir(directory);
    Tool {
        command,
        name,
        install,
    }
}

impl Tool {
    fn with(mut self, arguments: &[&str]) -> Self {
        self.command.args(arguments);
        self
    }

    /// Calls it and lets it talk to the person.
    pub(crate) fn status(mut self) -> Result<(), Failed> {
        self.show();
        let status = self.command.status().map_err(|error| self.absent(&error))?;
        self.check(status)
    }

    /// Calls it with this as its standard input, and answers what it printed.
    pub(crate) fn output(mut self, input: &str) -> Result<String, Failed> {
        self.show();
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = self.command.spawn().map_err(|error| self.absent(&error))?;
        if let Some(mut stdin) = child.stdin.take() {
            // It may end before it has read all; then its status says why.
            let _ = stdin.write_all(input.as_bytes());
        }
        let output = child
            .wait_with_output()
            .map_err(|error| self.absent(&error))?;
        self.check(output.status)?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn show(&self) {
        let arguments = self
            .command
            .get_args()
            .map(|argument| argument.to_string_lossy());
        let line: Vec<_> = std::iter::once(self.name.into()).chain(arguments).collect();
        say(&format!("> {}", line.join(" ")));
    }

    fn absent(&self, error: &std::io::Error) -> Failed {
        Failed(match error.kind() {
            ErrorKind::NotFound => format!("there is no {} here; {}", self.name, self.install),
            _ => format!("{} can't be called: {error}", self.name),
        })
    }

    fn check(&self, status: ExitStatus) -> Result<(), Failed> {
        if status.success() {
            return Ok(());
        }
        Err(Failed(format!(
            "{} has said why above ({status})",
            self.name
        )))
    }
}

/// One line for the person. On standard error, so that a tool's own output can be piped on.
#[expect(clippy::print_stderr, reason = "this is a program for the terminal")]
pub(crate) fn say(line: &str) {
    eprintln!("{line}");
}
