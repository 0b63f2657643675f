//! Making a user out of an invitation.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{
    Delivery, DeliveryStatus, EmailAddress, ExternalId, Group, IdempotencyKey, Inviter, Locale,
    LocaleSource, MailKind, MailTries, Message, Metadata, Nonce, PersonName, RedirectUrl, State,
    TenantId, TokenKey, User, UserId,
};

/// For how many days a link is valid: 1 to 365, 7 unless said otherwise (as with WorkOS, Auth0 and GitHub).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub struct Lifetime(i64);

/// Fewer than 1 day or more than 365.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be a whole number from 1 to 365")]
pub struct LifetimeError;

impl Lifetime {
    /// A life of this many days.
    pub fn days(days: i64) -> Result<Self, LifetimeError> {
        if (1..=365).contains(&days) {
            Ok(Self(days))
        } else {
            Err(LifetimeError)
        }
    }

    /// The first instant at which a link issued `now` is no longer valid.
    pub fn end(self, now: Timestamp) -> Timestamp {
        now.saturating_add(SignedDuration::from_hours(24 * self.0))
            .unwrap_or(Timestamp::MAX)
    }
}

impl TryFrom<i64> for Lifetime {
    type Error = LifetimeError;

    fn try_from(days: i64) -> Result<Self, LifetimeError> {
        Self::days(days)
    }
}

impl From<Lifetime> for i64 {
    fn from(lifetime: Lifetime) -> Self {
        lifetime.0
    }
}

impl Default for Lifetime {
    fn default() -> Self {
        Self(7)
    }
}

/// After a mail was asked for, how long until somebody checks that it was sent.
pub const MAIL_DUE: SignedDuration = SignedDuration::from_mins(2);

/// Everything an administrator says about one person's invitation.
#[derive(Clone, Debug)]
pub struct Invitation {
    /// Where it goes.
    pub email: EmailAddress,
    /// The person's name, if known.
    pub name: Option<PersonName>,
    /// The language that was asked for, else that of the template in use.
    pub locale: Locale,
    /// How the template for it was found.
    pub locale_source: LocaleSource,
    /// Groups to join on registering.
    pub groups: Vec<Group>,
    /// The person's id in the product.
    pub external_id: Option<ExternalId>,
    /// What the product keeps with the user.
    pub metadata: Option<Metadata>,
    /// A personal note.
    pub message: Option<Message>,
    /// How long the link is valid.
    pub lifetime: Lifetime,
    /// Where to go after registering.
    pub redirect_url: Option<RedirectUrl>,
    /// Whether to send a mail.
    pub notify: bool,
    /// Who invites.
    pub invited_by: Inviter,
    /// The request this came in.
    pub idempotency_key: Option<IdempotencyKey>,
}

impl Invitation {
    /// The new user, pending, with a token of their own and, if a mail is wanted, that mail in the outbox.
    pub fn into_user(
        self,
        tenant: TenantId,
        now: Timestamp,
        id: UserId,
        nonce: Nonce,
        key: &TokenKey,
    ) -> User {
        let token = key.issue(&tenant, id, nonce);
        let status = if self.notify {
            DeliveryStatus::Queued
        } else {
            DeliveryStatus::NotRequested
        };
        User {
            id,
            tenant,
            version: 1,
            email: self.email,
            name: self.name,
            locale: self.locale,
            locale_source: self.locale_source,
            groups: self.groups,
            external_id: self.external_id,
            metadata: self.metadata,
            state: State::Pending,
            invited_by: self.invited_by,
            changed_by: None,
            invited_at: now,
            expires_at: self.lifetime.end(now),
            message: self.message,
            redirect_url: self.redirect_url,
            nonce,
            token_hash: Some(token.hash()),
            renewed_hash: None,
            mail_requests: if self.notify {
                vec![now.as_millisecond()]
            } else {
                vec![]
            },
            send_count: 0,
            last_sent_at: None,
            delivery: Delivery::new(status, now),
            feedback: None,
            suppressed: None,
            suppression_lifted_at: None,
            reminders: 0,
            outbox: self.notify.then_some(MailKind::Invitation),
            mail_tries: MailTries::default(),
            claim: None,
            due_at: Some(if self.notify {
                now.saturating_add(MAIL_DUE).unwrap_or(now)
            } else {
                self.lifetime.end(now)
            }),
            idempotency_key: self.idempotency_key,
            resend_request: None,
            created_at: now,
            updated_at: now,
        }
    }
}
