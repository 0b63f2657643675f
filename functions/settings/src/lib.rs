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

use lambda_http::{Request, RequestExt, http::Method};
use usher::{
    aws,
    clock::{Clock, Entropy},
    config::{ConfigError, Environment},
    domain::{DomainList, Origins, Reminders},
    function::WarmUp,
    http::{Answer, Scope, SignIn},
    mail::{Doctor, MailDefaults, Mailer},
    store::Store,
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
    clock: Clock,
}

impl Deciding {
    /// Reads `TABLE_NAME`, `TENANT_CLAIM`, what [`MailDefaults`] reads, and what else holds where a tenant has decided nothing:
    /// `REMINDER_DAYS`, `ALLOWED_EMAIL_DOMAINS` and `REDIRECT_ORIGINS`.
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

/// Answers the route that the method and the path's end name.
pub async fn handle(state: &Deciding, request: &Request) -> Answer {
    let caller = state.sign_in.caller(request, Scope::SettingsWrite)?;
    let method = request.method();
    match request.raw_http_path().rsplit('/').next() {
        Some("mail-health") => health::show(state, request, &caller).await,
        Some("settings") if method == Method::PUT => {
            own_settings::change(state, request, caller).await
        }
        Some("settings") => own_settings::show(state, request, &caller).await,
        Some("templates") => templates::list(state, request, &caller).await,
        Some("preview") => preview::preview(state, request, caller).await,
        Some("test") => preview::send(state, request, caller).await,
        _ if method == Method::PUT => templates::change(state, request, caller).await,
        _ if method == Method::DELETE => templates::take_away(state, request, caller).await,
        _ => templates::show(state, request, &caller).await,
    }
}
