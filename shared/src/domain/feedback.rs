//! What SES reports of a mail that it has taken. Its events come late, twice and in any order, and must end in the same
//! state all the same: so of two reports the greater one stands, by an order that has nothing to do with when they came.

use jiff::{Timestamp, fmt::serde::timestamp::millisecond as ms};
use serde::{Deserialize, Serialize};

use super::{Delivery, DeliveryStatus, State, User, UserId};

/// One event of SES's about one user's mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailReport {
    /// Whose mail.
    pub user_id: UserId,
    /// Which try to send it.
    pub attempt: u64,
    /// SES's id of the mail.
    pub message_id: String,
    /// What happened.
    pub kind: ReportKind,
    /// When.
    pub at: Timestamp,
    /// Why, in a sentence for a person.
    pub reason: Option<String>,
}

/// What SES's events tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportKind {
    /// SES has rendered the mail and begins to deliver it.
    Sent,
    /// The recipient's server does not take it for now.
    Delayed,
    /// The recipient's server has taken it.
    Delivered,
    /// SES has taken it and then did not want to send it.
    Rejected,
    /// The template did not fit its data, so nothing was sent.
    Unrenderable,
    /// The recipient's server has refused it, this time.
    SoftBounced,
    /// The recipient's server has refused it, and would again.
    HardBounced,
    /// The recipient has called it spam.
    Complained,
}

impl ReportKind {
    /// What it makes of the mail.
    pub fn status(self) -> DeliveryStatus {
        match self {
            Self::Sent => DeliveryStatus::Sent,
            Self::Delayed => DeliveryStatus::Delayed,
            Self::Delivered => DeliveryStatus::Delivered,
            Self::Rejected | Self::Unrenderable => DeliveryStatus::Failed,
            Self::SoftBounced | Self::HardBounced => DeliveryStatus::Bounced,
            Self::Complained => DeliveryStatus::Complained,
        }
    }

    /// Why the address gets no more mail from now on, if so.
    pub fn suppression(self) -> Option<SuppressionReason> {
        match self {
            Self::HardBounced => Some(SuppressionReason::Bounced),
            Self::Complained => Some(SuppressionReason::Complained),
            _ => None,
        }
    }
}

/// The greatest of SES's reports so far, as the user keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feedback {
    /// Which try it is about. It counts only while the delivery is of the same one.
    pub attempt: u64,
    /// How far the mail got.
    pub status: DeliveryStatus,
    /// Since when.
    #[serde(with = "ms::required")]
    pub at: Timestamp,
    /// Why it got no further.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Feedback {
    /// What this report says.
    pub fn of(report: &MailReport) -> Self {
        Self {
            attempt: report.attempt,
            status: report.kind.status(),
            at: report.at,
            reason: report.reason.clone(),
        }
    }

    /// Text that sorts as reports count: a later try's above an earlier one's, then what is worse or further, then what is
    /// newer.
    ///
    /// A mail that bounced after it was delivered has bounced; one that is "delivered" after it bounced has too.
    pub fn order(&self) -> String {
        let rank = match self.status {
            DeliveryStatus::Complained => 5,
            DeliveryStatus::Bounced => 4,
            DeliveryStatus::Failed => 3,
            DeliveryStatus::Delivered => 2,
            DeliveryStatus::Delayed => 1,
            _ => 0,
        };
        let (attempt, at) = (self.attempt, self.at.as_millisecond());
        let reason = self.reason.as_deref().unwrap_or_default();
        format!("{attempt:020}#{rank}#{at:015}#{reason}")
    }
}

/// Why an address is not to be written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suppression {
    /// The reason.
    pub reason: SuppressionReason,
    /// Since when.
    #[serde(with = "ms::required")]
    pub at: Timestamp,
}

/// Reasons not to write to an address, the lesser first: a greater one takes the place of a lesser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SuppressionReason {
    /// There is no such mailbox.
    Bounced,
    /// The person called a mail spam.
    Complained,
    /// The person asked not to be invited again.
    Declined,
}

