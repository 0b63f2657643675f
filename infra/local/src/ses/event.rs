//! What became of the mails, as SES publishes it.

use std::collections::BTreeMap;

use jiff::Timestamp;

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
    /// The address was already on the account's suppression list, so the mail was never handed over.
    OnAccountSuppressionList,
}

impl EventKind {
    /// The event's name, exactly as SES writes it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Send => "Send",
            Self::Delivery => "Delivery",
            Self::Bounce(_) => "Bounce",
            Self::Complaint => "Complaint",
            Self::Reject => "Reject",
            // With the space, unlike every other name.
            Self::RenderingFailure { .. } => "Rendering Failure",
        }
    }
}
