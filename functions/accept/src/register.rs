//! `POST /v1/accept`: the person registers.

use lambda_http::Request;
use serde::{Deserialize, Serialize};
use url::Url;
use usher::{
    domain::{
        self, Group, LinkRefusal, Locale, LocaleSource, PersonName, RedirectUrl, StateName, User,
        UserId,
    },
    http::{Answer, Problem, corrected, field, json, json_body, required_field},
    mail::Templates,
    pool::withdraw,
    store::{Attempt, StoreError},
    tenant::{self, is_built_in},
};

use crate::{
    Accept,
    account::{has_moved, keep_account, take_back},
    claim, unknown,
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

/// Without an account to be made, and in a language that Usher comes with, this is one call: the write itself finds out whether
/// the link is good.
pub(crate) async fn accept(state: &Accept, request: &Request) -> Answer {
    let body: AcceptBody = json_body(request)?;
    let name = required_field("name", body.name.unwrap_or_default(), |name| {
        PersonName::parse(&name)
    })?;
    let asked: Option<Locale> = field("locale", body.locale, |tag| tag.parse())?;
    let (id, token) = claim(&body.token)?;
    let tenants_own = asked.as_ref().is_some_and(|asked| !is_built_in(asked));
    let user = if state.pool.is_some() || tenants_own {
        Some(state.store.user(id).await?.ok_or_else(unknown)?)
    } else {
        None
    };
    let accept = domain::Accept {
        token,
        now: state.clock.now(),
        name,
        locale: choose(state, user.as_ref(), asked).await?,
        administrator: (user.as_ref().filter(|_| state.pool.is_some()))
            .map(|user| user.groups.iter().any(Group::is_administrators)),
    };
    if let Some(user) = &user {
        make_account(state, user, &accept).await?;
    }
    match state.store.accept(id, &accept).await? {
        Attempt::Done(user) => {
            keep_account(state, &user, accept.now).await?;
            json(&Registered::of(&user, state.sign_in_url.as_ref()))
        }
        Attempt::Refused(found) => {
            let found = found.as_deref();
            let refusal = domain::Accept::refusal(token, accept.now, found);
            take_back(state, id, found).await?;
            let moved = |(user, found)| has_moved(user, found);
            if refusal.is_none() || user.as_ref().zip(found).is_some_and(moved) {
                withdraw(state.pool.as_ref(), &state.store, id).await?;
            }
            Err(refusal.map_or_else(corrected, |refusal| state.link_problem(refusal)))
        }
    }
}

/// Makes the account, where there is a pool, of whoever may use the link.
async fn make_account(state: &Accept, user: &User, accept: &domain::Accept) -> Result<(), Problem> {
    if let Some(refusal) = domain::Accept::refusal(accept.token, accept.now, Some(user)) {
        // An earlier try may have got no further than the pool, or the table. A wrong link finds out about neither.
        match refusal {
            LinkRefusal::AlreadyUsed => keep_account(state, user, accept.now).await?,
            LinkRefusal::Revoked | LinkRefusal::Declined => {
                withdraw(state.pool.as_ref(), &state.store, user.id).await?;
            }
            LinkRefusal::Unknown | LinkRefusal::Expired => {}
        }
        return Err(state.link_problem(refusal));
    }
    if let Some(pool) = &state.pool {
        let registered = pool.register(user, Some(&accept.name)).await;
        registered.map_err(|error| state.pool_problem(error))?;
    }
    Ok(())
}

/// What to remember of the language that a person has chosen.
async fn choose(
    state: &Accept,
    user: Option<&User>,
    asked: Option<Locale>,
) -> Result<Option<(Locale, LocaleSource)>, StoreError> {
    let Some(asked) = asked else {
        return Ok(None);
    };
    let templates = match user {
        Some(user) => {
            let wanted = std::slice::from_ref(&asked);
            tenant::languages(&state.store, &user.tenant, wanted).await?
        }
        None => Templates::built_in(),
    };
    let default = [(&state.default_locale, LocaleSource::ExternalDefault)];
    let asked = Some((asked, LocaleSource::Invitee));
    Ok(Some(templates.choose(asked, &default)))
}
