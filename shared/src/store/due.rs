//! What is due: the index that the sweeper reads, and its writes.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;

use super::{Attempt, Store, StoreError, item::Item, keys, update::Writer};
use crate::domain::{
    Delivery, DeliveryStatus, Due, MailKind, Reminders, Requirement, StateName, User, UserId,
};

/// How many keys a query reads: as many users as one `BatchGetItem` takes.
const DUE_PER_PAGE: i32 = 100;

/// Somewhere in what is due: a shard, how far it was read, and how many shards are to come.
#[derive(Clone, Debug)]
pub struct DuePlace {
    shard: u8,
    after: Option<Item>,
    to_come: u8,
}

impl DuePlace {
    /// Where a reading of everything begins. With another `number` it begins at another shard, so that no shard is always
    /// the last one.
    pub fn first(number: u64) -> Self {
        let shard = number % u64::from(keys::DUE_SHARDS);
        Self {
            shard: u8::try_from(shard).unwrap_or_default(),
            after: None,
            to_come: keys::DUE_SHARDS - 1,
        }
    }

    /// The beginning of each shard, to be read apart from the others.
    pub fn each_shard() -> impl Iterator<Item = Self> {
        (0..keys::DUE_SHARDS).map(|shard| Self {
            shard,
            after: None,
            to_come: 0,
        })
    }

    /// The beginning of the next shard, if there is one to come.
    #[must_use]
    pub fn next_shard(&self) -> Option<Self> {
        Some(Self {
            shard: (self.shard + 1) % keys::DUE_SHARDS,
            after: None,
            to_come: self.to_come.checked_sub(1)?,
        })
    }
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
        let next_shard = place.next_shard();
        let DuePlace {
            shard,
            after,
            to_come,
        } = place;
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
                to_come,
            }),
            None => next_shard,
        };
        Ok(DuePage { ids, next })
    }

    /// Does what [`User::due`] found. Refused if anything has happened to the user since they were read.
    ///
    /// `mail_due` is when somebody looks at a mail that is announced now; `settled_by`, until when one whose fate is unknown
    /// is left alone; and the reminders that there are say when there is something to do for a mail that went.
    pub async fn settle_due(
        &self,
        user: &User,
        due: Due,
        now: Timestamp,
        mail_due: Timestamp,
        settled_by: Timestamp,
        reminders: &Reminders,
    ) -> Result<Attempt, StoreError> {
        let update = self.update_of_user(now, Writer::Sweeper)?;
        let update = match due {
            Due::Queue => update
                .set("outbox", user.mail_kind())?
                .set(
                    "delivery",
                    Delivery {
                        status: DeliveryStatus::Queued,
                        ..user.delivery.clone()
                    },
                )?
                .remove(&["claim"])
                .due(user.id, mail_due)?,
            Due::Remind(number) => update
                .set("reminders", number)?
                .remove(&["claim", "mail_tries"])
                .queue_mail(user.id, MailKind::Reminder, now, mail_due)?,
            Due::Unknown => update
                .set("delivery", Delivery::unknown(now, user.delivery.attempt))?
                .set("mail_tries", user.mail_tries.doubted())?
                .due(user.id, settled_by)?,
            Due::Settle => {
                let settled = user.settled(now);
                update
                    .set("delivery", &settled.delivery)?
                    .set("send_count", settled.send_count)?
                    .set_some(
                        "last_sent_at",
                        settled.last_sent_at.map(Timestamp::as_millisecond),
                    )?
                    .remove(&["outbox", "claim", "mail_tries"])
                    .due(user.id, settled.next_due(reminders))?
            }
            Due::GiveUp => update
                .set(
                    "delivery",
                    Delivery::new(DeliveryStatus::Failed, now)
                        .because(DOUBTED)
                        .of_attempt(user.delivery.attempt),
                )?
                .remove(&["claim", "mail_tries"])
                .due(user.id, user.expires_at)?,
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

const DOUBTED: &str = "SES's answer was lost three times, so this mail may have come three times or never. Ask the person, or send the invitation again.";
