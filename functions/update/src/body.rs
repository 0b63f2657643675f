//! From what was sent to what is to be changed.

use lambda_http::Request;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use usher::{
    domain::{
        ChangeUser, DomainRules, EmailAddress, ExternalId, Group, Lifetime, Locale, LocaleSource,
        Metadata, NewAddress, Nonce, PersonName, UserId,
    },
    http::{Caller, Problem, field, json_body},
    tenant,
};

use crate::{
    Update,
    problem::{domain_not_allowed, invalid_email, nothing_to_change, only_with_email},
};

/// A field that is left out stays as it is. Where `null` means something, it is `Some(None)`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
struct Body {
    #[serde(default, deserialize_with = "given")]
    email: Option<String>,
    expires_in_days: Option<i64>,
    #[serde(default, deserialize_with = "given")]
    name: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    locale: Option<String>,
    #[serde(default, deserialize_with = "given")]
    groups: Option<Vec<String>>,
    #[serde(default, deserialize_with = "given")]
    external_id: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    metadata: Option<Option<Map<String, Value>>>,
}

/// Tells a field that is `null` from one that is left out.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(value: D) -> Result<Option<T>, D::Error> {
    T::deserialize(value).map(Some)
}

/// What the request is to change.
pub(crate) async fn change(
    state: &Update,
    request: &Request,
    caller: Caller,
    id: UserId,
) -> Result<ChangeUser, Problem> {
    let body: Body = json_body(request)?;
    let lifetime = field("expires_in_days", body.expires_in_days, Lifetime::days)?;
    if lifetime.is_some() && body.email.is_none() {
        return Err(only_with_email());
    }
    let locale: Option<Locale> = field("locale", body.locale, |tag| tag.parse())?;
    let settings = state.settings.of(&caller.tenant).await?;
    let templates = tenant::languages(&state.store, &caller.tenant, locale.as_slice()).await?;
    let nonce = Nonce::new(state.entropy.bytes());
    let new_address = |email| NewAddress {
        email,
        lifetime: lifetime.unwrap_or_else(|| settings.lifetime()),
        nonce,
        token: state.key.issue(&caller.tenant, id, nonce),
    };
    let rules = settings.domains(&state.allowed_domains);
    let email = body
        .email
        .map(|email| address(&rules, &email))
        .transpose()?;
    let change = ChangeUser {
        email: email.map(new_address),
        name: or_none("name", body.name, |name| PersonName::parse(&name))?,
        locale: locale.map(|asked| {
            let defaults = settings.locales(&state.default_locale);
            templates.choose(Some((asked, LocaleSource::Invitee)), &defaults)
        }),
        groups: field("groups", body.groups, |names| Group::parse_all(&names))?,
        external_id: or_none("external_id", body.external_id, |id| ExternalId::parse(&id))?,
        metadata: or_none("metadata", body.metadata, Metadata::new)?,
        now: state.clock.now(),
        appoints: caller.appoints,
        tenant: caller.tenant,
        by: caller.identity,
    };
    if change.is_empty() {
        return Err(nothing_to_change());
    }
    Ok(change)
}

fn address(rules: &DomainRules, email: &str) -> Result<EmailAddress, Problem> {
    let email = EmailAddress::parse(email).map_err(|error| invalid_email(&error))?;
    match rules.refusal(&email) {
        None => Ok(email),
        Some(why) => Err(domain_not_allowed(why)),
    }
}

/// A field that may be taken away.
fn or_none<V, T, E: std::fmt::Display>(
    name: &str,
    value: Option<Option<V>>,
    parse: impl FnOnce(V) -> Result<T, E>,
) -> Result<Option<Option<T>>, Problem> {
    match value {
        Some(value) => field(name, value, parse).map(Some),
        None => Ok(None),
    }
}
