//! SES's own list of addresses that it sends nothing to: those that bounced, or called a mail of this account spam.

use thiserror::Error;

use crate::{
    aws::{self, Service, refused},
    config::Environment,
    domain::EmailAddress,
};

/// The account's suppression list through one client.
#[derive(Debug)]
pub struct SuppressionList(Service);

/// Nobody's address: nobody has the domain (RFC 6761).
const NOBODY: &str = "nobody@invalid";

/// SES did not take the address off its list.
#[derive(Debug, Error)]
#[error("SES did not take an address off the account's suppression list: {0}")]
pub struct StillListed(String);

impl SuppressionList {
    /// SES in the region of the environment.
    pub fn from_env(env: &Environment) -> Option<Self> {
        aws::ses_lists(env).map(Self)
    }

    /// Opens the connection, so that the first request need not. There is nothing that could not be seen at that request, so
    /// this never fails.
    pub async fn warm_up(&self) {
        if let Err(StillListed(cause)) = self.take_off(NOBODY).await {
            tracing::debug!(cause, "SES did not answer at start");
        }
    }

    /// Takes an address off the list, if it is on it. One `DeleteSuppressedDestination`.
    pub async fn remove(&self, email: &EmailAddress) -> Result<(), StillListed> {
        self.take_off(email.as_str()).await
    }

    async fn take_off(&self, email: &str) -> Result<(), StillListed> {
        let path = format!("/v2/email/suppression/addresses/{}", escaped(email));
        let removed = self.0.rest("DeleteSuppressedDestination", "DELETE", &path);
        match removed.await {
            Err(error) if !refused(&error, "NotFoundException") => {
                Err(StillListed(aws::cause(&error).to_owned()))
            }
            _ => Ok(()),
        }
    }
}

/// The text as a part of a path, in which only what RFC 3986 leaves unreserved stands for itself.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'-' | b'.' | b'_' | b'~' => escaped.push(byte.into()),
            byte if byte.is_ascii_alphanumeric() => escaped.push(byte.into()),
            byte => escaped.extend(format!("%{byte:02X}").chars()),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_part_of_a_path() {
        assert_eq!(escaped("a+b/ü@x-y.example"), "a%2Bb%2F%C3%BC%40x-y.example");
    }
}
