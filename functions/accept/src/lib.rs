//! The public routes, for whoever holds a link: `POST /v1/accept` registers, `/v1/accept/lookup` shows the
//! invitation, `/v1/accept/decline` turns it down, `/v1/accept/renew` asks for a fresh link. Mail programs turn it down with
//! `POST /v1/accept/decline/{token}`.
//!
//! All of them are POSTs with the token in the body, so that neither a mail scanner's GET nor a log ever matters.

mod problem;

use jiff::Timestamp;
use lambda_http::{Body, Request, RequestExt};
use serde::{Deserialize, Serialize};
use url::Url;
use usher::{
    clock::{Clock, Entropy},
    config::{ConfigError, Environment},
    domain::{
        self, DeclineToken, Group, InvitationToken, LinkRefusal, Locale, LocaleSource, Message,
        Nonce, PersonName, ProductName, RedirectUrl, StateName, TenantId, TokenHash, User, UserId,
    },
    function::WarmUp,
    http::{Answer, Problem, corrected, field, json, json_body, required_field},
    pool::{AccountInDoubt, PoolError, UserPool, keep, warm_up, withdraw},
    store::{Attempt, Store, StoreError},
    tenant,
};

use crate::problem::{link_problem, renew_problem};

/// What the function works with. It has no key: a link is checked by its hash.
#[derive(Debug)]
pub struct Accept {
    store: Store,
    product_name: ProductName,
    default_locale: Locale,
    pool: Option<UserPool>,
    sign_in_url: Option<Url>,
    clock: Clock,
    entropy: Entropy,
}

impl Accept {
    /// Reads `TABLE_NAME`, `PRODUCT_NAME`, `DEFAULT_LOCALE`, `USER_POOL_ID` and `SIGN_IN_URL`.
    pub fn new(env: &Environment, clock: Clock, entropy: Entropy) -> Result<Self, ConfigError> {
        let (store, product_name) = (Store::from_env(env), env.product_name());
        let (default_locale, sign_in_url) = (env.default_locale(), env.sign_in_url());
        let pool = UserPool::from_env(env);
        env.finish((|| {
            let (store, product_name) = (store?, product_name?);
            Some(Self {
                store,
                product_name,
                default_locale,
                pool,
                sign_in_url,
                clock,
                entropy,
            })
        })())
    }
}

impl Accept {
    /// What the holder of a link is told. Only who holds the current one is told where to sign in.
    fn link_problem(&self, refusal: LinkRefusal) -> Problem {
        let problem = link_problem(refusal);
        match refusal {
            LinkRefusal::AlreadyUsed | LinkRefusal::Revoked | LinkRefusal::Declined => {
                self.with_sign_in(problem)
            }
            LinkRefusal::Unknown | LinkRefusal::Expired => problem,
        }
    }

    fn pool_problem(&self, error: impl Into<AccountInDoubt>) -> Problem {
        let error = error.into();
        let taken = matches!(error, AccountInDoubt::Pool(PoolError::AddressTaken));
        let problem = error.into();
        if taken {
            self.with_sign_in(problem)
        } else {
            problem
        }
    }

    /// With where to sign in: the person may have an account.
    fn with_sign_in(&self, problem: Problem) -> Problem {
        match &self.sign_in_url {
            Some(url) => problem.with("sign_in_url", url),
            None => problem,
        }
    }
}

impl WarmUp for Accept {
    async fn warm_up(&self) -> Result<(), lambda_http::Error> {
        let (table, pool) = tokio::join!(self.store.warm_up(), warm_up(self.pool.as_ref()));
        table?;
        Ok(pool?)
    }
}

