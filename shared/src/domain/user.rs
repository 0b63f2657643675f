//! The aggregate: a user and the one invitation they have.

use std::{fmt, str::FromStr};

use jiff::{Timestamp, fmt::serde::timestamp::millisecond as ms};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{
    Delivery, EmailAddress, ExternalId, Feedback, Group, IdempotencyKey, Locale, LocaleSource,
    MailClaim, MailKind, MailTries, Message, Metadata, Nonce, PersonName, RedirectUrl,
    ResendRequest, Suppression, TenantId, TokenHash, UserId,
};

/// A person who was invited, from the first invitation on. Serialises to the form in which the table keeps it;
/// instants are milliseconds since 1970.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct User {
    /// Never changes, whatever happens to the invitation or the address.
    pub id: UserId,
    /// Whose user this is.
    pub tenant: TenantId,
    /// Counts the writes to this user.
    pub version: u64,
    /// Where the invitation goes.
    pub email: EmailAddress,
    /// As the inviter gave it, then as the person registered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<PersonName>,
    /// The language that was asked for, else that of the template in use.
    pub locale: Locale,
    /// How the template for `locale` was found.
    pub locale_source: LocaleSource,
    /// Groups to join on registering.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<Group>,
    /// The person's id in the product.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<ExternalId>,
    /// What the product keeps with the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
    /// What has become of the invitation.
    #[serde(flatten)]
    pub state: State,
    /// Who invited first.
    pub invited_by: Inviter,
    /// Which administrator last sent the invitation again, revoked or restored it, lifted a suppression, or corrected what is
    /// known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_by: Option<Inviter>,
    /// When they did. Lists are ordered by it, so it never changes.
    #[serde(with = "ms::required")]
    pub invited_at: Timestamp,
    /// The first instant at which the link is no longer accepted.
    #[serde(with = "ms::required")]
    pub expires_at: Timestamp,
    /// The inviter's personal note.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<Message>,
    /// Where to go after registering.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect_url: Option<RedirectUrl>,
    /// What the current token is derived from.
    pub nonce: Nonce,
    /// The current token. None between a renewal and its mail: only the mailer has the key to make the next one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_hash: Option<TokenHash>,
    /// The expired token with which a fresh link was asked for; it may ask again, and do nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renewed_hash: Option<TokenHash>,
    /// When mails to this address were asked for, newest first: what the cool-down and the daily limit look at.
    /// Always written, even if empty: DynamoDB can shorten a list only where there is one.
    pub mail_requests: Vec<i64>,
    /// How many mails SES has taken.
    pub send_count: u64,
    /// When it took the last one.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "ms::optional"
    )]
    pub last_sent_at: Option<Timestamp>,
    /// How far the pipeline got with the last mail. What became of it all in all says [`mail`](Self::mail).
    pub delivery: Delivery,
    /// What SES reports of a mail. Only its events write it, so it may come before the mailer has noted that the mail went,
    /// or be about an earlier try.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feedback: Option<Feedback>,
    /// Why the address gets no more mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suppressed: Option<Suppression>,
    /// When an administrator last said that it may have mail after all: what was reported before counts no more.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "ms::optional"
    )]
    pub suppression_lifted_at: Option<Timestamp>,
    /// How many reminders of the current link were asked for.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub reminders: u8,
    /// The mail to send. While it is set, the stream hands this user to the mailer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outbox: Option<MailKind>,
    /// How often the mail was tried in vain.
    #[serde(default, skip_serializing_if = "MailTries::is_none")]
    pub mail_tries: MailTries,
    /// The mailer's hold on the mail it is sending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<MailClaim>,
    /// When somebody has to look at this user again, if nothing happens before.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "ms::optional"
    )]
    pub due_at: Option<Timestamp>,
    /// The request that created this user: repeating it creates nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<IdempotencyKey>,
    /// The request that last sent the invitation again, if it has a name: repeating it sends nothing. Not the same as the one
    /// above: a client that repeats its invitation must find it however often that was sent again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resend_request: Option<ResendRequest>,
    /// When the user was created.
    #[serde(with = "ms::required")]
    pub created_at: Timestamp,
    /// When anything about the user last changed.
    #[serde(with = "ms::required")]
    pub updated_at: Timestamp,
}

impl User {
    /// What a person is shown: the stored state, or `expired` for a pending user from `expires_at` on.
    pub fn state_at(&self, now: Timestamp) -> StateName {
        self.state.name().at(now, self.expires_at)
    }

    /// Whether the link's time is over. The instant `expires_at` itself is over.
    pub fn has_expired(&self, now: Timestamp) -> bool {
        now >= self.expires_at
    }

    /// What the mail is that is to be sent, or was sent last: the invitation, or after it reminders.
    pub fn mail_kind(&self) -> MailKind {
        if self.reminders == 0 {
            MailKind::Invitation
        } else {
            MailKind::Reminder
        }
    }

    /// When the `nth` newest mail (0 is the newest) was asked for.
    pub fn mail_request(&self, nth: usize) -> Option<Timestamp> {
        self.mail_requests
            .get(nth)
            .and_then(|&at| Timestamp::from_millisecond(at).ok())
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde's `skip_serializing_if` hands a reference to the field"
)]
fn is_zero(count: &u8) -> bool {
    *count == 0
}

/// The stored states. `expired` is not among them: it is derived, see [`User::state_at`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    /// Invited; nothing has come of it yet.
    Pending,
    /// Registered.
    Accepted {
        /// When.
        #[serde(with = "ms::required")]
        accepted_at: Timestamp,
    },
    /// Withdrawn by an administrator.
    Revoked {
        /// When.
        #[serde(with = "ms::required")]
        revoked_at: Timestamp,
    },
    /// Turned down by the person.
    Declined {
        /// When.
        #[serde(with = "ms::required")]
        declined_at: Timestamp,
    },
}

impl State {
    /// The state's name as the table keeps it: never [`StateName::Expired`].
    pub fn name(self) -> StateName {
        match self {
            Self::Pending => StateName::Pending,
            Self::Accepted { .. } => StateName::Accepted,
            Self::Revoked { .. } => StateName::Revoked,
            Self::Declined { .. } => StateName::Declined,
        }
    }
}

/// The states as they are shown and filtered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StateName {
    /// Invited, and the link is valid.
    Pending,
    /// Invited, and the link's time is over.
    Expired,
    /// Registered.
    Accepted,
    /// Withdrawn by an administrator.
    Revoked,
    /// Turned down by the person.
    Declined,
}

impl StateName {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Pending,
        Self::Expired,
        Self::Accepted,
        Self::Revoked,
        Self::Declined,
    ];

    /// What a person is shown of this stored state: `expired` for `pending` from `expires_at` on.
    #[must_use]
    pub fn at(self, now: Timestamp, expires_at: Timestamp) -> Self {
        match self {
            Self::Pending if now >= expires_at => Self::Expired,
            state => state,
        }
    }

    /// The name in the API and in keys.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Expired => "expired",
            Self::Accepted => "accepted",
            Self::Revoked => "revoked",
            Self::Declined => "declined",
        }
    }
}

/// The text names no state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a state is pending, expired, accepted, revoked or declined")]
pub struct UnknownState;

impl FromStr for StateName {
    type Err = UnknownState;

    fn from_str(text: &str) -> Result<Self, UnknownState> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or(UnknownState)
    }
}

impl fmt::Display for StateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Who sent an invitation, as their sign-in token named them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inviter {
    /// The token's `sub`.
    pub id: String,
    /// The token's `name`, if it has one that is fit for a mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<PersonName>,
}
