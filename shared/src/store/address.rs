//! Writes that take an address from its user: another one in its place, or none, since the user is erased. The address is
//! free then; but that it is not to be written to outlives whoever had it.

use aws_sdk_dynamodb::types::{
    Delete, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
};
use serde::Serialize;

use super::{
    Attempt, Store, StoreError,
    invite::{Reason, cancellation},
    item::{AddressRow, ErasedRow, Item, UserRow, read, write},
    keys,
    update::{Update, Writer},
};
use crate::domain::{
    ChangeUser, Erase, Erased, Requirement, StateName, SuppressionReason, TokenKey, User, UserId,
};

/// What became of a change.
#[derive(Debug)]
pub enum Changed {
    /// It was done, and this is the user now.
    Done(Box<User>),
    /// Nothing was changed: the user, or what is known of the address, is not any more as it was read.
    Overtaken,
    /// Nothing was changed: the new address is this user's.
    Taken(UserId),
    /// Nothing was changed: the new address is nobody's and gets no mail.
    Suppressed,
}

/// What became of an erasure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErasureWritten {
    /// It was done.
    Done {
        /// Whether the address stays, without a user, because it is not to be written to.
        suppression_kept: bool,
    },
    /// Nothing was changed: the user, or what is known of the address, is not any more as it was read.
    Overtaken,
}

impl Store {
    /// Changes what is known of a user, if they still are as they were read. One `UpdateItem`; for another address one
    /// `GetItem` and one `TransactWriteItems`.
    pub async fn change_user(
        &self,
        user: &User,
        change: &ChangeUser,
    ) -> Result<Changed, StoreError> {
        let changed = change.applied(user);
        let requirements = change.requirements(user);
        if change.moves(user).is_some() {
            return self.give_address(user, changed, &requirements).await;
        }
        let mut update = self
            .update_of_user(change.now, Writer::Request)?
            .set("changed_by", &change.by)?
            .require(&requirements)?;
        if change.email.is_some() {
            update = update.set("email", &changed.email)?;
        }
        if change.name.is_some() {
            update = update.set_or_remove("name", changed.name.as_ref())?;
        }
        if change.locale.is_some() {
            update = update
                .set("locale", &changed.locale)?
                .set("locale_source", changed.locale_source)?;
        }
        if change.groups.is_some() {
            let groups = Some(&changed.groups).filter(|groups| !groups.is_empty());
            update = update.set_or_remove("groups", groups)?;
        }
        if change.external_id.is_some() {
            update = update.set_or_remove("external_id", changed.external_id.as_ref())?;
        }
        if change.metadata.is_some() {
            update = update.set_or_remove("metadata", changed.metadata.as_ref())?;
        }
        Ok(match self.update_user(user.id, update).await? {
            Attempt::Done(user) => Changed::Done(user),
            Attempt::Refused(_) => Changed::Overtaken,
        })
    }

    /// The user, whole, in place of what is there: what SES has reported meanwhile is about the old address.
    async fn give_address(
        &self,
        user: &User,
        changed: User,
        requirements: &[Requirement],
    ) -> Result<Changed, StoreError> {
        let (release, _) = self.release(user).await?;
        let mut actions = vec![
            self.put_if(&UserRow::of(&changed), requirements)?,
            self.put_new(&AddressRow::of(&changed))?,
        ];
        actions.extend(release);
        Ok(match self.all_or_nothing(actions).await? {
            None => Changed::Done(Box::new(changed)),
            Some(reasons) => match reasons.into_iter().nth(1) {
                Some(Reason::Refused(Some(item))) => {
                    let row: AddressRow = read(item)?;
                    match row.user_id {
                        // An earlier try of this very call went through although its answer was lost.
                        Some(id) if id == user.id => Changed::Overtaken,
                        Some(id) => Changed::Taken(id),
                        None => Changed::Suppressed,
                    }
                }
                _ => Changed::Overtaken,
            },
        })
    }

