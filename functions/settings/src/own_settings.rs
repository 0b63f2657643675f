//! `GET|PUT /v1/settings`: what a tenant decides of how its people are invited.

use lambda_http::Request;
use serde::{Deserialize, Serialize};
use usher::{
    domain::{
        Color, DailyCap, DomainList, EmailAddress, Lifetime, Locale, LogoUrl, Origins, PersonName,
        ProductName, Reminders, Settings,
    },
    function::introduce,
    http::{Answer, Caller, Problem, check_parameters, field, json_body, required_field},
    mail::{Templates, may_send},
    store::{DecisionWritten, Standing},
};

use crate::{
    Deciding,
    versions::{self, Version, changed_meanwhile, expected},
};

/// All settings, each as it was set: what is left out, or null, is as the stack was deployed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
struct Body {
    product_name: Option<String>,
    sender_name: Option<String>,
    sender_address: Option<String>,
    reply_to: Option<String>,
    support_address: Option<String>,
    logo_url: Option<String>,
    brand_color: Option<String>,
    default_locale: Option<String>,
    expires_in_days: Option<i64>,
    reminder_days: Option<Vec<i64>>,
    allowed_domains: Option<Vec<String>>,
    blocked_domains: Option<Vec<String>>,
    redirect_origins: Option<Vec<String>>,
    daily_invitations: Option<i64>,
}

/// What was set, and what holds where nothing was.
#[derive(Serialize)]
struct View<'a> {
    #[serde(flatten)]
    version: Version<'a>,
    /// There are settings that can't be read: they are shown as if there were none, and can be written over.
    unreadable: bool,
    settings: &'a Settings,
    defaults: Settings,
    sender_identity: &'a str,
    locales: &'a [Locale],
}

pub(crate) async fn show(state: &Deciding, request: &Request, caller: &Caller) -> Answer {
    check_parameters(request, &[])?;
    let (found, own) = tokio::join!(
        state.store.standing_settings(&caller.tenant),
        state.store.template_locales(&caller.tenant)
    );
    answer(state, &found?, &Templates::with_locales(own?))
}

pub(crate) async fn change(state: &Deciding, request: &Request, mut caller: Caller) -> Answer {
    check_parameters(request, &[])?;
    let expected = expected(request)?;
    let (own, before) = tokio::join!(
        state.store.template_locales(&caller.tenant),
        state.store.standing_settings(&caller.tenant)
    );
    let (templates, before) = (Templates::with_locales(own?), before?);
    let before = before
        .value()
        .and_then(|before| before.default_locale.clone());
    let settings = read(state, &templates, before.as_ref(), json_body(request)?)?;
    introduce(&state.store, &mut caller).await?;
    let by = (caller.identity, state.clock.now());
    let written = state
        .store
        .put_settings(&caller.tenant, settings, expected, by)
        .await?;
    match written {
        DecisionWritten::Done(written) => {
            // Until everybody who has read the earlier ones a moment ago has forgotten them.
            tokio::time::sleep(state.settings_kept_for).await;
            answer(state, &written, &templates)
        }
        DecisionWritten::Refused(found) => Err(changed_meanwhile(&found)),
    }
}

/// The settings, each checked. The first that is wrong is named. A default language that was there `before` may stay, whatever
/// has become of its mail.
fn read(
    state: &Deciding,
    templates: &Templates,
    before: Option<&Locale>,
    body: Body,
) -> Result<Settings, Problem> {
    let address = |name, text| field(name, text, |text: String| address(&text));
    let settings = Settings {
        product_name: field("product_name", body.product_name, |name| {
            ProductName::parse(&name)
        })?,
        sender_name: field("sender_name", body.sender_name, |name| {
            PersonName::parse(&name)
        })?,
        sender_address: field("sender_address", body.sender_address, |text| {
            sender_address(state, &text)
        })?,
        reply_to: address("reply_to", body.reply_to)?,
        support_address: address("support_address", body.support_address)?,
        logo_url: field("logo_url", body.logo_url, |url| LogoUrl::parse(&url))?,
        brand_color: field("brand_color", body.brand_color, |color| {
            color.parse::<Color>()
        })?,
        default_locale: field("default_locale", body.default_locale, |tag| {
            default_locale(templates, before, &tag)
        })?,
        expires_in_days: field("expires_in_days", body.expires_in_days, Lifetime::days)?,
        reminder_days: field("reminder_days", body.reminder_days, Reminders::try_from)?,
        allowed_domains: field(
            "allowed_domains",
            body.allowed_domains,
            DomainList::parse_all,
        )?,
        blocked_domains: field(
            "blocked_domains",
            body.blocked_domains,
            DomainList::parse_all,
        )?,
        redirect_origins: field("redirect_origins", body.redirect_origins, |origins| {
            Origins::parse_all(&origins)
        })?,
        daily_invitations: field("daily_invitations", body.daily_invitations, DailyCap::new)?,
    };
    if let Some((name, why)) = settings.contradiction() {
        required_field(name, (), |()| Err(why))?;
    }
    Ok(settings)
}

fn address(text: &str) -> Result<EmailAddress, &'static str> {
    EmailAddress::parse(text).map_err(|_| "must be an e-mail address like name@example.com")
}

fn sender_address(state: &Deciding, text: &str) -> Result<EmailAddress, String> {
    let address = address(text)?;
    let identity = state.doctor.identity();
    if may_send(identity, &address) {
        Ok(address)
    } else if identity.contains('@') {
        Err(format!(
            "must be {identity}, the only address that SES lets this stack send from"
        ))
    } else {
        Err(format!(
            "must be an address at {identity}, or at a domain below it: SES lets this stack send from no other"
        ))
    }
}

fn default_locale(
    templates: &Templates,
    before: Option<&Locale>,
    tag: &str,
) -> Result<Locale, String> {
    let locale: Locale = tag
        .parse()
        .map_err(|error: usher::domain::LocaleError| error.to_string())?;
    if before == Some(&locale) || locale.nearest(templates.locales()).is_some() {
        return Ok(locale);
    }
    let known: Vec<_> = templates.locales().iter().map(Locale::to_string).collect();
    Err(format!(
        "must be a language that there are mails in: {}; or one that you have written a template in",
        known.join(", ")
    ))
}

fn answer(state: &Deciding, found: &Standing<Settings>, templates: &Templates) -> Answer {
    let nothing = Settings::default();
    let view = View {
        version: Version::of(found),
        unreadable: found.is_unreadable(),
        settings: found.value().unwrap_or(&nothing),
        defaults: defaults(state),
        sender_identity: state.doctor.identity(),
        locales: templates.locales(),
    };
    versions::answer(&view, found)
}

/// What holds where nothing was set, as a tenant would have set it.
fn defaults(state: &Deciding) -> Settings {
    let (sender_name, sender_address) = state.mail.from.deployed();
    Settings {
        product_name: Some(state.mail.product_name.clone()),
        sender_name: sender_name.cloned(),
        sender_address: Some(sender_address.clone()),
        brand_color: Some(Color::USHER),
        default_locale: Some(state.mail.locale.clone()),
        expires_in_days: Some(Lifetime::default()),
        reminder_days: Some(state.reminders.clone()),
        allowed_domains: Some(state.allowed_domains.clone()),
        blocked_domains: Some(DomainList::default()),
        redirect_origins: Some(state.origins.clone()),
        ..Settings::default()
    }
}
