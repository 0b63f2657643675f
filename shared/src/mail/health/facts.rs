//! What SES says of the account, the sender and the configuration set.

/// An answer of SES, or why there is none.
pub type Asked<T> = Result<T, Unanswered>;

/// A question to SES that was not answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unanswered {
    /// The operation, and with `ses:` before it the permission for it.
    pub operation: &'static str,
    /// SES's code, or what became of the connection.
    pub cause: String,
    /// Whether the role lacks the permission.
    pub not_allowed: bool,
}

/// What SES says, as far as it answers.
#[derive(Clone, Debug, PartialEq)]
pub struct SesFacts {
    /// The account in this region.
    pub account: Asked<Account>,
    /// The address or domain that mail is sent through.
    pub sender: Asked<SenderFacts>,
    /// The configuration set that mail is sent with; none if none is named.
    pub configuration_set: Option<Asked<ConfigurationSetFacts>>,
}

/// `GetAccount`.
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    /// Whether only verified addresses get mail.
    pub sandbox: bool,
    /// Whether the account may send at all.
    pub sending_enabled: bool,
    /// What SES thinks of the account, in lower case: `healthy`, `probation` or `shutdown`.
    pub enforcement_status: String,
    /// Recipients a second.
    pub max_send_rate: f64,
    /// Recipients in 24 hours; none if there is no limit.
    pub quota: Option<u64>,
    /// Recipients in the last 24 hours, those of the account's other programs included.
    pub used: u64,
}

/// `GetEmailIdentity`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SenderFacts {
    /// SES does not know it.
    Missing,
    /// SES knows it.
    Known {
        /// Whether mail may be sent from it.
        verified: bool,
        /// How its signatures are doing, in `snake_case`: SES's DKIM status, or `disabled` if it signs nothing.
        dkim: String,
    },
}

/// `GetConfigurationSet` and `GetConfigurationSetEventDestinations`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigurationSetFacts {
    /// SES does not know it.
    Missing,
    /// SES knows it.
    Known {
        /// Whether mail may be sent with it.
        sending_enabled: bool,
        /// Where it reports to.
        event_destination: EventDestination,
    },
}

/// Whether a configuration set tells `EventBridge` what becomes of mails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventDestination {
    /// It does.
    Present {
        /// The kinds of event it tells, as SES names them.
        events: Vec<String>,
    },
    /// It would, but it is switched off.
    Disabled,
    /// It does not.
    Missing,
}

impl Account {
    /// How many more recipients the account may have today; none if there is no limit.
    pub fn left(&self) -> Option<u64> {
        self.quota.map(|quota| quota.saturating_sub(self.used))
    }
}

impl SesFacts {
    /// Whether every question was answered.
    pub fn complete(&self) -> bool {
        self.unanswered().next().is_none()
    }

    pub(super) fn unanswered(&self) -> impl Iterator<Item = &Unanswered> {
        let set = self.configuration_set.as_ref();
        [
            self.account.as_ref().err(),
            self.sender.as_ref().err(),
            set.and_then(|set| set.as_ref().err()),
        ]
        .into_iter()
        .flatten()
    }
}
