//! SES's own list of addresses that it sends nothing to: those that bounced, or called a mail of this account spam.

use aws_sdk_sesv2::{
    Client, operation::delete_suppressed_destination::DeleteSuppressedDestinationError,
};
use thiserror::Error;

use crate::{aws, config::Environment, domain::EmailAddress};

/// The account's suppression list through one client.
#[derive(Debug)]
pub struct SuppressionList(Client);

/// SES did not take the address off its list.
#[derive(Debug, Error)]
#[error("SES did not take an address off the account's suppression list: {0}")]
pub struct StillListed(String);

impl SuppressionList {
    /// SES in the region of the environment.
    pub fn from_env(env: &Environment) -> Option<Self> {
        aws::ses(env).map(Self)
    }

    /// Takes an address off the list, if it is on it. One `DeleteSuppressedDestination`.
    pub async fn remove(&self, email: &EmailAddress) -> Result<(), StillListed> {
        let removal = self.0.delete_suppressed_destination();
        let removal = removal.email_address(email.as_str()).customize();
        let removed = removal.config_override(aws::repeated()).send().await;
        match removed {
            Ok(_) => Ok(()),
            Err(error) => match error.as_service_error() {
                Some(DeleteSuppressedDestinationError::NotFoundException(_)) => Ok(()),
                _ => Err(StillListed(aws::cause(&error).to_owned())),
            },
        }
    }
}
