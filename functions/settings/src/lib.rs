//! What a tenant decides, and what keeps its mail from going out: `GET|PUT /v1/settings`, `/v1/templates`, and
//! `GET /v1/mail-health`.

mod health;
mod mail_health;
mod on_their_way;
mod own_settings;
mod templates;
mod versions;

use lambda_http::{Request, RequestExt};
use usher::{
    clock::{Clock, Entropy},
    config::{ConfigError, Environment},
    domain::Defaults,
    function::WarmUp,
    http::{Answer, SignIn},
    mail::Doctor,
    store::Store,
};

/// What the function works with.
#[derive(Debug)]
pub struct Settings {
    store: Store,
    sign_in: SignIn,
    doctor: Doctor,
    defaults: Defaults,
    clock: Clock,
}

impl Settings {
    /// Reads `TABLE_NAME`, `TENANT_CLAIM`, `MAIL_IDENTITY`, `MAIL_CONFIGURATION_SET`, and what holds where a tenant has decided
    /// nothing: `PRODUCT_NAME`, `DEFAULT_LOCALE`, `REMINDER_DAYS`, `ALLOWED_EMAIL_DOMAINS` and `REDIRECT_ORIGINS`.
    pub fn new(env: &Environment, clock: Clock, _: Entropy) -> Result<Self, ConfigError> {
        let (store, doctor) = (Store::from_env(env), Doctor::from_env(env, &clock));
        let (sign_in, defaults) = (SignIn::from_env(env), env.defaults());
        env.finish((|| {
            let (store, doctor, defaults) = (store?, doctor?, defaults?);
            Some(Self {
                store,
                sign_in,
                doctor,
                defaults,
                clock,
            })
        })())
    }
}

impl WarmUp for Settings {
    /// SES is not asked: whoever wants to know what is wrong with it must get an answer.
    async fn warm_up(&self) -> Result<(), lambda_http::Error> {
        Ok(self.store.warm_up().await?)
    }
}

/// Answers the route that the path ends with.
pub async fn handle(state: &Settings, request: &Request) -> Answer {
    let path = request.raw_http_path();
    match path.rsplit('/').next() {
        Some("mail-health") => health::show(state, request).await,
        Some("settings") => own_settings::handle(state, request).await,
        _ => templates::handle(state, request).await,
    }
}
