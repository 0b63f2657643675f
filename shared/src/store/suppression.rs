//! Addresses that get no mail: noted with the user, where every mail looks, and with the address, which outlives the user.

use super::{
    Attempt, Store, StoreError, keys,
    update::{Update, Writer},
};
use crate::domain::{
    DeliveryStatus, EmailAddress, LiftSuppression, Requirement, State, StateName, Suppression, User,
};

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
            // The sweeper knows what is to be done.
            DeliveryStatus::Unknown if waits => update.due(user.id, lift.now)?,
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

    /// Notes with the user and with the address that it gets no mail, unless a greater or newer reason is known, or it was
    /// lifted since. Any order of these ends in the same. Up to two `UpdateItem`s.
    pub async fn suppress(
        &self,
        user: &User,
        email: &EmailAddress,
        suppression: Suppression,
    ) -> Result<(), StoreError> {
        if user.email.key() == email.key() {
            let update = merged(suppression)?.require_equal("id", user.id)?;
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
