//! When a person who has not registered is reminded that their invitation ends.

use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{DeliveryStatus, State, User, operation::plus};

/// How many reminders an invitation has at most.
const MOST: usize = 2;
/// Nobody gets two mails within this time unless somebody asked for the second.
const QUIET: SignedDuration = SignedDuration::from_hours(24);

/// How long before an invitation ends its people are reminded, the first reminder first. None by default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<i64>", into = "Vec<i64>")]
pub struct Reminders(Vec<SignedDuration>);

/// The text is no list of reminders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be how many days before the end to remind: at most two numbers from 1 to 89")]
pub struct RemindersError;

impl FromStr for Reminders {
    type Err = RemindersError;

    /// Reads numbers that are separated by spaces.
    fn from_str(text: &str) -> Result<Self, RemindersError> {
        let days = text.split_whitespace().map(str::parse);
        let days: Vec<i64> = days.collect::<Result<_, _>>().map_err(|_| RemindersError)?;
        Self::try_from(days)
    }
}

impl TryFrom<Vec<i64>> for Reminders {
    type Error = RemindersError;

    fn try_from(mut days: Vec<i64>) -> Result<Self, RemindersError> {
        days.sort_unstable_by(|one, other| other.cmp(one));
        days.dedup();
        if days.len() > MOST || !days.iter().all(|day| (1..90).contains(day)) {
            return Err(RemindersError);
        }
        let before = days
            .into_iter()
            .map(|day| SignedDuration::from_hours(24 * day));
        Ok(Self(before.collect()))
    }
}

impl From<Reminders> for Vec<i64> {
    fn from(reminders: Reminders) -> Self {
        let days = reminders.0.iter().map(|before| before.as_hours() / 24);
        days.collect()
    }
}

impl Reminders {
    /// How many days before the end the last one is.
    pub fn last_day(&self) -> Option<i64> {
        self.0.last().map(|before| before.as_hours() / 24)
    }
}

impl User {
    /// When this person is reminded next, and the how manieth reminder that is (from 1); never, if none is to come.
    ///
    /// Only who may have the mail before them is reminded: one that bounced, failed or was called spam is the last. A
    /// reminder that would come within a day of the mail before it is left out.
    pub fn next_reminder(&self, reminders: &Reminders) -> Option<(Timestamp, u8)> {
        use DeliveryStatus::{Delayed, Delivered, Sent};
        let arrived = matches!(self.furthest().status, Sent | Delayed | Delivered);
        if !arrived || self.state != State::Pending || self.suppressed.is_some() {
            return None;
        }
        let last = self.mail_request(0).max(self.last_sent_at)?;
        let times = reminders.0.iter().zip(1..);
        times
            .skip(self.reminders.into())
            .map(|(before, number)| (plus(self.expires_at, -*before), number))
            .find(|(at, _)| *at >= plus(last, QUIET))
    }

    /// When somebody has to look at this user again whose mail has gone.
    pub fn next_due(&self, reminders: &Reminders) -> Timestamp {
        let reminder = self.next_reminder(reminders);
        reminder.map_or(self.expires_at, |(at, _)| at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Delivery, Suppression, SuppressionReason, due::tests::user};

    fn sent() -> User {
        let (mut user, now) = user(DeliveryStatus::Sent, 0);
        user.last_sent_at = Some(now);
        user
    }

    fn before_end(user: &User, days: i64) -> Timestamp {
        plus(user.expires_at, SignedDuration::from_hours(-24 * days))
    }

    #[test]
    fn a_person_is_reminded_twice_at_most_and_never_within_a_day_of_another_mail() {
        let reminders: Reminders = "3 1".parse().unwrap();
        let mut user = sent();
        assert_eq!(
            user.next_reminder(&reminders),
            Some((before_end(&user, 3), 1))
        );
        user.reminders = 1;
        assert_eq!(
            user.next_reminder(&reminders),
            Some((before_end(&user, 1), 2))
        );
        user.reminders = 2;
        assert_eq!(user.next_reminder(&reminders), None);
        assert_eq!(user.next_due(&reminders), user.expires_at);
        // Sent again two days before its end: the first reminder is over, the second follows in a day.
        user.reminders = 0;
        user.last_sent_at = Some(before_end(&user, 2));
        assert_eq!(
            user.next_reminder(&reminders),
            Some((before_end(&user, 1), 2))
        );
        user.last_sent_at = before_end(&user, 2)
            .checked_add(SignedDuration::from_secs(1))
            .ok();
        assert_eq!(user.next_reminder(&reminders), None);
    }

    #[test]
    fn whoever_did_not_get_the_mail_or_does_not_want_it_is_not_reminded() {
        let reminders: Reminders = "3".parse().unwrap();
        let now = sent().invited_at;
        for (status, reminded) in [
            (DeliveryStatus::Delivered, true),
            (DeliveryStatus::Delayed, true),
            (DeliveryStatus::Bounced, false),
            (DeliveryStatus::Complained, false),
            (DeliveryStatus::Failed, false),
            (DeliveryStatus::NotRequested, false),
        ] {
            let mut user = sent();
            user.delivery = Delivery::new(status, now);
            assert_eq!(
                user.next_reminder(&reminders).is_some(),
                reminded,
                "{status:?}"
            );
        }
        let mut user = sent();
        user.suppressed = Some(Suppression {
            reason: SuppressionReason::Bounced,
            at: now,
        });
        assert_eq!(user.next_reminder(&reminders), None);
        let mut user = sent();
        user.state = State::Revoked { revoked_at: now };
        assert_eq!(user.next_reminder(&reminders), None);
    }

    #[test]
    fn reminders_are_one_or_two_numbers_of_days() {
        for good in ["", "3", "3 1", " 89  1 "] {
            assert!(good.parse::<Reminders>().is_ok(), "{good}");
        }
        assert_eq!("1 3".parse::<Reminders>(), "3 1".parse());
        assert_eq!("3 3".parse::<Reminders>(), "3".parse());
        for bad in ["0", "90", "-1", "5 3 1", "3,1", "x", "99999999999999999999"] {
            assert_eq!(bad.parse::<Reminders>(), Err(RemindersError), "{bad}");
        }
    }
}
