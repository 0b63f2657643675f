//! What a tenant's mails are made of: who writes and how it looks, the templates, and the languages. What the tenant has not
//! decided is as the stack was deployed.

use std::sync::Arc;

use url::Url;

use super::{
    Content, Letterhead, MailFrom, Template, Templates, Values, batch::bytes_in_json,
    from::FromAddress, render,
};
use crate::{
    config::Environment,
    domain::{
        EmailAddress, InvitationToken, Locale, LocaleSource, ProductName, Settings, TemplateSource,
        User,
    },
};

/// Mails as the stack was deployed.
#[derive(Clone, Debug)]
pub struct MailDefaults {
    /// Who they come from.
    pub from: MailFrom,
    /// What people are invited to.
    pub product_name: ProductName,
    /// Where people reach the pages.
    pub public_url: Url,
    /// Their language if nobody has said one.
    pub locale: Locale,
}

/// What a tenant's mails are made of.
#[derive(Clone, Debug)]
pub struct Stationery {
    letterhead: Letterhead,
    templates: Templates,
    defaults: Vec<(Locale, LocaleSource)>,
    sender: FromAddress,
    reply_to: Option<EmailAddress>,
}

/// One mail, all but sent.
#[derive(Clone)]
pub struct Made {
    /// In which language.
    pub locale: Locale,
    /// None only if Usher was built with a template that can't be read, which a test prevents.
    pub template: Option<Arc<Template>>,
    /// What stands in it.
    pub values: Values,
    /// Where mail programs post to, to decline.
    pub one_click_url: String,
}

impl MailDefaults {
    /// Reads `MAIL_FROM`, `MAIL_IDENTITY`, `MAIL_CONFIGURATION_SET`, `PRODUCT_NAME`, `PUBLIC_URL` and `DEFAULT_LOCALE`.
    pub fn from_env(env: &Environment) -> Option<Self> {
        let (from, product_name) = (MailFrom::from_env(env), env.product_name());
        let (public_url, locale) = (env.public_url(), env.default_locale());
        Some(Self {
            from: from?,
            product_name: product_name?,
            public_url: public_url?,
            locale,
        })
    }

    /// What the mails of a tenant with these settings and these templates are made of.
    pub fn stationery(
        &self,
        settings: &Settings,
        own: impl IntoIterator<Item = (Locale, TemplateSource)>,
    ) -> Stationery {
        let defaults = settings.locales(&self.locale).into_iter();
        Stationery {
            letterhead: Letterhead::new(settings, &self.product_name, &self.public_url),
            templates: Templates::with_own(own),
            defaults: defaults
                .map(|(locale, source)| (locale.clone(), source))
                .collect(),
            sender: self.from.sender(settings),
            reply_to: settings.reply_to.clone(),
        }
    }
}

impl Stationery {
    /// The template of a mail that is wanted in this language: of the nearest that there is one in, else of the tenant's default,
    /// the stack's, or English. None only if Usher was built with a template that can't be read, which a test prevents.
    pub fn template(&self, wanted: Option<&Locale>) -> Option<Arc<Template>> {
        self.templates.get(&self.locale(wanted))
    }

    fn locale(&self, wanted: Option<&Locale>) -> Locale {
        let wanted = wanted.map(|locale| (locale, LocaleSource::Invitee));
        let defaults = self
            .defaults
            .iter()
            .map(|(locale, source)| (locale, *source));
        let wanted: Vec<_> = wanted.into_iter().chain(defaults).collect();
        self.templates.resolve(&wanted).0
    }

    /// The user's mail.
    pub fn make(&self, user: &User, token: &InvitationToken) -> Made {
        let locale = self.locale(Some(&user.locale));
        let template = self.templates.get(&locale);
        self.made(locale, template, user, token)
    }

    /// The user's mail in this template.
    pub fn make_in(&self, template: Arc<Template>, user: &User, token: &InvitationToken) -> Made {
        let locale = template.locale().clone();
        self.made(locale, Some(template), user, token)
    }

    fn made(
        &self,
        locale: Locale,
        template: Option<Arc<Template>>,
        user: &User,
        token: &InvitationToken,
    ) -> Made {
        let dates = self.dates(user, &locale);
        Made {
            values: self.letterhead.values(user, token, &locale, dates),
            one_click_url: self.letterhead.one_click_url(&token.decline()),
            locale,
            template,
        }
    }

    /// Whose dates are in the user's mail of this language: those of the country that was asked for with it, for this person or
    /// else as the default; of what nobody asked for they are the language's own.
    fn dates<'a>(&'a self, user: &'a User, locale: &'a Locale) -> &'a Locale {
        let asked = [LocaleSource::Invitee, LocaleSource::Request].contains(&user.locale_source);
        let asked = asked.then_some(&user.locale);
        let defaults = self.defaults.iter().map(|(locale, _)| locale);
        asked
            .into_iter()
            .chain(defaults)
            .chain([&user.locale])
            .find(|wanted| wanted.nearest(std::slice::from_ref(locale)).is_some())
            .unwrap_or(locale)
    }

    /// Who mails come from, as people read it.
    pub fn from(&self) -> String {
        self.sender.plain()
    }

    /// Where an answer goes, if not to the sender.
    pub fn reply_to(&self) -> Option<&EmailAddress> {
        self.reply_to.as_ref()
    }

    /// Who mails come from, as SES takes it.
    pub(super) fn header(&self) -> String {
        self.sender.header()
    }
}

impl Made {
    /// How many bytes the template takes in a call to SES.
    pub(super) fn template_bytes(&self) -> usize {
        let content = self
            .template
            .as_ref()
            .map(|template| template.content(|name| self.values.has(name)));
        content.map_or(0, |content| {
            [content.subject, content.text, content.html]
                .iter()
                .map(|part| bytes_in_json(part))
                .sum()
        })
    }

    /// The mail as SES renders it.
    pub fn rendered(&self) -> Option<Content> {
        let content = self
            .template
            .as_ref()?
            .content(|name| self.values.has(name));
        Some(render(&content, &self.values))
    }
}
