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
use tokio::time::Instant;

/// What time it is, in whole milliseconds: the precision in which the table keeps instants.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    base: Base,
    ahead_ms: Arc<AtomicI64>,
}

#[derive(Clone, Copy, Debug, Default)]
enum Base {
    #[default]
    Machine,
    Fixed(Timestamp),
    Virtual {
        start: Timestamp,
        since: Instant,
    },
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self::default()
    }

    /// A clock that stands still at `at` until it is [advanced](Self::advance).
    pub fn fixed(at: Timestamp) -> Self {
        Self {
            base: Base::Fixed(at),
            ..Self::default()
        }
    }

    /// A clock that shows `start` now and goes on with the runtime's time. Where a test has paused that, whatever waits and
    /// whatever reads the clock agree, and hours pass in no time.
    pub fn virtual_time(start: Timestamp) -> Self {
        Self {
            base: Base::Virtual {
                start,
                since: Instant::now(),
            },
            ..Self::default()
        }
    }

    /// The current instant, cut to milliseconds.
    pub fn now(&self) -> Timestamp {
        let base = match self.base {
            Base::Machine => machine_now(),
            Base::Fixed(at) => at,
            Base::Virtual { start, since } => {
                let passed = SignedDuration::try_from(since.elapsed());
                start
                    .saturating_add(passed.unwrap_or(SignedDuration::MAX))
                    .unwrap_or(Timestamp::MAX)
            }
        }
        .as_millisecond();
        let ahead = self.ahead_ms.load(Ordering::Relaxed);
        Timestamp::from_millisecond(base.saturating_add(ahead)).unwrap_or(Timestamp::MAX)
    }

    /// A clock that goes on by itself: this one or, if it stands still, the machine's. For what waits.
    #[must_use]
    pub fn running(&self) -> Self {
        match self.base {
            Base::Fixed(_) => Self::system(),
            Base::Machine | Base::Virtual { .. } => self.clone(),
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

    #[tokio::test(start_paused = true)]
    async fn virtual_time_passes_as_the_runtimes_does() {
        let clock = Clock::virtual_time("2026-01-01T00:00:00Z".parse().unwrap());
        tokio::time::sleep(std::time::Duration::from_hours(1)).await;
        assert_eq!(clock.running().now().to_string(), "2026-01-01T01:00:00Z");
        clock.advance(SignedDuration::from_secs(1));
        assert_eq!(clock.now().to_string(), "2026-01-01T01:00:01Z");
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
