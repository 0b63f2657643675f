//! What keeps mail from going out, or from being heard of: facts in, problems out. Pure; [`Doctor`](super::Doctor) asks SES.

mod facts;
mod queue;
mod rates;
mod recipients;
mod ses;
#[cfg(test)]
mod tests;

use serde::Serialize;

pub use self::{
    facts::{
        Account, Asked, ConfigurationSetFacts, EventDestination, SenderFacts, SesFacts, Unanswered,
    },
    queue::{MailCounts, Waiting},
    rates::{LastHour, RateLimits},
    recipients::Identities,
};

/// Something that an operator should know about the mail, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MailProblem {
    /// Stable, in `snake_case`: what programs look at.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in a sentence.
    pub detail: String,
    /// What to do about it, in a sentence.
    pub hint: String,
}

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Mail goes out, but not all of it, or not for long, or nobody hears what becomes of it.
    Warning,
    /// Mail does not go out.
    Error,
}

/// How the mail is doing as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MailStatus {
    /// There is no problem.
    Healthy,
    /// There are warnings.
    Degraded,
    /// There is an error.
    Failing,
}

impl MailStatus {
    /// As bad as the worst problem.
    pub fn of(problems: &[MailProblem]) -> Self {
        match problems.iter().map(|problem| problem.severity).max() {
            None => Self::Healthy,
            Some(Severity::Warning) => Self::Degraded,
            Some(Severity::Error) => Self::Failing,
        }
    }
}

impl MailProblem {
    fn warning(code: &'static str, detail: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Warning,
            detail: detail.into(),
            hint: hint.into(),
        }
    }

    fn error(code: &'static str, detail: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            ..Self::warning(code, detail, hint)
        }
    }
}

/// `1 mail`, `2 mails`.
fn mails(count: u64) -> String {
    format!("{count} mail{}", if count == 1 { "" } else { "s" })
}
