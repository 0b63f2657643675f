//! Asks SES what keeps mail from going out.

use std::{fmt::Debug, time::Duration};

use aws_sdk_sesv2::{
    error::{ProvideErrorMetadata, SdkError},
    operation::{
        get_account::GetAccountOutput,
        get_configuration_set::{GetConfigurationSetError, GetConfigurationSetOutput},
        get_configuration_set_event_destinations::GetConfigurationSetEventDestinationsError,
        get_email_identity::{GetEmailIdentityError, GetEmailIdentityOutput},
    },
    types::{EventDestination as SesEventDestination, VerificationStatus},
};
use jiff::{SignedDuration, Timestamp};
use tokio::{
    sync::Mutex,
    time::{Instant, timeout_at},
};

use super::health::{
    Account, Asked, ConfigurationSetFacts, EventDestination, Identities, MailProblem, SenderFacts,
    SesFacts, Unanswered,
};
use crate::{
    aws::{self, Ses},
    clock::Clock,
    config::Environment,
    domain::EmailAddress,
};

/// For how long an answer counts. SES takes most questions no oftener than once a second from the whole account (its API
/// reference says so of each), and nothing of this changes by the minute.
const FRESH: SignedDuration = SignedDuration::from_mins(1);
/// How long SES may take over all questions together: as long as over one, see [`aws::repeated`].
const LONGEST: Duration = Duration::from_secs(8);
/// The most that `ListEmailIdentities` gives at once. An account has 10,000 of them at the most (SES developer guide, "Service
/// quotas in Amazon SES").
const IDENTITIES_A_PAGE: i32 = 1000;
const MOST_PAGES: usize = 10;

/// Whoever asks SES about the account, the sender and the configuration set.
#[derive(Debug)]
pub struct Doctor {
    client: Ses,
    identity: String,
    configuration_set: Option<String>,
    clock: Clock,
    seen: Mutex<Option<Seen>>,
    identities: Mutex<Option<(Timestamp, Identities)>>,
}

/// What SES said, and when.
#[derive(Clone, Debug)]
pub struct Seen {
    /// When SES was asked.
    pub at: Timestamp,
    /// What it said.
    pub facts: SesFacts,
}

impl Doctor {
    /// Reads `MAIL_IDENTITY` and `MAIL_CONFIGURATION_SET`.
    pub fn from_env(env: &Environment, clock: &Clock) -> Option<Self> {
        let (client, identity) = (aws::ses(env), env.mail_identity());
        let configuration_set = env.mail_configuration_set();
        Some(Self {
            client: client?,
            identity: identity?,
            configuration_set,
            clock: clock.clone(),
            seen: Mutex::default(),
            identities: Mutex::default(),
        })
    }

    /// The address or domain that mail is sent through.
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// The configuration set that mail is sent with.
    pub fn configuration_set(&self) -> Option<&str> {
        self.configuration_set.as_deref()
    }

    /// Four questions, or what they were answered less than a minute ago. One after the other, so that one connection does.
    pub async fn ask(&self) -> Seen {
        let mut seen = self.seen.lock().await;
        let at = self.clock.now();
        if let Some(seen) = seen.as_ref().filter(|seen| fresh(seen.at, at)) {
            return seen.clone();
        }
        let end = Instant::now() + LONGEST;
        let facts = SesFacts {
            account: by(end, "GetAccount", self.account()).await,
            sender: by(end, "GetEmailIdentity", self.sender()).await,
            configuration_set: match self.configuration_set() {
                Some(name) => {
                    let asked = self.ask_configuration_set(name);
                    Some(by(end, "GetConfigurationSet", asked).await)
                }
                None => None,
            },
        };
        let answer = Seen { at, facts };
        // What was not answered is asked again by the next one.
        *seen = answer.facts.complete().then(|| answer.clone());
        answer
    }

    /// What is wrong for mails to these people.
    pub async fn check(&self, recipients: &[&EmailAddress]) -> Vec<MailProblem> {
        let facts = self.ask().await.facts;
        let identities = if facts.sandbox() {
            Some(self.identities().await)
        } else {
            None
        };
        facts.problems_for(recipients, identities.as_ref())
    }

    /// What the account has verified, or had less than a minute ago.
    async fn identities(&self) -> Asked<Identities> {
        let mut seen = self.identities.lock().await;
        let at = self.clock.now();
        if let Some((_, identities)) = seen.as_ref().filter(|(then, _)| fresh(*then, at)) {
            return Ok(identities.clone());
        }
        let identities = self.list_identities().await?;
        *seen = Some((at, identities.clone()));
        Ok(identities)
    }

    async fn account(&self) -> Asked<Account> {
        let question = self.client.get_account().customize();
        let answer = question.config_override(aws::repeated()).send().await;
        answer
            .map(|account| read_account(&account))
            .map_err(|error| unanswered("GetAccount", &error))
    }

    async fn sender(&self) -> Asked<SenderFacts> {
        let question = self.client.get_email_identity();
        let question = question.email_identity(&self.identity).customize();
        match question.config_override(aws::repeated()).send().await {
            Ok(identity) => Ok(read_identity(&identity)),
            Err(error) if is(&error, GetEmailIdentityError::is_not_found_exception) => {
                Ok(SenderFacts::Missing)
            }
            Err(error) => Err(unanswered("GetEmailIdentity", &error)),
        }
    }