impl SuppressionReason {
    /// Those whose place this one takes.
    pub fn lesser(self) -> impl Iterator<Item = Self> {
        let all = [Self::Bounced, Self::Complained, Self::Declined];
        all.into_iter().filter(move |other| *other < self)
    }
}

/// What has become of a user's mail, all in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MailState<'a> {
    /// How far it got.
    pub status: DeliveryStatus,
    /// Since when.
    pub at: Timestamp,
    /// Why it got no further.
    pub reason: Option<&'a str>,
}

impl User {
    /// Whether SES has reported anything of the try that the delivery is about.
    pub fn mail_is_reported(&self) -> bool {
        self.report().is_some()
    }

    fn report(&self) -> Option<&Feedback> {
        let of_this_try = |report: &&Feedback| Some(report.attempt) == self.delivery.attempt;
        self.feedback.as_ref().filter(of_this_try)
    }

    /// What SES has reported of the mail, else how far the pipeline got with it.
    pub fn furthest(&self) -> MailState<'_> {
        let (status, at, reason) = match self.report() {
            Some(report) => (report.status, report.at, &report.reason),
            None => (
                self.delivery.status,
                self.delivery.at,
                &self.delivery.reason,
            ),
        };
        MailState {
            status,
            at,
            reason: reason.as_deref(),
        }
    }

    /// What a person is shown of the mail: a mail that waits is none once nobody wants it any more.
    pub fn mail(&self, now: Timestamp) -> MailState<'_> {
        let furthest = self.furthest();
        let waits = matches!(
            furthest.status,
            DeliveryStatus::Queued | DeliveryStatus::Unknown
        );
        if !waits || (self.mail_is_wanted() && !self.has_expired(now)) {
            return furthest;
        }
        // An earlier try of a mail that is in the outbox may have gone.
        let (status, reason) = match (self.delivery.attempt, self.suppressed) {
            (Some(_), _) => (DeliveryStatus::Unknown, UNKNOWN_FOR_GOOD),
            (None, Some(_)) if self.state == State::Pending && !self.has_expired(now) => {
                (DeliveryStatus::Suppressed, SUPPRESSED)
            }
            (None, _) => (DeliveryStatus::Cancelled, CANCELLED),
        };
        MailState {
            status,
            reason: Some(reason),
            ..furthest
        }
    }

    /// The user once the pipeline has taken note of what SES reports of a mail whose fate was unknown.
    #[must_use]
    pub fn settled(&self, now: Timestamp) -> Self {
        let mut user = self.clone();
        let Some(report) = self.report() else {
            return user;
        };
        let failed = report.status == DeliveryStatus::Failed;
        user.delivery = Delivery {
            message_id: self.delivery.message_id.clone(),
            ..Delivery::new(DeliveryStatus::Sent, now).of_attempt(Some(report.attempt))
        };
        if failed {
            user.delivery.status = DeliveryStatus::Failed;
        } else {
            user.send_count += 1;
            user.last_sent_at = self.last_sent_at.max(Some(report.at));
        }
        user
    }

    /// The user once SES has taken the mail.
    #[must_use]
    pub fn sent(&self, now: Timestamp) -> Self {
        Self {
            delivery: Delivery::new(DeliveryStatus::Sent, now),
            last_sent_at: Some(now),
            ..self.clone()
        }
    }

    /// Whether the invitation waits to be accepted, and may be mailed.
    pub fn mail_is_wanted(&self) -> bool {
        self.state == State::Pending && self.suppressed.is_none()
    }
}

const CANCELLED: &str = "The invitation ended before its mail was sent.";
const SUPPRESSED: &str = "The address gets no mail, since an earlier one bounced or was called spam. Reach the person another way, or lift the suppression with DELETE /v1/users/{id}/suppression.";
const UNKNOWN_FOR_GOOD: &str =
    "The mail may have gone or not: what SES answered was lost. It is not sent again.";
