//! Who a mail is shown for that nobody is to get, and what it is to be without.

use jiff::Timestamp;
use serde::Deserialize;
use usher::{
    domain::{
        EmailAddress, Invitation, InvitationToken, Lifetime, Locale, LocaleSource, Message, Nonce,
        PersonName, Settings, TokenKey, User, UserId,
    },
    http::{Caller, Problem, required_field},
    mail::{Kind, VARIABLES},
};

/// Of what may be there or not, what is not; and whether the mail is a reminder.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "an object")]
pub(crate) struct Sample {
    without: Vec<String>,
    reminder: Option<bool>,
}

/// Somebody who is invited with everything that can be said, and a link that opens nothing.
pub(crate) fn sample(
    caller: &Caller,
    (locale, locale_source): (Locale, LocaleSource),
    lifetime: Lifetime,
    now: Timestamp,
) -> Result<(User, InvitationToken), Problem> {
    let key = TokenKey::from_bytes([0; 32]);
    let (id, nonce) = (
        UserId::new(Timestamp::UNIX_EPOCH, [0; 16]),
        Nonce::new([0; 16]),
    );
    let mut invited_by = caller.identity.clone();
    let name = |name| PersonName::parse(name).map_err(Problem::internal);
    if invited_by.name.is_none() {
        invited_by.name = Some(name("Sam Example")?);
    }
    let invitation = Invitation {
        email: EmailAddress::parse("alex@example.com").map_err(Problem::internal)?,
        name: Some(name("Alex Example")?),
        locale,
        locale_source,
        groups: vec![],
        external_id: None,
        metadata: None,
        message: Some(Message::parse(MESSAGE).map_err(Problem::internal)?),
        lifetime,
        redirect_url: None,
        notify: true,
        invited_by,
        idempotency_key: None,
    };
    let token = key.issue(&caller.tenant, id, nonce);
    let user = invitation.into_user(caller.tenant.clone(), now, id, nonce, &key);
    Ok((user, token))
}

const MESSAGE: &str = "This is where your personal message stands.\nIt can have several lines.";

/// What can be left out. Whether the mail is a reminder is asked otherwise.
fn optional() -> impl Iterator<Item = &'static str> {
    let optional = VARIABLES.iter().filter(|variable| variable.optional);
    let said = optional.filter(|variable| variable.kind != Kind::Flag);
    said.map(|variable| variable.name)
}

impl Sample {
    pub(crate) fn check(&self) -> Result<(), Problem> {
        required_field("sample.without", &self.without, |names| {
            if names.iter().all(|name| optional().any(|one| one == name)) {
                Ok(())
            } else {
                Err(format!(
                    "must have nothing but these in it: {}",
                    optional().collect::<Vec<_>>().join(", ")
                ))
            }
        })
    }

    fn lacks(&self, name: &str) -> bool {
        self.without.iter().any(|without| without == name)
    }

    /// Takes out of what the tenant has set what the mail is to be without.
    pub(crate) fn thin_out(&self, settings: &mut Settings) {
        if self.lacks("logo_url") {
            settings.logo_url = None;
        }
        if self.lacks("support_address") {
            settings.support_address = None;
        }
    }

    /// And out of what is known of the person.
    pub(crate) fn leave_out(&self, user: &mut User) {
        if self.lacks("invitee_name") {
            user.name = None;
        }
        if self.lacks("inviter_name") {
            user.invited_by.name = None;
        }
        if self.lacks("message") {
            user.message = None;
        }
        if let Some(reminder) = self.reminder {
            user.reminders = u8::from(reminder);
        }
    }
}
