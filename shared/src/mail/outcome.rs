//! What became of a mail, by what SES says.

use aws_sdk_sesv2::{
    error::SdkError,
    operation::send_bulk_email::{SendBulkEmailError, SendBulkEmailOutput},
    types::{BulkEmailEntryResult, BulkEmailStatus},
};
use jiff::SignedDuration;

use crate::aws;

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

    pub(super) fn unfamiliar(reason: &str) -> Self {
        Self::Retry {
            reason: reason.to_owned(),
            known: false,
        }
    }
}

/// Reads the entries' results by position. One that is missing is tried again.
pub(super) fn entry_outcomes(output: &SendBulkEmailOutput, entries: usize) -> Vec<Outcome> {
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

pub(super) fn call_outcome(error: &SdkError<SendBulkEmailError>) -> Outcome {
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