    /// Erases a user, if they still are as they were read; `key` is what the hash of their address is made with. One
    /// `GetItem` and one `TransactWriteItems`.
    pub async fn erase(
        &self,
        user: &User,
        erase: &Erase,
        key: &TokenKey,
    ) -> Result<ErasureWritten, StoreError> {
        let (release, kept) = self.release(user).await?;
        let remains = ErasedRow::of(user.id, erase.remains(user, key));
        let condition = Update::default().require(&erase.requirements(user))?;
        let mut actions = vec![
            self.delete(keys::user_key(user.id), condition)?,
            self.put_new(&remains)?,
        ];
        actions.extend(release);
        Ok(match self.all_or_nothing(actions).await? {
            None => ErasureWritten::Done {
                suppression_kept: kept,
            },
            Some(_) => ErasureWritten::Overtaken,
        })
    }

    /// What is kept of somebody who was erased; none of whoever was not. One strongly consistent `GetItem`.
    pub async fn erased(&self, id: UserId) -> Result<Option<Erased>, StoreError> {
        let found = self.get(keys::erased_key(id)).await?;
        let row: Option<ErasedRow> = found.map(read).transpose()?;
        Ok(row.map(|row| row.erased))
    }

    /// The write that takes the address from its user: its row is deleted or, if it is suppressed, nothing is left in it but
    /// that. Refused if the row is not any more as it was read here. And whether the row stays.
    async fn release(&self, user: &User) -> Result<(Option<TransactWriteItem>, bool), StoreError> {
        let key = keys::address_key(&user.tenant, &user.email.key());
        let found = self.get(key.clone()).await?;
        let row: Option<AddressRow> = found.map(read).transpose()?;
        // While the user is as they were read, only a row that was spoilt is not theirs: there is nothing to take away.
        let Some(row) = row.filter(|row| row.user_id == Some(user.id)) else {
            return Ok((None, false));
        };
        let ours = Update::default().require_equal("user_id", user.id)?;
        let ours = match row.suppressed {
            Some(there) => ours.require_equal("suppressed", there)?,
            None => ours.require_none("suppressed"),
        };
        // What is known of the user is about to be known of the address.
        // That they declined is over once they were invited again.
        let declined = user.state.name() == StateName::Declined;
        let known = row.suppressed.or(user.suppressed);
        let known = known.filter(|known| declined || known.reason != SuppressionReason::Declined);
        let Some(suppression) = known else {
            return Ok((Some(self.delete(key, ours)?), false));
        };
        let kept = ours
            .set("suppressed", suppression)?
            .remove(&["user_id", "suppression_lifted_at"]);
        Ok((Some(self.action(key, kept)?), true))
    }

    /// None once it is done; why nothing of it was.
    async fn all_or_nothing(
        &self,
        actions: Vec<TransactWriteItem>,
    ) -> Result<Option<Vec<Reason>>, StoreError> {
        let written = self
            .client
            .transact_write_items()
            .set_transact_items(Some(actions))
            .send()
            .await;
        match written {
            Ok(_) => Ok(None),
            Err(error) => cancellation(error).map(Some),
        }
    }

    fn put_if(
        &self,
        row: &impl Serialize,
        requirements: &[Requirement],
    ) -> Result<TransactWriteItem, StoreError> {
        let condition = Update::default().require(requirements)?;
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(write(row)?))
            .set_condition_expression(condition.condition_expression())
            .set_expression_attribute_names(Some(condition.names))
            .set_expression_attribute_values(Some(condition.values))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map_err(|error| StoreError::Unwritable(error.to_string()))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    fn delete(&self, key: Item, condition: Update) -> Result<TransactWriteItem, StoreError> {
        let delete = Delete::builder()
            .table_name(&self.table)
            .set_key(Some(key))
            .set_condition_expression(condition.condition_expression())
            .set_expression_attribute_names(Some(condition.names))
            .set_expression_attribute_values(Some(condition.values))
            .build()
            .map_err(|error| StoreError::Unwritable(error.to_string()))?;
        Ok(TransactWriteItem::builder().delete(delete).build())
    }
}
