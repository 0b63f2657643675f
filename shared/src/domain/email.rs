//! E-mail addresses as people type them, in the one form the rest of Usher works with.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The longest address SMTP can carry in a command, in bytes (RFC 5321, 4.5.3.1.3, less the angle brackets).
const MAX_ADDRESS: usize = 254;
/// The longest local part, in bytes (RFC 5321, 4.5.3.1.1).
const MAX_LOCAL: usize = 64;
/// What a local part may hold besides letters and digits (RFC 5322, `atext`).
const LOCAL_SYMBOLS: &str = "!#$%&'*+-/=?^_`{|}~";
/// Characters that look like "@" and that compatibility normalisation turns into one.
const LOOKALIKE_ATS: [char; 2] = ['\u{FF20}', '\u{FE6B}'];

/// A deliverable address: an ASCII local part as it was typed, and a domain in lower-case Punycode.
///
/// SES refuses non-ASCII local parts and wants Punycode domains, so nothing else can be held. Its `Debug` is
/// masked; the whole address is only ever reached through [`as_str`](Self::as_str).
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EmailAddress(String);

/// An address folded to lower case: two spellings of one mailbox have one key.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EmailKey(String);

/// Why a text is no address that can be mailed. Each sentence says what to do, and none repeats the text.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EmailError {
    /// Nothing but white space.
    #[error("There is no address here. Write one like name@example.com.")]
    Empty,
    /// No `@` at all.
    #[error("An address needs an @. Write it like name@example.com.")]
    NoAt,
    /// Two `@` or more.
    #[error("There is more than one @. Put a comma or a line break between two addresses.")]
    ManyAts,
    /// A character that only looks like `@`.
    #[error("The character U+{code:04X} only looks like an @. Type the @ again.", code = u32::from(*.0))]
    LookalikeAt(char),
    /// A line break, tab or other control character inside.
    #[error("There is a control character (U+{code:04X}) in the address. Type it again without it.", code = u32::from(*.0))]
    ControlCharacter(char),
    /// A space inside.
    #[error("There is a space in the address. Remove it, or put a comma between two addresses.")]
    Space,
    /// A letter beyond ASCII before the `@`.
    #[error(
        "The part before the @ has the character {0:?}, which mail systems refuse. Ask the person for an address in plain letters."
    )]
    NonAsciiLocal(char),
    /// More than 64 bytes before the `@`.
    #[error("The part before the @ is longer than 64 characters. Check the address.")]
    LocalTooLong,
    /// A symbol that needs quoting, which many mail systems refuse.
    #[error("The part before the @ can't have {0:?} in it. Check the address.")]
    LocalSymbol(char),
    /// Nothing before the `@`, or a dot where none may be.
    #[error(
        "The part before the @ is empty, or has a dot at its start, its end, or next to another dot."
    )]
    LocalDots,
    /// A domain that can't exist in the DNS.
    #[error("The part after the @ is no domain name like example.com. Check its spelling.")]
    Domain,
    /// More than 254 bytes in all.
    #[error("The address is longer than 254 characters. Check it.")]
    TooLong,
}

impl EmailAddress {
    /// Reads an address. White space around it is dropped; nothing else is repaired.
    ///
    /// The text is checked *before* any Unicode mapping, so that a look-alike of `@` can't become one afterwards.
    pub fn parse(text: &str) -> Result<Self, EmailError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(EmailError::Empty);
        }
        if let Some(c) = text.chars().find(|c| LOOKALIKE_ATS.contains(c)) {
            return Err(EmailError::LookalikeAt(c));
        }
        if let Some(c) = text.chars().find(|c| c.is_control()) {
            return Err(EmailError::ControlCharacter(c));
        }
        if text.chars().any(char::is_whitespace) {
            return Err(EmailError::Space);
        }
        let (local, domain) = text.split_once('@').ok_or(EmailError::NoAt)?;
        if domain.contains('@') {
            return Err(EmailError::ManyAts);
        }
        check_local(local)?;
        let domain = check_domain(domain)?;
        if local.len() + 1 + domain.len() > MAX_ADDRESS {
            return Err(EmailError::TooLong);
        }
        Ok(Self(format!("{local}@{domain}")))
    }

    /// The whole address. Personal data: never log it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part after the `@`, in lower-case Punycode.
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }

    /// The form under which the address is unique.
    pub fn key(&self) -> EmailKey {
        EmailKey(self.0.to_ascii_lowercase())
    }

    /// The address with most of its local part hidden, for logs: `a***@example.com`.
    pub fn masked(&self) -> String {
        let first = self.0.chars().next().unwrap_or('*');
        format!("{first}***@{}", self.domain())
    }
}

fn check_local(local: &str) -> Result<(), EmailError> {
    if let Some(c) = local.chars().find(|c| !c.is_ascii()) {
        return Err(EmailError::NonAsciiLocal(c));
    }
    if local.len() > MAX_LOCAL {
        return Err(EmailError::LocalTooLong);
    }
    let allowed = |c: &char| c.is_ascii_alphanumeric() || *c == '.' || LOCAL_SYMBOLS.contains(*c);
    if let Some(c) = local.chars().find(|c| !allowed(c)) {
        return Err(EmailError::LocalSymbol(c));
    }
    if local.split('.').any(str::is_empty) {
        return Err(EmailError::LocalDots);
    }
    Ok(())
}

