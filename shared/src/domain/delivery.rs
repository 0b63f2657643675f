//! One mail on its way: what has become of it, how often it was tried, and who is at it.

use jiff::{Timestamp, fmt::serde::timestamp::millisecond as ms};
use serde::{Deserialize, Serialize};

/// What has become of the last mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// How far it got.
    pub status: DeliveryStatus,
    /// Since when.
    #[serde(with = "ms::required")]
    pub at: Timestamp,
    /// Why it got no further, in a sentence for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Which try this is about: the user's `version` in the stream record that the mailer claimed. SES's events carry it as
    /// the tag `attempt`. None until a mailer claims, and once SES has refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u64>,
    /// The id by which SES knows the mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// Whether it waits because SES takes no mail of the account at all: the quota is used up, sending is paused, or the
    /// sender, the role or the configuration set is refused. Only of a `queued` mail.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub parked: bool,
    /// Whether it counts among no day's mails yet: the address was corrected while there was nobody to be mailed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub uncounted: bool,
}

impl Delivery {
    /// A status without a reason.
    pub fn new(status: DeliveryStatus, at: Timestamp) -> Self {
        Self {
            status,
            at,
            reason: None,
            attempt: None,
            message_id: None,
            parked: false,
            uncounted: false,
        }
    }

    /// The same, for this reason.
    #[must_use]
    pub fn because(self, reason: &str) -> Self {
        Self {
            reason: Some(reason.to_owned()),
            ..self
        }
    }

    /// The same, of this try.
    #[must_use]
    pub fn of_attempt(self, attempt: Option<u64>) -> Self {
        Self { attempt, ..self }
    }

    /// Nobody knows whether this try's mail went.
    pub fn unknown(at: Timestamp, attempt: Option<u64>) -> Self {
        Self::new(DeliveryStatus::Unknown, at)
            .because(UNKNOWN)
            .of_attempt(attempt)
    }
}

/// Why a mail is put off when nothing is wrong: others are before it.
pub const IN_TURN: &str =
    "Much mail is waiting, and SES takes only so much a second. This one has its turn soon.";
const UNKNOWN: &str = "The mail may have gone or not: what SES answered was lost. It is sent again soon, with the same link, three times at most.";

/// The stations of a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStatus {
    /// No mail was asked for (`notify: false`).
    NotRequested,
    /// Waiting for the mailer, or to be tried again.
    Queued,
    /// Claimed by the mailer.
    Sending,
    /// The mailer stopped while it was sending, or lost SES's answer: SES may have taken it or not.
    Unknown,
    /// SES has taken it.
    Sent,
    /// The recipient's server does not take it for now; SES goes on trying. Reported by SES, as are those that follow.
    Delayed,
    /// The recipient's server has taken it.
    Delivered,
    /// The recipient's server has refused it.
    Bounced,
    /// The recipient has called it spam.
    Complained,
    /// The invitation ended before the mail was sent. Shown, never stored.
    Cancelled,
    /// The address was suppressed before the mail was sent. Shown, never stored.
    Suppressed,
    /// SES did not take it, and trying again would not help before somebody acts.
    Failed,
}

/// What kind of mail is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailKind {
    /// The invitation, at first or again.
    Invitation,
    /// The invitation once more, with the same link, since it ends soon.
    Reminder,
}

/// How often a mail was tried in vain since it was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailTries {
    /// In all: what the pause before the next try grows with.
    pub all: u32,
    /// Those of which nobody can say why, or whether they were in vain: there is a limit to them.
    pub doubtful: u32,
}

impl MailTries {
    /// One more that SES has put off for a reason that passes.
    #[must_use]
    pub fn put_off(self) -> Self {
        Self {
            all: self.all.saturating_add(1),
            ..self
        }
    }

    /// One more of which nobody knows why it was refused, or whether it went.
    #[must_use]
    pub fn doubted(self) -> Self {
        Self {
            all: self.all.saturating_add(1),
            doubtful: self.doubtful.saturating_add(1),
        }
    }

    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde's `skip_serializing_if` hands a reference to the field"
    )]
    pub(super) fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// The mailer's hold on a mail that it is sending. How long it lasts is the user's `due_at`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailClaim {
    /// The user's `version` in the stream record that was claimed. It names this try to send the mail.
    pub record: u64,
    /// The try before it, of which nobody knows whether its mail went: SES may still report it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubted: Option<u64>,
}
