//! What stands in a mail: pure, from a user and their token.

use serde_json::{Map, Value};
use url::Url;

use super::{Content, date::in_words, template::HTML_SUFFIX, untrusted};
use crate::domain::{
    Color, DeclineToken, EmailAddress, InvitationToken, Locale, LogoUrl, MailKind, PersonName,
    ProductName, Settings, User,
};

/// What all mails of a tenant have in common: who writes, how it looks, and where links lead.
#[derive(Clone, Debug)]
pub struct Letterhead {
    product_name: String,
    support_address: String,
    logo_url: String,
    color: Color,
    public_url: Url,
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

impl Letterhead {
    /// What a tenant has set, and what it has not as the stack was deployed.
    pub fn new(settings: &Settings, product_name: &ProductName, public_url: &Url) -> Self {
        let address = settings.support_address.as_ref();
        let logo = settings.logo_url.as_ref();
        Self {
            product_name: settings.product_name(product_name).as_str().to_owned(),
            support_address: address.map_or("", EmailAddress::as_str).to_owned(),
            logo_url: logo.map_or("", LogoUrl::as_str).to_owned(),
            color: settings.color(),
            public_url: public_url.clone(),
        }
    }

    /// The link with which a person says that this is not them. It leads to the page for invited people, which asks first.
    fn decline_url(&self, token: &DeclineToken) -> String {
        format!("{}/accept#{}", self.root(), token.secret())
    }

    /// Where a mail program posts to for a person who wants no more of this (RFC 8058). Who opens it comes to the page that
    /// asks first. The token is part of the path, as such posts have no body of ours; it can do nothing but decline.
    pub fn one_click_url(&self, token: &DeclineToken) -> String {
        format!("{}/v1/accept/decline/{}", self.root(), token.secret())
    }

    fn root(&self) -> &str {
        self.public_url.as_str().trim_end_matches('/')
    }

    /// What the mail says to `user`, in a template of the language `locale`, with dates as `dates` has them.
    pub fn values(
        &self,
        user: &User,
        token: &InvitationToken,
        locale: &Locale,
        dates: &Locale,
    ) -> Values {
        let name = |name: Option<&PersonName>| {
            let name = name.map(PersonName::as_str).unwrap_or_default();
            untrusted::isolated(&untrusted::disarmed(name), locale)
        };
        let message = user.message.as_ref().map(|message| message.as_str());
        let message = untrusted::in_order(message.unwrap_or_default());
        Values(vec![
            ("accept_url", accept_url(&self.public_url, token)),
            ("brand_color", self.color.to_string()),
            ("brand_color_dark", self.color.on_dark().to_string()),
            ("decline_url", self.decline_url(&token.decline())),
            ("email", untrusted::isolated(user.email.as_str(), locale)),
            ("expires_on", in_words(user.expires_at, dates)),
            ("invitee_name", name(user.name.as_ref())),
            ("inviter_name", name(user.invited_by.name.as_ref())),
            ("logo_url", self.logo_url.clone()),
            ("message", untrusted::disarmed(&message).into_owned()),
            (
                "product_name",
                untrusted::isolated(&self.product_name, locale),
            ),
            // Nothing to print: templates ask whether it is there.
            (
                "reminder",
                match user.mail_kind() {
                    MailKind::Invitation => String::new(),
                    MailKind::Reminder => "1".to_owned(),
                },
            ),
            ("support_address", self.support_address.clone()),
        ])
    }
}

impl Values {
    /// Whether the variable has a value that is not empty.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| !value.is_empty())
    }

    fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| value.as_str())
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
            .map(|(name, value)| (format!("{name}{HTML_SUFFIX}"), in_html(name, value).into()));
        Value::Object(plain.chain(html).collect::<Map<_, _>>())
    }
}

/// What SES makes of the content with these values: each variable is replaced by its value, and nothing else is touched. That
/// it is the same to the byte is what a test of the whole stack shows.
pub fn render(content: &Content, values: &Values) -> Content {
    let part = |text: &str, value: &dyn Fn(&str) -> Option<String>| {
        let mut out = String::with_capacity(text.len() * 2);
        let mut rest = text;
        while let Some((before, tag)) = rest.split_once("{{") {
            out.push_str(before);
            let (name, after) = tag.split_once("}}").unwrap_or((tag, ""));
            out.push_str(&value(name).unwrap_or_default());
            rest = after;
        }
        out.push_str(rest);
        out
    };
    let plain = |name: &str| values.get(name).map(ToOwned::to_owned);
    let html = |name: &str| {
        let name = name.strip_suffix(HTML_SUFFIX)?;
        values.get(name).map(|value| in_html(name, value))
    };
    Content {
        subject: part(&content.subject, &plain),
        text: part(&content.text, &plain),
        html: part(&content.html, &html),
    }
}

