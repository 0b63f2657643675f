//! A user's history: one row for each thing that happened. An event's key follows from the event, so writing it twice
//! leaves one.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use serde::Serialize;

use super::{
    Position, Store, StoreError,
    item::{Item, read, write},
    keys,
};
use crate::domain::{HistoryEvent, User, UserId, happened};

/// As many rows as one `BatchWriteItem` takes.
pub const EVENTS_PER_CALL: usize = 25;

/// An event as a row.
#[derive(Serialize)]
pub(super) struct EventRow<'a> {
    pk: String,
    sk: String,
    #[serde(flatten)]
    event: &'a HistoryEvent,
}

impl<'a> EventRow<'a> {
    pub(super) fn of(user_id: UserId, event: &'a HistoryEvent) -> Self {
        Self {
            pk: keys::user_pk(user_id),
            sk: keys::event_sk(event),
            event,
        }
    }
}

/// A change of a user, as a record of the table's stream shows it.
#[derive(Debug)]
pub struct Change {
    old: Option<User>,
    new: User,
    ended: bool,
}

impl Change {
    /// Reads a record's images; there is no old one of a user who was just created.
    pub fn from_images(
        old: Option<serde_dynamo::Item>,
        new: serde_dynamo::Item,
    ) -> Result<Self, StoreError> {
        let (old, new): (Option<Item>, Item) = (old.map(Into::into), new.into());
        let is_ended = |item: &Item| {
            let list = item
                .get(keys::BY_STATE_PK)
                .and_then(|list| list.as_s().ok());
            list.is_some_and(|list| keys::is_expired(list))
        };
        Ok(Self {
            ended: is_ended(&new) && !old.as_ref().is_some_and(is_ended),
            old: old.map(read).transpose()?,
            new: read(new)?,
        })
    }

    /// Whose change it is.
    pub fn user_id(&self) -> UserId {
        self.new.id
    }

    /// What happened.
    pub fn events(&self) -> Vec<HistoryEvent> {
        happened(self.old.as_ref(), &self.new, self.ended)
    }
}

/// A piece of a user's history.
#[derive(Debug)]
pub struct HistoryPage {
    /// Newest first.
    pub events: Vec<HistoryEvent>,
    /// Where it goes on, if it does.
    pub after: Option<Position>,
}

impl Store {
    /// Writes the first [`EVENTS_PER_CALL`] of these events, or some of them; answers those that were not written. One `BatchWriteItem`, which
    /// knows no conditions: there is nothing to protect, since an event that is there already is the same.
    pub async fn write_history(
        &self,
        events: &[(UserId, HistoryEvent)],
    ) -> Result<Vec<(UserId, HistoryEvent)>, StoreError> {
        let mut rows = HashMap::new();
        for (user_id, event) in events.iter().take(EVENTS_PER_CALL) {
            let row = EventRow::of(*user_id, event);
            // A call must not name a row twice.
            rows.insert((row.pk.clone(), row.sk.clone()), write(&row)?);
        }
        let requests = rows.into_values().map(|item| {
            let put = PutRequest::builder().set_item(Some(item)).build();
            put.map(|put| WriteRequest::builder().put_request(put).build())
        });
        let requests: Result<Vec<_>, _> = requests.collect();
        let requests = requests.map_err(|error| StoreError::Unwritable(error.to_string()))?;
        let output = self
            .client
            .batch_write_item()
            .request_items(&self.table, requests)
            .send()
            .await
            .map_err(|error| StoreError::of("BatchWriteItem", &error))?;
        let unprocessed = output.unprocessed_items.unwrap_or_default();
        let left: Vec<&Item> = unprocessed
            .values()
            .flatten()
            .filter_map(|request| Some(request.put_request()?.item()))
            .collect();
        let is_left = |(user_id, event): &(UserId, HistoryEvent)| {
            let row = EventRow::of(*user_id, event);
            let key = keys::key(row.pk, row.sk);
            left.iter().any(|item| {
                key.iter()
                    .all(|(name, value)| item.get(name) == Some(value))
            })
        };
        let numbered = events.iter().enumerate();
        let left = numbered.filter(|(n, event)| *n >= EVENTS_PER_CALL || is_left(event));
        Ok(left.map(|(_, event)| event.clone()).collect())
    }

    /// A user's history, newest first, from a place on. One `Query`.
    ///
    /// A row that can't be read is logged by its name and left out.
    pub async fn history(
        &self,
        id: UserId,
        after: Option<Position>,
        limit: usize,
    ) -> Result<HistoryPage, StoreError> {
        let first = keys::EVENT.to_owned();
        // Sorts after every event.
        let before = after.map_or_else(|| format!("{first}~"), |after| after.0);
        // A place that is none, in a cursor that nobody was given.
        if !before.starts_with(&first) {
            return Ok(HistoryPage {
                events: vec![],
                after: None,
            });
        }
        let output = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk AND sk BETWEEN :first AND :before")
            .expression_attribute_values(":pk", AttributeValue::S(keys::user_pk(id)))
            .expression_attribute_values(":first", AttributeValue::S(first))
            .expression_attribute_values(":before", AttributeValue::S(before.clone()))
            .scan_index_forward(false)
            .limit(i32::try_from(limit + 2).unwrap_or(i32::MAX))
            .send()
            .await
            .map_err(|error| StoreError::of("Query", &error))?;
        let mut rows: Vec<(String, Item)> = output
            .items
            .unwrap_or_default()
            .into_iter()
            .filter_map(|item| Some((item.get("sk")?.as_s().ok()?.clone(), item)))
            // BETWEEN includes its end: the last row of the page before.
            .filter(|(sk, _)| *sk != before)
            .collect();
        let more = rows.len() > limit;
        rows.truncate(limit);
        let after = rows
            .last()
            .filter(|_| more)
            .map(|(sk, _)| Position(sk.clone()));
        let events = rows.into_iter().filter_map(|(_, item)| match read(item) {
            Ok(event) => Some(event),
            Err(error) => {
                tracing::error!(%error, "a row was left out of a history");
                None
            }
        });
        Ok(HistoryPage {
            events: events.collect(),
            after,
        })
    }
}
