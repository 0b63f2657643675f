//! `POST /v1/invitations`: up to 10,000 people become users, and a mail is queued for each.
//!
//! A row that can't be invited never stops the others, and says in a sentence why and what to do. With `dry_run=true` nothing
//! is written, and the answer says what would become of every row, and what would keep its mail from going out.

mod answer;
mod batch;
mod cap;
mod rows;

use lambda_http::{Request, RequestExt};
use serde::Deserialize;
use serde_json::{Map, Value};
use url::Url;
use usher::{
    clock::{Clock, Entropy},
    config::{ConfigError, Environment},
    domain::{
        DomainList, DomainRules, Group, IdempotencyKey, Inviter, Lifetime, Locale, LocaleSource,
        Message, Origins, RedirectUrl, Settings, TenantId, TokenKey,
    },
    function::{WarmUp, introduce},
    http::{
        Answer, Caller, Problem, Scope, SignIn, check_parameters, field, idempotency_key, json_body,
    },
    mail::{Doctor, Templates, health::MailProblem},
    store::Store,
    tenant::{self, TenantSettings},
};

use crate::rows::{Fate, Row};

/// What the function works with.
#[derive(Debug)]
pub struct Invite {
    store: Store,
    settings: TenantSettings,
    sign_in: SignIn,
    key: TokenKey,
    public_url: Url,
    default_locale: Locale,
    origins: Origins,
    allowed_domains: DomainList,
    doctor: Doctor,
    clock: Clock,
    entropy: Entropy,
}

impl Invite {
    /// Reads `TABLE_NAME`, `TENANT_CLAIM`, `TOKEN_KEY`, `PUBLIC_URL`, `DEFAULT_LOCALE`,
    /// `REDIRECT_ORIGINS`, `ALLOWED_EMAIL_DOMAINS`, `SETTINGS_SECONDS`, and for dry runs `MAIL_IDENTITY` and `MAIL_CONFIGURATION_SET`.
    pub fn new(env: &Environment, clock: Clock, entropy: Entropy) -> Result<Self, ConfigError> {
        let (store, key, public_url) = (Store::from_env(env), env.token_key(), env.public_url());
        let (origins, allowed_domains) = (env.redirect_origins(), env.allowed_email_domains());
        let (sign_in, default_locale) = (SignIn::from_env(env), env.default_locale());
        let doctor = Doctor::from_env(env, &clock);
        env.finish((|| {
            let store = store?;
            Some(Self {
                settings: TenantSettings::from_env(env, &store, &clock),
                store,
                sign_in,
                key: key?,
                public_url: public_url?,
                default_locale,
                origins: origins?,
                allowed_domains,
                doctor: doctor?,
                clock,
                entropy,
            })
        })())
    }
}

