//! Whether SES would mail these very people now.

use std::collections::HashSet;

use super::{
    Account, Asked, MailProblem, SesFacts, mails,
    ses::{QUOTA_HINT, SANDBOX, SANDBOX_HINT, unanswered_problems},
};
use crate::domain::EmailAddress;

/// SES's test addresses, which get mail from the sandbox too.
const SIMULATOR: &str = "simulator.amazonses.com";

/// The addresses and domains that the account has verified.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identities(HashSet<String>);

impl FromIterator<String> for Identities {
    /// In any case: two addresses that differ only in that are one person here.
    fn from_iter<I: IntoIterator<Item = String>>(names: I) -> Self {
        let names = names.into_iter();
        Self(names.map(|name| name.to_lowercase()).collect())
    }
}

impl Identities {
    /// Whether the sandbox mails this address: it is verified itself, or its domain is, or one above that (SES developer
    /// guide, "Creating and verifying identities in Amazon SES").
    fn cover(&self, address: &EmailAddress) -> bool {
        let domains = std::iter::successors(Some(address.domain()), |domain| {
            domain.split_once('.').map(|(_, above)| above)
        });
        self.0.contains(address.key().as_str())
            || address.domain() == SIMULATOR
            || domains.into_iter().any(|domain| self.0.contains(domain))
    }
}

impl SesFacts {
    /// Whether who gets mail depends on what is verified.
    pub fn sandbox(&self) -> bool {
        self.account.as_ref().is_ok_and(|account| account.sandbox)
    }

    /// What is wrong for mails to these people, who are not yet among those that SES has counted. `identities` is what is
    /// verified; it only counts in the sandbox.
    pub fn problems_for(
        &self,
        recipients: &[&EmailAddress],
        identities: Option<&Asked<Identities>>,
    ) -> Vec<MailProblem> {
        let mut problems = self.known_problems();
        if let Some(Ok(identities)) = identities {
            // Who it concerns says more than that it concerns somebody.
            problems.retain(|problem| problem.code != SANDBOX);
            problems.extend(sandbox_problem(recipients, identities));
        }
        if let Ok(account) = &self.account {
            problems.extend(quota_problem(account, recipients.len() as u64));
        }
        let unlisted = identities.and_then(|identities| identities.as_ref().err());
        problems.extend(unanswered_problems(self.unanswered().chain(unlisted)));
        problems
    }
}

fn sandbox_problem(recipients: &[&EmailAddress], identities: &Identities) -> Option<MailProblem> {
    let unverified = recipients.iter().filter(|to| !identities.cover(to));
    let (unverified, all) = (unverified.count(), recipients.len());
    let are = if unverified == 1 { "is" } else { "are" };
    let detail = format!(
        "You are in the SES sandbox; {unverified} of {all} addresses {are} not verified, and would get no mail."
    );
    (unverified > 0).then(|| MailProblem::warning(SANDBOX, detail, SANDBOX_HINT))
}

fn quota_problem(account: &Account, wanted: u64) -> Option<MailProblem> {
    // That nothing at all is left is a problem without these people.
    let left = account.left().filter(|left| (1..wanted).contains(left))?;
    let detail = format!(
        "These are {}, and SES takes {left} more of this account today.",
        mails(wanted)
    );
    Some(MailProblem::warning("quota_too_small", detail, QUOTA_HINT))
}
