//! What a call, or one entry of it, is refused with.

use axum::{
    Json,
    http::{HeaderName, StatusCode},
    response::{IntoResponse, Response},
};
use serde_json::json;
use thiserror::Error;

/// Shown where SES would name its region.
const REGION: &str = "LOCAL";

/// An SES exception. The text goes to the caller as SES would word it and may name an address: it is not for logs.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum SesError {
    /// The caller's role lacks a permission.
    #[error("{0}")]
    AccessDenied(String),
    /// The account may not send any more, which only AWS can undo.
    #[error("Sending is suspended for this account.")]
    AccountSuspended,
    /// The request can't be understood or breaks a limit.
    #[error("{0}")]
    BadRequest(String),
    /// The sandbox's or the account's mail for today is used up.
    #[error("Daily message quota exceeded.")]
    DailyQuotaExceeded,
    /// The endpoint itself failed: the caller can't know whether anything was sent.
    #[error("The service is not available.")]
    InternalServiceError,
    /// Too many of a kind of resource.
    #[error("{0}")]
    LimitExceeded(String),
    /// The sender's MAIL FROM domain has no valid DNS record.
    #[error("{0}")]
    MailFromDomainNotVerified(String),
    /// The mail was understood and is not wanted, for example because an address is not verified.
    #[error("{0}")]
    MessageRejected(String),
    /// Something the request names, such as a stored template, is not there.
    #[error("{0}")]
    NotFound(String),
    /// Sending is switched off for the account or its configuration set.
    #[error("Sending is paused for this account.")]
    SendingPaused,
    /// The previous calls used more recipients than the rate allows.
    #[error("Maximum sending rate exceeded.")]
    TooManyRequests,
}

impl SesError {
    /// The exception's name as the SDK matches it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::AccessDenied(_) => "AccessDeniedException",
            Self::AccountSuspended => "AccountSuspendedException",
            Self::BadRequest(_) => "BadRequestException",
            Self::InternalServiceError => "InternalServiceErrorException",
            Self::LimitExceeded(_) => "LimitExceededException",
            Self::MailFromDomainNotVerified(_) => "MailFromDomainNotVerifiedException",
            // The one exception that SES names without the suffix.
            Self::MessageRejected(_) => "MessageRejected",
            Self::NotFound(_) => "NotFoundException",
            Self::SendingPaused => "SendingPausedException",
            Self::DailyQuotaExceeded | Self::TooManyRequests => "TooManyRequestsException",
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::InternalServiceError => StatusCode::INTERNAL_SERVER_ERROR,
            Self::AccessDenied(_) => StatusCode::FORBIDDEN,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::DailyQuotaExceeded | Self::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

impl IntoResponse for SesError {
    fn into_response(self) -> Response {
        let header = (HeaderName::from_static("x-amzn-errortype"), self.code());
        let body = Json(json!({ "message": self.to_string() }));
        (self.status(), [header], body).into_response()
    }
}

/// Why one entry is not sent. In a bulk call the other entries are.
#[derive(Debug, Error)]
pub(super) enum Refusal {
    #[error("Daily message quota exceeded.")]
    DailyQuotaExceeded,
    #[error("{0}")]
    InvalidParameter(String),
    #[error(
        "Email address is not verified. The following identities failed the check in region {REGION}: {0}"
    )]
    NotVerified(String),
    #[error("Template {0} does not exist.")]
    TemplateNotFound(String),
}

impl Refusal {
    pub(super) fn status(&self) -> &'static str {
        match self {
            Self::DailyQuotaExceeded => "ACCOUNT_DAILY_QUOTA_EXCEEDED",
            Self::InvalidParameter(_) => "INVALID_PARAMETER",
            Self::NotVerified(_) => "MESSAGE_REJECTED",
            Self::TemplateNotFound(_) => "TEMPLATE_NOT_FOUND",
        }
    }
}

impl From<Refusal> for SesError {
    fn from(refusal: Refusal) -> Self {
        let message = refusal.to_string();
        match refusal {
            Refusal::DailyQuotaExceeded => Self::DailyQuotaExceeded,
            Refusal::InvalidParameter(_) => Self::BadRequest(message),
            Refusal::NotVerified(_) => Self::MessageRejected(message),
            Refusal::TemplateNotFound(_) => Self::NotFound(message),
        }
    }
}
