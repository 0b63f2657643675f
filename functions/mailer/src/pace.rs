//! Keeps to SES's sending rate, which counts recipients, is the account's, and treats overspending as a debt.
//!
//! Every call takes its place in a row that all mailers share (one item of the table), before it is made, and for as long
//! as its recipients take at the account's rate. So any number of mailers at once send as fast as one, and SES never has
//! to refuse. A place that a mailer took before it died is time lost, and nothing else.

use jiff::SignedDuration;
use tokio::time::{Duration, Instant};
use usher::{
    clock::Clock,
    store::{Slot, Store, StoreError},
};

/// Added to each call's time, since mailers' clocks and SES's differ.
const MARGIN: f64 = 0.05;
/// How long before the end of its time a mailer begins no more calls: SES has 20 seconds to answer, and then what became
/// of the mails has to be recorded.
const RESERVE: Duration = Duration::from_secs(40);

/// The account's rate, and a clock to wait by.
#[derive(Debug)]
pub(crate) struct Pace {
    /// Recipients a second.
    rate: f64,
    clock: Clock,
}

/// Whether it is a call's turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    Now {
        /// Whether it has waited; much may have happened meanwhile.
        waited: bool,
    },
    /// There is no time left for it. It may have its turn after so long.
    Later(SignedDuration),
}

impl Pace {
    pub(crate) fn new(rate: f64, clock: &Clock) -> Self {
        Self {
            rate,
            clock: clock.running(),
        }
    }

    /// Waits until a call to so many recipients may be made; or answers in how long it might, if that is not before `end`.
    pub(crate) async fn turn(
        &self,
        store: &Store,
        recipients: usize,
        end: Instant,
    ) -> Result<Turn, StoreError> {
        let recipients = f64::from(u32::try_from(recipients).unwrap_or(u32::MAX));
        let takes = SignedDuration::from_secs_f64(recipients / self.rate + MARGIN);
        let now = self.clock.now();
        let left = end.saturating_duration_since(Instant::now() + RESERVE);
        if left.is_zero() {
            return Ok(Turn::Later(takes));
        }
        let latest = SignedDuration::try_from(left)
            .ok()
            .and_then(|left| now.checked_add(left).ok());
        let slot = store
            .reserve_sending(now, takes, latest.unwrap_or(now))
            .await?;
        match slot {
            Slot::At(at) => {
                let wait = Duration::try_from(at.duration_since(self.clock.now()));
                // One that has begun while it was being taken can't be waited for.
                let wait = wait.unwrap_or_default();
                tokio::time::sleep(wait).await;
                // Taking the place may itself have taken long.
                if Instant::now() + RESERVE > end {
                    return Ok(Turn::Later(takes));
                }
                Ok(Turn::Now {
                    waited: wait > Duration::ZERO,
                })
            }
            Slot::Full { free_at } => Ok(Turn::Later(free_at.duration_since(self.clock.now()))),
        }
    }
}
