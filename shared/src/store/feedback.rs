//! What SES reports, as it is kept: with the user, in their history, and counted.

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use serde::Serialize;

use super::{
    Attempt, Store, StoreError, history::EventRow, invite::cancellation, item::write, keys, tally,
    update::Update,
};
use crate::domain::{Feedback, HistoryEvent, MailReport, User};

/// What [`Feedback::order`] says of the report that is kept: the one attribute that decides which of two stays.
const ORDER: &str = "feedback_order";

impl Store {
    /// Keeps the report with its user, unless a greater one is there; answers with the user, if there is one. It counts no
    /// version up: whether a report comes first or last must make no difference. One `UpdateItem`.
    pub async fn mail_reported(&self, report: &MailReport) -> Result<Option<User>, StoreError> {
        let feedback = Feedback::of(report);
        let order = feedback.order();
        let update = Update::default()
            .set("feedback", &feedback)?
            .set(ORDER, &order)?
            .require_equal("id", report.user_id)?
            .require_less(ORDER, &order)?;
        Ok(match self.update_user(report.user_id, update).await? {
            Attempt::Done(user) | Attempt::Refused(Some(user)) => Some(*user),
            Attempt::Refused(None) => None,
        })
    }

    /// Puts the report into its user's history and, of a report that is [counted](super::Tally), counts it: together, so
    /// that one that comes twice counts once. One `TransactWriteItems`; one `PutItem` for a report that is not counted.
    pub async fn note_report(&self, report: &MailReport) -> Result<(), StoreError> {
        let event = HistoryEvent::of_report(report);
        let event = EventRow::of(report.user_id, &event);
        let Some(counted) = tally::count(report)? else {
            return self.put_once(&event).await;
        };
        let key = keys::key(keys::TALLY, tally::sk(report));
        let actions = vec![self.put_new(&event)?, self.action(key, counted)?];
        let written = self
            .client
            .transact_write_items()
            .set_transact_items(Some(actions))
            .send()
            .await;
        match written {
            Ok(_) => Ok(()),
            // It is there, and so is counted.
            Err(error) => cancellation(error).map(|_| ()),
        }
    }

    /// Puts the row there, unless it is there already.
    async fn put_once(&self, row: &impl Serialize) -> Result<(), StoreError> {
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(write(row)?))
            .condition_expression("attribute_not_exists(pk)")
            .send()
            .await;
        match put {
            Ok(_) => Ok(()),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(_)) => Ok(()),
                _ => Err(StoreError::of("PutItem", &error)),
            },
        }
    }
}
