//! How much of the mail of the last hour came back.

use serde::Serialize;

use super::MailProblem;

/// From how many mails on a rate is worth a word.
///
/// SES judges an account over what it calls a representative volume of mail, which is far more than an hour's. In a few mails one
/// bad address is a rate that would alarm anybody: one of twenty is SES's limit for bounces, one of a thousand that for
/// complaints. So there must be some mail, and more than a coincidence of bad luck.
const LEAST_SENT: u64 = 50;
/// And how many of them must have come back.
const LEAST_EVENTS: u64 = 3;

/// When SES puts an account under review, and when it may pause its sending: shares of the mail sent.
///
/// From the SES developer guide, "Amazon SES Sending review process FAQs"
/// (<https://docs.aws.amazon.com/ses/latest/dg/faqs-enforcement.html>), bounces and complaints.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct RateLimits {
    /// Under review from here on.
    pub review: f64,
    /// Paused from here on.
    pub pause: f64,
}

const BOUNCES: RateLimits = RateLimits {
    review: 0.05,
    pause: 0.1,
};
const COMPLAINTS: RateLimits = RateLimits {
    review: 0.001,
    pause: 0.005,
};

/// What became of the whole stack's mail in the last hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastHour {
    /// Mails that SES took.
    pub sent: u64,
    /// Those that came back for good.
    pub bounced: u64,
    /// Those that somebody called spam.
    pub complained: u64,
}

impl LastHour {
    /// When bounces are too many.
    pub const BOUNCE_LIMITS: RateLimits = BOUNCES;
    /// When complaints are too many.
    pub const COMPLAINT_LIMITS: RateLimits = COMPLAINTS;

    /// Bounces as a share of the mails sent; none if there were none. More than 1 if mails of earlier hours came back.
    pub fn bounce_rate(&self) -> Option<f64> {
        rate(self.bounced, self.sent)
    }

    /// Complaints as a share of the mails sent; none if there were none.
    pub fn complaint_rate(&self) -> Option<f64> {
        rate(self.complained, self.sent)
    }

    /// What is wrong, for an operator.
    pub fn problems(&self) -> Vec<MailProblem> {
        let bounces = Came {
            back: self.bounced,
            of: self.sent,
            limits: BOUNCES,
        };
        let complaints = Came {
            back: self.complained,
            of: self.sent,
            limits: COMPLAINTS,
        };
        let bounces = bounces.problem(
            "bounce_rate_high",
            "bounced",
            "Stop inviting the list that bounces, and check where its addresses come from; GET /v1/users shows each bounce.",
        );
        let complaints = complaints.problem(
            "complaint_rate_high",
            "were reported as spam",
            "Stop inviting people who do not expect it, and say in the message why they are invited.",
        );
        [bounces, complaints].into_iter().flatten().collect()
    }
}

/// Mails that came back, of all.
struct Came {
    back: u64,
    of: u64,
    limits: RateLimits,
}

impl Came {
    fn problem(&self, code: &'static str, what: &str, hint: &str) -> Option<MailProblem> {
        if self.of < LEAST_SENT || self.back < LEAST_EVENTS {
            return None;
        }
        let RateLimits { review, pause } = self.limits;
        let rate = rate(self.back, self.of).filter(|rate| *rate >= review)?;
        let detail = format!(
            "Of {} mails of the last hour, {} {what}; SES reviews accounts at {}% and pauses them at {}%.",
            self.of,
            self.back,
            percent(review),
            percent(pause),
        );
        Some(if rate >= pause {
            MailProblem::error(code, detail, hint)
        } else {
            MailProblem::warning(code, detail, hint)
        })
    }
}

/// In tenths, which is as fine as the limits are.
fn percent(share: f64) -> f64 {
    (share * 1000.0).round() / 10.0
}

#[expect(
    clippy::cast_precision_loss,
    reason = "no hour has so many mails that a float could not count them"
)]
fn rate(part: u64, all: u64) -> Option<f64> {
    (all > 0).then(|| part as f64 / all as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::health::{Severity, tests::codes};

    #[test]
    fn rates_are_a_problem_from_the_limits_of_ses_on_if_they_are_no_coincidence() {
        use Severity::{Error, Warning};
        for (sent, bounced, complained, expected) in [
            (0, 0, 0, vec![]),
            (0, 9, 9, vec![]),
            (49, 49, 49, vec![]),
            (1000, 49, 0, vec![]),
            (1000, 50, 0, vec![("bounce_rate_high", Warning)]),
            (1000, 99, 0, vec![("bounce_rate_high", Warning)]),
            (1000, 100, 0, vec![("bounce_rate_high", Error)]),
            (50, 2, 2, vec![]),
            (50, 3, 0, vec![("bounce_rate_high", Warning)]),
            (3001, 0, 3, vec![]),
            (3000, 0, 3, vec![("complaint_rate_high", Warning)]),
            (
                600,
                60,
                3,
                vec![("bounce_rate_high", Error), ("complaint_rate_high", Error)],
            ),
        ] {
            let hour = LastHour {
                sent,
                bounced,
                complained,
            };
            let problems = hour.problems();
            let found = codes(&problems).into_iter();
            let found: Vec<_> = found.zip(problems.iter().map(|it| it.severity)).collect();
            assert_eq!(found, expected, "{hour:?}");
        }
    }
}
