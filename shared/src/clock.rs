//! Where time and randomness enter.
//!
//! Everything else takes instants and random bytes as arguments, so a test that fixes a [`Clock`] and an
//! [`Entropy`] repeats to the letter. This is the one file allowed to read the machine's clock.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicI64, Ordering},
};

use jiff::{SignedDuration, Timestamp};
use rand::{Rng, SeedableRng, rngs::StdRng};

/// What time it is, in whole milliseconds: the precision in which the table keeps instants.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    fixed: Option<Timestamp>,
    ahead_ms: Arc<AtomicI64>,
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self::default()
    }

    /// A clock that stands still at `at` until it is [advanced](Self::advance).
    pub fn fixed(at: Timestamp) -> Self {
        Self {
            fixed: Some(at),
            ..Self::default()
        }
    }

    /// The current instant, cut to milliseconds.
    pub fn now(&self) -> Timestamp {
        let base = self.fixed.unwrap_or_else(machine_now).as_millisecond();
        let ahead = self.ahead_ms.load(Ordering::Relaxed);
        Timestamp::from_millisecond(base.saturating_add(ahead)).unwrap_or(Timestamp::MAX)
    }

    /// A clock that goes on by itself: this one or, if it stands still, the machine's. For what waits.
    #[must_use]
    pub fn running(&self) -> Self {
        match self.fixed {
            Some(_) => Self::system(),
            None => self.clone(),
        }
    }

    /// By how much this clock was [advanced](Self::advance).
    pub fn ahead(&self) -> SignedDuration {
        SignedDuration::from_millis(self.ahead_ms.load(Ordering::Relaxed))
    }

    /// Moves this clock and every clone of it. The local stack and tests use it to reach an expiry without waiting.
    pub fn advance(&self, by: SignedDuration) {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.ahead_ms.fetch_add(by, Ordering::Relaxed);
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the machine's clock"
)]
fn machine_now() -> Timestamp {
    Timestamp::now()
}

/// Random bytes for ids and nonces, from a cryptographically secure generator.
#[derive(Clone, Debug)]
pub struct Entropy(Arc<Mutex<StdRng>>);

impl Entropy {
    /// Seeded by the operating system. Panics where the system has no randomness to give, as nothing safe can follow.
    pub fn system() -> Self {
        Self(Arc::new(Mutex::new(rand::make_rng())))
    }

    /// The same bytes every time, for tests.
    pub fn seeded(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(StdRng::seed_from_u64(seed))))
    }

    /// The next `N` random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .fill_bytes(&mut bytes);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_advanced_clock_moves_its_clones_too() {
        let clock = Clock::fixed("2026-01-01T00:00:00Z".parse().unwrap());
        let clone = clock.clone();
        clock.advance(SignedDuration::from_secs(90));
        assert_eq!(clone.now().to_string(), "2026-01-01T00:01:30Z");
    }

    #[test]
    fn instants_are_cut_to_milliseconds() {
        let clock = Clock::fixed("2026-01-01T00:00:00.123456789Z".parse().unwrap());
        assert_eq!(clock.now().to_string(), "2026-01-01T00:00:00.123Z");
    }

    #[test]
    fn a_seed_repeats_its_bytes() {
        assert_eq!(Entropy::seeded(7).bytes::<16>(), Entropy::seeded(7).bytes());
        assert_ne!(Entropy::seeded(7).bytes::<16>(), Entropy::seeded(8).bytes());
    }
}
