//! What is noted down while a world goes on: every step and call for the trace, every mail that SES has taken, and what went
//! wrong.

use std::collections::{HashMap, HashSet};

use tokio::time::Instant;
use usher_local::mailbox::Mailbox;

use super::{
    call::Call,
    trace,
    weather::{Fault, Weather},
};
use crate::app::token_in;

/// Everything that is noted down while a world goes on.
pub(crate) struct Book {
    pub(crate) weather: Weather,
    /// Mails that SES has taken, in order.
    pub(crate) sent: Vec<Sent>,
    /// How many `SendBulkEmail` there were.
    pub(crate) bulk_calls: u64,
    /// By invocation: how many of its calls to the table went wrong.
    pub(crate) table_faults: HashMap<usize, u32>,
    /// Invocations that were killed.
    pub(crate) killed: HashSet<usize>,
    /// The last true answer of each shard of what is due.
    pub(super) due: HashMap<String, String>,
    started: Instant,
}

/// A mail that SES has taken.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) user: String,
    pub(crate) attempt: u64,
    pub(crate) token: String,
    /// Where it went.
    pub(crate) to: String,
    /// In which invocation of the mailer.
    pub(crate) run: usize,
    pub(crate) at: Instant,
    /// Whether the mailer was told.
    pub(crate) answered: bool,
}

impl Book {
    pub(super) fn new(weather: Weather) -> Self {
        Self {
            weather,
            sent: Vec::new(),
            bulk_calls: 0,
            table_faults: HashMap::new(),
            killed: HashSet::new(),
            due: HashMap::new(),
            started: Instant::now(),
        }
    }

    /// A line of the trace, with the time that has passed.
    pub(crate) fn note(&mut self, line: &str) {
        let at = self.started.elapsed();
        trace::push(format!(
            "{:>9}.{:03} {line}",
            at.as_secs(),
            at.subsec_millis()
        ));
    }

    pub(super) fn note_call(&mut self, run: usize, call: &Call, fault: Option<Fault>) {
        let (operation, subject) = (&call.operation, &call.subject);
        match fault {
            None => self.note(&format!("  #{run} {operation} {subject}")),
            Some(fault) => {
                let name = fault.name();
                self.weather.count(name);
                self.note(&format!("  #{run} {operation} {subject} FAULT {name}"));
                if operation != "SendBulkEmail" {
                    *self.table_faults.entry(run).or_default() += 1;
                }
            }
        }
    }

    pub(super) fn note_mails(
        &mut self,
        mailbox: &Mailbox,
        before: usize,
        run: usize,
    ) -> (usize, usize) {
        let first = self.sent.len();
        let mails = mailbox.list(None);
        let new = mails.len() - before;
        for mail in mails.iter().take(new).rev() {
            self.sent.push(Sent {
                user: mail.tags["user"].clone(),
                attempt: mail.tags["attempt"].parse().unwrap(),
                token: token_in(&mail.text),
                to: mail.to.clone(),
                run,
                at: Instant::now(),
                answered: false,
            });
        }
        (first, self.sent.len())
    }
}
