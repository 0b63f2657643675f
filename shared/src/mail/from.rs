//! Who mails come from, and whether SES lets them.

use email_encoding::headers::{quoted_string, writer::EmailWriter};

use crate::{
    config::Environment,
    domain::{EmailAddress, PersonName, Settings},
};

/// Who mails come from, as SES knows them.
#[derive(Clone, Debug)]
pub struct MailFrom {
    deployed: FromAddress,
    /// The address or domain that SES has verified.
    pub(super) identity: String,
    /// Which of SES's configuration sets sends, and so reports what becomes of a mail.
    pub(super) configuration_set: Option<String>,
}

impl MailFrom {
    /// Reads `MAIL_FROM`, `MAIL_IDENTITY` and `MAIL_CONFIGURATION_SET`.
    pub fn from_env(env: &Environment) -> Option<Self> {
        let identity = env.mail_identity();
        let deployed = env.required("MAIL_FROM", |text| {
            let sender = FromAddress::parse(text)?;
            match &identity {
                Some(identity) if !sender.belongs_to(identity) => {
                    Err("it is no address of the identity that MAIL_IDENTITY names".to_owned())
                }
                _ => Ok(sender),
            }
        });
        let configuration_set = env.mail_configuration_set();
        Some(Self {
            deployed: deployed?,
            identity: identity?,
            configuration_set,
        })
    }

    /// The name and the address that the stack was deployed with.
    pub fn deployed(&self) -> (Option<&PersonName>, &EmailAddress) {
        (self.deployed.name.as_ref(), &self.deployed.address)
    }

    /// The sender of a tenant's mails. An address that is none of the identity's any more is left aside: SES would send nothing.
    pub(super) fn sender(&self, settings: &Settings) -> FromAddress {
        let mut sender = self.deployed.clone();
        if let Some(name) = &settings.sender_name {
            sender.name = Some(name.clone());
        }
        match &settings.sender_address {
            Some(address) if may_send(&self.identity, address) => {
                address.as_str().clone_into(&mut sender.written);
                sender.address = address.clone();
            }
            Some(_) => tracing::error!(
                "a tenant's sender_address is no address of MAIL_IDENTITY any more: the stack's own is used"
            ),
            None => {}
        }
        sender
    }
}

/// Whether mail may be sent from the address under the identity that SES has verified: it is the address itself, its domain, or
/// a domain above that.
pub fn may_send(identity: &str, address: &EmailAddress) -> bool {
    let (domain, identity) = (address.domain(), identity.to_lowercase());
    address.as_str().to_lowercase() == identity
        || domain == identity
        || domain.ends_with(&format!(".{identity}"))
}

/// A sender as an operator writes it.
#[derive(Clone, Debug)]
pub(super) struct FromAddress {
    name: Option<PersonName>,
    /// As it was written: the mailer's permission is for this spelling.
    written: String,
    address: EmailAddress,
}

impl FromAddress {
    /// Reads `in@acme.example`, `Acme <in@acme.example>` and `"Acme, Inc." <in@acme.example>`.
    fn parse(text: &str) -> Result<Self, String> {
        let (name, written) = match text
            .trim()
            .strip_suffix('>')
            .and_then(|head| head.rsplit_once('<'))
        {
            Some((name, written)) => (name.trim(), written),
            None => ("", text.trim()),
        };
        let quoted = name
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'));
        let name = match quoted.unwrap_or(name) {
            "" => None,
            name => Some(PersonName::parse(name).map_err(|error| error.to_string())?),
        };
        let address = EmailAddress::parse(written).map_err(|error| error.to_string())?;
        Ok(Self {
            name,
            written: written.to_owned(),
            address,
        })
    }

    fn belongs_to(&self, identity: &str) -> bool {
        may_send(identity, &self.address)
    }

    /// As people read it.
    pub(super) fn plain(&self) -> String {
        match &self.name {
            Some(name) => format!("{} <{}>", name.as_str(), self.written),
            None => self.written.clone(),
        }
    }

    /// For `From:`. SES takes a name with a comma or beyond ASCII only as the standards for mail write it: quoted, or as
    /// encoded words (RFC 2047).
    pub(super) fn header(&self) -> String {
        let Some(name) = &self.name else {
            return self.written.clone();
        };
        let mut encoded = String::new();
        {
            let mut writer = EmailWriter::new(&mut encoded, 0, 0, false);
            // Writing to a string does not fail.
            let _ = quoted_string::encode(name.as_str(), &mut writer);
        }
        // SES folds lines itself.
        format!("{} <{}>", encoded.replace("\r\n", ""), self.written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_belongs_to_its_address_its_domain_and_the_domains_above() {
        let belongs = |from, identity| FromAddress::parse(from).unwrap().belongs_to(identity);
        for (from, identity) in [
            ("Acme <in@mail.acme.example>", "mail.acme.example"),
            ("in@mail.acme.example", "acme.example"),
            ("Acme <In@acme.example>", "in@ACME.example"),
        ] {
            assert!(belongs(from, identity), "{from}, {identity}");
        }
        for (from, identity) in [
            ("in@acme.example", "mail.acme.example"),
            ("in@badacme.example", "acme.example"),
            ("other@acme.example", "in@acme.example"),
        ] {
            assert!(!belongs(from, identity), "{from}, {identity}");
        }
        assert!(FromAddress::parse("Acme").is_err());
        assert!(FromAddress::parse("A\r\nBcc: x <in@acme.example>").is_err());
    }

    #[test]
    fn a_senders_name_is_written_as_ses_takes_it() {
        for (from, header) in [
            ("In@acme.example", "In@acme.example"),
            (
                "Acme Rockets <in@acme.example>",
                "\"Acme Rockets\" <in@acme.example>",
            ),
            (
                "Acme, Inc. <in@acme.example>",
                "=?utf-8?b?QWNtZSwgSW5jLg==?= <in@acme.example>",
            ),
            (
                "\"Acme, Inc.\" <in@acme.example>",
                "=?utf-8?b?QWNtZSwgSW5jLg==?= <in@acme.example>",
            ),
            (
                "Müller <in@acme.example>",
                "=?utf-8?b?TcO8bGxlcg==?= <in@acme.example>",
            ),
        ] {
            assert_eq!(FromAddress::parse(from).unwrap().header(), header);
        }
        let long = format!("{} <in@acme.example>", "ü".repeat(99));
        let header = FromAddress::parse(&long).unwrap().header();
        assert!(
            header.is_ascii() && !header.contains(['\r', '\n']),
            "{header}"
        );
        assert!(header.split(' ').all(|word| word.len() <= 75), "{header}");
    }
}
