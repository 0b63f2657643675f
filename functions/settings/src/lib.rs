//! `GET /v1/mail-health`: what keeps mail from going out, and what to do about it.
//!
//! SES is asked, the mails that are on their way are counted, and what of that is a problem is decided in
//! [`usher::mail::health`]. Where SES can't be asked, the rest is answered all the same.

mod answer;
mod on_their_way;

use lambda_http::Request;
use usher::{
    clock::{Clock, Entropy},
    config::{ConfigError, Environment},
    function::WarmUp,
    http::{Answer, Scope, SignIn, check_parameters, json},
    mail::{Doctor, health::LastHour},
    store::Store,
};

use crate::answer::MailHealth;

/// What the function works with.
#[derive(Debug)]
pub struct Settings {
    store: Store,
    sign_in: SignIn,
    doctor: Doctor,
    clock: Clock,
}

impl Settings {
    /// Reads `TABLE_NAME`, `TENANT_CLAIM`, `MAIL_IDENTITY` and `MAIL_CONFIGURATION_SET`.
    pub fn new(env: &Environment, clock: Clock, _: Entropy) -> Result<Self, ConfigError> {
        let (store, doctor) = (Store::from_env(env), Doctor::from_env(env, &clock));
        let sign_in = SignIn::from_env(env);
        env.finish(store.zip(doctor).map(|(store, doctor)| Self {
            store,
            sign_in,
            doctor,
            clock,
        }))
    }
}

impl WarmUp for Settings {
    /// SES is not asked: whoever wants to know what is wrong with it must get an answer.
    async fn warm_up(&self) -> Result<(), lambda_http::Error> {
        Ok(self.store.warm_up().await?)
    }
}

/// Answers how the mail is doing: SES's account as a whole, and of the mails on their way the caller's.
pub async fn handle(state: &Settings, request: &Request) -> Answer {
    let caller = state.sign_in.caller(request, Scope::SettingsWrite)?;
    check_parameters(request, &[])?;
    let now = state.clock.now();
    let (seen, counts, tally) = tokio::join!(
        state.doctor.ask(),
        on_their_way::count(&state.store, &caller.tenant, now),
        state.store.mail_tally(now)
    );
    let tally = tally?;
    let last_hour = LastHour {
        sent: tally.sent,
        bounced: tally.bounced,
        complained: tally.complained,
    };
    json(&MailHealth::of(&state.doctor, &seen, &counts?, last_hour))
}