    async fn ask_configuration_set(&self, name: &str) -> Asked<ConfigurationSetFacts> {
        let set = self.client.get_configuration_set();
        let set = set.configuration_set_name(name).customize();
        let set = set.config_override(aws::repeated()).send().await;
        let told = self.client.get_configuration_set_event_destinations();
        let told = told.configuration_set_name(name).customize();
        let told = told.config_override(aws::repeated()).send().await;
        match (set, told) {
            (Ok(set), Ok(told)) => Ok(read_configuration_set(&set, told.event_destinations())),
            (Err(error), _) if is(&error, GetConfigurationSetError::is_not_found_exception) => {
                Ok(ConfigurationSetFacts::Missing)
            }
            (Err(error), _) => Err(unanswered("GetConfigurationSet", &error)),
            (_, Err(error))
                if is(
                    &error,
                    GetConfigurationSetEventDestinationsError::is_not_found_exception,
                ) =>
            {
                Ok(ConfigurationSetFacts::Missing)
            }
            (_, Err(error)) => Err(unanswered("GetConfigurationSetEventDestinations", &error)),
        }
    }

    async fn list_identities(&self) -> Asked<Identities> {
        let mut names = Vec::new();
        let mut next = None;
        for _ in 0..MOST_PAGES {
            let question = self.client.list_email_identities();
            let question = question.page_size(IDENTITIES_A_PAGE).set_next_token(next);
            let question = question.customize().config_override(aws::repeated());
            let page = question.send().await;
            let page = page.map_err(|error| unanswered("ListEmailIdentities", &error))?;
            let verified = page.email_identities.unwrap_or_default().into_iter();
            let verified = verified.filter(|identity| {
                identity.verification_status() == Some(&VerificationStatus::Success)
            });
            names.extend(verified.filter_map(|identity| identity.identity_name));
            next = page.next_token;
            if next.is_none() {
                break;
            }
        }
        Ok(names.into_iter().collect())
    }
}

/// What a question is answered until then.
async fn by<T>(
    end: Instant,
    operation: &'static str,
    question: impl Future<Output = Asked<T>>,
) -> Asked<T> {
    let answer = timeout_at(end, Box::pin(question)).await;
    answer.unwrap_or_else(|_| Err(no_answer(operation, "no answer in time")))
}

fn fresh(then: Timestamp, now: Timestamp) -> bool {
    now.duration_since(then) < FRESH
}

fn is<E>(error: &SdkError<E>, kind: impl Fn(&E) -> bool) -> bool {
    error.as_service_error().is_some_and(kind)
}

fn unanswered<E: ProvideErrorMetadata + Debug>(
    operation: &'static str,
    error: &SdkError<E>,
) -> Unanswered {
    no_answer(operation, aws::cause(error))
}

fn no_answer(operation: &'static str, cause: &str) -> Unanswered {
    tracing::warn!(operation, cause, "SES did not answer a question");
    Unanswered {
        operation,
        cause: cause.to_owned(),
        not_allowed: aws::NOT_AUTHORIZED.contains(&cause),
    }
}

fn read_account(account: &GetAccountOutput) -> Account {
    let quota = account.send_quota();
    let status = account.enforcement_status().unwrap_or("healthy");
    Account {
        sandbox: !account.production_access_enabled(),
        sending_enabled: account.sending_enabled(),
        enforcement_status: status.to_lowercase(),
        max_send_rate: quota.map_or(0.0, |quota| quota.max_send_rate()),
        // SES writes -1 for "no limit".
        quota: quota
            .map(|quota| quota.max24_hour_send())
            .filter(|quota| *quota >= 0.0)
            .map(whole),
        used: quota.map_or(0, |quota| whole(quota.sent_last24_hours())),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "SES counts mails in floats, and what is out of range becomes the nearest number"
)]
fn whole(count: f64) -> u64 {
    count as u64
}

fn read_identity(identity: &GetEmailIdentityOutput) -> SenderFacts {
    let dkim = identity.dkim_attributes();
    let status = dkim.and_then(|dkim| dkim.status());
    let status = status.map_or("not_started".to_owned(), |status| {
        status.as_str().to_lowercase()
    });
    // The records are right, and signing is switched off all the same.
    let disabled = status == "success" && dkim.is_some_and(|dkim| !dkim.signing_enabled());
    SenderFacts::Known {
        verified: identity.verified_for_sending_status(),
        dkim: if disabled {
            "disabled".to_owned()
        } else {
            status
        },
    }
}

fn read_configuration_set(
    set: &GetConfigurationSetOutput,
    destinations: &[SesEventDestination],
) -> ConfigurationSetFacts {
    let buses = || {
        let destinations = destinations.iter();
        destinations.filter(|destination| destination.event_bridge_destination().is_some())
    };
    let events: Vec<_> = buses()
        .filter(|destination| destination.enabled())
        .flat_map(|destination| destination.matching_event_types())
        .map(|event| event.as_str().to_owned())
        .collect();
    let event_destination = if buses().any(|destination| destination.enabled()) {
        EventDestination::Present { events }
    } else if buses().next().is_some() {
        EventDestination::Disabled
    } else {
        EventDestination::Missing
    };
    let sending = set.sending_options();
    ConfigurationSetFacts::Known {
        sending_enabled: sending.is_none_or(|sending| sending.sending_enabled()),
        event_destination,
    }
}
