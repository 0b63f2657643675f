//! Keeps to SES's sending rate, which counts recipients and treats overspending as a debt.

use std::time::Duration;

use tokio::{sync::Mutex, time::Instant};

/// A token bucket of one second's worth. It is charged before a call, and may go into debt by that call.
#[derive(Debug)]
pub(super) struct Pace {
    per_second: f64,
    bucket: Mutex<Bucket>,
}

#[derive(Debug)]
struct Bucket {
    balance: f64,
    at: Instant,
}

impl Pace {
    /// `per_second` is SES's `MaxSendRate`. A rate of nothing is read as one a second.
    pub(super) fn new(per_second: f64) -> Self {
        let per_second = if per_second > 0.0 { per_second } else { 1.0 };
        let bucket = Bucket {
            balance: per_second,
            at: Instant::now(),
        };
        Self {
            per_second,
            bucket: Mutex::new(bucket),
        }
    }

    /// Waits until earlier debts are paid, then charges `recipients`.
    pub(super) async fn charge(&self, recipients: usize) {
        let mut bucket = self.bucket.lock().await;
        bucket.refill(self.per_second);
        if bucket.balance <= 0.0 {
            // A little longer than the debt, so that SES's own count, which began later, is paid too.
            let wait = Duration::from_secs_f64(-bucket.balance / self.per_second)
                + Duration::from_millis(50);
            tokio::time::sleep(wait).await;
            bucket.refill(self.per_second);
        }
        bucket.balance -= f64::from(u32::try_from(recipients).unwrap_or(u32::MAX));
    }
}

impl Bucket {
    fn refill(&mut self, per_second: f64) {
        let now = Instant::now();
        let earned = now.duration_since(self.at).as_secs_f64() * per_second;
        self.balance = (self.balance + earned).min(per_second.max(1.0));
        self.at = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_call_waits_for_the_debt_of_the_one_before() {
        let pace = Pace::new(14.0);
        let start = Instant::now();
        pace.charge(50).await;
        assert_eq!(start.elapsed(), Duration::ZERO);
        pace.charge(50).await;
        let waited = start.elapsed().as_secs_f64();
        assert!(
            (36.0 / 14.0..36.0 / 14.0 + 0.1).contains(&waited),
            "{waited}"
        );
    }
}
