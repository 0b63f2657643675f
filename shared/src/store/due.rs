//! What is due: the index that the sweeper reads, and its writes.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;

use super::{Attempt, Store, StoreError, item::Item, keys, update::Writer};
use crate::domain::{
    Delivery, DeliveryStatus, Due, MailKind, Requirement, StateName, User, UserId,
};

/// How many keys a query reads: as many users as one `BatchGetItem` takes.
const DUE_PER_PAGE: i32 = 100;

/// Somewhere in what is due: a shard, and how far it was read.
#[derive(Clone, Debug, Default)]
pub struct DuePlace {
    shard: u8,
    after: Option<Item>,
}

/// A piece of what is due.
#[derive(Debug)]
pub struct DuePage {
    /// Whose time has come, longest ago first.
    pub ids: Vec<UserId>,
    /// Where it goes on, until all shards are read.
    pub next: Option<DuePlace>,
}

impl Store {
    /// Up to 100 users who are due `now`, from a place on. One `Query`.
    ///
    /// The index may be a moment late, so each user has to be read before anything is done about them.
    pub async fn due_users(&self, place: DuePlace, now: Timestamp) -> Result<DuePage, StoreError> {
        let DuePlace { shard, after } = place;
        let output = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(keys::BY_DUE)
            .key_condition_expression("#pk = :pk AND #at <= :now")
            .expression_attribute_names("#pk", keys::BY_DUE_PK)
            .expression_attribute_names("#at", keys::DUE_AT)
            .expression_attribute_values(":pk", AttributeValue::S(keys::due_shard_pk(shard)))
            .expression_attribute_values(
                ":now",
                AttributeValue::N(now.as_millisecond().to_string()),
            )
            .limit(DUE_PER_PAGE)
            .set_exclusive_start_key(after)
            .send()
            .await
            .map_err(|error| StoreError::of("Query", &error))?;
        let ids = output.items().iter().filter_map(|item| {
            let id = item.get("pk")?.as_s().ok().and_then(|pk| keys::user_id(pk));
            if id.is_none() {
                tracing::error!("a row that is no user is among what is due");
            }
            id
        });
        let ids = ids.collect();
        let next = match output.last_evaluated_key {
            Some(after) => Some(DuePlace {
                shard,
                after: Some(after),
            }),
            None if shard + 1 < keys::DUE_SHARDS => Some(DuePlace {
                shard: shard + 1,
                after: None,
            }),
            None => None,
        };
        Ok(DuePage { ids, next })
    }

    /// Does what [`User::due`] found. Refused if anything has happened to the user since they were read.
    ///
    /// `mail_due` is when somebody looks at a mail that is announced now; `settled_by`, when SES has surely said what it
    /// knows of one whose fate is unknown.
    pub async fn settle_due(
        &self,
        user: &User,
        due: Due,
        now: Timestamp,
        mail_due: Timestamp,
        settled_by: Timestamp,
    ) -> Result<Attempt, StoreError> {
        let update = self.update_of_user(now, Writer::Sweeper)?;
        let update = match due {
            Due::Queue => update
                .set("outbox", MailKind::Invitation)?
                .set(
                    "delivery",
                    Delivery {
                        status: DeliveryStatus::Queued,
                        ..user.delivery.clone()
                    },
                )?
                .remove(&["claim"])
                .due(user.id, mail_due)?,
            Due::Unknown => update
                .set("delivery", Delivery::unknown(now))?
                .due(user.id, settled_by)?,
            Due::Expire => update
                .set(
                    keys::BY_STATE_PK,
                    keys::by_state_pk(&user.tenant, StateName::Expired.as_str()),
                )?
                .remove(&["outbox"])
                .not_due(),
            Due::Wait(Some(at)) => update.due(user.id, at)?,
            Due::Wait(None) => update.not_due(),
        };
        let update = update.require(&[Requirement::Version(user.version)])?;
        self.update_user(user.id, update).await
    }
}
