//! One user: read it, or change it if what the domain requires holds.

use aws_sdk_dynamodb::{
    operation::update_item::UpdateItemError,
    types::{ReturnValue, ReturnValuesOnConditionCheckFailure, TransactWriteItem},
};
use jiff::Timestamp;

use super::{
    Store, StoreError, TableUnusable,
    item::{Item, read},
    keys,
    update::{Update, Writer},
};
use crate::domain::{
    Accept, Decline, Delivery, MailKind, Renew, Resend, Restore, Revoke, State, StateName,
    Suppression, SuppressionReason, User, UserId,
};

/// What became of a conditional write.
#[derive(Debug)]
pub enum Attempt {
    /// It was done, and this is the user now.
    Done(Box<User>),
    /// A requirement did not hold of this user, or there is none. Nothing was changed.
    Refused(Option<Box<User>>),
}

impl Store {
    /// The user of this id, whoever's it is. One strongly consistent `GetItem`.
    pub async fn user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        self.get(keys::user_key(id)).await?.map(read).transpose()
    }

    /// The item of this key. One strongly consistent `GetItem`.
    pub(super) async fn get(&self, key: Item) -> Result<Option<Item>, StoreError> {
        let found = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(key))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| StoreError::of("GetItem", &error))?;
        Ok(found.item)
    }

    /// Opens the connection with a cheap read, so that the first request need not. Fails if the table is not there.
    pub async fn warm_up(&self) -> Result<(), TableUnusable> {
        match self.user(UserId::from_bytes([0; 16])).await {
            Ok(_) => Ok(()),
            Err(cause) => Err(TableUnusable {
                table: self.table.clone(),
                cause,
            }),
        }
    }

    /// Gives the user a new token and expiry, and queues the mail. Done, and nothing is, if this very request did it before.
    pub async fn resend(&self, id: UserId, resend: &Resend) -> Result<Attempt, StoreError> {
        let (locale, source) = resend.locale.clone().unzip();
        let update = self
            .update_of_user(resend.now, Writer::Request)?
            .state(&resend.tenant, StateName::Pending)?
            .set_some("locale", locale)?
            .set_some("locale_source", source)?
            .set_some("message", resend.message.as_ref())?
            .set(
                "expires_at",
                resend.lifetime.end(resend.now).as_millisecond(),
            )?
            .set("nonce", resend.nonce)?
            .set("token_hash", resend.token.hash())?
            .set("changed_by", &resend.by)?
            .set_some("resend_request", resend.request.as_ref())?
            .queue_mail(id, MailKind::Invitation, resend.now, resend.mail_due())?
            .remove(&[
                "renewed_hash",
                "claim",
                "mail_tries",
                "reminders",
                "revoked_at",
                "declined_at",
            ])
            .require(&resend.requirements())?;
        Ok(match self.update_user(id, update).await? {
            Attempt::Refused(Some(user)) if resend.is_repeated(&user) => Attempt::Done(user),
            attempt => attempt,
        })
    }

    /// Withdraws the invitation. A mail that still waits is not sent.
    pub async fn revoke(&self, id: UserId, revoke: &Revoke) -> Result<Attempt, StoreError> {
        let update = self
            .update_of_user(revoke.now, Writer::Request)?
            .state(&revoke.tenant, StateName::Revoked)?
            .set("revoked_at", revoke.now.as_millisecond())?
            .set("changed_by", &revoke.by)?
            // What is due stays due: if the mail is being sent, its fate is still to be found out.
            .remove(&["outbox"])
            .require(&revoke.requirements())?;
        self.update_user(id, update).await
    }

    /// Takes the withdrawal back, with the link as it was. A mail that had not gone yet is announced again.
    /// Refused if anything has happened to the user since they were read.
    pub async fn restore(&self, user: &User, restore: &Restore) -> Result<Attempt, StoreError> {
        let update = self
            .update_of_user(restore.now, Writer::Request)?
            .state(&restore.tenant, StateName::Pending)?
            .set("changed_by", &restore.by)?
            .remove(&["revoked_at"])
            .require(&restore.requirements(user))?;
        let update = if restore.mails(user) {
            let delivery = Delivery {
                uncounted: false,
                ..user.delivery.clone()
            };
            update
                .set("mail_requests", restore.mail_requests(user))?
                .set("delivery", delivery)?
                .set("outbox", user.mail_kind())?
                .due(user.id, restore.mail_due())?
        } else if user.due_at.is_none() {
            // Nobody would look at this user any more. The sweeper knows what is to be done.
            update.due(user.id, restore.now)?
        } else {
            // A mail may be on its way, or was left alone for a while: that has to end as it was to.
            update
        };
        self.update_user(user.id, update).await
    }

    /// Registers the person. Of any number of racing calls, DynamoDB lets one through.
    pub async fn accept(&self, id: UserId, accept: &Accept) -> Result<Attempt, StoreError> {
        let (locale, source) = accept.locale.clone().unzip();
        let update = self
            .update_of_user(accept.now, Writer::Request)?
            .accepted()?
            .set("accepted_at", accept.now.as_millisecond())?
            .set("name", &accept.name)?
            .set_some("locale", locale)?
            .set_some("locale_source", source)?
            .remove(&["outbox"])
            .require(&accept.requirements())?;
        self.update_user(id, update).await
    }

    /// Queues a mail with a fresh link, whose token only the mailer can make. The old link dies now.
    pub async fn renew(&self, user: &User, renew: &Renew) -> Result<Attempt, StoreError> {
        let update = self
            .update_of_user(renew.now, Writer::Request)?
            .state(&user.tenant, StateName::Pending)?
            .set("expires_at", renew.expires_at().as_millisecond())?
            .set("nonce", renew.nonce)?
            .set("renewed_hash", renew.token)?
            .queue_mail(user.id, MailKind::Invitation, renew.now, renew.mail_due())?
            .remove(&["token_hash", "claim", "mail_tries", "reminders"])
            .require(&renew.requirements())?;
        self.update_user(user.id, update).await
    }

    /// Notes that the person wants no invitation, with the user and with the address, so that the wish outlives the
    /// user. The user that is answered is the one given, declined.
    pub async fn decline(&self, user: &User, decline: &Decline) -> Result<Attempt, StoreError> {
        let update = self
            .update_of_user(decline.now, Writer::Request)?
            .state(&user.tenant, StateName::Declined)?
            .set("declined_at", decline.now.as_millisecond())?
            .remove(&["outbox"])
            .require(&decline.requirements())?;
        let address = Update::default().set(
            "suppressed",
            Suppression {
                reason: SuppressionReason::Declined,
                at: decline.now,
            },
        )?;
        let declined = User {
            state: State::Declined {
                declined_at: decline.now,
            },
            ..user.clone()
        };
        self.update_with_address(declined, update, address).await
    }

    /// Changes a user and their address together: one `TransactWriteItems`, which unlike `UpdateItem` answers no item, so
    /// `changed` is the user to answer with.
    pub(super) async fn update_with_address(
        &self,
        changed: User,
        update: Update,
        address: Update,
    ) -> Result<Attempt, StoreError> {
        let address = address.require_equal("user_id", changed.id)?;
        let address_key = keys::address_key(&changed.tenant, &changed.email.key());
        let writes = [
            self.action(keys::user_key(changed.id), update),
            self.action(address_key, address),
        ];
        let written = self
            .client
            .transact_write_items()
            .set_transact_items(Some(writes.into_iter().collect::<Result<_, _>>()?))
            .send()
            .await;
        let Err(error) = written else {
            return Ok(Attempt::Done(Box::new(changed)));
        };
        match super::invite::cancellation(error)?.into_iter().next() {
            Some(super::invite::Reason::Refused(item)) => {
                Ok(Attempt::Refused(item.map(read).transpose()?.map(Box::new)))
            }
            _ => Err(StoreError::Rejected {
                operation: "TransactWriteItems",
                cause: format!("the address of {} is not theirs in the table", changed.id),
            }),
        }
    }

    /// One update of a transaction.
    pub(super) fn action(
        &self,
        key: Item,
        update: Update,
    ) -> Result<TransactWriteItem, StoreError> {
        let update = aws_sdk_dynamodb::types::Update::builder()
            .table_name(&self.table)
            .set_key(Some(key))
            .update_expression(update.expression())
            .set_condition_expression(update.condition_expression())
            .set_expression_attribute_names(Some(update.names))
            .set_expression_attribute_values(some(update.values))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map_err(|error| StoreError::Unwritable(error.to_string()))?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    /// An update of a user that can be told from every other write.
    pub(super) fn update_of_user(
        &self,
        now: Timestamp,
        writer: Writer,
    ) -> Result<Update, StoreError> {
        Update::of_user(now, writer, self.marks.bytes())
    }

    /// One conditional `UpdateItem` of a user.
    pub(super) async fn update_user(
        &self,
        id: UserId,
        update: Update,
    ) -> Result<Attempt, StoreError> {
        Ok(match self.update(keys::user_key(id), update).await? {
            Ok(item) => Attempt::Done(Box::new(read(item)?)),
            Err(found) => Attempt::Refused(found.map(read).transpose()?.map(Box::new)),
        })
    }

    /// One conditional `UpdateItem`: the item after it or, if the condition does not hold, as it is.
    pub(super) async fn update(
        &self,
        key: Item,
        update: Update,
    ) -> Result<Result<Item, Option<Item>>, StoreError> {
        let mark = update.mark.clone();
        let updated = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key))
            .update_expression(update.expression())
            .set_condition_expression(update.condition_expression())
            .set_expression_attribute_names(Some(update.names))
            .set_expression_attribute_values(some(update.values))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match updated {
            Ok(output) => Ok(Ok(output.attributes.unwrap_or_default())),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                    let found = failed.item.clone().filter(|item| !item.is_empty());
                    // The SDK has tried again after an answer was lost, and met what the first try had written.
                    let ours = |item: &Item| {
                        mark.as_ref()
                            .is_some_and(|(name, mark)| item.get(*name) == Some(mark))
                    };
                    Ok(match found {
                        Some(item) if ours(&item) => Ok(item),
                        found => Err(found),
                    })
                }
                _ => Err(StoreError::of("UpdateItem", &error)),
            },
        }
    }
}

/// DynamoDB wants no values rather than none of them.
fn some(values: Item) -> Option<Item> {
    (!values.is_empty()).then_some(values)
}
