//! One stream record: what it announces, and claiming the mail.

use aws_lambda_events::event::dynamodb::EventRecord;
use usher::{
    domain::{ClaimMail, InvitationToken, Requirement, User},
    store::{Attempt, StoreError, user_from_image},
};

use crate::Mailing;

/// What a stream record says.
pub(crate) enum Announced {
    /// This user has a mail in the outbox.
    Mail(Box<User>),
    /// Nothing for us.
    Nothing,
    /// It is no user as Usher writes them.
    Unreadable(StoreError),
}

/// What became of the attempt to claim a mail.
pub(crate) enum Claimed {
    /// Nobody else will send it.
    Ours {
        /// The user's version in the record, which names the claim.
        record: u64,
        /// The user and the token of the link.
        mail: Box<(User, InvitationToken)>,
    },
    /// It is sent already, or being sent, or not to be sent any more. Should whoever sends it stop, the sweeper finds it.
    Nothing,
    /// The table could not be asked: the record has to come again.
    Later,
}

pub(crate) fn read(record: &EventRecord) -> Announced {
    let image = &record.change.new_image;
    // The event source filters already; a record without an outbox is none of ours.
    if !image.contains_key("outbox") {
        return Announced::Nothing;
    }
    match user_from_image(image.clone()) {
        Ok(user) if user.outbox.is_some() => Announced::Mail(Box::new(user)),
        Ok(_) => Announced::Nothing,
        Err(error) => Announced::Unreadable(error),
    }
}

pub(crate) async fn claim(mailing: &Mailing, announced: User) -> Claimed {
    let token = mailing
        .key
        .issue(&announced.tenant, announced.id, announced.nonce);
    let now = mailing.clock.now();
    let claim = ClaimMail {
        user_id: announced.id,
        record: announced.version,
        doubted: announced.delivery.attempt,
        now,
        until: now.saturating_add(mailing.lease).unwrap_or(now),
        token: token.hash(),
    };
    match mailing.store.claim_mail(&claim).await {
        // A claim whose answer was lost is known by its mark when it is tried again. By then the invitation may have been
        // sent again, with another link: that mail is for whoever claims the newer record.
        Ok(Attempt::Done(user))
            if (Requirement::MailClaimed {
                record: claim.record,
            })
            .holds(&user) =>
        {
            Claimed::Ours {
                record: claim.record,
                mail: Box::new((*user, token)),
            }
        }
        Ok(Attempt::Done(_) | Attempt::Refused(_)) => Claimed::Nothing,
        Err(error) => {
            tracing::error!(%error, user_id = %announced.id, "a mail could not be claimed");
            Claimed::Later
        }
    }
}