/// A value as it stands in the HTML. An address may be part of a link there, where whatever keeps it apart from the sentence
/// would be part of the address; in the sentence `<bdi>` does that.
fn in_html(name: &str, value: &str) -> String {
    match name {
        "email" => escape(value.trim_matches(untrusted::ISOLATES)),
        _ => escape(value),
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
            TemplateSource, TenantId, TokenKey, UserId,
        },
        mail::{Template, Templates, VARIABLES, template::longest},
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
            locale_source: LocaleSource::Fallback,
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

    /// The letterhead of a tenant that has set nothing, or a logo and an address to ask.
    fn letterhead(logo: bool, support: bool) -> Letterhead {
        let product = ProductName::parse("Acme & Sons").unwrap();
        let public_url = "https://id.example.com/".parse().unwrap();
        let settings = Settings {
            logo_url: logo.then(|| LogoUrl::parse(LOGO).unwrap()),
            support_address: support.then(|| SUPPORT.parse().unwrap()),
            ..Settings::default()
        };
        Letterhead::new(&settings, &product, &public_url)
    }

    const LOGO: &str = "https://acme.example/logo.png";
    const SUPPORT: &str = "help@acme.example";

    /// Renders as SES does: no escaping, and an error for a missing variable.
    fn rendered(
        letterhead: &Letterhead,
        template: &Template,
        user: &User,
        token: &InvitationToken,
    ) -> Content {
        let values = letterhead.values(user, token, template.locale(), template.locale());
        let content = template.content(|name| values.has(name));
        let mut ses = Handlebars::new();
        ses.set_strict_mode(true);
        ses.register_escape_fn(no_escape);
        let by_ses = |part: &str| ses.render_template(part, &values.to_json()).unwrap();
        let by_ses = Content {
            subject: by_ses(&content.subject),
            text: by_ses(&content.text),
            html: by_ses(&content.html),
        };
        assert_eq!(render(&content, &values), by_ses);
        by_ses
    }

    #[test]
    fn the_invitation_reads_well_in_every_language() {
        let (named, token) = user(
            Some("Ann <b>Berg</b>"),
            Some("Zoë Lee"),
            Some("Welcome!\nSee you <soon>."),
        );
        let (bare, bare_token) = user(None, None, None);
        let reminded = User {
            reminders: 1,
            ..named.clone()
        };
        let (nothing, everything) = (letterhead(false, false), letterhead(true, true));
        let templates = Templates::built_in();
        for locale in templates.locales() {
            let template = templates.get(locale).unwrap();
            let full = rendered(&nothing, &template, &named, &token);
            let bare = rendered(&nothing, &template, &bare, &bare_token);
            let all = rendered(&everything, &template, &reminded, &token);
            for (what, mail) in [("full", &full), ("bare", &bare), ("reminder", &all)] {
                insta::assert_snapshot!(
                    format!("{locale}_{what}_text"),
                    format!("Subject: {}\n\n{}", mail.subject, mail.text)
                );
            }
            // One layout: what differs is words, which are in the texts, and where lines begin.
            if ["en", "ar"].contains(&locale.to_string().as_str()) {
                insta::assert_snapshot!(format!("{locale}_full_html"), full.html);
                insta::assert_snapshot!(format!("{locale}_reminder_html"), all.html);
            }
        }
    }

    /// What of a mail may be there or not.
    const OPTIONAL: [&str; 5] = ["Ann Berg", "Zoë Lee", "See you there", SUPPORT, LOGO];

    /// The sentence of a reminder, in the language.
    fn reminder(template: &Template) -> String {
        let with = template.content(|name| name == "reminder").text;
        let without = template.content(|_| false).text;
        let added = with.lines().filter(|line| !without.contains(line));
        added.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn every_language_says_everything_that_there_is_and_nothing_that_there_is_not() {
        let templates = Templates::built_in();
        for locale in templates.locales() {
            let template = templates.get(locale).unwrap();
            let reminds = reminder(&template);
            assert!(
                !reminds.is_empty() && !reminds.contains('\n'),
                "{locale}: {reminds}"
            );
            for bits in 0..64_u8 {
                let there = |nth: usize| bits & (1 << nth) != 0;
                let value = |nth: usize| there(nth).then_some(OPTIONAL[nth]);
                let (mut user, token) = user(value(0), value(1), value(2));
                user.reminders = u8::from(there(5));
                let letterhead = letterhead(there(4), there(3));
                let mail = rendered(&letterhead, &template, &user, &token);
                let html = mail.html.replace("&#39;", "'");
                for part in [&mail.subject, &mail.text, &html] {
                    for left in ["{{", "}}", "[[", "]]", "\n\n\n\n"] {
                        assert!(
                            !part.contains(left),
                            "{locale} {bits:06b}: {left:?} in {part}"
                        );
                    }
                }
                for (nth, said) in OPTIONAL.iter().chain([&&*reminds]).enumerate() {
                    // A logo is a picture, which no text has.
                    let in_text = there(nth) && *said != LOGO;
                    for (part, expected) in [(&mail.text, in_text), (&html, there(nth))] {
                        assert_eq!(
                            part.contains(said),
                            expected,
                            "{locale} {bits:06b}: {said} in {part}"
                        );
                    }
                }
                for there in [
                    "Acme & Sons".to_owned(),
                    "ann@example.com".to_owned(),
                    "2026".to_owned(),
                    accept_url(&letterhead.public_url, &token),
                    letterhead.decline_url(&token.decline()),
                ] {
                    assert!(
                        mail.text.contains(&there),
                        "{locale}: no {there} in the text"
                    );
                    let there = escape(&there);
                    assert!(
                        mail.html.contains(&there),
                        "{locale}: no {there} in the HTML"
                    );
                }
                let direction = if locale.is_right_to_left() {
                    "rtl"
                } else {
                    "ltr"
                };
                let html = format!("<html lang=\"{locale}\" dir=\"{direction}\"");
                assert!(mail.html.contains(&html), "{locale}");
                assert_eq!(mail.subject.lines().count(), 1, "{locale}");
                assert!(mail.html.len() < 40_000, "{locale}: {}", mail.html.len());
            }
        }
    }

    #[test]
    fn a_logo_keeps_its_shape() {
        let (user, token) = user(None, None, None);
        let english = Templates::built_in().get(&Locale::english()).unwrap();
        let html = rendered(&letterhead(true, false), &english, &user, &token).html;
        let (_, logo) = html.split_once("<img class=\"logo\"").unwrap();
        let (logo, _) = logo.split_once('>').unwrap();
        let (_, style) = logo.split_once("style=\"").unwrap();
        let sizes: Vec<_> = style
            .split("; ")
            .filter(|one| one.contains("width") || one.split(':').next() == Some("height"))
            .collect();
        // Neither is fixed, so the limits take from both alike.
        assert_eq!(sizes, ["width:auto", "height:auto", "max-width:240px"]);
        assert!(style.contains("max-height:40px"));
        // Outlook knows no limits.
        assert!(logo.contains(" height=\"40\" ") && html.contains(".logo { height: 40px"));
    }

    #[test]
    fn an_address_is_kept_apart_in_text_and_is_itself_in_a_link() {
        let hebrew: Locale = "he".parse().unwrap();
        let source = TemplateSource {
            subject: "{{email}}".to_owned(),
            text: "{{email}}".to_owned(),
            html: "<a href=\"https://acme.example/?for={{email}}\">".to_owned(),
        };
        let template = Template::parse(&hebrew, &source).unwrap();
        let (user, token) = user(None, None, None);
        let mail = rendered(&letterhead(false, false), &template, &user, &token);
        assert_eq!(mail.subject, "\u{2068}ann@example.com\u{2069}");
        assert_eq!(mail.text, "\u{2068}ann@example.com\u{2069}");
        let link = "<a href=\"https://acme.example/?for=ann@example.com\">";
        assert_eq!(mail.html, link);
    }

    #[test]
    fn no_value_is_longer_than_templates_are_checked_for() {
        let long = |text: &str, times: usize| text.repeat(times);
        let address = |local: &str| {
            format!("{local}@{}example", "b.".repeat(90))
                .parse()
                .unwrap()
        };
        let (mut user, token) = user(
            Some(&long("\"", 100)),
            Some(&long("ש.", 50)),
            Some(&long("\"", 1000)),
        );
        user.email = address(&long("'", 64));
        let settings = Settings {
            product_name: Some(ProductName::parse(&long("\"", 100)).unwrap()),
            support_address: Some(address(&long("&", 64))),
            logo_url: Some(
                LogoUrl::parse(&format!("https://x.example/?{}", long("&", 1981))).unwrap(),
            ),
            ..Settings::default()
        };
        let public_url = format!("https://{}example/", "b.".repeat(120));
        let product = ProductName::parse("Acme").unwrap();
        let letterhead = Letterhead::new(&settings, &product, &public_url.parse().unwrap());
        for variable in VARIABLES {
            let hebrew = "he".parse().unwrap();
            let data = letterhead.values(&user, &token, &hebrew, &hebrew).to_json();
            for name in [
                variable.name.to_owned(),
                format!("{}{HTML_SUFFIX}", variable.name),
            ] {
                let bytes = data[&name].as_str().unwrap().len();
                assert!(bytes <= longest(&variable), "{name}: {bytes}");
            }
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
            let english = Templates::built_in().get(&Locale::english()).unwrap();
            let mail = rendered(&letterhead(false, false), &english, &user, &token);
            prop_assert!(mail.text.contains(&message));
        }
    }
}
