//! Sending when it is one's turn, and only what is still wanted by then.

use futures::{StreamExt, stream};
use tokio::time::Instant;
use usher::{
    domain::Requirement,
    mail::{Batch, Outcome},
};

use crate::{Held, Mailing, WRITES_AT_A_TIME, outcome::FIRST_PAUSE, pace::Turn, tenants::Tenants};

/// Sends when it is this batch's turn.
pub(crate) async fn send_in_turn(
    mailing: &Mailing,
    tenants: &Tenants,
    batch: &Batch<'_>,
    held: &[Option<Held>],
    end: Instant,
) -> Vec<(usize, Outcome)> {
    let all: Vec<usize> = batch.positions().collect();
    let turn = mailing.pace.turn(&mailing.store, all.len(), end).await;
    let wait = match turn {
        Ok(Turn::Now { waited: false }) => return mailing.mailer.send(batch).await,
        Ok(Turn::Now { waited: true }) => {
            return send_what_stands(mailing, tenants, &all, held).await;
        }
        Ok(Turn::Later(pause)) => {
            tracing::info!(mails = all.len(), "mails wait for their turn at SES");
            Outcome::Wait(pause)
        }
        Err(error) => {
            tracing::error!(%error, "no turn could be taken for a call to SES");
            Outcome::Wait(FIRST_PAUSE)
        }
    };
    all.into_iter()
        .map(|position| (position, wait.clone()))
        .collect()
}

/// Sends those mails at these positions whose claim still stands: while they waited, their invitation may have ended, or
/// have been sent again with another link.
async fn send_what_stands(
    mailing: &Mailing,
    tenants: &Tenants,
    positions: &[usize],
    held: &[Option<Held>],
) -> Vec<(usize, Outcome)> {
    let standing = stream::iter(positions.to_vec())
        .map(|position| async move {
            let held = held.get(position)?.as_ref()?;
            stands(mailing, held).await.then_some(position)
        })
        .buffered(WRITES_AT_A_TIME);
    let standing: Vec<usize> = standing.filter_map(std::future::ready).collect().await;
    let mails: Vec<_> = standing
        .iter()
        .filter_map(|position| Some(held.get(*position)?.as_ref()?.mail.clone()))
        .collect();
    let unwanted = positions
        .iter()
        .filter(|position| !standing.contains(position));
    let mut outcomes: Vec<_> = unwanted
        .map(|position| (*position, Outcome::Unwanted))
        .collect();
    // They were of one batch, so they are at most one again.
    for batch in Batch::of(&mails, &tenants.stationery) {
        for (nth, outcome) in mailing.mailer.send(&batch).await {
            outcomes.extend(standing.get(nth).map(|position| (*position, outcome)));
        }
    }
    outcomes
}

async fn stands(mailing: &Mailing, held: &Held) -> bool {
    let id = held.mail.0.id;
    match mailing.store.user(id).await {
        Ok(found) => found.is_some_and(|user| {
            user.mail_is_wanted()
                && Requirement::MailClaimed {
                    record: held.record,
                }
                .holds(&user)
        }),
        // It has waited its turn; most likely it is wanted.
        Err(error) => {
            tracing::warn!(%error, user_id = %id, "whether a mail is still wanted could not be asked");
            true
        }
    }
}
