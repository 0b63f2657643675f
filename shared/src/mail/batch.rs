//! Which mails go out in one call to SES.

use std::collections::{BTreeMap, HashMap};

use super::{Made, Stationery};
use crate::domain::{EmailAddress, InvitationToken, TenantId, User};

/// SES takes 50 recipients a call.
const RECIPIENTS_PER_CALL: usize = 50;
/// SES takes 1 MB a call with an inline template, all recipients' values included (SES developer guide, "Using templates to send
/// personalized email with the Amazon SES API"). Less what is around them.
const BYTES_PER_CALL: usize = 950_000;
/// What a recipient takes beside the values: the address, headers and tags.
const BYTES_PER_RECIPIENT: usize = 1_500;

/// Mails that go out in one call: at most 50, alike in all but their values.
pub struct Batch<'a> {
    pub(super) stationery: &'a Stationery,
    pub(super) letters: Vec<(usize, Letter<'a>)>,
    /// How large the call is at the most.
    bytes: usize,
}

/// One mail that is ready to go.
pub(super) struct Letter<'a> {
    pub(super) to: &'a EmailAddress,
    pub(super) made: Made,
    /// The values as SES takes them.
    pub(super) data: String,
    /// By which SES's reports are known again. None if nobody is to take note of them.
    pub(super) tags: Option<[(&'static str, String); 2]>,
}

impl<'a> Batch<'a> {
    /// Sorts the mails into calls: those that agree in tenant, language and which variables are filled share a template, and
    /// so a call. Mails of a tenant without stationery are left out.
    pub fn of(
        mails: &'a [(User, InvitationToken)],
        stationery: &'a HashMap<TenantId, Stationery>,
    ) -> Vec<Self> {
        let mut groups: BTreeMap<_, Self> = BTreeMap::new();
        let mut batches = Vec::new();
        for (position, (user, token)) in mails.iter().enumerate() {
            let Some(stationery) = stationery.get(&user.tenant) else {
                continue;
            };
            let made = stationery.make(user, token);
            let group = (
                user.tenant.to_string(),
                made.locale.to_string(),
                made.values.shape(),
            );
            let attempt = user.claim.map_or(0, |claim| claim.record);
            let data = made.values.to_json().to_string();
            let bytes = bytes_in_json(&data) + BYTES_PER_RECIPIENT;
            let letter = Letter {
                to: &user.email,
                made,
                data,
                tags: Some([
                    ("user", user.id.to_string()),
                    ("attempt", attempt.to_string()),
                ]),
            };
            let new = || Self {
                stationery,
                letters: Vec::new(),
                bytes: letter.made.template_bytes(),
            };
            let batch = groups.entry(group).or_insert_with(new);
            let full = batch.letters.len() == RECIPIENTS_PER_CALL;
            if full || batch.bytes + bytes > BYTES_PER_CALL {
                batches.push(std::mem::replace(batch, new()));
            }
            batch.letters.push((position, letter));
            batch.bytes += bytes;
        }
        batches.extend(groups.into_values());
        batches.retain(|batch| !batch.letters.is_empty());
        batches
    }

    /// One mail to try something out, to whoever tries it. Nobody takes note of what SES reports of it.
    pub fn trial(stationery: &'a Stationery, made: Made, to: &'a EmailAddress) -> Self {
        let letter = Letter {
            to,
            data: made.values.to_json().to_string(),
            made,
            tags: None,
        };
        Self {
            stationery,
            letters: vec![(0, letter)],
            bytes: 0,
        }
    }

    /// Their positions among those that the batch was made of.
    pub fn positions(&self) -> impl ExactSizeIterator<Item = usize> {
        self.letters.iter().map(|(position, _)| *position)
    }
}

/// How many bytes a text takes as a JSON string.
pub(super) fn bytes_in_json(text: &str) -> usize {
    let escaped = text.bytes().map(|byte| match byte {
        b'"' | b'\\' | b'\t' | b'\r' | b'\n' => 2,
        0..=0x1f => 6,
        _ => 1,
    });
    escaped.sum::<usize>() + 2
}