impl WarmUp for Invite {
    async fn warm_up(&self) -> Result<(), lambda_http::Error> {
        Ok(self.store.warm_up().await?)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
struct Body {
    invitees: Option<Vec<Invitee>>,
    text: Option<String>,
    locale: Option<String>,
    groups: Option<Vec<String>>,
    message: Option<String>,
    expires_in_days: Option<i64>,
    redirect_url: Option<String>,
    notify: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with an email")]
struct Invitee {
    email: String,
    name: Option<String>,
    locale: Option<String>,
    groups: Option<Vec<String>>,
    external_id: Option<String>,
    metadata: Option<Map<String, Value>>,
}

/// What holds for all people of one request.
struct Terms {
    tenant: TenantId,
    invited_by: Inviter,
    appoints: bool,
    locale: Option<Locale>,
    groups: Vec<Group>,
    message: Option<Message>,
    lifetime: Lifetime,
    redirect_url: Option<RedirectUrl>,
    notify: bool,
    idempotency_key: Option<IdempotencyKey>,
    dry_run: bool,
    templates: Templates,
    default_locales: Vec<(Locale, LocaleSource)>,
    domains: DomainRules,
}

impl Terms {
    /// What to remember of a person's language, and why.
    fn choose(&self, asked: Option<(Locale, LocaleSource)>) -> (Locale, LocaleSource) {
        let for_all = || Some((self.locale.clone()?, LocaleSource::Request));
        let defaults = self.default_locales.iter();
        let defaults: Vec<_> = defaults.map(|(locale, source)| (locale, *source)).collect();
        self.templates.choose(asked.or_else(for_all), &defaults)
    }
}

/// Answers for every row, in order.
pub async fn handle(state: &Invite, request: &Request) -> Answer {
    let mut caller = state.sign_in.caller(request, Scope::UsersInvite)?;
    let dry_run = dry_run(request)?;
    let mut body: Body = json_body(request)?;
    let entries = rows::entries(&mut body)?;
    // Mails say who invites.
    introduce(&state.store, &mut caller).await?;
    let settings = state.settings.of(&caller.tenant).await?;
    let mut terms = Terms {
        dry_run,
        ..terms(state, request, caller, body, &settings)?
    };
    let mut wanted = rows::locales(&entries);
    wanted.extend(terms.locale.clone());
    wanted.extend(
        terms
            .default_locales
            .iter()
            .map(|(locale, _)| locale.clone()),
    );
    terms.templates = tenant::languages(&state.store, &terms.tenant, &wanted).await?;
    let mut rows = rows::decide(state, &terms, entries);
    let taken = match settings.daily_invitations {
        Some(cap) => match cap::take(state, &terms, cap, &mut rows).await {
            Ok(taken) => Some(taken),
            Err(error) => return answer::answer(state, &terms, &rows, Some(error), None),
        },
        None => None,
    };
    let (rows, trouble) = batch::write(state, &terms, rows).await;
    if let Some(taken) = taken {
        cap::give_back(state, &terms, &taken, &rows).await;
    }
    let warnings = match trouble {
        None if dry_run => Some(warnings(state, &terms, &rows).await),
        _ => None,
    };
    answer::answer(state, &terms, &rows, trouble, warnings)
}

/// Whether the request is only to be tried. Whoever writes it in another way must not find that it was not.
fn dry_run(request: &Request) -> Result<bool, Problem> {
    check_parameters(request, &["dry_run"])?;
    match request.query_string_parameters().first("dry_run") {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(Problem::bad_request(
            "invalid_dry_run",
            "dry_run must be true or false.",
            "Send dry_run=true to see what would happen, or leave it out to invite.",
        )),
    }
}

/// What would keep these people's mails from going out. Nothing, if there would be no mail.
async fn warnings(state: &Invite, terms: &Terms, rows: &[Row]) -> Vec<MailProblem> {
    let mailed = |row: &&Row| terms.notify && matches!(row.fate, Fate::WouldBeInvited);
    let recipients: Vec<_> = rows
        .iter()
        .filter(mailed)
        .filter_map(|row| row.email.as_ref())
        .collect();
    if recipients.is_empty() {
        return Vec::new();
    }
    state.doctor.check(&recipients).await
}

fn terms(
    state: &Invite,
    request: &Request,
    caller: Caller,
    body: Body,
    settings: &Settings,
) -> Result<Terms, Problem> {
    let default_locales = settings.locales(&state.default_locale).into_iter();
    Ok(Terms {
        tenant: caller.tenant,
        invited_by: caller.identity,
        appoints: caller.appoints,
        locale: field("locale", body.locale, |tag| tag.parse::<Locale>())?,
        groups: field("groups", body.groups, |names| Group::parse_all(&names))?.unwrap_or_default(),
        message: field("message", body.message, |text| Message::parse(&text))?,
        lifetime: field("expires_in_days", body.expires_in_days, Lifetime::days)?
            .unwrap_or_else(|| settings.lifetime()),
        redirect_url: field("redirect_url", body.redirect_url, |url| {
            settings.redirect_origins(&state.origins).check(&url)
        })?,
        notify: body.notify.unwrap_or(true),
        idempotency_key: idempotency_key(request)?,
        dry_run: false,
        templates: Templates::built_in(),
        default_locales: default_locales
            .map(|(locale, source)| (locale.clone(), source))
            .collect(),
        domains: settings.domains(&state.allowed_domains),
    })
}
