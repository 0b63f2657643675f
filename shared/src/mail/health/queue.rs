//! The mail that is on its way: how much of it, for how long, and what of that is a problem.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::{MailProblem, mails};
use crate::domain::{DeliveryStatus, User};

/// How long a mail may wait for a mailer without a reason. The alarms `MailIsLate` and `MailWaiting` go off then too.
const LATE: SignedDuration = SignedDuration::from_mins(15);

/// Mails that are at the same station.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Waiting {
    /// How many.
    pub count: u64,
    /// For how many seconds the oldest of them has been asked for; none if there are none.
    pub oldest_seconds: Option<i64>,
}

/// One tenant's mails that are on their way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MailCounts {
    /// They wait for the mailer, or for their next try.
    pub queued: Waiting,
    /// The mailer is at them.
    pub sending: Waiting,
    /// SES may have taken them or not.
    pub unknown: Waiting,
    /// They wait because SES takes no mail of the account at all.
    pub parked: Waiting,
    /// Whether these are all; else there are more.
    pub counted_all: bool,
    /// Those of the queued ones of which nobody has said why they wait.
    #[serde(skip)]
    unexplained: Waiting,
    /// Why the first of the parked ones waits.
    #[serde(skip)]
    parked_because: Option<String>,
}

impl Waiting {
    fn note(&mut self, seconds: i64) {
        self.count += 1;
        self.oldest_seconds = self.oldest_seconds.max(Some(seconds));
    }
}

impl MailCounts {
    /// Counts the mails of these users that are on their way `now`.
    pub fn of<'a>(
        users: impl IntoIterator<Item = &'a User>,
        counted_all: bool,
        now: Timestamp,
    ) -> Self {
        let none = Waiting::default();
        let mut counts = Self {
            queued: none,
            sending: none,
            unknown: none,
            parked: none,
            counted_all,
            unexplained: none,
            parked_because: None,
        };
        for user in users {
            counts.note(user, now);
        }
        counts
    }

    fn note(&mut self, user: &User, now: Timestamp) {
        let mail = user.mail(now);
        let asked = user.mail_request(0).unwrap_or(mail.at);
        let seconds = now.duration_since(asked).as_secs().max(0);
        match mail.status {
            DeliveryStatus::Sending => self.sending.note(seconds),
            DeliveryStatus::Unknown => self.unknown.note(seconds),
            DeliveryStatus::Queued if user.delivery.parked => {
                self.parked.note(seconds);
                let because = mail.reason.map(ToOwned::to_owned);
                self.parked_because = self.parked_because.take().or(because);
            }
            DeliveryStatus::Queued => {
                self.queued.note(seconds);
                if mail.reason.is_none() {
                    self.unexplained.note(seconds);
                }
            }
            _ => {}
        }
    }

    /// What is wrong, for an operator.
    pub fn problems(&self) -> Vec<MailProblem> {
        let mut problems = Vec::new();
        if let Some(seconds) = self.unexplained.oldest_seconds
            && seconds > LATE.as_secs()
        {
            problems.push(MailProblem::error(
                "mail_stuck",
                format!("A mail was asked for {} minutes ago, and no mailer has taken it up.", seconds / 60),
                "The mailer can't start, is refused concurrency, or is far behind: see the log group that ends in -mailer, and the alarms MailerErrors, MailerThrottles and MailIsLate.",
            ));
        }
        if self.parked.count > 0 {
            let because = self.parked_because.as_deref().unwrap_or_default();
            let detail = format!("SES took none of {}. {because}", mails(self.parked.count));
            problems.push(MailProblem::error(
                "mail_parked",
                detail.trim_end(),
                "The mails are tried again every hour by themselves. The log group that ends in -mailer says more, at: a mail is parked.",
            ));
        }
        if self.unknown.count > 0 {
            problems.push(MailProblem::warning(
                "mail_unknown",
                format!("What SES answered about {} was lost: it may have gone or not.", mails(self.unknown.count)),
                "What stays unknown for ten minutes is sent again by itself, with the same link. If it happens often, see the log group that ends in -mailer.",
            ));
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{
            Delivery, EmailAddress, Invitation, Inviter, Lifetime, Locale, LocaleSource, Nonce,
            State, TenantId, TokenKey, UserId,
        },
        mail::health::tests::codes,
    };

    fn now() -> Timestamp {
        "2026-01-01T12:00:00Z".parse().unwrap()
    }

    /// A user whose mail was asked for so many minutes ago.
    fn user(delivery: Delivery, minutes: i64) -> User {
        let asked = now() - SignedDuration::from_mins(minutes);
        let invitation = Invitation {
            email: EmailAddress::parse("ann@example.com").unwrap(),
            name: None,
            locale: Locale::english(),
            locale_source: LocaleSource::Fallback,
            groups: vec![],
            external_id: None,
            metadata: None,
            message: None,
            lifetime: Lifetime::default(),
            redirect_url: None,
            notify: true,
            invited_by: Inviter {
                id: "admin".into(),
                name: None,
            },
            idempotency_key: None,
        };
        let (id, nonce) = (UserId::from_bytes([1; 16]), Nonce::new([2; 16]));
        let key = TokenKey::from_bytes([3; 32]);
        User {
            delivery,
            ..invitation.into_user(TenantId::default(), asked, id, nonce, &key)
        }
    }

    fn mail(status: DeliveryStatus) -> Delivery {
        Delivery::new(status, now())
    }

    fn because(reason: &str, parked: bool) -> Delivery {
        Delivery {
            reason: Some(reason.into()),
            parked,
            ..mail(DeliveryStatus::Queued)
        }
    }

    #[test]
    fn mail_on_its_way_is_counted_by_where_it_is_and_a_mail_that_has_arrived_is_not() {
        use DeliveryStatus::{Failed, NotRequested, Queued, Sending, Sent, Unknown};
        let mut revoked = user(mail(Queued), 99);
        revoked.state = State::Revoked { revoked_at: now() };
        let users = [
            user(mail(Queued), 1),
            user(because("SES is busy.", false), 30),
            user(because("The quota is used up.", true), 40),
            user(mail(Sending), 2),
            user(mail(Unknown), 3),
            user(mail(Sent), 4),
            user(mail(Failed), 4),
            user(mail(NotRequested), 4),
            revoked,
        ];
        let counts = MailCounts::of(&users, true, now());
        let waiting = |count, minutes: i64| Waiting {
            count,
            oldest_seconds: Some(minutes * 60),
        };
        assert_eq!(counts.queued, waiting(2, 30));
        assert_eq!(counts.parked, waiting(1, 40));
        assert_eq!(counts.sending, waiting(1, 2));
        assert_eq!(counts.unknown, waiting(1, 3));
        let problems = counts.problems();
        assert_eq!(codes(&problems), ["mail_parked", "mail_unknown"]);
        assert!(
            problems[0]
                .detail
                .ends_with("1 mail. The quota is used up.")
        );
    }

    #[test]
    fn mail_is_stuck_if_nobody_has_said_for_a_quarter_of_an_hour_why_it_waits() {
        for (delivery, minutes, stuck) in [
            (mail(DeliveryStatus::Queued), 15, false),
            (mail(DeliveryStatus::Queued), 16, true),
            (because("Much mail is waiting.", false), 59, false),
        ] {
            let problems = MailCounts::of([&user(delivery, minutes)], true, now()).problems();
            assert_eq!(codes(&problems) == ["mail_stuck"], stuck, "{problems:?}");
        }
        assert_eq!(MailCounts::of([], true, now()).problems(), []);
    }
}
