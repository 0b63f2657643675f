//! `POST /v1/users/{id}/resend` and `POST /v1/invitations/resend`: the same users get new links, and the old ones die.
//! `GET /v1/users/{id}/link`: the link that a user has, to hand it over by other means than a mail.

mod batch;
mod bulk;
mod link;
mod one;
mod terms;

use lambda_http::{Request, RequestExt};
use url::Url;
use usher::{
    clock::{Clock, Entropy},
    config::{ConfigError, Environment},
    domain::{Locale, TokenKey},
    function::WarmUp,
    http::{Answer, SignIn},
    store::Store,
    tenant::TenantSettings,
};

/// What the function works with.
#[derive(Debug)]
pub struct Resend {
    store: Store,
    settings: TenantSettings,
    sign_in: SignIn,
    key: TokenKey,
    public_url: Url,
    default_locale: Locale,
    clock: Clock,
    entropy: Entropy,
}

impl Resend {
    /// Reads `TABLE_NAME`, `TOKEN_KEY`, `PUBLIC_URL`, `DEFAULT_LOCALE`, `SETTINGS_SECONDS` and what [`SignIn`] reads.
    pub fn new(env: &Environment, clock: Clock, entropy: Entropy) -> Result<Self, ConfigError> {
        let (store, key, sign_in) = (Store::from_env(env), env.token_key(), SignIn::from_env(env));
        let (default_locale, public_url) = (env.default_locale(), env.public_url());
        env.finish((|| {
            let store = store?;
            Some(Self {
                settings: TenantSettings::from_env(env, &store, &clock),
                store,
                sign_in,
                key: key?,
                public_url: public_url?,
                default_locale,
                clock,
                entropy,
            })
        })())
    }
}

impl WarmUp for Resend {
    async fn warm_up(&self) -> Result<(), lambda_http::Error> {
        Ok(self.store.warm_up().await?)
    }
}

/// Answers the route: a link, one user, or many.
pub async fn handle(state: &Resend, request: &Request) -> Answer {
    let path = request.raw_http_path();
    if path.ends_with("/link") {
        link::link(state, request).await
    } else if path.ends_with("/invitations/resend") {
        bulk::bulk(state, request).await
    } else {
        one::one(state, request).await
    }
}
