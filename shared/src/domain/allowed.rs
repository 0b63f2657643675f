//! Which domains' addresses are invited.

use std::str::FromStr;

use thiserror::Error;

use super::EmailAddress;

/// How many of them a refusal names: it may stand in each of thousands of rows.
const NAMED: usize = 3;

/// The only domains whose addresses are invited; all if there are none.
#[derive(Clone, Debug, Default)]
pub struct AllowedDomains(Vec<String>);

/// One of them is no domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("write domain names like example.com, separated by spaces")]
pub struct AllowedDomainsError;

impl AllowedDomains {
    /// Whether this address may be invited.
    pub fn allows(&self, email: &EmailAddress) -> bool {
        self.0.is_empty() || self.0.iter().any(|domain| domain == email.domain())
    }

    /// Why an address is not invited, in a sentence for a person: the first few domains, and that there are more.
    pub fn refusal(&self) -> String {
        let more = if self.0.len() > NAMED {
            " and others"
        } else {
            ""
        };
        let first: Vec<_> = self.0.iter().take(NAMED).map(String::as_str).collect();
        format!(
            "Only addresses at {}{more} are invited here. Ask the operator to allow this domain.",
            first.join(", ")
        )
    }
}

impl FromStr for AllowedDomains {
    type Err = AllowedDomainsError;

    fn from_str(text: &str) -> Result<Self, AllowedDomainsError> {
        let ascii = |domain: &str| idna::domain_to_ascii_strict(domain);
        let domains: Result<_, _> = text.split_whitespace().map(ascii).collect();
        domains.map(Self).map_err(|_| AllowedDomainsError)
    }
}
