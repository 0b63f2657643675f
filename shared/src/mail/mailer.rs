//! Sends through SES, and says of every mail what became of it.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_sesv2::{
    Client,
    error::SdkError,
    operation::{
        get_email_identity::GetEmailIdentityError,
        send_bulk_email::{SendBulkEmailError, SendBulkEmailOutput},
    },
    types::{
        BulkEmailContent, BulkEmailEntry, BulkEmailEntryResult, BulkEmailStatus, Destination,
        EmailTemplateContent, MessageHeader, MessageTag, ReplacementEmailContent,
        ReplacementTemplate, Template as SesTemplate,
    },
};
use jiff::SignedDuration;
use thiserror::Error;

use super::{Made, MailFrom, Stationery, Template, Values};
use crate::{
    aws,
    domain::{EmailAddress, InvitationToken, TenantId, User},
};

/// SES takes 50 recipients a call.
const RECIPIENTS_PER_CALL: usize = 50;
/// SES takes 1 MB a call with an inline template, all recipients' values included (SES developer guide, "Using templates to send
/// personalized email with the Amazon SES API"). Less what is around them.
const BYTES_PER_CALL: usize = 950_000;
/// What a recipient takes beside the values: the address, headers and tags.
const BYTES_PER_RECIPIENT: usize = 1_500;

/// What became of one mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// SES has taken it.
    Sent {
        /// The id by which SES knows it.
        message_id: String,
    },
    /// SES did not take it now: try again.
    Retry {
        /// For the log.
        reason: String,
        /// Whether this is known to pass. What nobody knows is not to be tried for ever.
        known: bool,
    },
    /// There is no room for it in the account's rate: it has to wait for so long.
    Wait(SignedDuration),
    /// While it waited, its invitation ended or its address was suppressed: it was not sent.
    Unwanted,
    /// The answer was lost, so SES may have taken it or not.
    Unknown,
    /// SES takes no mail of this account for now, or the operator has to act first: it has to wait for longer. The reason
    /// is for a person to read.
    Parked(&'static str),
    /// SES will never take this mail to this address. The reason is for a person to read.
    Failed(&'static str),
}

impl Outcome {
    fn busy(reason: &str) -> Self {
        Self::Retry {
            reason: reason.to_owned(),
            known: true,
        }
    }

    fn unfamiliar(reason: &str) -> Self {
        Self::Retry {
            reason: reason.to_owned(),
            known: false,
        }
    }
}

/// SES as it is can't send our mail.
#[derive(Debug, Error)]
pub enum SesUnusable {
    /// It does not answer, or the function may not ask.
    #[error(
        "SES can't be used ({0}): check that it exists in this region, and that the function's role may use it"
    )]
    Unanswered(String),
    /// The sender is unknown.
    #[error(
        "SES does not know the identity {0} that MAIL_IDENTITY names: create and verify it in this region, or correct the stack's parameter MailIdentity"
    )]
    UnknownIdentity(String),
    /// The sender is not verified.
    #[error(
        "the identity {0} that MAIL_IDENTITY names is not verified: set the DNS records that SES shows for it in this region, or follow the link that SES has mailed to it"
    )]
    UnverifiedIdentity(String),
}

/// SES through one client.
#[derive(Debug)]
pub struct Mailer {
    client: Client,
    identity: String,
    configuration_set: Option<String>,
}

/// Mails that go out in one call: at most 50, alike in all but their values.
pub struct Batch<'a> {
    stationery: &'a Stationery,
    letters: Vec<(usize, Letter<'a>)>,
    /// How large the call is at the most.
    bytes: usize,
}

