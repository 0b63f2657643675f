//! `PATCH /v1/users/{id}`: an administrator corrects what is known of a user. Another address gets a link of its own, and the
//! old address's dies.

#[expect(
    clippy::option_option,
    reason = "a field that is left out stays as it is, one that is null is taken away"
)]
mod body;
mod problem;

use lambda_http::Request;
use usher::{
    clock::{Clock, Entropy},
    config::{ConfigError, Environment},
    domain::{DomainList, Locale, TokenKey},
    function::WarmUp,
    http::{
        Answer, Scope, SignIn, UserView, check_parameters, corrected, json, path_id, user_not_found,
    },
    pool::{UserPool, keep, warm_up, withdraw},
    store::{Changed, Store},
    tenant::TenantSettings,
};

use crate::problem::{address_taken, refused, suppressed};

/// How often a change is decided anew because the user was changed at the same moment, by the mailer for instance.
const TRIES: u32 = 4;

/// What the function works with.
#[derive(Debug)]
pub struct Update {
    store: Store,
    settings: TenantSettings,
    pool: Option<UserPool>,
    sign_in: SignIn,
    key: TokenKey,
    default_locale: Locale,
    allowed_domains: DomainList,
    clock: Clock,
    entropy: Entropy,
}

impl Update {
    /// Reads `TABLE_NAME`, `TOKEN_KEY`, `DEFAULT_LOCALE`, `ALLOWED_EMAIL_DOMAINS`, `USER_POOL_ID`, `SETTINGS_SECONDS` and what
    /// [`SignIn`] reads.
    pub fn new(env: &Environment, clock: Clock, entropy: Entropy) -> Result<Self, ConfigError> {
        let (store, key, sign_in) = (Store::from_env(env), env.token_key(), SignIn::from_env(env));
        let (default_locale, allowed_domains) = (env.default_locale(), env.allowed_email_domains());
        let pool = UserPool::from_env(env);
        env.finish((|| {
            let store = store?;
            Some(Self {
                settings: TenantSettings::from_env(env, &store, &clock),
                store,
                pool,
                sign_in,
                key: key?,
                default_locale,
                allowed_domains,
                clock,
                entropy,
            })
        })())
    }
}

impl WarmUp for Update {
    async fn warm_up(&self) -> Result<(), lambda_http::Error> {
        let (table, pool) = tokio::join!(self.store.warm_up(), warm_up(self.pool.as_ref()));
        table?;
        Ok(pool?)
    }
}

/// Answers with the user as they are now. What is so already is no change, so the same request may be repeated.
pub async fn handle(state: &Update, request: &Request) -> Answer {
    let caller = state.sign_in.caller(request, Scope::UsersWrite)?;
    check_parameters(request, &[])?;
    let id = path_id(request)?;
    let change = body::change(state, request, caller, id).await?;
    for _ in 0..TRIES {
        let found = state.store.user(id).await?;
        let user = match (change.refusal(found.as_ref()), found) {
            (None, Some(user)) => user,
            (Some(refusal), _) => return Err(refused(refusal, change.now)),
            (None, None) => return Err(user_not_found()),
        };
        if !change.changes(&user) {
            if change.may_have_left_account(&user) {
                withdraw(state.pool.as_ref(), &state.store, id).await?;
            }
            keep(state.pool.as_ref(), &state.store, &user, change.now).await?;
            return json(&UserView::of(&user, change.now));
        }
        match state.store.change_user(&user, &change).await? {
            Changed::Done(changed) => {
                if change.outdates_account(&user) {
                    // An accept that broke off may have made one already, of the old address, or an administrator's.
                    withdraw(state.pool.as_ref(), &state.store, id).await?;
                }
                return json(&UserView::of(&changed, change.now));
            }
            Changed::Taken(other) => return Err(address_taken(other)),
            Changed::Suppressed => return Err(suppressed()),
            Changed::Overtaken => {}
        }
    }
    Err(corrected())
}
