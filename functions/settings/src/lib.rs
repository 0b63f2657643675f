//! What a tenant decides, and what keeps its mail from going out: `GET|PUT /v1/settings`, `/v1/templates`, and
//! `GET /v1/mail-health`.

mod health;
mod mail_health;
mod on_their_way;
mod own_settings;
mod preview;
mod sample;
mod templates;
mod versions;

use std::time::Duration;

use lambda_http::Request;
use thiserror::Error;
use usher::{
    aws,
    clock::{Clock, Entropy},
    config::{ConfigError, Environment},
    domain::{DomainList, Origins, Reminders},
    function::WarmUp,
    http::{Answer, Problem, Scope, SignIn, route},
    mail::{Doctor, MailDefaults, Mailer},
    store::Store,
    tenant::settings_kept_for,
};

/// What the function works with.
#[derive(Debug)]
pub struct Deciding {
    store: Store,
    sign_in: SignIn,
    doctor: Doctor,
    mailer: Mailer,
    mail: MailDefaults,
    reminders: Reminders,
    allowed_domains: DomainList,
    origins: Origins,
    settings_kept_for: Duration,
    clock: Clock,
}

impl Deciding {
    /// Reads `TABLE_NAME`, `TENANT_CLAIM`, what [`MailDefaults`] reads, and what else holds where a tenant has decided nothing:
    /// `REMINDER_DAYS`, `ALLOWED_EMAIL_DOMAINS` and `REDIRECT_ORIGINS`; and `SETTINGS_SECONDS`.
    pub fn new(env: &Environment, clock: Clock, _: Entropy) -> Result<Self, ConfigError> {
        let (store, doctor) = (Store::from_env(env), Doctor::from_env(env, &clock));
        let (ses, mail, origins) = (
            aws::ses(env),
            MailDefaults::from_env(env),
            env.redirect_origins(),
        );
        let (sign_in, reminders) = (SignIn::from_env(env), env.reminders());
        let allowed_domains = env.allowed_email_domains();
        env.finish((|| {
            let mail = mail?;
            Some(Self {
                store: store?,
                sign_in,
                doctor: doctor?,
                mailer: Mailer::new(ses?, &mail.from),
                mail,
                reminders,
                allowed_domains,
                origins: origins?,
                settings_kept_for: settings_kept_for(env).unsigned_abs(),
                clock,
            })
        })())
    }
}

impl WarmUp for Deciding {
    /// Opens the connection to the table. SES need not answer: that it does not is what is asked for here.
    async fn warm_up(&self) -> Result<(), lambda_http::Error> {
        Ok(self.store.warm_up().await?)
    }
}

/// Answers the route. A preview says itself who may see it.
pub async fn handle(state: &Deciding, request: &Request) -> Answer {
    let route = route(request);
    if route == "POST /v1/templates/{locale}/preview" {
        return preview::preview(state, request).await;
    }
    let caller = state.sign_in.caller(request, Scope::SettingsWrite)?;
    match route {
        "GET /v1/mail-health" => health::show(state, request, &caller).await,
        "GET /v1/settings" => own_settings::show(state, request, &caller).await,
        "PUT /v1/settings" => own_settings::change(state, request, caller).await,
        "GET /v1/templates" => templates::list(state, request, &caller).await,
        "GET /v1/templates/{locale}" => templates::show(state, request, &caller).await,
        "PUT /v1/templates/{locale}" => templates::change(state, request, caller).await,
        "DELETE /v1/templates/{locale}" => templates::take_away(state, request, caller).await,
        "POST /v1/templates/{locale}/test" => preview::send(state, request, caller).await,
        _ => Err(Problem::internal(UnknownRoute(route.to_owned()))),
    }
}

/// The gateway sends something here that the function knows nothing of.
#[derive(Debug, Error)]
#[error("no route {0}: the gateway and the function are of different versions")]
struct UnknownRoute(String);
