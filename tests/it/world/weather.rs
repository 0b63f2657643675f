//! What goes wrong, by seed: which call, in which way, and how often that was.

use std::collections::BTreeMap;

use rand::{RngExt, SeedableRng, rngs::StdRng};

/// Something that goes wrong with one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// DynamoDB answers this error and does nothing.
    Error(&'static str),
    /// A transaction is cancelled because of another one.
    TransactionConflict,
    /// The index answers what it held before the last writes.
    StaleRead,
    /// There is no connection: nothing is done.
    NoConnection,
    /// It is done, and the answer is lost.
    AnswerLost,
    /// SES refuses the call because of its rate.
    SesThrottled,
    /// SES breaks down before it has done anything, which nobody can know.
    SesDown,
    /// SES gives the first entries of the call this status.
    SesEntry(&'static str),
}

impl Fault {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Error(code) | Self::SesEntry(code) => code,
            Self::TransactionConflict => "TransactionCanceledException (TransactionConflict)",
            Self::StaleRead => "stale index read",
            Self::NoConnection => "connection refused",
            Self::AnswerLost => "answer lost after the effect",
            Self::SesThrottled => "SES TooManyRequests",
            Self::SesDown => "SES down",
        }
    }
}

/// How often each thing happened.
pub(crate) type Counts = BTreeMap<String, u64>;

/// Decides by seed. All chance of a scenario comes from here, so that a seed repeats it.
#[derive(Debug)]
pub(crate) struct Weather {
    random: StdRng,
    /// Out of a thousand calls, how many go wrong.
    pub(crate) per_mille: u32,
    /// What goes wrong with the next call of an operation, whatever the chances.
    pub(crate) next: Option<(&'static str, Fault)>,
    pub(crate) counts: Counts,
}

const TABLE: [Fault; 6] = [
    Fault::Error("ThrottlingException"),
    Fault::Error("ProvisionedThroughputExceededException"),
    Fault::Error("InternalServerError"),
    Fault::NoConnection,
    Fault::AnswerLost,
    Fault::AnswerLost,
];
const SES: [Fault; 9] = [
    Fault::AnswerLost,
    Fault::AnswerLost,
    Fault::NoConnection,
    Fault::SesThrottled,
    Fault::SesDown,
    Fault::SesEntry("TRANSIENT_FAILURE"),
    Fault::SesEntry("ACCOUNT_THROTTLED"),
    Fault::SesEntry("FAILED"),
    Fault::SesEntry("ACCOUNT_DAILY_QUOTA_EXCEEDED"),
];

impl Weather {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            random: StdRng::seed_from_u64(seed),
            per_mille: 0,
            next: None,
            counts: Counts::new(),
        }
    }

    /// A whole number from 0 to `below` - 1.
    pub(crate) fn below(&mut self, below: usize) -> usize {
        self.random.random_range(0..below)
    }

    /// Whether something happens that does so in so many of a hundred cases.
    pub(crate) fn percent(&mut self, percent: u32) -> bool {
        self.random.random_range(0..100) < percent
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// Puts them into another order.
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }

    pub(crate) fn count(&mut self, what: &str) {
        *self.counts.entry(what.to_owned()).or_default() += 1;
    }

    /// What goes wrong with a call of this operation, if anything.
    pub(crate) fn fault(&mut self, operation: &str, due: bool) -> Option<Fault> {
        if let Some((_, fault)) = self.next.take_if(|(next, _)| *next == operation) {
            return Some(fault);
        }
        // There is one such call for a dozen to the table, and it is the one that matters.
        let per_mille = if operation == "SendBulkEmail" {
            self.per_mille * 3
        } else {
            self.per_mille
        };
        if self.random.random_range(0..1000) >= per_mille {
            return None;
        }
        let fault = match operation {
            "SendBulkEmail" => self.pick(&SES),
            "GetAccount" | "GetEmailIdentity" => return None,
            "Query" if due && self.percent(50) => Fault::StaleRead,
            "TransactWriteItems" if self.percent(40) => Fault::TransactionConflict,
            "UpdateItem" if self.percent(25) => Fault::Error("TransactionConflictException"),
            _ => self.pick(&TABLE),
        };
        Some(fault)
    }
}
