//! The public routes, for whoever holds a link: `POST /v1/accept` registers, `/v1/accept/lookup` shows the
//! invitation, `/v1/accept/decline` turns it down, `/v1/accept/renew` asks for a fresh link. Mail programs turn it down with
//! `POST /v1/accept/decline/{token}`.
//!
//! All of them are POSTs with the token in the body, so that neither a mail scanner's GET nor a log ever matters.

mod account;
mod decline;
mod lookup;
mod problem;
mod register;
mod renew;

use lambda_http::{Request, RequestExt};
use serde::{Deserialize, Serialize};
use url::Url;
use usher::{
    clock::{Clock, Entropy},
    config::{ConfigError, Environment},
    domain::{
        DeclineToken, InvitationToken, LinkRefusal, Locale, ProductName, TokenHash, User, UserId,
    },
    function::WarmUp,
    http::{Answer, Problem},
    pool::{AccountInDoubt, PoolError, UserPool, warm_up},
    store::Store,
    tenant::TenantSettings,
};

use crate::problem::link_problem;

/// What the function works with. It has no key: a link is checked by its hash.
#[derive(Debug)]
pub struct Accept {
    store: Store,
    settings: TenantSettings,
    product_name: ProductName,
    default_locale: Locale,
    pool: Option<UserPool>,
    sign_in_url: Option<Url>,
    clock: Clock,
    entropy: Entropy,
}

impl Accept {
    /// Reads `TABLE_NAME`, `PRODUCT_NAME`, `DEFAULT_LOCALE`, `USER_POOL_ID`, `SIGN_IN_URL` and
    /// `SETTINGS_SECONDS`.
    pub fn new(env: &Environment, clock: Clock, entropy: Entropy) -> Result<Self, ConfigError> {
        let (store, product_name) = (Store::from_env(env), env.product_name());
        let (default_locale, sign_in_url) = (env.default_locale(), env.sign_in_url());
        let pool = UserPool::from_env(env);
        env.finish((|| {
            let (store, product_name) = (store?, product_name?);
            Some(Self {
                settings: TenantSettings::from_env(env, &store, &clock),
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
        return decline::decline_with_one_click(state, request, token).await;
    }
    match request.raw_http_path().rsplit('/').next() {
        Some("lookup") => lookup::lookup(state, request).await,
        Some("decline") => decline::decline(state, request).await,
        Some("renew") => renew::renew(state, request).await,
        _ => register::accept(state, request).await,
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub(crate) struct LinkBody {
    pub(crate) token: String,
}

#[derive(Serialize)]
pub(crate) struct Outcome {
    pub(crate) outcome: &'static str,
}

/// For whom a token claims to be, and its hash, which tells whether it is.
pub(crate) fn claim(token: &str) -> Result<(UserId, TokenHash), Problem> {
    let token: InvitationToken = token.trim().parse().map_err(|_| unknown())?;
    Ok((token.user_id(), token.hash()))
}

/// The user whom the token claims to be for. Whether the token is genuine is yet to be asked, with its hash.
pub(crate) async fn holder(state: &Accept, token: &str) -> Result<(User, TokenHash), Problem> {
    held(state, claim(token)?).await
}

/// The same, by either of the tokens with which people decline.
pub(crate) async fn decliner(state: &Accept, token: &str) -> Result<(User, TokenHash), Problem> {
    match token.trim().parse::<DeclineToken>() {
        Ok(token) => held(state, (token.user_id(), token.hash())).await,
        Err(_) => holder(state, token).await,
    }
}

async fn held(
    state: &Accept,
    (id, token): (UserId, TokenHash),
) -> Result<(User, TokenHash), Problem> {
    let user = state.store.user(id).await?.ok_or_else(unknown)?;
    Ok((user, token))
}

pub(crate) fn unknown() -> Problem {
    link_problem(LinkRefusal::Unknown)
}
