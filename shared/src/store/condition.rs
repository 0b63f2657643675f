//! What the domain requires of a user, as the condition of a write.

use super::{StoreError, update::Update};
use crate::domain::Requirement;

impl Update {
    /// The requirement as DynamoDB evaluates it. [`Requirement::holds`] says the same of a user in memory, and a
    /// property test holds the two together.
    pub(super) fn condition(&mut self, requirement: &Requirement) -> Result<String, StoreError> {
        Ok(match requirement {
            Requirement::Tenant(tenant) => {
                format!("{} = {}", self.name("tenant"), self.value(tenant)?)
            }
            Requirement::Token(hash) => {
                format!("{} = {}", self.name("token_hash"), self.value(hash)?)
            }
            Requirement::TokenOrRenewed(hash) => {
                let hash = self.value(hash)?;
                format!(
                    "({} = {hash} OR {} = {hash})",
                    self.name("token_hash"),
                    self.name("renewed_hash")
                )
            }
            Requirement::State(allowed) => {
                let state = self.name("state");
                let allowed: Result<Vec<_>, _> =
                    allowed.iter().map(|state| self.value(state)).collect();
                format!("{state} IN ({})", allowed?.join(", "))
            }
            Requirement::NotSentBy(request) => {
                let sent_by = self.name("resend_request");
                format!(
                    "(attribute_not_exists({sent_by}) OR {sent_by} <> {})",
                    self.value(request)?
                )
            }
            Requirement::NotInGroup(group) => {
                format!(
                    "NOT contains({}, {})",
                    self.name("groups"),
                    self.value(group)?
                )
            }
            Requirement::InGroup(group) => {
                format!("contains({}, {})", self.name("groups"), self.value(group)?)
            }
            Requirement::NotExpired(now) => {
                format!(
                    "{} > {}",
                    self.name("expires_at"),
                    self.value(now.as_millisecond())?
                )
            }
            Requirement::Renewable(hash, now) => format!(
                "({} <= {} OR ({} = {} AND attribute_not_exists({})))",
                self.name("expires_at"),
                self.value(now.as_millisecond())?,
                self.name("renewed_hash"),
                self.value(hash)?,
                self.name("token_hash"),
            ),
            Requirement::MailRequestedBy { nth, at } => {
                let asked = format!("{}[{nth}]", self.name("mail_requests"));
                format!(
                    "(attribute_not_exists({asked}) OR {asked} <= {})",
                    self.value(at.as_millisecond())?
                )
            }
            Requirement::Version(version) => {
                format!("{} = {}", self.name("version"), self.value(version)?)
            }
            Requirement::MailToSend { record } => {
                format!(
                    "{} = {} AND attribute_exists({})",
                    self.name("version"),
                    self.value(record)?,
                    self.name("outbox"),
                )
            }
            Requirement::NotSuppressed => {
                format!("attribute_not_exists({})", self.name("suppressed"))
            }
            Requirement::MailUnreported => {
                let attempt = self.name("attempt");
                let reported = format!("{}.{attempt}", self.name("feedback"));
                let tried = format!("{}.{attempt}", self.name("delivery"));
                // Compared with an attribute that is not there, everything is different or nothing, as the engine likes.
                format!(
                    "(attribute_not_exists({reported}) OR attribute_not_exists({tried}) OR {reported} <> {tried})"
                )
            }
            Requirement::MailClaimed { record } => {
                format!(
                    "{}.{} = {}",
                    self.name("claim"),
                    self.name("record"),
                    self.value(record)?
                )
            }
        })
    }
}
