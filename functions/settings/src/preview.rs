//! `POST /v1/templates/{locale}/preview` and `.../test`: the mail as a person would get it, shown, or sent to whoever asks.
//!
//! The link in it opens nothing: it is made without the key, for a user whom nobody has invited.

use std::{slice, sync::Arc, time::Duration};

use jiff::SignedDuration;
use lambda_http::{Request, http::StatusCode};
use serde::{Deserialize, Serialize};
use usher::{
    domain::{
        EmailAddress, InvitationToken, Lifetime, Locale, LocaleSource, Message, TemplateSource,
        User, UserId,
    },
    function::introduce,
    http::{
        Answer, Caller, Problem, Scope, check_parameters, field, json, optional_json_body,
        required_field, user_not_found,
    },
    mail::{Batch, Made, Outcome, Stationery, Template, check},
    store::Slot,
};

use crate::{
    Deciding,
    sample::{Sample, sample},
    templates::{path_locale, path_tag, refused},
};

/// How long a test mail waits for its turn: who asks for one waits too.
const PATIENCE: SignedDuration = SignedDuration::from_secs(3);
/// How many mails a second SES takes of every account, where it does not say how many of this.
const SLOWEST: f64 = 1.0;

/// What is to be shown. Without words of a template, what is saved is.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "an object")]
struct Body {
    subject: Option<String>,
    text: Option<String>,
    html: Option<String>,
    user_id: Option<String>,
    message: Option<String>,
    expires_in_days: Option<i64>,
    sample: Sample,
}

/// BCP 47's name for a language that is not known: the mail is as somebody gets it of whom none is.
const UNDETERMINED: &str = "und";

impl Body {
    /// Whether it is of no words but those that are saved, and of nobody.
    fn is_as_saved(&self) -> bool {
        let words = [&self.subject, &self.text, &self.html];
        words.into_iter().all(Option::is_none) && self.user_id.is_none()
    }
}

#[derive(Serialize)]
struct View<'a> {
    locale: &'a Locale,
    dir: &'static str,
    from: String,
    reply_to: Option<&'a EmailAddress>,
    to: &'a EmailAddress,
    subject: String,
    text: String,
    html: String,
}

#[derive(Serialize)]
struct Sent<'a> {
    to: &'a EmailAddress,
}

/// All that a mail is made of.
struct Trial {
    stationery: Stationery,
    template: Arc<Template>,
    user: User,
    token: InvitationToken,
}

/// Who may invite sees the mail that people will get; how it might be, and with somebody's data, is for who may change it.
pub(crate) async fn preview(state: &Deciding, request: &Request) -> Answer {
    let mut caller = state.sign_in.anybody(request)?;
    let invites = caller.scopes.contains(&Scope::UsersInvite);
    if !invites {
        state.sign_in.require(&caller, Scope::SettingsWrite)?;
    }
    let body: Body = optional_json_body(request)?;
    if !body.is_as_saved() {
        state.sign_in.require(&caller, Scope::SettingsWrite)?;
    }
    let trial = Trial::read(state, request, &mut caller, body).await?;
    let made = trial.made();
    let mail = made.rendered().ok_or_else(broken)?;
    json(&View {
        locale: &made.locale,
        dir: if made.locale.is_right_to_left() {
            "rtl"
        } else {
            "ltr"
        },
        from: trial.stationery.from(),
        reply_to: trial.stationery.reply_to(),
        to: &trial.user.email,
        subject: mail.subject,
        text: mail.text,
        html: mail.html,
    })
}

pub(crate) async fn send(state: &Deciding, request: &Request, mut caller: Caller) -> Answer {
    let body: Body = optional_json_body(request)?;
    let trial = Trial::read(state, request, &mut caller, body).await?;
    let to = own_address(state, &caller).await?;
    let made = trial.made();
    let batch = Batch::trial(&trial.stationery, made, &to);
    take_turn(state).await?;
    let sent = state.mailer.send(&batch).await;
    let outcome = sent.into_iter().next().map(|(_, outcome)| outcome);
    match outcome {
        Some(Outcome::Sent { .. }) => json(&Sent { to: &to }),
        Some(Outcome::Failed(why)) => Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "mail_refused",
            why,
            "See GET /v1/mail-health for what else keeps mail from going out.",
        )),
        // What follows the first sentence is about mails that wait.
        Some(Outcome::Parked(why)) => Err(not_sent(why.split(". ").next().unwrap_or(why))),
        Some(Outcome::Unknown) => Err(not_sent("SES's answer was lost, so the mail may have gone")),
        _ => Err(not_sent("SES did not take the mail").retry_after(2)),
    }
}

/// Waits for a place among the mails that are on their way: SES's rate is for all of them together.
async fn take_turn(state: &Deciding) -> Result<(), Problem> {
    let clock = state.clock.running();
    let account = state.doctor.ask().await.facts.account.ok();
    let rate = account.map(|account| account.max_send_rate);
    let rate = rate.filter(|rate| *rate > 0.0).unwrap_or(SLOWEST);
    let takes = SignedDuration::from_secs_f64(1.0 / rate);
    let now = clock.now();
    let latest = now.saturating_add(PATIENCE).unwrap_or(now);
    match state.store.reserve_sending(now, takes, latest).await? {
        Slot::At(at) => {
            let wait = Duration::try_from(at.duration_since(clock.now()));
            tokio::time::sleep(wait.unwrap_or_default()).await;
            Ok(())
        }
        Slot::Full { free_at } => {
            let seconds = free_at.duration_since(now).as_secs().saturating_add(1);
            let busy = not_sent("Other mails are on their way, and SES takes no more a second");
            Err(busy.retry_after(seconds))
        }
    }
}

