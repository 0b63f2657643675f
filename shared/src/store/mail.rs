//! The mailer's writes: claim a mail, and record what became of it.

use jiff::Timestamp;

use super::{
    Attempt, Store, StoreError,
    update::{Update, Writer},
};
use crate::domain::{ClaimMail, Delivery, DeliveryStatus, MailClaim, MailTries, Requirement, User};

/// How many of a user's mail requests are kept: as many as the daily limit looks at.
const KEPT_MAIL_REQUESTS: usize = 10;

impl Store {
    /// Takes the mail out of the outbox, and stores the hash of the token it will carry.
    pub async fn claim_mail(&self, claim: &ClaimMail) -> Result<Attempt, StoreError> {
        let update = self
            .update_of_user(claim.now, Writer::Mailer)?
            .set(
                "claim",
                MailClaim {
                    record: claim.record,
                    doubted: claim.doubted,
                },
            )?
            .set("token_hash", claim.token)?
            .set(
                "delivery",
                Delivery::new(DeliveryStatus::Sending, claim.now).of_attempt(Some(claim.record)),
            )?
            .due(claim.user_id, claim.until)?
            .remove(&["outbox"])
            .remove_element("mail_requests", KEPT_MAIL_REQUESTS)
            .require(&claim.requirements())?;
        self.update_user(claim.user_id, update).await
    }

    /// SES has taken the mail, under this id; somebody has to look at the user again at `due`. Refused if the claim was lost
    /// meanwhile.
    pub async fn mail_sent(
        &self,
        user: &User,
        record: u64,
        now: Timestamp,
        message_id: &str,
        due: Timestamp,
    ) -> Result<Attempt, StoreError> {
        let delivery = Delivery {
            message_id: Some(message_id.to_owned()),
            ..Delivery::new(DeliveryStatus::Sent, now).of_attempt(Some(record))
        };
        let update = self
            .outcome(record, now, &delivery)?
            .increment("send_count")?
            .set("last_sent_at", now.as_millisecond())?
            .remove(&["claim", "mail_tries"])
            .due(user.id, due)?;
        self.update_user(user.id, update).await
    }

    /// Nobody knows whether SES took the mail; it is left alone until `settled_by`.
    pub async fn mail_unknown(
        &self,
        user: &User,
        record: u64,
        now: Timestamp,
        settled_by: Timestamp,
    ) -> Result<Attempt, StoreError> {
        let update = self
            .outcome(record, now, &Delivery::unknown(now, Some(record)))?
            .set("mail_tries", user.mail_tries.doubted())?
            .due(user.id, settled_by)?;
        self.update_user(user.id, update).await
    }

    /// SES did not take the mail, and only a person can change that.
    pub async fn mail_failed(
        &self,
        user: &User,
        record: u64,
        now: Timestamp,
        reason: &str,
    ) -> Result<Attempt, StoreError> {
        let failed = Delivery::new(DeliveryStatus::Failed, now).because(reason);
        let update = self
            .outcome(record, now, &failed.of_attempt(Some(record)))?
            .remove(&["claim", "mail_tries"])
            .due(user.id, user.expires_at)?;
        self.update_user(user.id, update).await
    }

    /// The mail did not go for now: it is due again at `until`, after these tries.
    pub async fn mail_deferred(
        &self,
        user: &User,
        record: u64,
        now: Timestamp,
        until: Timestamp,
        tries: MailTries,
        reason: &str,
    ) -> Result<Attempt, StoreError> {
        let queued = Delivery::new(DeliveryStatus::Queued, now).because(reason);
        self.put_off(user, record, until, tries, queued).await
    }

    /// SES takes no mail of the account for now: the mail is due again at `until`. That is no try of this mail's.
    pub async fn mail_parked(
        &self,
        user: &User,
        record: u64,
        now: Timestamp,
        until: Timestamp,
        reason: &str,
    ) -> Result<Attempt, StoreError> {
        let parked = Delivery {
            parked: true,
            ..Delivery::new(DeliveryStatus::Queued, now).because(reason)
        };
        self.put_off(user, record, until, user.mail_tries, parked)
            .await
    }

    async fn put_off(
        &self,
        user: &User,
        record: u64,
        until: Timestamp,
        tries: MailTries,
        delivery: Delivery,
    ) -> Result<Attempt, StoreError> {
        let delivery = delivery.of_attempt(user.claim.and_then(|claim| claim.doubted));
        let update = self
            .outcome(record, delivery.at, &delivery)?
            .set("mail_tries", tries)?
            .remove(&["claim"])
            .due(user.id, until)?;
        self.update_user(user.id, update).await
    }

    /// What became of the mail that is claimed for this record.
    fn outcome(
        &self,
        record: u64,
        now: Timestamp,
        delivery: &Delivery,
    ) -> Result<Update, StoreError> {
        self.update_of_user(now, Writer::Mailer)?
            .set("delivery", delivery)?
            .require(&[Requirement::MailClaimed { record }])
    }
}
