//! The mailer's writes: claim a mail, and record what became of it.

use jiff::Timestamp;

use super::{Attempt, Store, StoreError, update::Writer};
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
                },
            )?
            .set("token_hash", claim.token)?
            .set(
                "delivery",
                Delivery::new(DeliveryStatus::Sending, claim.now),
            )?
            .due(claim.user_id, claim.until)?
            .remove(&["outbox"])
            .remove_element("mail_requests", KEPT_MAIL_REQUESTS)
            .require(&claim.requirements())?;
        self.update_user(claim.user_id, update).await
    }

    /// SES has taken the mail. Refused if the claim was lost meanwhile.
    pub async fn mail_sent(
        &self,
        user: &User,
        record: u64,
        now: Timestamp,
    ) -> Result<Attempt, StoreError> {
        let update = self
            .update_of_user(now, Writer::Mailer)?
            .set("delivery", Delivery::new(DeliveryStatus::Sent, now))?
            .increment("send_count")?
            .set("last_sent_at", now.as_millisecond())?
            .remove(&["claim", "mail_tries"])
            .due(user.id, user.expires_at)?
            .require(&[Requirement::MailClaimed { record }])?;
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
            .update_of_user(now, Writer::Mailer)?
            .set("delivery", Delivery::unknown(now))?
            .set("mail_tries", user.mail_tries.doubted())?
            .due(user.id, settled_by)?
            .require(&[Requirement::MailClaimed { record }])?;
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
        let delivery = Delivery {
            status: DeliveryStatus::Failed,
            at: now,
            reason: Some(reason.to_owned()),
        };
        let update = self
            .update_of_user(now, Writer::Mailer)?
            .set("delivery", delivery)?
            .remove(&["claim", "mail_tries"])
            .due(user.id, user.expires_at)?
            .require(&[Requirement::MailClaimed { record }])?;
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
        let delivery = Delivery {
            status: DeliveryStatus::Queued,
            at: now,
            reason: Some(reason.to_owned()),
        };
        let update = self
            .update_of_user(now, Writer::Mailer)?
            .set("delivery", delivery)?
            .set("mail_tries", tries)?
            .remove(&["claim"])
            .due(user.id, until)?
            .require(&[Requirement::MailClaimed { record }])?;
        self.update_user(user.id, update).await
    }
}
