//! `POST /v1/templates/{locale}/preview` and `.../test`: the mail as a person would get it, shown, or sent to whoever asks.
//!
//! The link in it opens nothing: it is made without the key, for a user whom nobody has invited.

use lambda_http::{Request, http::StatusCode};
use serde::{Deserialize, Serialize};
use usher::{
    domain::{
        EmailAddress, InvitationToken, Lifetime, Locale, LocaleSource, Message, TemplateSource,
        User, UserId,
    },
    function::introduce,
    http::{
        Answer, Caller, Problem, check_parameters, field, json, optional_json_body, required_field,
        user_not_found,
    },
    mail::{Batch, Made, Outcome, Stationery, Template, check},
};

use crate::{
    Deciding,
    sample::{Sample, sample},
    templates::{path_locale, refused},
};

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
    template: Option<Template>,
    user: User,
    token: InvitationToken,
}

pub(crate) async fn preview(state: &Deciding, request: &Request, mut caller: Caller) -> Answer {
    let trial = Trial::read(state, request, &mut caller).await?;
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
    let trial = Trial::read(state, request, &mut caller).await?;
    let to = own_address(state, &caller).await?;
    let made = trial.made();
    let batch = Batch::trial(&trial.stationery, made, &to);
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
    ) -> Result<Self, Problem> {
        check_parameters(request, &[])?;
        let locale = path_locale(request)?;
        let body: Body = optional_json_body(request)?;
        let message = field("message", body.message.as_deref(), Message::parse)?;
        let lifetime = field("expires_in_days", body.expires_in_days, Lifetime::days)?;
        let template = template(&locale, &body)?;
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
        let locale = match &template {
            Some(_) => locale,
            None => stationery.locale(Some((&locale, LocaleSource::Invitee))),
        };
        let now = state.clock.now();
        let (mut user, token) = sample(caller, locale, lifetime, now)?;
        if let Some(id) = body.user_id {
            let found = find(state, caller, &id).await?;
            // In the language that was asked for, whatever theirs is.
            let (locale, locale_source) = (user.locale, user.locale_source);
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
        let (user, token) = (&self.user, &self.token);
        match self.template.clone() {
            Some(template) => self.stationery.make_in(template, user, token),
            None => self.stationery.make(user, token),
        }
    }
}

/// The template in the body, checked as if it were to be saved; none if there is none.
fn template(locale: &Locale, body: &Body) -> Result<Option<Template>, Problem> {
    match (&body.subject, &body.text, &body.html) {
        (None, None, None) => Ok(None),
        (Some(subject), Some(text), Some(html)) => {
            let source = TemplateSource {
                subject: subject.clone(),
                text: text.clone(),
                html: html.clone(),
            };
            let template = check(locale, &source).map_err(|refusal| refused(&refusal))?;
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