/// Where test mails go: to nobody but whoever asks for one.
async fn own_address(state: &Deciding, caller: &Caller) -> Result<EmailAddress, Problem> {
    let user = match caller.user {
        Some(id) => state.store.user(id).await?,
        None => None,
    };
    let user = user.filter(|user| user.tenant == caller.tenant);
    let address = user.map(|user| user.email).or_else(|| caller.email.clone());
    address.ok_or_else(|| {
        Problem::new(
            StatusCode::CONFLICT,
            "no_address",
            "Your own address is not known, and a test mail goes to nobody else.",
            "Sign in as a person whose token says their verified address, or who was invited with Usher. To see the mail without sending it, use the preview.",
        )
    })
}

fn not_sent(why: &str) -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "mail_not_sent",
        format!("{}.", why.trim_end_matches('.')),
        "Try again. A test mail is not kept, so it does not go later. See GET /v1/mail-health for what keeps mail from going out.",
    )
}

/// Usher was built with a template that it can't read itself, which a test prevents.
fn broken() -> Problem {
    Problem::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "internal_error",
        "Something went wrong on our side.",
        "Try again. If it happens again, tell the operator the request_id.",
    )
}

impl Trial {
    async fn read(
        state: &Deciding,
        request: &Request,
        caller: &mut Caller,
        body: Body,
    ) -> Result<Self, Problem> {
        check_parameters(request, &[])?;
        let asked = match path_tag(request) {
            UNDETERMINED => None,
            _ => Some(path_locale(request)?),
        };
        if body.user_id.is_some() {
            state.sign_in.require(caller, Scope::UsersRead)?;
        }
        let message = field("message", body.message.as_deref(), Message::parse)?;
        let lifetime = field("expires_in_days", body.expires_in_days, Lifetime::days)?;
        let template = template(request, &body)?;
        body.sample.check()?;
        introduce(&state.store, caller).await?;
        let decisions = state.store.decisions(&caller.tenant).await?;
        let mut settings = decisions
            .settings
            .map(|found| found.value)
            .unwrap_or_default();
        let lifetime = lifetime.unwrap_or_else(|| settings.lifetime());
        let own = decisions.templates.into_iter().map(|own| own.value);
        body.sample.thin_out(&mut settings);
        let own = own.map(|own| (own.locale, own.source));
        let stationery = state.mail.stationery(&settings, own);
        let saved = || stationery.template(asked.as_ref());
        let template = template.map(Arc::new).or_else(saved).ok_or_else(broken)?;
        let now = state.clock.now();
        let language = match &asked {
            Some(asked) => (asked.clone(), LocaleSource::Invitee),
            None => (template.locale().clone(), LocaleSource::Fallback),
        };
        let (mut user, token) = sample(caller, language, lifetime, now)?;
        if let Some(id) = body.user_id {
            let found = find(state, caller, &id).await?;
            // In the language that was asked for, whatever theirs is; as their country has it if it is theirs.
            let theirs = found.locale.nearest(slice::from_ref(template.locale()));
            let (locale, locale_source) = match theirs {
                Some(_) => (found.locale, found.locale_source),
                None => (user.locale, user.locale_source),
            };
            user = User {
                locale,
                locale_source,
                ..found
            };
        }
        user.message = message.or(user.message);
        body.sample.leave_out(&mut user);
        Ok(Self {
            stationery,
            template,
            user,
            token,
        })
    }

    fn made(&self) -> Made {
        self.stationery
            .make_in(self.template.clone(), &self.user, &self.token)
    }
}

/// The template in the body, checked as if it were to be saved; none if there is none.
fn template(request: &Request, body: &Body) -> Result<Option<Template>, Problem> {
    match (&body.subject, &body.text, &body.html) {
        (None, None, None) => Ok(None),
        (Some(subject), Some(text), Some(html)) => {
            let source = TemplateSource {
                subject: subject.clone(),
                text: text.clone(),
                html: html.clone(),
            };
            let template =
                check(&path_locale(request)?, &source).map_err(|refusal| refused(&refusal))?;
            Ok(Some(template))
        }
        _ => Err(Problem::bad_request(
            "incomplete_template",
            "Of subject, text and html there are some and not all.",
            "Send all three to see them, or none of them to see what is saved.",
        )),
    }
}

async fn find(state: &Deciding, caller: &Caller, id: &str) -> Result<User, Problem> {
    let id: UserId = required_field("user_id", id, |id| {
        id.parse()
            .map_err(|_| "must be a user id like those of GET /v1/users")
    })?;
    let user = state.store.user(id).await?;
    let user = user.filter(|user| user.tenant == caller.tenant);
    user.ok_or_else(user_not_found)
}
