//! `POST /v1/accept`: the person registers.

use lambda_http::Request;
use serde::{Deserialize, Serialize};
use url::Url;
use usher::{
    domain::{
        self, Group, LinkRefusal, Locale, LocaleSource, PersonName, RedirectUrl, StateName,
        TenantId, User, UserId,
    },
    http::{Answer, corrected, field, json, json_body, required_field},
    pool::withdraw,
    store::{Attempt, StoreError},
    tenant,
};

use crate::{
    Accept,
    account::{has_moved, keep_account, take_back},
    holder,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
struct AcceptBody {
    token: String,
    name: Option<String>,
    locale: Option<String>,
}

#[derive(Serialize)]
struct Registered<'a> {
    user: RegisteredUser<'a>,
    redirect_url: Option<&'a str>,
    sign_in_url: Option<&'a str>,
}

/// What a registered person sees of themselves: nothing that only administrators are to know.
#[derive(Serialize)]
struct RegisteredUser<'a> {
    id: UserId,
    email: &'a str,
    name: Option<&'a str>,
    locale: &'a Locale,
    state: StateName,
}

impl<'a> Registered<'a> {
    fn of(user: &'a User, sign_in_url: Option<&'a Url>) -> Self {
        Self {
            user: RegisteredUser {
                id: user.id,
                email: user.email.as_str(),
                name: user.name.as_ref().map(PersonName::as_str),
                locale: &user.locale,
                state: user.state.name(),
            },
            redirect_url: user.redirect_url.as_ref().map(RedirectUrl::as_str),
            sign_in_url: sign_in_url.map(Url::as_str),
        }
    }
}

pub(crate) async fn accept(state: &Accept, request: &Request) -> Answer {
    let body: AcceptBody = json_body(request)?;
    let name = required_field("name", body.name.unwrap_or_default(), |name| {
        PersonName::parse(&name)
    })?;
    let locale: Option<Locale> = field("locale", body.locale, |tag| tag.parse())?;
    let (user, token) = holder(state, &body.token).await?;
    let locale = match locale {
        Some(asked) => Some(choose(state, &user.tenant, asked).await?),
        None => None,
    };
    let accept = domain::Accept {
        token,
        now: state.clock.now(),
        name,
        locale,
        administrator: user.groups.iter().any(Group::is_administrators),
    };
    if let Some(refusal) = domain::Accept::refusal(token, accept.now, Some(&user)) {
        // An earlier try may have got no further than the pool, or the table. A wrong link finds out about neither.
        match refusal {
            LinkRefusal::AlreadyUsed => keep_account(state, &user, accept.now).await?,
            LinkRefusal::Revoked | LinkRefusal::Declined => {
                withdraw(state.pool.as_ref(), &state.store, user.id).await?;
            }
            LinkRefusal::Unknown | LinkRefusal::Expired => {}
        }
        return Err(state.link_problem(refusal));
    }
    if let Some(pool) = &state.pool {
        let registered = pool.register(&user, Some(&accept.name)).await;
        registered.map_err(|error| state.pool_problem(error))?;
    }
    match state.store.accept(&user, &accept).await? {
        Attempt::Done(user) => {
            keep_account(state, &user, accept.now).await?;
            json(&Registered::of(&user, state.sign_in_url.as_ref()))
        }
        Attempt::Refused(found) => {
            let found = found.as_deref();
            let refusal = domain::Accept::refusal(token, accept.now, found);
            take_back(state, user.id, found).await?;
            if refusal.is_none() || found.is_some_and(|found| has_moved(&user, found)) {
                withdraw(state.pool.as_ref(), &state.store, user.id).await?;
            }
            Err(refusal.map_or_else(corrected, |refusal| state.link_problem(refusal)))
        }
    }
}

/// What to remember of the language that a person has chosen.
async fn choose(
    state: &Accept,
    tenant: &TenantId,
    asked: Locale,
) -> Result<(Locale, LocaleSource), StoreError> {
    let templates = tenant::languages(&state.store, tenant, std::slice::from_ref(&asked)).await?;
    let default = [(&state.default_locale, LocaleSource::ExternalDefault)];
    Ok(templates.choose(Some((asked, LocaleSource::Invitee)), &default))
}
