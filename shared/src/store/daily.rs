//! How many a tenant has invited on a day: a row for each, which DynamoDB deletes by itself (TTL) when it is over.

use aws_sdk_dynamodb::{
    Config,
    config::retry::RetryConfig,
    operation::update_item::UpdateItemError,
    types::{AttributeValue, ReturnValuesOnConditionCheckFailure},
};
use jiff::{SignedDuration, Timestamp};

use super::{
    Store, StoreError,
    item::{Item, read},
    keys,
};
use crate::domain::{DailyCap, TenantId};

/// How long a row is kept once its day is over.
const KEPT: SignedDuration = SignedDuration::from_hours(24);
/// How often a request tries to find its place in the day. That it has to means that others found theirs.
const TRIES: u32 = 10;

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Row {
    invited: u64,
}

impl Store {
    /// How many more the tenant may invite on the day of `now`. One `GetItem`.
    pub async fn invitations_left(
        &self,
        tenant: &TenantId,
        now: Timestamp,
        cap: DailyCap,
    ) -> Result<u64, StoreError> {
        let found = self
            .client
            .get_item()
            .table_name(&self.table)
            .consistent_read(true)
            .set_key(Some(keys::day_key(tenant, now)))
            .send()
            .await
            .map_err(|error| StoreError::of("GetItem", &error))?;
        Ok(cap.count().saturating_sub(invited(found.item)?))
    }

    /// Takes as many of the tenant's invitations of the day of `now` as are left, and at most as are `wanted`. Answers how many.
    ///
    /// One `UpdateItem`, and a second one where fewer are left. If its answer is lost and it is tried again, they are counted
    /// twice: a cap may hold a little early, and never late.
    pub async fn take_invitations(
        &self,
        tenant: &TenantId,
        now: Timestamp,
        cap: DailyCap,
        wanted: u64,
    ) -> Result<u64, StoreError> {
        let mut take = wanted.min(cap.count());
        for _ in 0..TRIES {
            if take == 0 {
                return Ok(0);
            }
            match self.count_invitations(tenant, now, cap, take).await? {
                None => return Ok(take),
                Some(invited) => take = wanted.min(cap.count().saturating_sub(invited)),
            }
        }
        Err(StoreError::Unavailable {
            operation: "UpdateItem",
            cause: "too many invite at once".to_owned(),
        })
    }

    /// Gives back what was taken and not used. One `UpdateItem`, which is not repeated: if its answer is lost, it may have been
    /// done, and what is given back twice lets more be invited than was decided.
    pub async fn give_invitations_back(
        &self,
        tenant: &TenantId,
        now: Timestamp,
        unused: u64,
    ) -> Result<(), StoreError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(keys::day_key(tenant, now)))
            .update_expression("ADD #invited :unused")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_names("#invited", "invited")
            .expression_attribute_values(":unused", AttributeValue::N(format!("-{unused}")));
        let once = Config::builder().retry_config(RetryConfig::disabled());
        let given = update.customize().config_override(once).send().await;
        given
            .map(|_| ())
            .map_err(|error| StoreError::of("UpdateItem", &error))
    }

    /// Counts so many, or answers how many there are if that would be too many.
    async fn count_invitations(
        &self,
        tenant: &TenantId,
        now: Timestamp,
        cap: DailyCap,
        take: u64,
    ) -> Result<Option<u64>, StoreError> {
        let number = |number: i64| AttributeValue::N(number.to_string());
        let most = cap.count().saturating_sub(take);
        let end = DailyCap::ends(now).saturating_add(KEPT).unwrap_or(now);
        let updated = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(keys::day_key(tenant, now)))
            .update_expression("ADD #invited :take SET #delete_at = :end")
            .condition_expression("attribute_not_exists(#invited) OR #invited <= :most")
            .expression_attribute_names("#invited", "invited")
            .expression_attribute_names("#delete_at", keys::DELETE_AT)
            .expression_attribute_values(":take", AttributeValue::N(take.to_string()))
            .expression_attribute_values(":most", AttributeValue::N(most.to_string()))
            .expression_attribute_values(":end", number(end.as_second()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match updated {
            Ok(_) => Ok(None),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                    invited(failed.item.clone()).map(Some)
                }
                _ => Err(StoreError::of("UpdateItem", &error)),
            },
        }
    }
}

fn invited(row: Option<Item>) -> Result<u64, StoreError> {
    let row: Option<Row> = row.map(read).transpose()?;
    Ok(row.unwrap_or_default().invited)
}
