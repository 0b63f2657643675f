//! The histories of those who were erased: what happened stays, what may tell who they were goes.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use super::{
    Store, StoreError,
    item::{ErasedRow, Item, read},
    keys,
    update::Update,
};
use crate::domain::{Erased, HistoryEvent, MailReport, UserId};

/// How many ids may be asked about at once: as many as one `BatchGetItem` reads.
pub const ERASED_PER_CALL: usize = 100;

/// What may quote the address, or lead to it: the words of a mail server, and the id by which SES knows the mail.
const TELLING: [&str; 2] = ["reason", "message_id"];

impl Store {
    /// Which of these users, at most [`ERASED_PER_CALL`], were erased, and what is kept of them. Strongly consistent.
    ///
    /// One `BatchGetItem`, and one more for each time DynamoDB leaves keys unprocessed.
    pub async fn who_was_erased(
        &self,
        ids: &[UserId],
    ) -> Result<HashMap<UserId, Erased>, StoreError> {
        let wanted = ids.iter().copied().map(keys::erased_key).collect();
        let mut erased = HashMap::new();
        for item in self.batch_get(wanted).await? {
            let pk = item.get("pk").and_then(|pk| pk.as_s().ok());
            let Some(id) = pk.and_then(|pk| keys::user_id(pk)) else {
                continue;
            };
            erased.insert(id, read::<ErasedRow>(item)?.erased);
        }
        Ok(erased)
    }

    /// Takes out of a user's history what may tell who they were; how many events said so. One `Query` a page of the
    /// history, and one `UpdateItem` an event.
    pub async fn scrub_history(&self, id: UserId) -> Result<usize, StoreError> {
        let (mut after, mut scrubbed) = (None, 0);
        loop {
            let output = self
                .client
                .query()
                .table_name(&self.table)
                .consistent_read(true)
                .key_condition_expression("pk = :pk AND begins_with(sk, :event)")
                .expression_attribute_values(":pk", AttributeValue::S(keys::user_pk(id)))
                .expression_attribute_values(":event", AttributeValue::S(keys::EVENT.to_owned()))
                .set_exclusive_start_key(after)
                .send()
                .await
                .map_err(|error| StoreError::of("Query", &error))?;
            let telling = |item: &&Item| TELLING.iter().any(|name| item.contains_key(*name));
            for item in output.items().iter().filter(telling) {
                self.scrub(key(item)).await?;
                scrubbed += 1;
            }
            after = output.last_evaluated_key;
            if after.is_none() {
                return Ok(scrubbed);
            }
        }
    }

    /// Takes the same out of the event that tells of this report, which came when its user was gone. One `UpdateItem`.
    pub async fn scrub_report(&self, report: &MailReport) -> Result<(), StoreError> {
        let event = HistoryEvent::of_report(report);
        let pk = keys::user_pk(report.user_id);
        self.scrub(keys::key(pk, keys::event_sk(&event))).await
    }

    async fn scrub(&self, event: Item) -> Result<(), StoreError> {
        let update = Update::default().remove(&TELLING).require_some("pk");
        let _there_is_none = self.update(event, update).await?;
        Ok(())
    }
}

/// The keys of an item.
fn key(item: &Item) -> Item {
    let of_key = |(name, _): &(&String, &AttributeValue)| matches!(name.as_str(), "pk" | "sk");
    let parts = item.iter().filter(of_key);
    parts
        .map(|(name, part)| (name.clone(), part.clone()))
        .collect()
}
