//! The answer's JSON. Every field is always there; what is not known is `null`.

use serde::Serialize;
use usher::mail::{
    Doctor, Seen,
    health::{
        Account, ConfigurationSetFacts, EventDestination, LastHour, MailCounts, MailProblem,
        MailStatus, RateLimits, SenderFacts,
    },
};

/// How the mail is doing.
#[derive(Serialize)]
pub(crate) struct MailHealth<'a> {
    status: MailStatus,
    ses_asked_at: String,
    account: AccountView<'a>,
    sender: SenderView<'a>,
    configuration_set: Option<ConfigurationSetView<'a>>,
    mail: &'a MailCounts,
    last_hour: LastHourView,
    problems: Vec<MailProblem>,
}

#[derive(Serialize)]
struct AccountView<'a> {
    sandbox: Option<bool>,
    sending_enabled: Option<bool>,
    enforcement_status: Option<&'a str>,
    max_send_rate: Option<f64>,
    quota: Option<u64>,
    used: Option<u64>,
    left: Option<u64>,
}

#[derive(Serialize)]
struct SenderView<'a> {
    identity: &'a str,
    exists: Option<bool>,
    verified: Option<bool>,
    dkim: Option<&'a str>,
}

#[derive(Serialize)]
struct ConfigurationSetView<'a> {
    name: &'a str,
    exists: Option<bool>,
    sending_enabled: Option<bool>,
    event_destination: Option<&'static str>,
}

#[derive(Serialize)]
struct LastHourView {
    sent: u64,
    bounced: u64,
    complained: u64,
    bounce_rate: Option<f64>,
    complaint_rate: Option<f64>,
    limits: LimitsView,
}

/// From which rates on SES reviews an account, and pauses it.
#[derive(Serialize)]
struct LimitsView {
    bounce_rate: RateLimits,
    complaint_rate: RateLimits,
}

impl<'a> MailHealth<'a> {
    pub(crate) fn of(
        doctor: &'a Doctor,
        seen: &'a Seen,
        mail: &'a MailCounts,
        last_hour: LastHour,
    ) -> Self {
        let facts = &seen.facts;
        let mut problems = facts.problems();
        problems.extend(mail.problems());
        problems.extend(last_hour.problems());
        // The worst first; what is as bad stays in the order in which mail meets it.
        problems.sort_by_key(|problem| std::cmp::Reverse(problem.severity));
        let set = facts.configuration_set.as_ref();
        let set = set.zip(doctor.configuration_set());
        Self {
            status: MailStatus::of(&problems),
            ses_asked_at: format!("{:.3}", seen.at),
            account: AccountView::of(facts.account.as_ref().ok()),
            sender: SenderView::of(doctor.identity(), facts.sender.as_ref().ok()),
            configuration_set: set
                .map(|(set, name)| ConfigurationSetView::of(name, set.as_ref().ok())),
            mail,
            last_hour: LastHourView::of(last_hour),
            problems,
        }
    }
}

impl LastHourView {
    fn of(hour: LastHour) -> Self {
        Self {
            sent: hour.sent,
            bounced: hour.bounced,
            complained: hour.complained,
            bounce_rate: hour.bounce_rate(),
            complaint_rate: hour.complaint_rate(),
            limits: LimitsView {
                bounce_rate: LastHour::BOUNCE_LIMITS,
                complaint_rate: LastHour::COMPLAINT_LIMITS,
            },
        }
    }
}

impl<'a> AccountView<'a> {
    fn of(account: Option<&'a Account>) -> Self {
        Self {
            sandbox: account.map(|account| account.sandbox),
            sending_enabled: account.map(|account| account.sending_enabled),
            enforcement_status: account.map(|account| account.enforcement_status.as_str()),
            max_send_rate: account.map(|account| account.max_send_rate),
            quota: account.and_then(|account| account.quota),
            used: account.map(|account| account.used),
            left: account.and_then(|account| account.left()),
        }
    }
}

impl<'a> SenderView<'a> {
    fn of(identity: &'a str, sender: Option<&'a SenderFacts>) -> Self {
        let (exists, verified, dkim) = match sender {
            None => (None, None, None),
            Some(SenderFacts::Missing) => (Some(false), Some(false), None),
            Some(SenderFacts::Known { verified, dkim }) => {
                (Some(true), Some(*verified), Some(dkim.as_str()))
            }
        };
        Self {
            identity,
            exists,
            verified,
            dkim,
        }
    }
}

impl<'a> ConfigurationSetView<'a> {
    fn of(name: &'a str, set: Option<&ConfigurationSetFacts>) -> Self {
        let (exists, sending_enabled, event_destination) = match set {
            None => (None, None, None),
            Some(ConfigurationSetFacts::Missing) => (Some(false), None, None),
            Some(ConfigurationSetFacts::Known {
                sending_enabled,
                event_destination,
            }) => {
                let destination = match event_destination {
                    EventDestination::Present { .. } => "present",
                    EventDestination::Disabled => "disabled",
                    EventDestination::Missing => "missing",
                };
                (Some(true), Some(*sending_enabled), Some(destination))
            }
        };
        Self {
            name,
            exists,
            sending_enabled,
            event_destination,
        }
    }
}