fn check_domain(domain: &str) -> Result<String, EmailError> {
    let ascii = idna::domain_to_ascii_strict(domain).map_err(|_| EmailError::Domain)?;
    let (_, top) = ascii.rsplit_once('.').ok_or(EmailError::Domain)?;
    // A last label of digits only is an IPv4 address or a typing error, never a domain.
    if top.is_empty() || top.bytes().all(|b| b.is_ascii_digit()) {
        return Err(EmailError::Domain);
    }
    Ok(ascii)
}

impl FromStr for EmailAddress {
    type Err = EmailError;

    fn from_str(text: &str) -> Result<Self, EmailError> {
        Self::parse(text)
    }
}

impl TryFrom<String> for EmailAddress {
    type Error = EmailError;

    fn try_from(text: String) -> Result<Self, EmailError> {
        Self::parse(&text)
    }
}

impl From<EmailAddress> for String {
    fn from(address: EmailAddress) -> Self {
        address.0
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EmailAddress({})", self.masked())
    }
}

impl EmailKey {
    /// The key as it stands in the table. Personal data: never log it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for EmailKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn case_makes_no_second_mailbox() {
        let key = |s: &str| EmailAddress::parse(s).unwrap().key();
        assert_eq!(key("Ann.Lee@Example.COM"), key("ann.lee@example.com"));
    }

    #[test]
    fn the_local_part_keeps_its_spelling_and_the_domain_becomes_punycode() {
        let address = EmailAddress::parse("  Jürgen".trim_end_matches("Jürgen")).unwrap_err();
        assert_eq!(address, EmailError::Empty);
        let address = EmailAddress::parse(" Ann@BÜCHER.example ").unwrap();
        assert_eq!(address.as_str(), "Ann@xn--bcher-kva.example");
    }

    #[test]
    fn what_is_no_address_is_refused_with_its_reason() {
        let long = "a".repeat(300);
        let cases = [
            ("", EmailError::Empty),
            ("ann", EmailError::NoAt),
            ("a@b@example.com", EmailError::ManyAts),
            (
                "ann\u{FF20}example.com",
                EmailError::LookalikeAt('\u{FF20}'),
            ),
            (
                "ann@evil.com\u{FF20}example.com",
                EmailError::LookalikeAt('\u{FF20}'),
            ),
            (
                "x@y.com\r\nBcc: z@y.com",
                EmailError::ControlCharacter('\r'),
            ),
            ("a\0@example.com", EmailError::ControlCharacter('\0')),
            ("a b@example.com", EmailError::Space),
            ("jürgen@example.com", EmailError::NonAsciiLocal('ü')),
            (&format!("{long}@example.com"), EmailError::LocalTooLong),
            ("a\"b@example.com", EmailError::LocalSymbol('"')),
            ("@example.com", EmailError::LocalDots),
            ("a..b@example.com", EmailError::LocalDots),
            ("a.@example.com", EmailError::LocalDots),
            ("a@localhost", EmailError::Domain),
            ("a@example.com.", EmailError::Domain),
            ("a@-example.com", EmailError::Domain),
            ("a@exa_mple.com", EmailError::Domain),
            ("a@127.0.0.1", EmailError::Domain),
            ("a@[127.0.0.1]", EmailError::Domain),
            ("a@", EmailError::Domain),
            (&format!("a@{}.com", "b.".repeat(130)), EmailError::Domain),
        ];
        for (text, error) in cases {
            assert_eq!(EmailAddress::parse(text), Err(error), "{text:?}");
        }
    }

    #[test]
    fn debug_shows_no_address() {
        let address = EmailAddress::parse("ann.lee@example.com").unwrap();
        assert_eq!(format!("{address:?}"), "EmailAddress(a***@example.com)");
        assert_eq!(format!("{:?}", address.key()), "EmailKey(..)");
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_or_refused_and_what_is_parsed_is_safe_to_mail(text in ".{0,80}") {
            if let Ok(address) = EmailAddress::parse(&text) {
                prop_assert!(address.as_str().is_ascii());
                prop_assert!(address.as_str().len() <= MAX_ADDRESS);
                prop_assert!(!address.as_str().contains(|c: char| c.is_control() || c.is_whitespace()));
                prop_assert_eq!(address.as_str().matches('@').count(), 1);
            }
        }

        #[test]
        fn parsing_what_was_parsed_changes_nothing(
            local in "[A-Za-z0-9+_-]{1,20}", domain in "[a-zäöü0-9]{1,12}(\\.[a-z]{2,8}){1,2}"
        ) {
            if let Ok(address) = EmailAddress::parse(&format!("{local}@{domain}")) {
                prop_assert_eq!(EmailAddress::parse(address.as_str()), Ok(address));
            }
        }
    }
}
