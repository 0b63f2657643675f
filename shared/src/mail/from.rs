//! Who mails come from, and whether SES lets them.

use crate::{
    config::{self, Environment},
    domain::EmailAddress,
};

/// Who mails come from, as SES knows them.
#[derive(Clone, Debug)]
pub struct MailFrom {
    /// What stands in `From:`.
    pub(super) sender: String,
    /// The address or domain that SES has verified.
    pub(super) identity: String,
    /// Which of SES's configuration sets sends, and so reports what becomes of a mail.
    pub(super) configuration_set: Option<String>,
}

impl MailFrom {
    /// Reads `MAIL_FROM`, `MAIL_IDENTITY` and `MAIL_CONFIGURATION_SET`.
    pub fn from_env(env: &Environment) -> Option<Self> {
        let identity = env.required("MAIL_IDENTITY", config::text);
        let sender = env.required("MAIL_FROM", |text| {
            let sender = config::text(text).map_err(ToOwned::to_owned)?;
            match &identity {
                Some(identity) if !belongs(&sender, identity)? => {
                    Err("it is no address of the identity that MAIL_IDENTITY names".to_owned())
                }
                _ => Ok(sender),
            }
        });
        let configuration_set = env.optional("MAIL_CONFIGURATION_SET", config::text);
        Some(Self {
            sender: sender?,
            identity: identity?,
            configuration_set,
        })
    }
}

/// Whether the sender, with or without a name before the address, may be sent from under the identity: it is the
/// address itself, its domain, or a domain above that.
fn belongs(sender: &str, identity: &str) -> Result<bool, String> {
    let bare = sender
        .rsplit_once('<')
        .map_or(sender, |(_, rest)| rest.trim_end_matches('>'));
    let address = EmailAddress::parse(bare).map_err(|error| error.to_string())?;
    let (domain, identity) = (address.domain(), identity.to_lowercase());
    Ok(address.as_str().to_lowercase() == identity
        || domain == identity
        || domain.ends_with(&format!(".{identity}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_belongs_to_its_address_its_domain_and_the_domains_above() {
        for (from, identity) in [
            ("Acme <in@mail.acme.example>", "mail.acme.example"),
            ("in@mail.acme.example", "acme.example"),
            ("Acme <In@acme.example>", "in@ACME.example"),
        ] {
            assert_eq!(belongs(from, identity), Ok(true), "{from}, {identity}");
        }
        for (from, identity) in [
            ("in@acme.example", "mail.acme.example"),
            ("in@badacme.example", "acme.example"),
            ("other@acme.example", "in@acme.example"),
        ] {
            assert_eq!(belongs(from, identity), Ok(false), "{from}, {identity}");
        }
        assert!(belongs("Acme", "acme.example").is_err());
    }
}
