//! How fast and how much an account may send.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::{SesOptions, error::SesError};

const DAY: SignedDuration = SignedDuration::from_hours(24);
const SANDBOX_RATE: f64 = 1.0;
const SANDBOX_DAILY: u64 = 200;
/// What an account without limits shows, as SES's own numbers are finite.
const UNLIMITED_RATE: f64 = 10_000.0;
const UNLIMITED_DAILY: u64 = 1_000_000_000;

pub(super) struct Limits {
    daily: u64,
    spent: Mutex<Spent>,
}

struct Spent {
    bucket: Option<Bucket>,
    sent: VecDeque<(Timestamp, u64)>,
}

impl Limits {
    pub(super) fn new(options: &SesOptions, now: Instant) -> Self {
        let rate = options.rate.or(options.sandbox.then_some(SANDBOX_RATE));
        Self {
            daily: options.daily.unwrap_or(if options.sandbox {
                SANDBOX_DAILY
            } else {
                UNLIMITED_DAILY
            }),
            spent: Mutex::new(Spent {
                bucket: rate.map(|rate| Bucket::full(rate, now)),
                sent: VecDeque::new(),
            }),
        }
    }

    /// Lets a call in and charges all its recipients, refused ones too.
    pub(super) fn admit(&self, recipients: u64, now: Instant) -> Result<(), SesError> {
        match &mut self.lock().bucket {
            Some(bucket) => bucket.admit(recipients, now),
            None => Ok(()),
        }
    }

    /// Counts recipients against the day. False, and nothing counted, where they would not all fit.
    pub(super) fn count(&self, recipients: u64, at: Timestamp) -> bool {
        let mut spent = self.lock();
        let fits = spent.last_24_hours(at) + recipients <= self.daily;
        if fits {
            spent.sent.push_back((at, recipients));
        }
        fits
    }

    pub(super) fn sent_last_24_hours(&self, at: Timestamp) -> u64 {
        self.lock().last_24_hours(at)
    }

    pub(super) fn daily(&self) -> u64 {
        self.daily
    }

    pub(super) fn rate(&self) -> f64 {
        self.lock()
            .bucket
            .as_ref()
            .map_or(UNLIMITED_RATE, |bucket| bucket.rate)
    }

    fn lock(&self) -> MutexGuard<'_, Spent> {
        self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Spent {
    fn last_24_hours(&mut self, at: Timestamp) -> u64 {
        while self
            .sent
            .front()
            .is_some_and(|(sent, _)| at.duration_since(*sent) >= DAY)
        {
            self.sent.pop_front();
        }
        self.sent.iter().map(|(_, recipients)| recipients).sum()
    }
}

/// A token bucket that may go into debt: SES takes a call as long as anything is left, however many recipients it
/// has, and makes the calls after it wait until the debt is paid.
struct Bucket {
    rate: f64,
    balance: f64,
    refilled: Instant,
}

impl Bucket {
    fn full(rate: f64, now: Instant) -> Self {
        Self {
            rate,
            balance: rate.max(1.0),
            refilled: now,
        }
    }

    fn admit(&mut self, recipients: u64, now: Instant) -> Result<(), SesError> {
        let earned = now.saturating_duration_since(self.refilled).as_secs_f64() * self.rate;
        self.balance = (self.balance + earned).min(self.rate.max(1.0));
        self.refilled = now;
        if self.balance <= 0.0 {
            return Err(SesError::TooManyRequests);
        }
        self.balance -= f64::from(u32::try_from(recipients).unwrap_or(u32::MAX));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn limits(sandbox: bool, rate: Option<f64>, now: Instant) -> Limits {
        let options = SesOptions {
            sandbox,
            rate,
            ..SesOptions::default()
        };
        Limits::new(&options, now)
    }

    #[test]
    fn a_call_beyond_the_rate_is_a_debt_the_next_calls_pay() {
        let start = Instant::now();
        let limits = limits(false, Some(14.0), start);
        let after = |millis| start + Duration::from_millis(millis);
        assert_eq!(limits.admit(50, start), Ok(()));
        assert_eq!(limits.admit(1, start), Err(SesError::TooManyRequests));
        assert_eq!(limits.admit(1, after(2500)), Err(SesError::TooManyRequests));
        assert_eq!(limits.admit(1, after(2600)), Ok(()));
    }

    #[test]
    fn a_refused_call_costs_nothing() {
        let start = Instant::now();
        let limits = limits(false, Some(1.0), start);
        assert_eq!(limits.admit(1, start), Ok(()));
        for _ in 0..100 {
            assert_eq!(limits.admit(50, start), Err(SesError::TooManyRequests));
        }
        assert_eq!(limits.admit(1, start + Duration::from_secs(1)), Ok(()));
    }

    #[test]
    fn the_day_forgets_what_was_sent_24_hours_ago() {
        let limits = limits(true, None, Instant::now());
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let after = |hours| start + SignedDuration::from_hours(hours);
        assert!(limits.count(150, start));
        assert!(limits.count(50, after(1)));
        assert!(!limits.count(1, after(23)));
        assert!(limits.count(150, after(24)));
        assert_eq!(limits.sent_last_24_hours(after(24)), 200);
    }

    #[test]
    fn an_account_without_limits_is_never_throttled() {
        let start = Instant::now();
        let limits = limits(false, None, start);
        for _ in 0..1000 {
            assert_eq!(limits.admit(50, start), Ok(()));
        }
        assert!((limits.rate() - UNLIMITED_RATE).abs() < f64::EPSILON);
    }
}
