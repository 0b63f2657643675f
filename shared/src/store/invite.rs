//! Creating users: a transaction of two puts a person, so that an address is never without its user or twice taken.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    config::http::HttpResponse,
    error::SdkError,
    operation::transact_write_items::TransactWriteItemsError,
    types::{KeysAndAttributes, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem},
};
use serde::Serialize;

use super::{
    Store, StoreError,
    error::is_transient,
    item::{AddressRow, Item, UserRow, read, write},
    keys,
};
use crate::domain::{Suppression, User, UserId};

/// Two actions a person; DynamoDB takes 100 in a transaction.
pub const INVITEES_PER_CALL: usize = 50;

/// DynamoDB reads 100 items a `BatchGetItem`.
pub const ADDRESSES_PER_CALL: usize = 100;

/// What became of one person's two puts.
#[derive(Debug, PartialEq, Eq)]
pub enum Written {
    /// The user exists now.
    Created,
    /// Nothing was written, because the address is taken or suppressed.
    Taken {
        /// Whose it is, if it is anybody's.
        user_id: Option<UserId>,
        /// Why it must not be written to, if so.
        suppressed: Option<Suppression>,
    },
    /// Nothing was written, because the address's row is there but can't be read.
    Unreadable,
    /// Nothing was written, only because another person of the same call was refused: try again without that one.
    Undone,
}

/// Why one action of a transaction made it fail, or did not.
pub(super) enum Reason {
    /// It would have gone through.
    None,
    /// Its condition failed on this item.
    Refused(Option<Item>),
}

impl Store {
    /// Creates up to [`INVITEES_PER_CALL`] users, all or none, in one `TransactWriteItems`; answers for each, in order.
    pub async fn invite(&self, users: &[User]) -> Result<Vec<Written>, StoreError> {
        let mut actions = Vec::with_capacity(users.len() * 2);
        for user in users {
            actions.push(self.put_new(&AddressRow::of(user))?);
            actions.push(self.put_new(&UserRow::of(user))?);
        }
        let written = self
            .client
            .transact_write_items()
            .set_transact_items(Some(actions))
            .send()
            .await;
        let Err(error) = written else {
            return Ok(users.iter().map(|_| Written::Created).collect());
        };
        let mut reasons = cancellation(error)?.into_iter();
        let written: Vec<Written> = users
            .iter()
            .map(|user| match (reasons.next(), reasons.next()) {
                (Some(Reason::Refused(Some(item))), _) => taken(user, item),
                _ => Written::Undone,
            })
            .collect();
        // Somebody's condition failed, so somebody must be taken; else the caller would try for ever.
        if written.iter().all(|written| *written == Written::Undone) {
            let cause = "a condition failed, but on no address".to_owned();
            return Err(StoreError::Rejected {
                operation: "TransactWriteItems",
                cause,
            });
        }
        Ok(written)
    }

    /// What [`invite`](Self::invite) would answer for each of up to [`ADDRESSES_PER_CALL`] users, by reading alone.
    /// [`Written::Created`] is who would be created. Strongly consistent.
    ///
    /// One `BatchGetItem`, and one more for each time DynamoDB leaves keys unprocessed.
    pub async fn would_invite(&self, users: &[User]) -> Result<Vec<Written>, StoreError> {
        let pk = |user: &User| keys::address_pk(&user.tenant, &user.email.key());
        let wanted = users
            .iter()
            .map(|user| keys::address_key(&user.tenant, &user.email.key()));
        let found = self.batch_get(wanted.collect()).await?;
        let mut found: HashMap<String, Item> = found
            .into_iter()
            .filter_map(|item| Some((item.get("pk")?.as_s().ok()?.clone(), item)))
            .collect();
        let written = users.iter().map(|user| match found.remove(&pk(user)) {
            None => Written::Created,
            Some(item) => taken(user, item),
        });
        Ok(written.collect())
    }

