//! SES's events as `EventBridge` brings them, and what they tell of one user's mail.
//!
//! Their shapes are SES's ("Event data that Amazon SES publishes", SES developer guide). Only what is needed is read, so that
//! an event with more in it can be read too.

use jiff::Timestamp;
use serde::Deserialize;
use usher::domain::{EmailAddress, MailReport, ReportKind, UserId};

/// How much of a mail server's own words is kept.
const LONGEST_DIAGNOSIS: usize = 200;

/// An event from the bus.
#[derive(Debug, Deserialize)]
pub(crate) struct BusEvent {
    detail: Detail,
}

#[derive(Debug, Deserialize)]
struct Detail {
    mail: Mail,
    #[serde(flatten)]
    what: What,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "eventType")]
enum What {
    Send,
    Delivery {
        delivery: Instant,
    },
    DeliveryDelay {
        #[serde(rename = "deliveryDelay")]
        delay: Delay,
    },
    Bounce {
        bounce: Bounce,
    },
    Complaint {
        complaint: Complaint,
    },
    Reject {
        reject: Reject,
    },
    // With the space, unlike every other name.
    #[serde(rename = "Rendering Failure")]
    RenderingFailure {
        failure: Failure,
    },
    /// Opens and clicks, which are not tracked, and what is to come.
    #[serde(other)]
    Other,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Mail {
    timestamp: Timestamp,
    message_id: String,
    #[serde(default)]
    destination: Vec<String>,
    #[serde(default)]
    tags: Tags,
}

/// The message tags that the mailer gives every mail. SES lists a tag's values.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Tags {
    user: Vec<String>,
    attempt: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Instant {
    timestamp: Timestamp,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bounce {
    #[serde(rename = "bounceType")]
    kind: String,
    #[serde(rename = "bounceSubType", default)]
    sub_kind: String,
    timestamp: Timestamp,
    #[serde(default)]
    bounced_recipients: Vec<Recipient>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Recipient {
    diagnostic_code: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Complaint {
    timestamp: Timestamp,
    #[serde(rename = "complaintFeedbackType")]
    kind: Option<String>,
    #[serde(rename = "complaintSubType")]
    sub_kind: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Delay {
    timestamp: Timestamp,
    #[serde(rename = "delayType", default)]
    kind: String,
    #[serde(default)]
    delayed_recipients: Vec<Recipient>,
}

#[derive(Debug, Deserialize)]
struct Reject {
    reason: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Failure {
    error_message: Option<String>,
}

/// What an event tells, and of which address.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) report: MailReport,
    /// None if SES names one that Usher would not invite.
    pub(crate) email: Option<EmailAddress>,
}

impl BusEvent {
    /// What it tells of a user's mail; nothing, if it is of no mail of ours, or of a kind that says nothing of where the mail
    /// is.
    pub(crate) fn told(self) -> Option<Told> {
        let Detail { mail, what } = self.detail;
        let (user_id, attempt) = mail.tags.of_ours()?;
        let (kind, at, reason) = what.told(mail.timestamp)?;
        let address = mail.destination.first();
        Some(Told {
            email: address.and_then(|address| EmailAddress::parse(address).ok()),
            report: MailReport {
                user_id,
                attempt,
                message_id: mail.message_id,
                kind,
                at,
                reason,
            },
        })
    }
}

impl Tags {
    fn of_ours(&self) -> Option<(UserId, u64)> {
        let user = self.user.first()?.parse().ok()?;
        Some((user, self.attempt.first()?.parse().ok()?))
    }
}

impl What {
    fn told(self, sent_at: Timestamp) -> Option<(ReportKind, Timestamp, Option<String>)> {
        match self {
            Self::Send => Some((ReportKind::Sent, sent_at, None)),
            Self::Delivery { delivery } => Some((ReportKind::Delivered, delivery.timestamp, None)),
            Self::DeliveryDelay { delay } => Some(delay.told()),
            Self::Bounce { bounce } => Some(bounce.told()),
            Self::Complaint { complaint } => complaint.told(),
            Self::Reject { reject } => {
                let reason = with_words(REJECTED, reject.reason.as_deref());
                Some((ReportKind::Rejected, sent_at, Some(reason)))
            }
            Self::RenderingFailure { failure } => {
                let reason = with_words(UNRENDERABLE, failure.error_message.as_deref());
                Some((ReportKind::Unrenderable, sent_at, Some(reason)))
            }
            Self::Other => None,
        }
    }
}

const REJECTED: &str = "SES did not want to send the mail after all, and sends no mail like it.";
const UNRENDERABLE: &str = "The mail's template does not fit its data, so nothing was sent. Correct the template, then send the invitation again.";

impl Bounce {
    fn told(&self) -> (ReportKind, Timestamp, Option<String>) {
        let kind = match self.kind.as_str() {
            "Permanent" => ReportKind::HardBounced,
            // "Undetermined" says that SES could not tell: the address may be right.
            _ => ReportKind::SoftBounced,
        };
        let reason = match (kind, self.sub_kind.as_str()) {
            (ReportKind::HardBounced, "NoEmail") => "There is no such mailbox.",
            (ReportKind::HardBounced, "OnAccountSuppressionList" | "Suppressed") => {
                "SES sends nothing to this address, since earlier mail to it bounced or was called spam."
            }
            (ReportKind::HardBounced, "UnsubscribedRecipient") => {
                "The person has unsubscribed from mail that this account sends."
            }
            (ReportKind::HardBounced, _) => {
                "The recipient's mail server refuses the address: most likely there is no such mailbox."
            }
            (_, "MailboxFull") => "The mailbox is full.",
            (_, "MessageTooLarge") => "The recipient's mail server takes no mail of this size.",
            (_, "ContentRejected" | "AttachmentRejected") => {
                "The recipient's mail server did not like the mail's content."
            }
            _ => "The recipient's mail server did not take the mail, for a reason that may pass.",
        };
        let words = diagnosis(&self.bounced_recipients);
        (kind, self.timestamp, Some(with_words(reason, words)))
    }
}

impl Complaint {
    fn told(&self) -> Option<(ReportKind, Timestamp, Option<String>)> {
        // The person has told their provider that a mail it took for spam is none.
        if self.kind.as_deref() == Some("not-spam") {
            return None;
        }
        let reason = match self.sub_kind.as_deref() {
            Some("OnAccountSuppressionList") => {
                "SES sends nothing to this address, since earlier mail to it was called spam."
            }
            _ => "The person has called the mail spam.",
        };
        Some((
            ReportKind::Complained,
            self.timestamp,
            Some(reason.to_owned()),
        ))
    }
}

impl Delay {
    fn told(&self) -> (ReportKind, Timestamp, Option<String>) {
        let reason = match self.kind.as_str() {
            "MailboxFull" => "The mailbox is full. SES goes on trying.",
            "IPFailure" | "SpamDetected" => {
                "The recipient's mail server holds back mail from SES. SES goes on trying."
            }
            _ => "The recipient's mail server does not take the mail now. SES goes on trying.",
        };
        let words = diagnosis(&self.delayed_recipients);
        (
            ReportKind::Delayed,
            self.timestamp,
            Some(with_words(reason, words)),
        )
    }
}

fn diagnosis(recipients: &[Recipient]) -> Option<&str> {
    recipients.first()?.diagnostic_code.as_deref()
}

/// The sentence, and what a machine said: on one line, and not without end.
fn with_words(sentence: &str, words: Option<&str>) -> String {
    let words = words
        .unwrap_or_default()
        .split(|c: char| c.is_whitespace() || c.is_control());
    // Mail servers quote the recipient. That is known where this is kept, and would outlive them there.
    let words = words.map(|word| if word.contains('@') { "…" } else { word });
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    if words.is_empty() {
        return sentence.to_owned();
    }
    let words: String = words.join(" ").chars().take(LONGEST_DIAGNOSIS).collect();
    format!("{sentence} ({words})")
}
