//! What became of a mail, written down: sent, failed, or when it is tried again.

use std::time::Duration;

use futures::{StreamExt, stream};
use jiff::SignedDuration;
use tokio::time::Instant;
use usher::{
    domain::IN_TURN,
    mail::Outcome,
    store::{Attempt, StoreError},
};

use crate::{Held, Mailing, WRITES_AT_A_TIME, tenants::Tenants};

/// When a mail that SES takes for nobody of the account is due again.
const PARKED: SignedDuration = SignedDuration::from_hours(1);
/// When a mail that SES has put off is due again: at first, doubled each time, and at most.
pub(crate) const FIRST_PAUSE: SignedDuration = SignedDuration::from_mins(1);
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_hours(1);
/// How often SES may refuse a mail in a way that nobody here knows: then trying again is not believed in any more.
const UNKNOWN_REFUSALS: u32 = 10;

/// Writes down what became of these, several at a time.
pub(crate) async fn record(
    mailing: &Mailing,
    tenants: &Tenants,
    done: Vec<(Held, Outcome)>,
    end: Instant,
) {
    stream::iter(done)
        .for_each_concurrent(WRITES_AT_A_TIME, |(held, outcome)| {
            record_outcome(mailing, tenants, held, outcome, end)
        })
        .await;
}

/// Writes down what became of a mail, again and again while the table is busy: a mail that went and is not known to have
/// gone is sent twice.
async fn record_outcome(
    mailing: &Mailing,
    tenants: &Tenants,
    held: Held,
    outcome: Outcome,
    end: Instant,
) {
    let id = held.mail.0.id;
    match &outcome {
        Outcome::Failed(reason) => tracing::error!(user_id = %id, reason, "a mail can't be sent"),
        Outcome::Parked(reason) => tracing::error!(user_id = %id, reason, "a mail is parked"),
        Outcome::Unknown => {
            tracing::warn!(user_id = %id, "SES's answer was lost: a mail may have gone or not");
        }
        Outcome::Retry { reason, .. } => {
            tracing::warn!(user_id = %id, reason, "a mail was not sent and will be tried again");
        }
        Outcome::Sent { .. } | Outcome::Wait(_) | Outcome::Unwanted => {}
    }
    loop {
        match write_outcome(mailing, tenants, &held, &outcome).await {
            Ok(Attempt::Done(_)) => return,
            // Sent again while this mail was on its way: that is the newer truth.
            Ok(Attempt::Refused(_)) => {
                tracing::warn!(user_id = %id, "a mail's outcome came too late to be recorded");
                return;
            }
            Err(StoreError::Unavailable { .. }) if Instant::now() + LONGEST_WRITE < end => {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            // The sweeper finds it when its claim runs out.
            Err(error) => {
                tracing::error!(%error, user_id = %id, "what became of a mail could not be recorded");
                return;
            }
        }
    }
}

/// As long as the table's client tries, and a little more.
const LONGEST_WRITE: Duration = Duration::from_secs(12);

async fn write_outcome(
    mailing: &Mailing,
    tenants: &Tenants,
    held: &Held,
    outcome: &Outcome,
) -> Result<Attempt, StoreError> {
    let (store, now) = (&mailing.store, mailing.clock.now());
    let (user, record) = (&held.mail.0, held.record);
    let tries = user.mail_tries;
    let later = |pause| now.saturating_add(pause).unwrap_or(now);
    let (pause, tries, reason) = match outcome {
        Outcome::Sent { message_id } => {
            let reminders = tenants.reminders.get(&user.tenant);
            let reminders = reminders.unwrap_or(&mailing.reminders);
            let due = user.sent(now).next_due(reminders);
            return store.mail_sent(user, record, now, message_id, due).await;
        }
        Outcome::Failed(reason) => return store.mail_failed(user, record, now, reason).await,
        Outcome::Parked(reason) => {
            let until = later(PARKED);
            return store.mail_parked(user, record, now, until, reason).await;
        }
        Outcome::Unknown => {
            let settled_by = later(mailing.settle);
            return store.mail_unknown(user, record, now, settled_by).await;
        }
        Outcome::Retry { known: false, .. } if tries.doubted().doubtful >= UNKNOWN_REFUSALS => {
            return store.mail_failed(user, record, now, GIVEN_UP).await;
        }
        // Somebody may want it again before this is written: then it has its turn soon. If not, the sweeper puts it aside.
        Outcome::Unwanted => (FIRST_PAUSE, tries, IN_TURN),
        Outcome::Wait(pause) => (*pause, tries, IN_TURN),
        Outcome::Retry { known: true, .. } => (pause_after(tries.all), tries.put_off(), BUSY),
        Outcome::Retry { known: false, .. } => (pause_after(tries.all), tries.doubted(), BUSY),
    };
    let until = later(pause);
    store
        .mail_deferred(user, record, now, until, tries, reason)
        .await
}

const BUSY: &str = "The mail service is busy; the mail is tried again.";
const GIVEN_UP: &str = "SES did not take the mail in ten tries, for a reason that Usher does not know. The operator finds SES's words in the mailer's log; once that is mended, send the invitation again.";

/// How long to wait after this many tries that did not go through before.
fn pause_after(tries: u32) -> SignedDuration {
    let doubled = FIRST_PAUSE.checked_mul(1_i32.checked_shl(tries).unwrap_or(i32::MAX).max(1));
    doubled.map_or(LONGEST_PAUSE, |pause| pause.min(LONGEST_PAUSE))
}