/// Answers the route that the path ends with.
pub async fn handle(state: &Accept, request: &Request) -> Answer {
    let parameters = request.path_parameters_ref();
    if let Some(token) = parameters.and_then(|parameters| parameters.first("token")) {
        return decline_with_one_click(state, request, token).await;
    }
    match request.raw_http_path().rsplit('/').next() {
        Some("lookup") => lookup(state, request).await,
        Some("decline") => decline(state, request).await,
        Some("renew") => renew(state, request).await,
        _ => accept(state, request).await,
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
struct LinkBody {
    token: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
struct AcceptBody {
    token: String,
    name: Option<String>,
    locale: Option<String>,
}

/// What the invited person sees of the invitation.
#[derive(Serialize)]
struct InvitationView<'a> {
    email: &'a str,
    name: Option<&'a str>,
    locale: &'a Locale,
    /// In which the page speaks if it has nothing in the invitation's.
    default_locale: &'a Locale,
    inviter: InviterView<'a>,
    product_name: &'a str,
    message: Option<&'a str>,
    expires_at: String,
    redirect_url: Option<&'a str>,
}

#[derive(Serialize)]
struct InviterView<'a> {
    name: Option<&'a str>,
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

#[derive(Serialize)]
struct Outcome {
    outcome: &'static str,
}

async fn lookup(state: &Accept, request: &Request) -> Answer {
    let body: LinkBody = json_body(request)?;
    if body.token.trim().parse::<DeclineToken>().is_ok() {
        return look_up_to_decline(state, &body.token).await;
    }
    let (user, token) = holder(state, &body.token).await?;
    if let Some(refusal) = domain::Accept::refusal(token, state.clock.now(), Some(&user)) {
        return Err(state.link_problem(refusal));
    }
    let settings = tenant::settings(&state.store, &user.tenant).await?;
    json(&InvitationView {
        email: user.email.as_str(),
        name: user.name.as_ref().map(PersonName::as_str),
        locale: &user.locale,
        default_locale: settings.locales(&state.default_locale)[0].0,
        inviter: InviterView {
            name: user.invited_by.name.as_ref().map(PersonName::as_str),
        },
        product_name: settings.product_name(&state.product_name).as_str(),
        message: user.message.as_ref().map(Message::as_str),
        expires_at: format!("{:.3}", user.expires_at),
        redirect_url: user.redirect_url.as_ref().map(RedirectUrl::as_str),
    })
}

/// What whoever may decline, and nothing else, has to know for it: such a link goes through more hands.
async fn look_up_to_decline(state: &Accept, token: &str) -> Answer {
    let (user, token) = decliner(state, token).await?;
    let decline = domain::Decline {
        token,
        now: state.clock.now(),
    };
    if let Some(refusal) = decline.refusal(Some(&user)) {
        return Err(state.link_problem(refusal));
    }
    let settings = tenant::settings(&state.store, &user.tenant).await?;
    json(&InvitationView {
        email: user.email.as_str(),
        name: None,
        locale: &user.locale,
        default_locale: settings.locales(&state.default_locale)[0].0,
        inviter: InviterView { name: None },
        product_name: settings.product_name(&state.product_name).as_str(),
        message: None,
        expires_at: format!("{:.3}", user.expires_at),
        redirect_url: None,
    })
}

async fn accept(state: &Accept, request: &Request) -> Answer {
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

async fn keep_account(state: &Accept, user: &User, now: Timestamp) -> Result<(), Problem> {
    let kept = keep(state.pool.as_ref(), &state.store, user, now).await;
    kept.map_err(|error| state.pool_problem(error))
}

/// If the invitation has ended, there must be no account, not even one that a broken-off try has made. If another accept
/// of the same link was faster, it is theirs; a link that was replaced leaves it to whoever accepts with the newer one.
async fn take_back(state: &Accept, id: UserId, found: Option<&User>) -> Result<(), Problem> {
    let ended = found
        .is_none_or(|user| matches!(user.state.name(), StateName::Revoked | StateName::Declined));
    if ended {
        withdraw(state.pool.as_ref(), &state.store, id).await?;
    }
    Ok(())
}

/// Whether the address was corrected while its old one's link was followed: the account that was made for whoever has that
/// must not be the new one's. Nor must one that made an administrator, or did not, stay if that was corrected meanwhile.
fn has_moved(user: &User, found: &User) -> bool {
    found.email.key() != user.email.key() && found.state.name() != StateName::Accepted
}

async fn decline(state: &Accept, request: &Request) -> Answer {
    let body: LinkBody = json_body(request)?;
    match decline_by(state, &body.token).await? {
        None => json(&DECLINED),
        Some(refusal) => Err(state.link_problem(refusal)),
    }
}

const DECLINED: Outcome = Outcome {
    outcome: "declined",
};

/// What a mail program posts when its user wants no more of this (RFC 8058). It may come twice. A scanner that posts whatever
/// it finds does not say these words.
async fn decline_with_one_click(state: &Accept, request: &Request, token: &str) -> Answer {
    let body = match request.body() {
        Body::Text(text) => text.as_bytes(),
        Body::Binary(bytes) => bytes,
        _ => &[],
    };
    let body = String::from_utf8_lossy(body);
    if !(body.contains("List-Unsubscribe") && body.contains("One-Click")) {
        return Err(Problem::bad_request(
            "invalid_body",
            "The body is not what mail programs post to unsubscribe: List-Unsubscribe=One-Click.",
            "Open the link in the mail to decline.",
        ));
    }
    match decline_by(state, token).await? {
        None | Some(LinkRefusal::Declined) => json(&DECLINED),
        Some(refusal) => Err(state.link_problem(refusal)),
    }
}

/// Declines with either token; says why not, if it can't be.
async fn decline_by(state: &Accept, token: &str) -> Result<Option<LinkRefusal>, Problem> {
    let (user, token) = decliner(state, token).await?;
    let decline = domain::Decline {
        token,
        now: state.clock.now(),
    };
    match state.store.decline(&user, &decline).await? {
        Attempt::Done(user) => {
            take_back(state, user.id, Some(&user)).await?;
            Ok(None)
        }
        Attempt::Refused(found) => {
            let refusal = decline.refusal(found.as_deref());
            // An earlier try may have got no further than the table.
            if refusal == Some(LinkRefusal::Declined) {
                withdraw(state.pool.as_ref(), &state.store, user.id).await?;
            }
            refusal.map(Some).ok_or_else(corrected)
        }
    }
}

async fn renew(state: &Accept, request: &Request) -> Answer {
    let body: LinkBody = json_body(request)?;
    let (user, token) = holder(state, &body.token).await?;
    let settings = tenant::settings(&state.store, &user.tenant).await?;
    let renew = domain::Renew {
        token,
        lifetime: settings.lifetime(),
        now: state.clock.now(),
        nonce: Nonce::new(state.entropy.bytes()),
    };
    match state.store.renew(&user, &renew).await? {
        Attempt::Done(_) => json(&Outcome { outcome: "renewed" }),
        Attempt::Refused(found) => Err(renew
            .refusal(found.as_deref())
            .map_or_else(corrected, |refusal| {
                renew_problem(state, refusal, renew.now)
            })),
    }
}

/// The user whom the token claims to be for. Whether the token is genuine is yet to be asked, with its hash.
async fn holder(state: &Accept, token: &str) -> Result<(User, TokenHash), Problem> {
    let token: InvitationToken = token.trim().parse().map_err(|_| unknown())?;
    held(state, token.user_id(), token.hash()).await
}

/// The same, by either of the tokens with which people decline.
async fn decliner(state: &Accept, token: &str) -> Result<(User, TokenHash), Problem> {
    match token.trim().parse::<DeclineToken>() {
        Ok(token) => held(state, token.user_id(), token.hash()).await,
        Err(_) => holder(state, token).await,
    }
}

async fn held(state: &Accept, id: UserId, token: TokenHash) -> Result<(User, TokenHash), Problem> {
    let user = state.store.user(id).await?.ok_or_else(unknown)?;
    Ok((user, token))
}

fn unknown() -> Problem {
    link_problem(LinkRefusal::Unknown)
}