    /// The users of these ids, at most 100; those that do not exist, or can't be read, are left out. Strongly consistent.
    ///
    /// One `BatchGetItem`, and one more for each time DynamoDB leaves keys unprocessed.
    pub async fn users(&self, ids: &[UserId]) -> Result<HashMap<UserId, User>, StoreError> {
        let found = self
            .batch_get(ids.iter().copied().map(keys::user_key).collect())
            .await?;
        let mut users = HashMap::new();
        for item in found {
            match read::<User>(item) {
                Ok(user) => _ = users.insert(user.id, user),
                // One bad row must not hide the others.
                Err(error) => tracing::error!(%error, "a row was left out of an answer"),
            }
        }
        Ok(users)
    }

    /// The items of these keys, in any order.
    pub(super) async fn batch_get(&self, mut keys: Vec<Item>) -> Result<Vec<Item>, StoreError> {
        let mut found = Vec::with_capacity(keys.len());
        // DynamoDB may answer a part at a time; an answer without any progress ends the loop.
        while !keys.is_empty() {
            let request = KeysAndAttributes::builder()
                .set_keys(Some(keys))
                .consistent_read(true)
                .build()
                .map_err(|error| StoreError::Unwritable(error.to_string()))?;
            let output = self
                .client
                .batch_get_item()
                .request_items(&self.table, request)
                .send()
                .await
                .map_err(|error| StoreError::of("BatchGetItem", &error))?;
            let items = output
                .responses
                .and_then(|mut all| all.remove(&self.table))
                .unwrap_or_default();
            keys = output
                .unprocessed_keys
                .and_then(|mut all| all.remove(&self.table))
                .map_or_else(Vec::new, |rest| rest.keys);
            if items.is_empty() && !keys.is_empty() {
                let cause = "no key was processed".to_owned();
                return Err(StoreError::Unavailable {
                    operation: "BatchGetItem",
                    cause,
                });
            }
            found.extend(items);
        }
        Ok(found)
    }

    pub(super) fn put_new(&self, row: &impl Serialize) -> Result<TransactWriteItem, StoreError> {
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(write(row)?))
            .condition_expression("attribute_not_exists(pk)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map_err(|error| StoreError::Unwritable(error.to_string()))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }
}

/// What the address's row, which is there already, says of the user that was to be written.
fn taken(user: &User, item: Item) -> Written {
    match read::<AddressRow>(item) {
        // An earlier try of this very call went through although its answer was lost.
        Ok(address) if address.user_id == Some(user.id) => Written::Created,
        Ok(address) => Written::Taken {
            user_id: address.user_id,
            suppressed: address.suppressed,
        },
        Err(error) => {
            tracing::error!(%error, "an address can't be invited");
            Written::Unreadable
        }
    }
}

/// The reasons for which a transaction was cancelled, by the position of its actions. If none of them is a failed
/// condition, the transaction as a whole failed and may succeed later, or never will: that is the error.
pub(super) fn cancellation(
    error: SdkError<TransactWriteItemsError, HttpResponse>,
) -> Result<Vec<Reason>, StoreError> {
    let operation = "TransactWriteItems";
    let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) =
        error.as_service_error()
    else {
        return Err(StoreError::of(operation, &error));
    };
    let reasons = cancelled.cancellation_reasons();
    let codes = || reasons.iter().filter_map(|reason| reason.code());
    if codes().any(|code| code == "ConditionalCheckFailed") {
        return Ok(reasons
            .iter()
            .map(|reason| match reason.code() {
                Some("ConditionalCheckFailed") => {
                    Reason::Refused(reason.item.clone().filter(|item| !item.is_empty()))
                }
                _ => Reason::None,
            })
            .collect());
    }
    Err(match codes().find(|code| is_transient(code)) {
        Some(code) => StoreError::Unavailable {
            operation,
            cause: code.to_owned(),
        },
        None => StoreError::Rejected {
            operation,
            cause: codes().collect::<Vec<_>>().join(", "),
        },
    })
}
