//! The two ways to send. Both refuse by entry: `SendEmail` is a call with one.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use tokio::time::Instant;

use super::{
    Ses, account,
    address::Address,
    error::{Refusal, SesError},
    letter::{self, Letter},
    outbox::Outbox,
    wire::{
        BulkEntry, NameValue, SendBulkEmailAnswer, SendBulkEmailRequest, SendEmailAnswer,
        SendEmailRequest,
    },
};

const MAX_ENTRIES: usize = 50;

pub(super) fn send_email(
    ses: &Ses,
    request: SendEmailRequest,
) -> Result<SendEmailAnswer, SesError> {
    account::may_send(ses, request.configuration_set_name.as_deref())?;
    let (letter, data, headers) = match (&request.content.simple, &request.content.template) {
        (Some(message), None) => (Letter::simple(message)?, None, &message.headers),
        (None, Some(template)) => (
            Letter::templated(template)?,
            template.data.as_deref(),
            &template.headers,
        ),
        _ => {
            let message = "Content needs exactly one of Simple and Template; Raw is not supported on this machine.";
            return Err(SesError::BadRequest(message.into()));
        }
    };
    let call = Call::new(
        &request.from_email_address,
        &request.reply_to_addresses,
        letter,
        data,
        &request.email_tags,
        headers,
    )?;
    let entry = BulkEntry {
        destination: request.destination,
        ..BulkEntry::default()
    };
    ses.limits.admit(recipients([&entry]), Instant::now())?;

    let mut outbox = Outbox::default();
    let message_id = outbox.accept(ses, &call, &entry)?;
    outbox.send(ses)?;
    Ok(SendEmailAnswer { message_id })
}

pub(super) fn send_bulk_email(
    ses: &Ses,
    request: &SendBulkEmailRequest,
) -> Result<SendBulkEmailAnswer, SesError> {
    account::may_send(ses, request.configuration_set_name.as_deref())?;
    let entries = &request.bulk_email_entries;
    if !(1..=MAX_ENTRIES).contains(&entries.len()) {
        let message = format!(
            "A call needs 1 to {MAX_ENTRIES} entries, this one has {}.",
            entries.len()
        );
        return Err(SesError::BadRequest(message));
    }
    let Some(template) = &request.default_content.template else {
        return Err(SesError::BadRequest(
            "DefaultContent needs a Template.".into(),
        ));
    };
    let letter = Letter::templated(template)?;
    let call = Call::new(
        &request.from_email_address,
        &request.reply_to_addresses,
        letter,
        template.data.as_deref(),
        &request.default_email_tags,
        &template.headers,
    )?;
    ses.limits.admit(recipients(entries), Instant::now())?;

    let mut outbox = Outbox::default();
    let results = entries
        .iter()
        .map(|entry| outbox.try_accept(ses, &call, entry))
        .collect();
    outbox.send(ses)?;
    Ok(SendBulkEmailAnswer {
        bulk_email_entry_results: results,
    })
}

fn recipients<'a>(entries: impl IntoIterator<Item = &'a BulkEntry>) -> u64 {
    let all = entries
        .into_iter()
        .flat_map(|entry| entry.destination.addresses());
    all.count() as u64
}

/// What all entries of a call share.
pub(super) struct Call {
    pub(super) from: String,
    pub(super) letter: Letter,
    pub(super) data: Map<String, Value>,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) headers: BTreeMap<String, String>,
}

impl Call {
    fn new(
        from: &str,
        reply_to: &[String],
        letter: Letter,
        data: Option<&str>,
        tags: &[NameValue],
        headers: &[NameValue],
    ) -> Result<Self, Refusal> {
        Address::parse(from)?;
        let mut all_headers = BTreeMap::new();
        if !reply_to.is_empty() {
            for address in reply_to {
                Address::parse(address)?;
            }
            all_headers.insert("Reply-To".to_owned(), reply_to.join(", "));
        }
        letter::add_headers(&mut all_headers, headers)?;
        Ok(Self {
            from: from.to_owned(),
            letter,
            data: letter::data(data)?,
            tags: letter::tags(tags)?,
            headers: all_headers,
        })
    }
}
