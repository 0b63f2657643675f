//! `GET|PUT /v1/settings`: what a tenant decides of how its people are invited.

use jiff::Timestamp;
use lambda_http::{Request, http::Method};
use serde::{Deserialize, Serialize};
use usher::{
    domain::{
        Color, DomainList, EmailAddress, Inviter, Lifetime, Locale, LogoUrl, Origins, PersonName,
        ProductName, Reminders, Settings as Own,
    },
    http::{Answer, Caller, Problem, Scope, check_parameters, field, json, json_body},
    mail::{Templates, may_send},
    store::{Decided, DecisionWritten},
};

use crate::{
    Settings,
    versions::{changed_meanwhile, expected, with_version},
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
}

/// What was set, and what holds.
#[derive(Serialize)]
struct View<'a> {
    version: u64,
    changed_at: Option<String>,
    changed_by: Option<&'a Inviter>,
    settings: &'a Own,
    defaults: Own,
}

pub(crate) async fn handle(state: &Settings, request: &Request) -> Answer {
    let caller = state.sign_in.caller(request, Scope::SettingsWrite)?;
    check_parameters(request, &[])?;
    if request.method() == Method::PUT {
        return change(state, request, caller).await;
    }
    let found = state.store.settings(&caller.tenant).await?;
    show(state, found.as_ref())
}

async fn change(state: &Settings, request: &Request, caller: Caller) -> Answer {
    let expected = expected(request)?;
    let settings = read(state, &caller, json_body(request)?).await?;
    let now: Timestamp = state.clock.now();
    let written = state
        .store
        .put_settings(&caller.tenant, settings, expected, (caller.identity, now))
        .await?;
    match written {
        DecisionWritten::Done(found) => show(state, found.as_ref()),
        DecisionWritten::Refused(found) => {
            Err(changed_meanwhile(found.map_or(0, |found| found.version)))
        }
    }
}

/// The settings, each checked. The first that is wrong is named.
async fn read(state: &Settings, caller: &Caller, body: Body) -> Result<Own, Problem> {
    let address = |name, text| field(name, text, |text: String| EmailAddress::parse(&text));
    let sender_address = field("sender_address", body.sender_address, |text| {
        let address = EmailAddress::parse(&text).map_err(|error| error.to_string())?;
        let identity = state.doctor.identity();
        if may_send(identity, &address) {
            Ok(address)
        } else {
            Err(format!(
                "must be an address of {identity}, for which SES lets this stack send"
            ))
        }
    })?;
    let own = state.store.decisions(&caller.tenant).await?.templates;
    let mut available = Templates::built_in().locales().to_vec();
    available.extend(own.into_iter().map(|template| template.value.locale));
    let default_locale = field("default_locale", body.default_locale, |tag| {
        let locale: Locale = tag.parse().map_err(|_| LOCALE.to_owned())?;
        match locale.nearest(&available) {
            Some(_) => Ok(locale),
            None => Err(format!(
                "must be a language that there are mails in: {}, or one with a template of your own",
                available.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
            )),
        }
    })?;
    Ok(Own {
        product_name: field("product_name", body.product_name, |name| ProductName::parse(&name))?,
        sender_name: field("sender_name", body.sender_name, |name| PersonName::parse(&name))?,
        sender_address,
        reply_to: address("reply_to", body.reply_to)?,
        support_address: address("support_address", body.support_address)?,
        logo_url: field("logo_url", body.logo_url, |url| LogoUrl::parse(&url))?,
        brand_color: field("brand_color", body.brand_color, |color| color.parse::<Color>())?,
        default_locale,
        expires_in_days: field("expires_in_days", body.expires_in_days, Lifetime::days)?,
        reminder_days: field("reminder_days", body.reminder_days, Reminders::try_from)?,
        allowed_domains: field("allowed_domains", body.allowed_domains, DomainList::parse_all)?,
        blocked_domains: field("blocked_domains", body.blocked_domains, DomainList::parse_all)?,
        redirect_origins: field("redirect_origins", body.redirect_origins, |origins| {
            Origins::parse_all(&origins)
        })?,
    })
}

const LOCALE: &str = "must be a BCP 47 language tag like en, de or pt-BR";

fn show(state: &Settings, found: Option<&Decided<Own>>) -> Answer {
    let nothing = Own::default();
    let settings = found.map_or(&nothing, |found| &found.value);
    let version = found.map_or(0, |found| found.version);
    let view = View {
        version,
        changed_at: found.map(|found| format!("{:.3}", found.changed_at)),
        changed_by: found.map(|found| &found.changed_by),
        settings,
        defaults: state.defaults.as_settings(),
    };
    with_version(json(&view), version)
}
