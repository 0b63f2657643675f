//! Logs as JSON lines on standard output, where CloudWatch finds them.
//!
//! What is logged are ids, codes and times. Tokens can't be: their `Debug` does not show them. Addresses appear
//! masked, if at all.

use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::{
    EnvFilter,
    filter::{FilterExt, filter_fn},
    fmt,
    layer::Filter,
    prelude::*,
    registry::LookupSpan,
};

/// Libraries that print whole requests and answers below `info`: in those stand addresses and links.
const TALKATIVE: [&str; 5] = ["aws_", "dynoxide", "h2", "hyper", "lambda_"];

/// What `RUST_LOG` says, or `info`; but of the libraries that print whole requests never more than `info`. The database
/// of the local stack warns of every refused condition, which is how Usher works, so of it only errors are shown.
pub fn filter<S: Subscriber + for<'a> LookupSpan<'a>>() -> impl Filter<S> {
    let chosen =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,dynoxide=error"));
    chosen.and(filter_fn(is_discreet))
}

fn is_discreet(line: &Metadata<'_>) -> bool {
    *line.level() <= Level::INFO
        || !TALKATIVE
            .iter()
            .any(|library| line.target().starts_with(library))
}

/// Begins to log. `RUST_LOG` changes the level, which is `info`. A second call changes nothing.
pub fn start() {
    let lines = fmt::layer()
        .json()
        .flatten_event(true)
        .with_target(false)
        .with_current_span(false);
    // Only a second call can fail, and then logging is on already.
    let _ = tracing_subscriber::registry()
        .with(lines.with_filter(filter()))
        .try_init();
}
