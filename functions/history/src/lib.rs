//! The table's stream to the users' histories: whatever changes a user, what happened is derived from the change and
//! written down beside them.
//!
//! A record that comes twice, or late, writes the same events again. So a record that could not be written is simply given
//! back, and comes again with all that follow it.
//!
//! Of a user who is erased, the history keeps what happened and loses what may tell who they were; so does an event that is
//! written afterwards, by a record that comes again.

mod erased;

use std::collections::{BTreeMap, BTreeSet};

use aws_lambda_events::{
    event::dynamodb::{Event, EventRecord},
    streams::DynamoDbEventResponse,
};
use futures::{StreamExt, stream};
use usher::{
    config::{ConfigError, Environment},
    domain::{HistoryEvent, UserId},
    function::WarmUp,
    store::{Change, EVENTS_PER_CALL, Store, StoreError, user_that_ended},
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

/// What a record shows.
enum Shown {
    /// Something happened to this user.
    Change(UserId, Vec<HistoryEvent>),
    /// This user is gone, whose last version this was.
    End(UserId, u64),
    /// Nothing: the row is no user's.
    Nothing,
}

/// Whose records show something that must not be kept of whoever is erased: their sequence numbers, and the last version of
/// whoever is gone.
type Concerned = BTreeMap<UserId, (BTreeSet<String>, Option<u64>)>;

/// Writes down what the records show; answers with the sequence numbers of those that have to come again.
pub async fn handle(chronicler: &Chronicler, event: Event) -> DynamoDbEventResponse {
    let mut failed = BTreeSet::new();
    let mut derived: Vec<Derived> = Vec::new();
    let mut concerned = Concerned::new();
    for record in event.records {
        let sequence = record.change.sequence_number.clone().unwrap_or_default();
        let (id, events, end) = match shown(record) {
            Ok(Shown::Change(id, events)) => (id, events, None),
            Ok(Shown::End(id, version)) => (id, vec![], Some(version)),
            Ok(Shown::Nothing) => continue,
            Err(error) => {
                tracing::error!(%error, sequence, "a stream record can't be read");
                failed.insert(sequence);
                continue;
            }
        };
        if end.is_some() || events.iter().any(HistoryEvent::may_tell_who) {
            let (sequences, version) = concerned.entry(id).or_default();
            sequences.insert(sequence.clone());
            *version = version.or(end);
        }
        let events = events.into_iter().map(|event| (id, event));
        derived.extend(events.map(|event| (sequence.clone(), event)));
    }
    let mut writes = stream::iter(derived.chunks(EVENTS_PER_CALL).map(<[Derived]>::to_vec))
        .map(|derived| write(chronicler, derived))
        .buffer_unordered(WRITES_AT_A_TIME);
    while let Some(left) = writes.next().await {
        failed.extend(left);
    }
    drop(writes);
    // Last, so that it meets what was just written.
    failed.extend(erased::scrub(&chronicler.store, concerned).await);
    again(failed)
}

fn shown(record: EventRecord) -> Result<Shown, StoreError> {
    let (old, new) = (record.change.old_image, record.change.new_image);
    if new.contains_key("version") {
        let old = (!old.is_empty()).then_some(old);
        let change = Change::from_images(old, new)?;
        return Ok(Shown::Change(change.user_id(), change.events()));
    }
    let ended = user_that_ended(old).filter(|_| new.is_empty());
    Ok(ended.map_or(Shown::Nothing, |(id, version)| Shown::End(id, version)))
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
