//! What can go wrong between Usher and its table.

use aws_sdk_dynamodb::{
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
};
use thiserror::Error;

use super::keys;
use crate::{aws, domain::UserId};

/// Why a call did not give an answer. No variant carries what was in the items.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The table is throttled, in conflict with another write, or can't be reached: the same call may succeed later.
    #[error("{operation}: the table is unavailable: {cause}")]
    Unavailable {
        /// The DynamoDB operation.
        operation: &'static str,
        /// DynamoDB's code, or what became of the connection.
        cause: String,
    },
    /// DynamoDB refuses the call; it would again. The table is missing, or a permission, or Usher has a bug.
    #[error("{operation}: DynamoDB refused the call: {cause}")]
    Rejected {
        /// The DynamoDB operation.
        operation: &'static str,
        /// DynamoDB's code and message.
        cause: String,
    },
    /// A row is not as Usher writes it.
    #[error("the row {row} can't be read: {reason}")]
    CorruptRow {
        /// The row's keys.
        row: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A value could not be turned into an attribute.
    #[error("a row can't be written: {0}")]
    Unwritable(String),
}

/// The table is not as the environment says.
#[derive(Debug, Error)]
#[error(
    "the table {table} that TABLE_NAME names can't be read ({cause}): check that it exists in this region, and that the function's role may read it"
)]
pub struct TableUnusable {
    pub(super) table: String,
    pub(super) cause: StoreError,
}

impl StoreError {
    /// An address is this user's, but there is no such user that could be read.
    pub fn missing_user(id: UserId) -> Self {
        let reason = "its address points to it, but it is not there or can't be read".to_owned();
        Self::CorruptRow {
            row: keys::user_pk(id),
            reason,
        }
    }

    /// An address is taken, but its row can't be read.
    pub fn unreadable_address() -> Self {
        let reason = "see the line before".to_owned();
        Self::CorruptRow {
            row: "ADDRESS#..".to_owned(),
            reason,
        }
    }

    /// DynamoDB has left undone what it was asked to.
    pub fn unprocessed() -> Self {
        Self::Unavailable {
            operation: "BatchWriteItem",
            cause: "an item was not processed".to_owned(),
        }
    }

    /// An address was this user's when it was asked for, and the user is erased now.
    pub fn vanished() -> Self {
        Self::Unavailable {
            operation: "BatchGetItem",
            cause: "a user was erased meanwhile".to_owned(),
        }
    }

    pub(super) fn unwritable(error: serde_dynamo::Error) -> Self {
        Self::Unwritable(error.to_string())
    }

    /// Sorts an SDK error by whether trying again can help. Only code and message are kept: the raw response may
    /// hold an item.
    pub(super) fn of<E: ProvideErrorMetadata>(
        operation: &'static str,
        error: &SdkError<E, HttpResponse>,
    ) -> Self {
        let cause = aws::cause(error).to_owned();
        match error {
            SdkError::ServiceError(context) => {
                let broken = context.raw().status().is_server_error();
                if broken || is_transient(&cause) {
                    Self::Unavailable { operation, cause }
                } else {
                    let message = context.err().message().unwrap_or("no message");
                    let cause = format!("{cause}: {message}");
                    Self::Rejected { operation, cause }
                }
            }
            SdkError::ConstructionFailure(_) => Self::Rejected { operation, cause },
            _ => Self::Unavailable { operation, cause },
        }
    }
}

pub(super) fn is_transient(code: &str) -> bool {
    matches!(
        code,
        "InternalServerError"
            | "LimitExceededException"
            | "ProvisionedThroughputExceeded"
            | "ProvisionedThroughputExceededException"
            | "RequestLimitExceeded"
            | "ServiceUnavailable"
            | "ThrottlingError"
            | "ThrottlingException"
            | "TransactionConflict"
            | "TransactionConflictException"
            | "TransactionInProgressException"
    )
}
