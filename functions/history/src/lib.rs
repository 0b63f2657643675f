//! The table's stream to the users' histories: whatever changes a user, what happened is derived from the change and
//! written down beside them.
//!
//! A record that comes twice, or late, writes the same events again. So a record that could not be written is simply given
//! back, and comes again with all that follow it.

use std::collections::BTreeSet;

use aws_lambda_events::{
    event::dynamodb::{Event, EventRecord},
    streams::DynamoDbEventResponse,
};
use futures::{StreamExt, stream};
use usher::{
    config::{ConfigError, Environment},
    domain::{HistoryEvent, UserId},
    function::WarmUp,
    store::{Change, EVENTS_PER_CALL, Store, StoreError},
    table_stream::again,
};

/// How many writes to the table are under way at a time.
const WRITES_AT_A_TIME: usize = 4;

/// What the function works with.
#[derive(Debug)]
pub struct Chronicler {
    store: Store,
}

impl Chronicler {
    /// Reads `TABLE_NAME`.
    pub fn new(env: &Environment) -> Result<Self, ConfigError> {
        env.finish(Store::from_env(env).map(|store| Self { store }))
    }
}

impl WarmUp for Chronicler {
    async fn warm_up(&self) -> Result<(), lambda_runtime::Error> {
        Ok(self.store.warm_up().await?)
    }
}

/// An event, and the sequence number of the record it was derived from.
type Derived = (String, (UserId, HistoryEvent));

/// Writes down what the records show; answers with the sequence numbers of those that have to come again.
pub async fn handle(chronicler: &Chronicler, event: Event) -> DynamoDbEventResponse {
    let mut failed = BTreeSet::new();
    let mut derived: Vec<Derived> = Vec::new();
    for record in event.records {
        let sequence = record.change.sequence_number.clone().unwrap_or_default();
        match events(record) {
            Ok(events) => derived.extend(events.into_iter().map(|event| (sequence.clone(), event))),
            Err(error) => {
                tracing::error!(%error, sequence, "a stream record can't be read");
                failed.insert(sequence);
            }
        }
    }
    let mut writes = stream::iter(derived.chunks(EVENTS_PER_CALL).map(<[Derived]>::to_vec))
        .map(|derived| write(chronicler, derived))
        .buffer_unordered(WRITES_AT_A_TIME);
    while let Some(left) = writes.next().await {
        failed.extend(left);
    }
    again(failed)
}

/// What a record shows. Rows that are no users, and users who are gone, have no events.
fn events(record: EventRecord) -> Result<Vec<(UserId, HistoryEvent)>, StoreError> {
    let (old, new) = (record.change.old_image, record.change.new_image);
    if !new.contains_key("version") {
        return Ok(vec![]);
    }
    let old = (!old.is_empty()).then_some(old);
    let change = Change::from_images(old, new)?;
    let events = change.events().into_iter();
    Ok(events.map(|event| (change.user_id(), event)).collect())
}

/// The sequence numbers of those that were not written.
async fn write(chronicler: &Chronicler, derived: Vec<Derived>) -> Vec<String> {
    let events: Vec<_> = derived.iter().map(|(_, event)| event.clone()).collect();
    let left = match chronicler.store.write_history(&events).await {
        Ok(left) => left,
        Err(error) => {
            tracing::error!(%error, events = events.len(), "events could not be written down");
            events
        }
    };
    let is_left = |(_, event): &Derived| left.contains(event);
    derived
        .into_iter()
        .filter(is_left)
        .map(|(sequence, _)| sequence)
        .collect()
}
