//! What a tenant has decided of how its people are invited. What it has not is as the stack was deployed.

use serde::{Deserialize, Serialize};
use thiserror::Error;
use url::Url;

use super::{
    Color, DailyCap, DomainList, DomainRules, EmailAddress, Lifetime, Locale, LocaleSource,
    Origins, PersonName, ProductName, Reminders,
};

/// How many days a link lives at the least before its person is reminded: the mail goes some time after the invitation, and a
/// reminder a day after that at the earliest.
const LEAST_BEFORE_REMINDER: i64 = 2;

/// A tenant's settings. What is none holds as the stack was deployed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// What people are invited to.
    pub product_name: Option<ProductName>,
    /// Who the mail comes from, beside the address.
    pub sender_name: Option<PersonName>,
    /// The address that the mail comes from. It belongs to what SES has verified.
    pub sender_address: Option<EmailAddress>,
    /// Where an answer to the mail goes.
    pub reply_to: Option<EmailAddress>,
    /// Where people can ask.
    pub support_address: Option<EmailAddress>,
    /// A picture that stands above the mail.
    pub logo_url: Option<LogoUrl>,
    /// The colour of the mail's button and links.
    pub brand_color: Option<Color>,
    /// The language of mails to people of whom none is known.
    pub default_locale: Option<Locale>,
    /// How long a link is valid if the request does not say so.
    pub expires_in_days: Option<Lifetime>,
    /// When people are reminded.
    pub reminder_days: Option<Reminders>,
    /// The only domains whose addresses are invited.
    pub allowed_domains: Option<DomainList>,
    /// Domains whose addresses are never invited.
    pub blocked_domains: Option<DomainList>,
    /// Where people may be sent after registering.
    pub redirect_origins: Option<Origins>,
    /// How many people are invited a day at the most.
    pub daily_invitations: Option<DailyCap>,
}

impl Settings {
    /// What people are invited to; as the stack was deployed if the tenant has not said it.
    pub fn product_name<'a>(&'a self, deployed: &'a ProductName) -> &'a ProductName {
        self.product_name.as_ref().unwrap_or(deployed)
    }

    /// The languages of mails to people of whom none is known that there are mails in: the tenant's, then the stack's.
    pub fn locales<'a>(&'a self, deployed: &'a Locale) -> Vec<(&'a Locale, LocaleSource)> {
        let own = self.default_locale.as_ref();
        own.map(|locale| (locale, LocaleSource::TenantDefault))
            .into_iter()
            .chain([(deployed, LocaleSource::ExternalDefault)])
            .collect()
    }

    /// How long a link is valid that nobody has said it of.
    pub fn lifetime(&self) -> Lifetime {
        self.expires_in_days.unwrap_or_default()
    }

    /// When people are reminded.
    pub fn reminders<'a>(&'a self, deployed: &'a Reminders) -> &'a Reminders {
        self.reminder_days.as_ref().unwrap_or(deployed)
    }

    /// Whose addresses are invited.
    pub fn domains(&self, deployed: &DomainList) -> DomainRules {
        DomainRules {
            allowed: self.allowed_domains.as_ref().unwrap_or(deployed).clone(),
            blocked: self.blocked_domains.clone().unwrap_or_default(),
        }
    }

    /// Where people may be sent after registering.
    pub fn redirect_origins<'a>(&'a self, deployed: &'a Origins) -> &'a Origins {
        self.redirect_origins.as_ref().unwrap_or(deployed)
    }

    /// Which setting goes against another, so that nothing would happen at all, and why; none if none does. The sentence begins
    /// after the setting's name. What is as deployed contradicts nothing: whoever invites may say how long a link lives.
    pub fn contradiction(&self) -> Option<(&'static str, String)> {
        let last = self.reminder_days.as_ref().and_then(Reminders::last_day);
        let lifetime = self.expires_in_days.map(i64::from);
        if let Some((last, lifetime)) = last.zip(lifetime)
            && last > lifetime - LEAST_BEFORE_REMINDER
        {
            let why = format!(
                "must have a number at least {LEAST_BEFORE_REMINDER} less than expires_in_days, which is {lifetime}: nobody \
                 would be reminded, as a day has to be between two mails"
            );
            return Some(("reminder_days", why));
        }
        let (allowed, blocked) = (
            self.allowed_domains.as_ref()?,
            self.blocked_domains.as_ref()?,
        );
        let blocks = |name: &String| blocked.names().contains(name);
        (!allowed.names().is_empty() && allowed.names().iter().all(blocks)).then(|| {
            let why = "must leave one of allowed_domains: nobody could be invited";
            ("blocked_domains", why.to_owned())
        })
    }

    /// The colour of the mail's button and links.
    pub fn color(&self) -> Color {
        self.brand_color.unwrap_or(Color::USHER)
    }
}

/// Where a picture is: on the web, and encrypted, as mail programs show no other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LogoUrl(Url);

/// The text is no address of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum LogoUrlError {
    /// It is none of the web.
    #[error(
        "must be a whole address like https://example.com/logo.png, at most 2000 characters long"
    )]
    Malformed,
    /// It is not encrypted.
    #[error("must begin with https://, as mail programs show no other pictures")]
    NotEncrypted,
}

impl LogoUrl {
    /// Reads an address.
    pub fn parse(text: &str) -> Result<Self, LogoUrlError> {
        let url = Url::parse(text.trim()).map_err(|_| LogoUrlError::Malformed)?;
        let plain = url.username().is_empty() && url.password().is_none();
        if url.scheme() == "http" {
            return Err(LogoUrlError::NotEncrypted);
        }
        if url.scheme() == "https" && url.has_host() && plain && url.as_str().len() <= 2000 {
            Ok(Self(url))
        } else {
            Err(LogoUrlError::Malformed)
        }
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl TryFrom<String> for LogoUrl {
    type Error = LogoUrlError;

    fn try_from(text: String) -> Result<Self, LogoUrlError> {
        Self::parse(&text)
    }
}

impl From<LogoUrl> for String {
    fn from(url: LogoUrl) -> Self {
        url.0.into()
    }
}
