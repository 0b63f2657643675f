//! `POST /v1/users/{id}/resend`: the same user gets a new link, and the old one dies.

use lambda_http::{Request, http::StatusCode};
use serde::Deserialize;
use usher::{
    clock::{Clock, Entropy},
    config::{ConfigError, Environment},
    domain::{self, Lifetime, Locale, Message, Nonce, ResendRefusal, SuppressionReason, TokenKey},
    function::WarmUp,
    http::{
        Answer, Problem, Scope, SignIn, UserView, administrators_only, corrected, daily_limit,
        field, json, optional_json_body, path_id, too_soon, user_not_found,
    },
    mail::Templates,
    store::{Attempt, Store},
};

/// What the function works with.
#[derive(Debug)]
pub struct Resend {
    store: Store,
    sign_in: SignIn,
    key: TokenKey,
    templates: Templates,
    default_locale: Locale,
    clock: Clock,
    entropy: Entropy,
}

impl Resend {
    /// Reads `TABLE_NAME`, `TENANT_CLAIM`, `TOKEN_KEY` and `DEFAULT_LOCALE`.
    pub fn new(env: &Environment, clock: Clock, entropy: Entropy) -> Result<Self, ConfigError> {
        let (store, key, sign_in) = (Store::from_env(env), env.token_key(), SignIn::from_env(env));
        let (templates, default_locale) = (Templates::built_in(), env.default_locale());
        env.finish((|| {
            Some(Self {
                store: store?,
                sign_in,
                key: key?,
                templates,
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

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
struct Body {
    locale: Option<String>,
    message: Option<String>,
    expires_in_days: Option<i64>,
    reactivate: Option<bool>,
}

/// Answers with the user, whose mail is queued.
pub async fn handle(state: &Resend, request: &Request) -> Answer {
    let caller = state.sign_in.caller(request, Scope::UsersInvite)?;
    let id = path_id(request)?;
    let body: Body = optional_json_body(request)?;
    let locale: Option<Locale> = field("locale", body.locale, |tag| tag.parse())?;
    let nonce = Nonce::new(state.entropy.bytes());
    let resend = domain::Resend {
        now: state.clock.now(),
        reactivate: body.reactivate.unwrap_or_default(),
        appoints: caller.appoints,
        locale: locale.map(|asked| state.templates.choose(Some(asked), &state.default_locale)),
        message: field("message", body.message, |text| Message::parse(&text))?,
        lifetime: field("expires_in_days", body.expires_in_days, Lifetime::days)?
            .unwrap_or_default(),
        token: state.key.issue(&caller.tenant, id, nonce),
        nonce,
        tenant: caller.tenant,
        by: caller.identity,
    };
    match state.store.resend(id, &resend).await? {
        Attempt::Done(user) => json(&UserView::of(&user, resend.now)),
        Attempt::Refused(found) => Err(resend
            .refusal(found.as_deref())
            .map_or_else(corrected, |why| refused(why, resend.now))),
    }
}

fn refused(refusal: ResendRefusal, now: jiff::Timestamp) -> Problem {
    let conflict = |code, detail, hint| Problem::new(StatusCode::CONFLICT, code, detail, hint);
    match refusal {
        ResendRefusal::NotFound => user_not_found(),
        ResendRefusal::Accepted => conflict(
            "already_registered",
            "This person has registered, so there is no invitation to send again.",
            "They can sign in. If they can't, help them to reset their password.",
        ),
        ResendRefusal::Revoked => conflict(
            "invitation_revoked",
            "This invitation is revoked.",
            "To invite the person after all, send {\"reactivate\": true}.",
        ),
        ResendRefusal::Declined => conflict(
            "invitation_declined",
            "This person has declined the invitation and asked not to be invited again.",
            "If they have changed their mind, send {\"reactivate\": true}.",
        ),
        ResendRefusal::Administrator => {
            administrators_only("This was an invitation to be an administrator, and you are none.")
        }
        ResendRefusal::Suppressed(why) => conflict(
            "suppressed",
            match why {
                SuppressionReason::Bounced => {
                    "This address gets no mail: an earlier one bounced, since there is no such mailbox."
                }
                SuppressionReason::Complained => {
                    "This address gets no mail: the person has called an earlier one spam."
                }
                SuppressionReason::Declined => {
                    "This address gets no mail: the person asked not to be invited again."
                }
            },
            "Check the address, or reach the person another way. If mail is right after all, lift the suppression with DELETE /v1/users/{id}/suppression, then send again.",
        ),
        ResendRefusal::TooSoon { retry_at } => too_soon(now, retry_at),
        ResendRefusal::DailyLimit { retry_at } => daily_limit(now, retry_at),
    }
}
