//! How a stack is started, and why it may not start.

use std::{io, path::PathBuf, time::Duration};

use thiserror::Error;
use usher::clock::{Clock, Entropy};

use crate::ses::SesOptions;

/// How to start a stack.
#[derive(Debug)]
pub struct Options {
    /// Where everything is kept; in memory if nowhere.
    pub data: Option<PathBuf>,
    /// The gateway's port; any free one if 0.
    pub port: u16,
    /// The port of the database, and the one after it of SES; any free ones if 0.
    pub services_port: u16,
    /// A socket for the database, for whoever has to know its address before the stack starts.
    pub database: Option<std::net::TcpListener>,
    /// Where `cargo lambda watch` runs the functions; in this process if nowhere.
    pub functions_url: Option<String>,
    /// What SES refuses.
    pub ses: SesOptions,
    /// How often the sweeper looks after what is due, in real time; only when [`Stack::sweep`](crate::Stack::sweep) says
    /// so if never.
    pub sweep_every: Option<Duration>,
    /// The stack's clock.
    pub clock: Clock,
    /// The stack's randomness.
    pub entropy: Entropy,
    /// Variables for the functions, over those that the stack gives them.
    pub variables: Vec<(String, String)>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            data: None,
            port: 0,
            services_port: 0,
            database: None,
            functions_url: None,
            ses: SesOptions::default(),
            sweep_every: None,
            clock: Clock::system(),
            entropy: Entropy::system(),
            variables: Vec::new(),
        }
    }
}

/// Why a stack does not start. Each sentence says what to do.
#[derive(Debug, Error)]
pub enum StartError {
    /// Another stack uses the directory.
    #[error("{} is used by another stack: stop that one, or choose another directory with --data", .0.display())]
    DataInUse(PathBuf),
    /// The directory can't be used.
    #[error("{path} can't be used: {1}; choose another directory with --data", path = .0.display())]
    Data(PathBuf, #[source] io::Error),
    /// Another program listens there.
    #[error(
        "port {0} is in use: stop what listens there, or choose another with --port or --services-port"
    )]
    PortInUse(u16),
    /// The port can't be opened.
    #[error("port {0} can't be opened: {1}")]
    Port(u16, #[source] io::Error),
    /// The variables for `cargo lambda watch` can't be written down.
    #[error("the variables for the functions can't be written to a file: {0}")]
    FunctionsFile(#[source] io::Error),
    /// Something else.
    #[error("{0}")]
    Other(String),
}

impl StartError {
    pub(crate) fn other(error: impl std::fmt::Display) -> Self {
        Self::Other(error.to_string())
    }
}
