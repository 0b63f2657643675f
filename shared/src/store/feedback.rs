//! What SES reports, as it is kept: with the user, in their history, and counted.

use super::{
    Attempt, Store, StoreError, history::EventRow, invite::cancellation, keys, tally,
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
    /// that one that comes twice counts once. One `TransactWriteItems`.
    pub async fn note_report(&self, report: &MailReport) -> Result<(), StoreError> {
        let event = HistoryEvent::of_report(report);
        let mut actions = vec![self.put_new(&EventRow::of(report.user_id, &event))?];
        if let Some(update) = tally::count(report)? {
            let key = keys::key(keys::TALLY, tally::sk(report));
            actions.push(self.action(key, update)?);
        }
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
}
