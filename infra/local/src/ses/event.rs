//! What became of the mails, as SES publishes it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// One thing that happened to one recipient's mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// What happened.
    pub kind: EventKind,
    /// The id that the send call answered with.
    pub message_id: String,
    /// The recipient's plain address.
    pub recipient: String,
    /// The mail's message tags.
    pub tags: BTreeMap<String, String>,
    /// When it happened.
    pub at: Timestamp,
}

/// The kinds of event that SES publishes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// The mail was accepted and rendered, delivery begins.
    Send,
    /// The recipient's server took the mail.
    Delivery,
    /// The recipient's server does not take it for now.
    DeliveryDelay,
    /// The recipient's server refused it for good, or the address is on the suppression list.
    Bounce(BounceKind),
    /// The recipient marked the mail as spam.
    Complaint,
    /// SES accepted the mail and then did not want to send it.
    Reject,
    /// The template did not fit its data: nothing was sent.
    RenderingFailure {
        /// SES's sentence, which names the missing variable.
        error: String,
    },
}

/// Where a bounce came from: SES's `bounceSubType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BounceKind {
    /// The recipient's server refused the address.
    General,
    /// The recipient's server would take it another day.
    MailboxFull,
    /// The address was already on the account's suppression list, so the mail was never handed over.
    OnAccountSuppressionList,
}

impl Event {
    /// The event as `EventBridge` brings it.
    pub fn to_bus_event(&self) -> Value {
        let at = format!("{:.3}", self.at);
        let tags: Map<String, Value> = self
            .tags
            .iter()
            .map(|(name, value)| (name.clone(), json!([value])))
            .collect();
        let mut detail = json!({
            "eventType": self.kind.name(),
            "mail": {
                "timestamp": at,
                "messageId": self.message_id,
                "destination": [self.recipient],
                "tags": tags,
            },
        });
        let (name, content) = match &self.kind {
            EventKind::Send => ("send", json!({})),
            EventKind::Delivery => (
                "delivery",
                json!({"timestamp": at, "recipients": [self.recipient], "smtpResponse": "250 2.0.0 OK"}),
            ),
            EventKind::DeliveryDelay => (
                "deliveryDelay",
                json!({"timestamp": at, "delayType": "MailboxFull", "delayedRecipients": [{
                    "emailAddress": self.recipient,
                    "status": "4.2.2",
                    "diagnosticCode": "smtp; 452 4.2.2 The mailbox is full",
                }]}),
            ),
            EventKind::Bounce(kind) => (
                "bounce",
                json!({
                    "timestamp": at,
                    "bounceType": kind.bounce_type(),
                    "bounceSubType": kind.name(),
                    "bouncedRecipients": [kind.recipient(&self.recipient)],
                }),
            ),
            EventKind::Complaint => (
                "complaint",
                json!({
                    "timestamp": at,
                    "complaintFeedbackType": "abuse",
                    "complainedRecipients": [{"emailAddress": self.recipient}],
                }),
            ),
            EventKind::Reject => ("reject", json!({"reason": "Bad content"})),
            EventKind::RenderingFailure { error } => (
                "failure",
                json!({"errorMessage": error, "templateName": "inline"}),
            ),
        };
        detail[name] = content;
        json!({
            "version": "0",
            "detail-type": self.kind.detail_type(),
            "source": "aws.ses",
            "time": at,
            "region": "us-east-1",
            "detail": detail,
        })
    }
}

impl BounceKind {
    fn bounce_type(self) -> &'static str {
        match self {
            Self::General | Self::OnAccountSuppressionList => "Permanent",
            Self::MailboxFull => "Transient",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::General => "General",
            Self::OnAccountSuppressionList => "OnAccountSuppressionList",
            Self::MailboxFull => "MailboxFull",
        }
    }

    fn recipient(self, address: &str) -> Value {
        let (status, code) = match self {
            Self::General => ("5.1.1", "smtp; 550 5.1.1 user unknown"),
            Self::OnAccountSuppressionList => (
                "5.1.1",
                "Amazon SES did not send the message to this address because it is on the suppression list for your account.",
            ),
            Self::MailboxFull => ("4.2.2", "smtp; 452 4.2.2 The mailbox is full"),
        };
        json!({"emailAddress": address, "action": "failed", "status": status, "diagnosticCode": code})
    }
}

impl EventKind {
    /// The event's name as the bus has it.
    fn detail_type(&self) -> &'static str {
        match self {
            Self::Send => "Email Sent",
            Self::Delivery => "Email Delivered",
            Self::DeliveryDelay => "Email Delivery Delayed",
            Self::Bounce(_) => "Email Bounced",
            Self::Complaint => "Email Complaint Received",
            Self::Reject => "Email Rejected",
            Self::RenderingFailure { .. } => "Email Rendering Failed",
        }
    }

    /// The event's name, exactly as SES writes it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Send => "Send",
            Self::Delivery => "Delivery",
            Self::DeliveryDelay => "DeliveryDelay",
            Self::Bounce(_) => "Bounce",
            Self::Complaint => "Complaint",
            Self::Reject => "Reject",
            // With the space, unlike every other name.
            Self::RenderingFailure { .. } => "Rendering Failure",
        }
    }
}
