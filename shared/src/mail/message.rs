//! What stands in a mail: pure, from a user and their token.

use serde_json::{Map, Value};
use url::Url;

use super::{date::in_words, template::HTML_SUFFIX};
use crate::{
    config::Environment,
    domain::{InvitationToken, Locale, MailKind, User},
};

/// Who writes, and where links lead.
#[derive(Clone, Debug)]
pub struct Sender {
    /// What people are invited to.
    pub product_name: String,
    /// Where people reach the pages.
    pub public_url: Url,
}

/// The link, at where people reach the pages. The token stands behind `#`, so that no server, log or `Referer` ever sees it.
pub fn accept_url(public_url: &Url, token: &InvitationToken) -> String {
    format!(
        "{}/accept#{}",
        public_url.as_str().trim_end_matches('/'),
        token.secret()
    )
}

/// The variables of one person's mail.
#[derive(Clone)]
pub struct Values(Vec<(&'static str, String)>);

impl Sender {
    /// Reads `PRODUCT_NAME` and `PUBLIC_URL`.
    pub fn from_env(env: &Environment) -> Option<Self> {
        let (product_name, public_url) = (env.product_name(), env.public_url());
        Some(Self {
            product_name: product_name?,
            public_url: public_url?,
        })
    }

    /// The link: see [`accept_url`].
    pub fn accept_url(&self, token: &InvitationToken) -> String {
        accept_url(&self.public_url, token)
    }

    /// What the invitation says to `user`, in the language of `locale`.
    pub fn values(&self, user: &User, token: &InvitationToken, locale: &Locale) -> Values {
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        Values(vec![
            ("accept_url", self.accept_url(token)),
            ("email", user.email.as_str().to_owned()),
            ("expires_on", in_words(user.expires_at, locale)),
            (
                "invitee_name",
                text(user.name.as_ref().map(|name| name.as_str())),
            ),
            (
                "inviter_name",
                text(user.invited_by.name.as_ref().map(|name| name.as_str())),
            ),
            (
                "message",
                text(user.message.as_ref().map(|message| message.as_str())).replace("\r\n", "\n"),
            ),
            ("product_name", self.product_name.clone()),
            // Nothing to print: templates ask whether it is there.
            (
                "reminder",
                match user.mail_kind() {
                    MailKind::Invitation => String::new(),
                    MailKind::Reminder => "1".to_owned(),
                },
            ),
        ])
    }
}

impl Values {
    /// Whether the variable has a value that is not empty.
    pub fn has(&self, name: &str) -> bool {
        self.0
            .iter()
            .any(|(known, value)| *known == name && !value.is_empty())
    }

    /// Which variables have a value: mails that agree in it can share a template.
    pub fn shape(&self) -> Vec<bool> {
        self.0.iter().map(|(_, value)| !value.is_empty()).collect()
    }

    /// SES's template data: each value as it is, and escaped for the HTML part.
    pub fn to_json(&self) -> Value {
        let plain = self
            .0
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone().into()));
        let html = self
            .0
            .iter()
            .map(|(name, value)| (format!("{name}{HTML_SUFFIX}"), escape(value).into()));
        Value::Object(plain.chain(html).collect::<Map<_, _>>())
    }
}

/// Escapes for HTML text and quoted attributes; a line break becomes one that is seen.
fn escape(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len() + 16);
    for c in value.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' => escaped.push_str("<br>"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use handlebars::{Handlebars, no_escape};
    use proptest::prelude::*;

    use super::*;
    use crate::{
        domain::{
            Group, Invitation, Inviter, Lifetime, LocaleSource, Message, Nonce, PersonName,
            TenantId, TokenKey, UserId,
        },
        mail::{Content, Templates},
    };

    fn user(
        name: Option<&str>,
        inviter: Option<&str>,
        message: Option<&str>,
    ) -> (User, InvitationToken) {
        let key = TokenKey::from_bytes([1; 32]);
        let now = "2026-11-23T14:05:00Z".parse().unwrap();
        let (tenant, id, nonce) = (
            TenantId::default(),
            UserId::new(now, [2; 16]),
            Nonce::new([3; 16]),
        );
        let person = |text: &str| PersonName::parse(text).unwrap();
        let invitation = Invitation {
            email: "ann@example.com".parse().unwrap(),
            name: name.map(person),
            locale: Locale::english(),
            locale_source: LocaleSource::English,
            groups: vec![Group::parse("staff").unwrap()],
            external_id: None,
            metadata: None,
            message: message.map(|text| Message::parse(text).unwrap()),
            lifetime: Lifetime::default(),
            redirect_url: None,
            notify: true,
            invited_by: Inviter {
                id: "adm".into(),
                name: inviter.map(person),
            },
            idempotency_key: None,
        };
        let user = invitation.into_user(tenant.clone(), now, id, nonce, &key);
        (user, key.issue(&tenant, id, nonce))
    }

    fn sender() -> Sender {
        Sender {
            product_name: "Acme & Sons".into(),
            public_url: "https://id.example.com/".parse().unwrap(),
        }
    }

    /// Renders as SES does: no escaping, and an error for a missing variable.
    fn render(locale: &str, user: &User, token: &InvitationToken) -> Content {
        let templates = Templates::built_in();
        let template = templates.get(&locale.parse().unwrap());
        let values = sender().values(user, token, template.locale());
        let content = template.content(|name| values.has(name));
        let mut ses = Handlebars::new();
        ses.set_strict_mode(true);
        ses.register_escape_fn(no_escape);
        let render = |part: &str| ses.render_template(part, &values.to_json()).unwrap();
        Content {
            subject: render(&content.subject),
            text: render(&content.text),
            html: render(&content.html),
        }
    }

    #[test]
    fn the_invitation_reads_well_in_every_language() {
        let (named, token) = user(
            Some("Ann <b>Berg</b>"),
            Some("Zoë Lee"),
            Some("Welcome!\nSee you <soon>."),
        );
        let (bare, bare_token) = user(None, None, None);
        for locale in ["en", "de", "ar"] {
            let full = render(locale, &named, &token);
            insta::assert_snapshot!(
                format!("{locale}_full_text"),
                format!("Subject: {}\n\n{}", full.subject, full.text)
            );
            insta::assert_snapshot!(format!("{locale}_full_html"), full.html);
            let bare = render(locale, &bare, &bare_token);
            insta::assert_snapshot!(
                format!("{locale}_bare_text"),
                format!("Subject: {}\n\n{}", bare.subject, bare.text)
            );
        }
    }

    proptest! {
        #[test]
        fn nothing_a_person_writes_becomes_markup(text in "[<>&\"'a-z {}\n]{0,40}") {
            let escaped = escape(&text).replace("<br>", "");
            let markup = ['<', '>', '"', '\''];
            prop_assert!(!escaped.contains(markup));
        }

        #[test]
        fn a_value_is_never_read_as_a_template(message in "[{}#/a-z]{1,40}") {
            let (user, token) = user(None, None, Some(&message));
            prop_assert!(render("en", &user, &token).text.contains(&message));
        }
    }
}
