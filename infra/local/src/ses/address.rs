//! Addresses as SES takes them: stricter than the standards, and some of them play a part.

use std::str::FromStr;

use thiserror::Error;

use super::error::Refusal;

const SIMULATOR: &str = "simulator.amazonses.com";

/// A plain address, without the display name it may have come with.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Address(String);

/// Why SES refuses an address, in words close to its own.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(super) enum AddressError {
    #[error("Missing final '@domain'")]
    NoDomain,
    #[error("Address contains more than one '@'")]
    ManyAts,
    #[error("Local address is empty")]
    NoLocalPart,
    #[error("Local address contains non-ASCII characters")]
    NonAsciiLocalPart,
    #[error("Domain contains non-ASCII characters: write it as Punycode")]
    NonAsciiDomain,
    #[error("Address contains control characters or whitespace")]
    Illegal,
    #[error("Domain is not valid")]
    BadDomain,
    #[error("The display name holds characters that have to be quoted or encoded")]
    BadName,
}

/// What becomes of an accepted mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Delivered,
    Bounced,
    Complained,
    /// On the account's suppression list: accepted, counted, and never handed to the recipient's server.
    Suppressed,
}

impl Address {
    pub(super) fn parse(text: &str) -> Result<Self, Refusal> {
        text.parse()
            .map_err(|error: AddressError| Refusal::InvalidParameter(error.to_string()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is this identity, an address or a domain, or belongs to it.
    pub(super) fn belongs_to(&self, identity: &str) -> bool {
        let (domain, identity) = (self.split().1.to_lowercase(), identity.to_lowercase());
        self.0.to_lowercase() == identity
            || domain == identity
            || domain.ends_with(&format!(".{identity}"))
    }

    pub(super) fn is_simulator(&self) -> bool {
        self.split().1.eq_ignore_ascii_case(SIMULATOR)
    }

    /// Labels don't change the part a simulator address plays: `bounce+tuesday@` bounces too.
    pub(super) fn fate(&self) -> Fate {
        if !self.is_simulator() {
            return Fate::Delivered;
        }
        let local = self.split().0.to_ascii_lowercase();
        match local.split('+').next() {
            Some("bounce") => Fate::Bounced,
            Some("complaint") => Fate::Complained,
            Some("suppressionlist") => Fate::Suppressed,
            _ => Fate::Delivered,
        }
    }

    fn split(&self) -> (&str, &str) {
        self.0.split_once('@').unwrap_or((&self.0, ""))
    }
}

impl FromStr for Address {
    type Err = AddressError;

    /// Takes `ada@example.org` and `Ada <ada@example.org>`.
    fn from_str(text: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        let (name, plain) = match (text.rfind('<'), text.strip_suffix('>')) {
            (Some(start), Some(head)) => (head[..start].trim(), &head[start + 1..]),
            _ => ("", text),
        };
        let (local, domain) = plain.split_once('@').ok_or(AddressError::NoDomain)?;
        if domain.contains('@') {
            return Err(AddressError::ManyAts);
        }
        if local.is_empty() {
            return Err(AddressError::NoLocalPart);
        }
        if plain.contains(|c: char| c.is_control() || c.is_whitespace() || "<>,;".contains(c)) {
            return Err(AddressError::Illegal);
        }
        if !local.is_ascii() {
            return Err(AddressError::NonAsciiLocalPart);
        }
        if !domain.is_ascii() {
            return Err(AddressError::NonAsciiDomain);
        }
        if domain.split('.').any(str::is_empty) {
            return Err(AddressError::BadDomain);
        }
        // What the standard for mail (RFC 5322, section 3.2.3) leaves for plain words.
        let quoted = name.len() > 1 && name.starts_with('"') && name.ends_with('"');
        if !name.is_ascii() || !quoted && name.contains(|c| "()<>[]:;@\\,.\"".contains(c)) {
            return Err(AddressError::BadName);
        }
        Ok(Self(plain.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> AddressError {
        text.parse::<Address>().err().unwrap()
    }

    #[test]
    fn an_address_loses_its_display_name() {
        let address: Address = "\"Lovelace, Ada\" <ada@example.org>".parse().unwrap();
        assert_eq!(address.as_str(), "ada@example.org");
    }

    #[test]
    fn a_display_name_is_plain_words_or_quoted_or_encoded() {
        for name in [
            "Ada",
            "Ada L",
            "\"Lovelace, A.\"",
            "=?utf-8?b?TcO8bGxlcg==?=",
        ] {
            assert!(
                format!("{name} <ada@x.org>").parse::<Address>().is_ok(),
                "{name}"
            );
        }
        for name in ["Lovelace, Ada", "Acme Inc.", "Müller", "\"Müller\"", "\""] {
            assert_eq!(
                error(&format!("{name} <ada@x.org>")),
                AddressError::BadName,
                "{name}"
            );
        }
    }

    #[test]
    fn an_address_that_ses_refuses_says_why() {
        assert_eq!(error(""), AddressError::NoDomain);
        assert_eq!(error("ada"), AddressError::NoDomain);
        assert_eq!(error("@example.org"), AddressError::NoLocalPart);
        assert_eq!(error("a@b@example.org"), AddressError::ManyAts);
        assert_eq!(error("ädä@example.org"), AddressError::NonAsciiLocalPart);
        assert_eq!(error("ada@exämple.org"), AddressError::NonAsciiDomain);
        assert_eq!(error("ada@example."), AddressError::BadDomain);
        assert_eq!(error("ada@x.org\r\nBcc: b@x.org"), AddressError::ManyAts);
        assert_eq!(error("ada@x.org\r\nBcc:b"), AddressError::Illegal);
        assert_eq!(error("> <"), AddressError::NoDomain);
        assert_eq!(error("<>"), AddressError::NoDomain);
    }

    #[test]
    fn a_labelled_simulator_address_keeps_its_fate() {
        let fate = |text: &str| text.parse::<Address>().unwrap().fate();
        assert_eq!(fate("Bounce+x@simulator.amazonses.com"), Fate::Bounced);
        assert_eq!(fate("complaint@simulator.amazonses.com"), Fate::Complained);
        assert_eq!(
            fate("suppressionlist@Simulator.AmazonSES.com"),
            Fate::Suppressed
        );
        assert_eq!(fate("success@simulator.amazonses.com"), Fate::Delivered);
        assert_eq!(fate("bounce@example.org"), Fate::Delivered);
    }
}
