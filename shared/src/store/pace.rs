//! Who may send when: the account's rate at SES, shared by however many mailers there are.

use aws_sdk_dynamodb::{
    operation::update_item::UpdateItemError,
    types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure},
};
use jiff::{SignedDuration, Timestamp};

use super::{Store, StoreError, item::Item, keys};

/// How often a mailer tries to find its place in the row. That it has to means that others found theirs.
const TRIES: u32 = 10;
/// No mailer reserves further ahead than it runs. What is further is a clock's mistake, and does not hold for anybody.
const ABSURD: SignedDuration = SignedDuration::from_mins(15);

/// A place in the row of those who want to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// The call may begin at this instant.
    At(Timestamp),
    /// There is no place as early as was asked for. The next is free then.
    Full {
        /// When it is.
        free_at: Timestamp,
    },
}

impl Store {
    /// Takes the next place in the row: the call may begin when everybody before has had their time, and the next may
    /// begin after it `takes` its own. Takes none if that would be after `latest`.
    ///
    /// One `UpdateItem`, and a second one for whoever comes when nobody waits.
    pub async fn reserve_sending(
        &self,
        now: Timestamp,
        takes: SignedDuration,
        latest: Timestamp,
    ) -> Result<Slot, StoreError> {
        let takes_ms = i64::try_from(takes.as_millis()).unwrap_or(i64::MAX);
        let number = |at: i64| AttributeValue::N(at.to_string());
        for _ in 0..TRIES {
            let behind = Place {
                set: "SET #free = #free + :takes",
                condition: "#free > :now AND #free <= :latest",
                values: vec![
                    (":takes", number(takes_ms)),
                    (":now", number(now.as_millisecond())),
                    (":latest", number(latest.as_millisecond())),
                ],
            };
            let found = match self.take(behind).await? {
                Ok(free_at) => return Ok(Slot::At(instant(free_at.saturating_sub(takes_ms)))),
                Err(found) => found,
            };
            let absurd = now.saturating_add(ABSURD).unwrap_or(Timestamp::MAX);
            match found {
                Some(free_at) if free_at > latest && free_at <= absurd => {
                    return Ok(Slot::Full { free_at });
                }
                _ => {}
            }
            let first = Place {
                set: "SET #free = :next",
                condition: "attribute_not_exists(#free) OR #free <= :now OR #free > :absurd",
                values: vec![
                    (
                        ":next",
                        number(now.as_millisecond().saturating_add(takes_ms)),
                    ),
                    (":now", number(now.as_millisecond())),
                    (":absurd", number(absurd.as_millisecond())),
                ],
            };
            if self.take(first).await?.is_ok() {
                return Ok(Slot::At(now));
            }
        }
        Err(StoreError::Unavailable {
            operation: "UpdateItem",
            cause: "too many mailers want to send at once".to_owned(),
        })
    }

    /// When the row is free after this; or, if the condition does not hold, when it is free now.
    async fn take(&self, place: Place) -> Result<Result<i64, Option<Timestamp>>, StoreError> {
        let mut update = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("pk", AttributeValue::S(keys::PACE.to_owned()))
            .key("sk", AttributeValue::S(keys::PACE.to_owned()))
            .update_expression(place.set)
            .condition_expression(place.condition)
            .expression_attribute_names("#free", FREE_AT)
            .return_values(ReturnValue::UpdatedNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        for (name, value) in place.values {
            update = update.expression_attribute_values(name, value);
        }
        match update.send().await {
            Ok(output) => {
                let free_at = output.attributes.as_ref().and_then(free_at);
                free_at.map(Ok).ok_or_else(|| StoreError::CorruptRow {
                    row: keys::PACE.to_owned(),
                    reason: "it does not say when it is free".to_owned(),
                })
            }
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                    Ok(Err(failed.item.as_ref().and_then(free_at).map(instant)))
                }
                _ => Err(StoreError::of("UpdateItem", &error)),
            },
        }
    }
}

/// An attempt to take a place.
struct Place {
    set: &'static str,
    condition: &'static str,
    values: Vec<(&'static str, AttributeValue)>,
}

const FREE_AT: &str = "free_at";

fn free_at(item: &Item) -> Option<i64> {
    item.get(FREE_AT)?.as_n().ok()?.parse().ok()
}

fn instant(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or(Timestamp::MAX)
}
