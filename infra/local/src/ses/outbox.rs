//! What one call has accepted, kept back until the whole call is decided.

use jiff::Timestamp;
use usher::clock::Entropy;

use super::{
    Ses,
    address::{Address, Fate},
    error::{Refusal, SesError},
    event::{BounceKind, Event, EventKind},
    letter,
    send::Call,
    wire::{BulkEntry, BulkEntryResult, Destination},
};
use crate::mailbox::Mail;

const MAX_RECIPIENTS_PER_ENTRY: usize = 50;

/// What a call has accepted so far. Nothing of it is visible until [`Outbox::send`].
#[derive(Default)]
pub(super) struct Outbox {
    mails: Vec<Mail>,
    events: Vec<Event>,
}

impl Outbox {
    pub(super) fn try_accept(
        &mut self,
        ses: &Ses,
        call: &Call,
        entry: &BulkEntry,
    ) -> BulkEntryResult {
        if let Some(status) = ses.faults.for_entry() {
            return BulkEntryResult {
                status,
                error: Some("A fault was asked for.".into()),
                message_id: None,
            };
        }
        match self.accept(ses, call, entry) {
            Ok(id) => BulkEntryResult {
                status: "SUCCESS".into(),
                error: None,
                message_id: Some(id),
            },
            Err(refusal) => BulkEntryResult {
                status: refusal.status().into(),
                error: Some(refusal.to_string()),
                message_id: None,
            },
        }
    }

    pub(super) fn accept(
        &mut self,
        ses: &Ses,
        call: &Call,
        entry: &BulkEntry,
    ) -> Result<String, Refusal> {
        let recipients = verified_recipients(ses, &entry.destination)?;
        let replacement = &entry.replacement_email_content.replacement_template;
        let mut data = call.data.clone();
        data.extend(letter::data(
            replacement.replacement_template_data.as_deref(),
        )?);
        let mut tags = call.tags.clone();
        tags.extend(letter::tags(&entry.replacement_tags)?);
        let mut headers = call.headers.clone();
        letter::add_headers(&mut headers, &entry.replacement_headers)?;
        let rendered = call.letter.render(data)?;

        let at = ses.clock.now();
        if !ses.limits.count(recipients.len() as u64, at) {
            return Err(Refusal::DailyQuotaExceeded);
        }
        let message_id = message_id(at, &ses.entropy);
        for to in &recipients {
            let event = |kind| Event {
                kind,
                message_id: message_id.clone(),
                recipient: to.as_str().to_owned(),
                tags: tags.clone(),
                at,
            };
            let rendered = match &rendered {
                Ok(rendered) => rendered.clone(),
                Err(failure) => {
                    let error = failure.to_string();
                    self.events
                        .push(event(EventKind::RenderingFailure { error }));
                    continue;
                }
            };
            self.events.extend(fate(to.fate()).into_iter().map(event));
            if matches!(to.fate(), Fate::Delivered | Fate::Complained) {
                self.mails.push(Mail {
                    to: to.as_str().to_owned(),
                    from: call.from.clone(),
                    subject: rendered.subject,
                    html: rendered.html,
                    text: rendered.text,
                    headers: headers.clone(),
                    tags: tags.clone(),
                    message_id: message_id.clone(),
                    sent_at: at,
                });
            }
        }
        Ok(message_id)
    }

    pub(super) fn send(self, ses: &Ses) -> Result<(), SesError> {
        if let Err(error) = ses.mailbox.deliver(self.mails) {
            tracing::error!(%error, "the mailbox can't be written, so nothing of this call was sent");
            return Err(SesError::InternalServiceError);
        }
        ses.record(self.events);
        Ok(())
    }
}

fn fate(fate: Fate) -> Vec<EventKind> {
    match fate {
        Fate::Delivered => vec![EventKind::Send, EventKind::Delivery],
        Fate::Complained => vec![EventKind::Send, EventKind::Delivery, EventKind::Complaint],
        Fate::Bounced => vec![EventKind::Send, EventKind::Bounce(BounceKind::General)],
        Fate::Suppressed => vec![
            EventKind::Send,
            EventKind::Bounce(BounceKind::OnAccountSuppressionList),
        ],
    }
}

fn verified_recipients(ses: &Ses, destination: &Destination) -> Result<Vec<Address>, Refusal> {
    let to: Vec<Address> = destination
        .addresses()
        .map(Address::parse)
        .collect::<Result<_, _>>()?;
    if !(1..=MAX_RECIPIENTS_PER_ENTRY).contains(&to.len()) {
        let message = format!(
            "A mail needs 1 to {MAX_RECIPIENTS_PER_ENTRY} recipients, this one has {}.",
            to.len()
        );
        return Err(Refusal::InvalidParameter(message));
    }
    let unverified: Vec<&str> = to
        .iter()
        .filter(|to| !ses.may_mail(to))
        .map(Address::as_str)
        .collect();
    if unverified.is_empty() {
        Ok(to)
    } else {
        Err(Refusal::NotVerified(unverified.join(", ")))
    }
}

/// An id of SES's form: a prefix, the time, a UUID and a counter that is always zero.
fn message_id(at: Timestamp, entropy: &Entropy) -> String {
    format!("0100{:012x}-{}-000000", at.as_millisecond(), uuid(entropy))
}

/// A random UUID as SES and the AWS request ids write it.
pub(super) fn uuid(entropy: &Entropy) -> String {
    let mut bytes: [u8; 16] = entropy.bytes();
    // The version, 4 for random, and the variant.
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = format!("{:032x}", u128::from_be_bytes(bytes));
    [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ]
    .join("-")
}
