//! How many people a tenant may invite a day.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use thiserror::Error;

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// The most new invitations of a day, as UTC has it: 1 to 1,000,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub struct DailyCap(u32);

/// Fewer than 1 or more than 1,000,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be a whole number from 1 to 1000000")]
pub struct DailyCapError;

impl DailyCap {
    /// A cap of this many.
    pub fn new(most: i64) -> Result<Self, DailyCapError> {
        let most = u32::try_from(most).ok();
        let most = most.filter(|most| (1..=1_000_000).contains(most));
        most.map(Self).ok_or(DailyCapError)
    }

    /// How many.
    pub fn count(self) -> u64 {
        self.0.into()
    }

    /// When the day of `now` is over.
    pub fn ends(now: Timestamp) -> Timestamp {
        let days = now.as_second().div_euclid(DAY.as_secs()) + 1;
        Timestamp::from_second(days * DAY.as_secs()).unwrap_or(now)
    }
}

impl TryFrom<i64> for DailyCap {
    type Error = DailyCapError;

    fn try_from(most: i64) -> Result<Self, DailyCapError> {
        Self::new(most)
    }
}

impl From<DailyCap> for i64 {
    fn from(cap: DailyCap) -> Self {
        cap.0.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_ends_at_midnight_and_midnight_is_of_the_next() {
        let ends = |now: &str| DailyCap::ends(now.parse().unwrap()).to_string();
        assert_eq!(ends("2026-11-23T14:05:00Z"), "2026-11-24T00:00:00Z");
        assert_eq!(ends("2026-11-23T23:59:59.999Z"), "2026-11-24T00:00:00Z");
        assert_eq!(ends("2026-11-24T00:00:00Z"), "2026-11-25T00:00:00Z");
        for bad in [0, -1, 1_000_001, i64::MAX] {
            assert_eq!(DailyCap::new(bad), Err(DailyCapError), "{bad}");
        }
    }
}