/// One mail that is ready to go.
struct Letter<'a> {
    to: &'a EmailAddress,
    made: Made,
    /// The values as SES takes them.
    data: String,
    /// By which SES's reports are known again. None if nobody is to take note of them.
    tags: Option<[(&'static str, String); 2]>,
}

impl<'a> Batch<'a> {
    /// Sorts the mails into calls: those that agree in tenant, language and which variables are filled share a template, and
    /// so a call. Mails of a tenant without stationery are left out.
    pub fn of(
        mails: &'a [(User, InvitationToken)],
        stationery: &'a HashMap<TenantId, Stationery>,
    ) -> Vec<Self> {
        let mut groups: BTreeMap<_, Self> = BTreeMap::new();
        let mut batches = Vec::new();
        for (position, (user, token)) in mails.iter().enumerate() {
            let Some(stationery) = stationery.get(&user.tenant) else {
                continue;
            };
            let made = stationery.make(user, token);
            let group = (
                user.tenant.to_string(),
                made.locale.to_string(),
                made.values.shape(),
            );
            let attempt = user.claim.map_or(0, |claim| claim.record);
            let data = made.values.to_json().to_string();
            let bytes = bytes_in_json(&data) + BYTES_PER_RECIPIENT;
            let letter = Letter {
                to: &user.email,
                made,
                data,
                tags: Some([
                    ("user", user.id.to_string()),
                    ("attempt", attempt.to_string()),
                ]),
            };
            let new = || Self {
                stationery,
                letters: Vec::new(),
                bytes: letter.made.template_bytes(),
            };
            let batch = groups.entry(group).or_insert_with(new);
            let full = batch.letters.len() == RECIPIENTS_PER_CALL;
            if full || batch.bytes + bytes > BYTES_PER_CALL {
                batches.push(std::mem::replace(batch, new()));
            }
            batch.letters.push((position, letter));
            batch.bytes += bytes;
        }
        batches.extend(groups.into_values());
        batches.retain(|batch| !batch.letters.is_empty());
        batches
    }

    /// One mail to try something out, to whoever tries it. Nobody takes note of what SES reports of it.
    pub fn trial(stationery: &'a Stationery, made: Made, to: &'a EmailAddress) -> Self {
        let letter = Letter {
            to,
            data: made.values.to_json().to_string(),
            made,
            tags: None,
        };
        Self {
            stationery,
            letters: vec![(0, letter)],
            bytes: 0,
        }
    }

    /// Their positions among those that the batch was made of.
    pub fn positions(&self) -> impl ExactSizeIterator<Item = usize> {
        self.letters.iter().map(|(position, _)| *position)
    }
}

impl Mailer {
    /// A mailer that sends through this identity.
    pub fn new(client: Client, from: &MailFrom) -> Self {
        Self {
            client,
            identity: from.identity.clone(),
            configuration_set: from.configuration_set.clone(),
        }
    }

    /// Asks SES for the account's rate, in recipients a second, and for the sender, which also opens the connection. Fails
    /// unless the sender is verified.
    pub async fn check(&self) -> Result<f64, SesUnusable> {
        let unanswered = |error: &str| SesUnusable::Unanswered(error.to_owned());
        let account = self.client.get_account().customize();
        let account = account.config_override(aws::repeated()).send().await;
        let account = account.map_err(|error| unanswered(aws::cause(&error)))?;
        let identity = || self.identity.clone();
        let known = self.client.get_email_identity().email_identity(identity());
        let known = known.customize().config_override(aws::repeated());
        match known.send().await {
            Ok(found) if found.verified_for_sending_status() => {}
            Ok(_) => return Err(SesUnusable::UnverifiedIdentity(identity())),
            Err(error) => {
                let error_of_service = error.as_service_error();
                return Err(
                    if error_of_service.is_some_and(GetEmailIdentityError::is_not_found_exception) {
                        SesUnusable::UnknownIdentity(identity())
                    } else {
                        unanswered(aws::cause(&error))
                    },
                );
            }
        }
        let rate = account
            .send_quota()
            .map(|quota| quota.max_send_rate())
            .filter(|rate| *rate > 0.0)
            .unwrap_or(1.0);
        if !account.production_access_enabled() {
            tracing::warn!("SES is in its sandbox: only verified addresses get mail, 200 a day");
        }
        Ok(rate)
    }

    /// One `SendBulkEmail`. Answers for each mail, by its position among those that the batch was made of.
    ///
    /// The account's rate is the caller's to keep: a call counts as many times as it has mails.
    pub async fn send(&self, batch: &Batch<'_>) -> Vec<(usize, Outcome)> {
        let outcomes = self.send_alike(batch).await;
        batch.positions().zip(outcomes).collect()
    }

    async fn send_alike(&self, batch: &Batch<'_>) -> Vec<Outcome> {
        let letters = &batch.letters;
        let Some((_, first)) = letters.first() else {
            return Vec::new();
        };
        let Some(template) = &first.made.template else {
            let broken = Outcome::unfamiliar("Usher's own template can't be read");
            return vec![broken; letters.len()];
        };
        let reply_to = batch.stationery.reply_to().map(|to| to.as_str().to_owned());
        let sent = self
            .client
            .send_bulk_email()
            .from_email_address(batch.stationery.header())
            .set_reply_to_addresses(reply_to.map(|address| vec![address]))
            .set_configuration_set_name(self.configuration_set.clone())
            .default_content(content(template, &first.made.values))
            .set_bulk_email_entries(letters.iter().map(|(_, letter)| entry(letter)).collect())
            .send()
            .await;
        match sent {
            Ok(output) => entry_outcomes(&output, letters.len()),
            Err(error) => {
                tracing::error!(
                    code = aws::cause(&error),
                    mails = letters.len(),
                    "SES refused a call"
                );
                vec![call_outcome(&error); letters.len()]
            }
        }
    }
}

/// How many bytes a text takes as a JSON string.
pub(super) fn bytes_in_json(text: &str) -> usize {
    let escaped = text.bytes().map(|byte| match byte {
        b'"' | b'\\' | b'\t' | b'\r' | b'\n' => 2,
        0..=0x1f => 6,
        _ => 1,
    });
    escaped.sum::<usize>() + 2
}

fn content(template: &Template, values: &Values) -> BulkEmailContent {
    let content = template.content(|name| values.has(name));
    let content = EmailTemplateContent::builder()
        .subject(content.subject)
        .text(content.text)
        .html(content.html)
        .build();
    // Tells mail programs not to answer with "out of office" (RFC 3834).
    let automatic = MessageHeader::builder()
        .name("Auto-Submitted")
        .value("auto-generated")
        .build()
        .ok();
    let template = SesTemplate::builder()
        .template_content(content)
        .template_data("{}")
        .set_headers(automatic.map(|header| vec![header]))
        .build();
    BulkEmailContent::builder().template(template).build()
}

fn entry(letter: &Letter<'_>) -> Option<BulkEmailEntry> {
    let tag =
        |name: &str, value: String| MessageTag::builder().name(name).value(value).build().ok();
    let data = ReplacementTemplate::builder()
        .replacement_template_data(&letter.data)
        .build();
    // With these, mail programs offer to unsubscribe without opening anything: they post there (RFC 8058).
    let header = |name: &str, value: &str| {
        MessageHeader::builder()
            .name(name)
            .value(value)
            .build()
            .ok()
    };
    let headers = [
        header(
            "List-Unsubscribe",
            &format!("<{}>", letter.made.one_click_url),
        ),
        header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    ];
    let tags = letter.tags.clone().into_iter().flatten();
    BulkEmailEntry::builder()
        .destination(
            Destination::builder()
                .to_addresses(letter.to.as_str())
                .build(),
        )
        .replacement_email_content(
            ReplacementEmailContent::builder()
                .replacement_template(data)
                .build(),
        )
        .set_replacement_headers(headers.into_iter().collect())
        .set_replacement_tags(tags.map(|(name, value)| tag(name, value)).collect())
        .build()
        .into()
}

/// Reads the entries' results by position. One that is missing is tried again.
fn entry_outcomes(output: &SendBulkEmailOutput, entries: usize) -> Vec<Outcome> {
    let mut results = output.bulk_email_entry_results().iter();
    (0..entries)
        .map(|_| {
            results.next().map_or_else(
                || Outcome::unfamiliar("SES said nothing of this mail"),
                entry_outcome,
            )
        })
        .collect()
}

fn entry_outcome(result: &BulkEmailEntryResult) -> Outcome {
    use BulkEmailStatus as Status;
    if let Some(status) = result.status().filter(|status| **status != Status::Success) {
        tracing::warn!(status = status.as_str(), "SES did not take a mail");
    }
    match result.status() {
        Some(Status::Success) => Outcome::Sent {
            message_id: result.message_id().unwrap_or_default().to_owned(),
        },
        Some(status @ (Status::TransientFailure | Status::AccountThrottled)) => {
            Outcome::busy(status.as_str())
        }
        Some(Status::AccountDailyQuotaExceeded) => Outcome::Parked(DAILY_QUOTA),
        Some(
            Status::AccountSendingPaused
            | Status::ConfigurationSetSendingPaused
            | Status::AccountSuspended,
        ) => Outcome::Parked(PAUSED),
        Some(Status::MessageRejected) => Outcome::Failed(
            "SES refused the mail. Its sandbox only takes verified addresses; else check the address.",
        ),
        Some(Status::InvalidParameter) => Outcome::Failed("SES can't mail this address. Check it."),
        Some(Status::MailFromDomainNotVerified) => Outcome::Parked(NOT_VERIFIED),
        Some(
            Status::TemplateNotFound
            | Status::ConfigurationSetNotFound
            | Status::InvalidSendingPoolName,
        ) => Outcome::Parked(MISCONFIGURED),
        // FAILED says nothing, and a status of the future nothing we know. Trying again is safe: SES did not take it.
        Some(status) => Outcome::unfamiliar(status.as_str()),
        None => Outcome::unfamiliar("SES gave no status"),
    }
}

fn call_outcome(error: &SdkError<SendBulkEmailError>) -> Outcome {
    match error.as_service_error() {
        Some(SendBulkEmailError::LimitExceededException(_)) => Outcome::Parked(DAILY_QUOTA),
        Some(
            SendBulkEmailError::SendingPausedException(_)
            | SendBulkEmailError::AccountSuspendedException(_),
        ) => Outcome::Parked(PAUSED),
        Some(SendBulkEmailError::MailFromDomainNotVerifiedException(_)) => {
            Outcome::Parked(NOT_VERIFIED)
        }
        // Of a whole call: the sender, not an address.
        Some(SendBulkEmailError::MessageRejected(_)) => Outcome::Parked(NOT_VERIFIED),
        Some(
            SendBulkEmailError::BadRequestException(_) | SendBulkEmailError::NotFoundException(_),
        ) => Outcome::Parked(MISCONFIGURED),
        _ if aws::NOT_AUTHORIZED.contains(&aws::cause(error)) => Outcome::Parked(NOT_ALLOWED),
        Some(SendBulkEmailError::TooManyRequestsException(_)) => Outcome::busy(aws::cause(error)),
        Some(_) if refused(error) => Outcome::unfamiliar(aws::cause(error)),
        None if matches!(error, SdkError::ConstructionFailure(_)) => {
            Outcome::unfamiliar(aws::cause(error))
        }
        // SES broke down in the middle, or its answer was lost: the mail may have gone.
        _ => Outcome::Unknown,
    }
}

/// Whether SES has said no, rather than broken down.
fn refused(error: &SdkError<SendBulkEmailError>) -> bool {
    let answer = error.raw_response();
    answer.is_some_and(|answer| answer.status().is_client_error())
}

const DAILY_QUOTA: &str = "SES's daily quota is used up. The mail waits and is tried again every hour. Ask AWS for a higher quota.";
const PAUSED: &str = "SES has paused this account's sending. The mail waits and is tried again every hour. See SES's reputation page in the AWS console.";
const NOT_VERIFIED: &str = "The sender's address is not verified with SES. The mail waits and is tried again every hour; verify the sender.";
const MISCONFIGURED: &str = "SES refused the call. The mail waits and is tried again every hour; the operator finds SES's code in the mailer's log.";
const NOT_ALLOWED: &str = "The mailer may not send: its role lacks ses:SendBulkEmail or ses:SendBulkTemplatedEmail on the sender's identity, the configuration set or the template. The mail waits and is tried again every hour.";
