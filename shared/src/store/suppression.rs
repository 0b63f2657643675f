//! Addresses that get no mail: noted with the user, where every mail looks, and with the address, which outlives the user.

use aws_sdk_dynamodb::{
    operation::delete_item::DeleteItemError, types::ReturnValuesOnConditionCheckFailure,
};

use super::{
    Attempt, Store, StoreError,
    item::{AddressRow, read},
    keys,
    update::{Update, Writer},
};
use crate::domain::{
    DeliveryStatus, EmailAddress, LiftSuppression, Requirement, State, StateName, Suppression,
    TenantId, User, UserId,
};

/// What is known of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownAddress {
    /// Whose it is, if it is anybody's.
    pub user_id: Option<UserId>,
    /// Why it must not be written to, if so.
    pub suppressed: Option<Suppression>,
}

impl Store {
    /// Lets an address have mail again; a mail that had to wait for it is announced. Refused if anything has happened to
    /// the user since they were read. One `TransactWriteItems`.
    pub async fn lift_suppression(
        &self,
        user: &User,
        lift: &LiftSuppression,
    ) -> Result<Attempt, StoreError> {
        let lifted_at = lift.now.as_millisecond();
        let mut update = self
            .update_of_user(lift.now, Writer::Request)?
            .set("suppression_lifted_at", lifted_at)?
            .set("changed_by", &lift.by)?
            .remove(&["suppressed"])
            .require(&[Requirement::Version(user.version)])?
            // What SES reports counts no version.
            .require_equal("suppressed", user.suppressed)?;
        let waits = user.state == State::Pending && !user.has_expired(lift.now);
        update = match user.delivery.status {
            DeliveryStatus::Queued if waits => update
                .set("outbox", user.mail_kind())?
                .due(user.id, lift.mail_due())?,
            // It was left alone for long enough, and then put off to the end since nothing might be sent. Until then it is
            // left alone, as it would be without the suppression.
            DeliveryStatus::Unknown if waits && user.due_at == Some(user.expires_at) => {
                update.due(user.id, lift.now)?
            }
            _ => update,
        };
        let mut address = Update::default().set("suppression_lifted_at", lifted_at)?;
        // What the person themselves wished stays.
        if user.state.name() != StateName::Declined {
            address = address.remove(&["suppressed"]);
        }
        let lifted = User {
            suppressed: None,
            suppression_lifted_at: Some(lift.now),
            updated_at: lift.now,
            ..user.clone()
        };
        self.update_with_address(lifted, update, address).await
    }

    /// What is known of an address. Strongly consistent; one `GetItem`.
    pub async fn address(
        &self,
        tenant: &TenantId,
        email: &EmailAddress,
    ) -> Result<Option<KnownAddress>, StoreError> {
        let found = self.get(keys::address_key(tenant, &email.key())).await?;
        let row: Option<AddressRow> = found.map(read).transpose()?;
        Ok(row.map(|row| KnownAddress {
            user_id: row.user_id,
            suppressed: row.suppressed,
        }))
    }

    /// Forgets an address that no user has, and with it why it got no mail: whoever is invited by it begins anew. Answers
    /// whether that is so now; not if something else is known of the address than this suppression. One `DeleteItem`.
    pub async fn forget_suppression(
        &self,
        tenant: &TenantId,
        email: &EmailAddress,
        suppression: Suppression,
    ) -> Result<bool, StoreError> {
        let was = serde_dynamo::to_attribute_value(suppression).map_err(StoreError::unwritable)?;
        let deleted = self
            .client
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(keys::address_key(tenant, &email.key())))
            .condition_expression("attribute_not_exists(user_id) AND suppressed = :was")
            .expression_attribute_values(":was", was)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match deleted {
            Ok(_) => Ok(true),
            Err(error) => match error.as_service_error() {
                // The SDK has tried again after an answer was lost, if there is no such row.
                Some(DeleteItemError::ConditionalCheckFailedException(failed)) => {
                    Ok(failed.item.as_ref().is_none_or(|item| item.is_empty()))
                }
                _ => Err(StoreError::of("DeleteItem", &error)),
            },
        }
    }

    /// Notes with the user and with the address that it gets no mail, unless a greater or newer reason is known, or it was
    /// lifted since. Any order of these ends in the same. Up to two `UpdateItem`s.
    pub async fn suppress(
        &self,
        user: &User,
        email: &EmailAddress,
        suppression: Suppression,
    ) -> Result<(), StoreError> {
        if user.email.key() == email.key() {
            let update = merged(suppression)?
                .require_equal("id", user.id)?
                // It may have been corrected since they were read.
                .require_equal("email", &user.email)?;
            let _greater_is_known = self.update(keys::user_key(user.id), update).await?;
        }
        // Of an address that nobody has any more, the row may be gone: then it is made, without an owner.
        let update = merged(suppression)?.require_equal_or_none("user_id", user.id)?;
        let key = keys::address_key(&user.tenant, &email.key());
        let _greater_is_known = self.update(key, update).await?;
        Ok(())
    }
}

/// The suppression, if it is greater than the one that is there.
fn merged(suppression: Suppression) -> Result<Update, StoreError> {
    Update::default()
        .set("suppressed", suppression)?
        .require_lesser_suppression(suppression)
}
