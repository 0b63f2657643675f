//! The mailer's writes: claim a mail, and record what became of it.

use jiff::Timestamp;

use super::{Attempt, Store, StoreError, update::Writer};
use crate::domain::{
    ClaimMail, Delivery, DeliveryStatus, MailClaim, Requirement, StateName, UserId,
};

/// How many of a user's mail requests are kept: as many as the daily limit looks at.
const KEPT_MAIL_REQUESTS: usize = 10;

impl Store {
    /// Takes the mail out of the outbox, and stores the hash of the token it will carry.
    pub async fn claim_mail(&self, claim: &ClaimMail) -> Result<Attempt, StoreError> {
        let hold = MailClaim {
            record: claim.record,
            until: claim.until.as_millisecond(),
        };
        let update = self
            .update_of_user(claim.now, Writer::Mailer)?
            .set("claim", hold)?
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
        id: UserId,
        record: u64,
        now: Timestamp,
    ) -> Result<Attempt, StoreError> {
        let update = self
            .update_of_user(now, Writer::Mailer)?
            .set("delivery", Delivery::new(DeliveryStatus::Sent, now))?
            .increment("send_count")?
            .set("last_sent_at", now.as_millisecond())?
            .remove(&["claim"])
            .not_due()
            .require(&[Requirement::MailClaimed { record }])?;
        self.update_user(id, update).await
    }

    /// SES did not take the mail, and only a person can change that.
    pub async fn mail_failed(
        &self,
        id: UserId,
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
            .remove(&["claim"])
            .not_due()
            .require(&[Requirement::MailClaimed { record }])?;
        self.update_user(id, update).await
    }

    /// SES did not take the mail for now: from `until` on, the same stream record may claim it again, or whoever looks
    /// after what is due. Refused if there is no invitation left to mail.
    pub async fn mail_deferred(
        &self,
        id: UserId,
        record: u64,
        now: Timestamp,
        until: Timestamp,
        reason: &str,
    ) -> Result<Attempt, StoreError> {
        let delivery = Delivery {
            status: DeliveryStatus::Queued,
            at: now,
            reason: Some(reason.to_owned()),
        };
        let hold = MailClaim {
            record,
            until: until.as_millisecond(),
        };
        let update = self
            .update_of_user(now, Writer::Mailer)?
            .set("delivery", delivery)?
            .set("claim", hold)?
            .due(id, until)?
            .require(&[
                Requirement::MailClaimed { record },
                Requirement::State(&[StateName::Pending]),
            ])?;
        self.update_user(id, update).await
    }
}
