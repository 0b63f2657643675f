//! Which domains' addresses are invited.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::EmailAddress;

/// How many of them a refusal names: it may stand in each of thousands of rows.
const NAMED: usize = 3;
/// How many there may be in a list.
const MOST: usize = 100;

/// Domain names, in ASCII and lower case. A domain does not stand for those below it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DomainList(Vec<String>);

/// Why they are no list of domains. The sentence begins after the field's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be domain names like example.com, at most 100 of them")]
pub struct DomainListError;

impl DomainList {
    /// Reads names, each once.
    pub fn parse_all<S: AsRef<str>>(
        names: impl IntoIterator<Item = S>,
    ) -> Result<Self, DomainListError> {
        let mut domains: Vec<String> = vec![];
        for name in names {
            let name = name.as_ref().trim().trim_start_matches('@');
            let domain = idna::domain_to_ascii_strict(name).map_err(|_| DomainListError)?;
            if !domain.contains('.') {
                return Err(DomainListError);
            }
            if !domains.contains(&domain) {
                domains.push(domain);
            }
        }
        if domains.len() > MOST {
            return Err(DomainListError);
        }
        Ok(Self(domains))
    }

    /// The names.
    pub fn names(&self) -> &[String] {
        &self.0
    }

    fn has(&self, email: &EmailAddress) -> bool {
        self.0.iter().any(|domain| domain == email.domain())
    }
}

impl FromStr for DomainList {
    type Err = DomainListError;

    /// Reads names that are separated by spaces.
    fn from_str(text: &str) -> Result<Self, DomainListError> {
        Self::parse_all(text.split_whitespace())
    }
}

/// Whose addresses are invited, by their domains.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DomainRules {
    /// The only domains; all if there are none.
    pub allowed: DomainList,
    /// Domains that are never invited.
    pub blocked: DomainList,
}

impl DomainRules {
    /// Why this address is not invited, in a sentence for a person; none if it may be.
    pub fn refusal(&self, email: &EmailAddress) -> Option<String> {
        if self.blocked.has(email) {
            return Some(format!(
                "Addresses at {} are not invited here. An administrator can change that in the settings.",
                email.domain()
            ));
        }
        let allowed = self.allowed.names();
        if allowed.is_empty() || self.allowed.has(email) {
            return None;
        }
        let more = if allowed.len() > NAMED {
            " and others"
        } else {
            ""
        };
        let first = &allowed[..allowed.len().min(NAMED)];
        Some(format!(
            "Only addresses at {}{more} are invited here. An administrator can allow this domain in the settings.",
            first.join(", ")
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blocked_domain_is_refused_even_if_it_is_allowed() {
        let rules = |allowed: &str, blocked: &str| DomainRules {
            allowed: allowed.parse().unwrap(),
            blocked: blocked.parse().unwrap(),
        };
        let refused = |rules: &DomainRules, email: &str| rules.refusal(&email.parse().unwrap());
        assert_eq!(refused(&rules("", ""), "a@example.com"), None);
        let only = rules("example.com Münch.example", "");
        assert_eq!(refused(&only, "a@xn--mnch-0ra.example"), None);
        assert!(
            refused(&only, "a@sub.example.com")
                .unwrap()
                .contains("Only addresses at example.com, ")
        );
        let blocked = rules("example.com", "@example.com");
        assert!(
            refused(&blocked, "a@example.com")
                .unwrap()
                .contains("at example.com are not")
        );
    }

    #[test]
    fn what_is_no_domain_is_refused() {
        for bad in [
            "localhost",
            "a@b.example",
            "exa mple",
            "http://example.com",
            "*.example.com",
        ] {
            assert_eq!(DomainList::parse_all([bad]), Err(DomainListError), "{bad}");
        }
        let many: Vec<_> = (0..101).map(|n| format!("d{n}.example")).collect();
        assert!(DomainList::parse_all(&many).is_err() && DomainList::parse_all(&many[1..]).is_ok());
    }
}
