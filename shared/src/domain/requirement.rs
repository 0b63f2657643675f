//! What must hold of a user for an operation, said once and read twice: here, to explain a refusal, and by the
//! store, which turns it into the condition of the write. So the two can't come to disagree.

use jiff::Timestamp;

use super::{Group, ResendRequest, StateName, TenantId, TokenHash, User};

/// One condition on a stored user.
#[derive(Clone, Debug)]
pub enum Requirement {
    /// The user exists and is this tenant's.
    Tenant(TenantId),
    /// The token is the current one.
    Token(TokenHash),
    /// The token is the current one, or the expired one that a fresh link was asked for with.
    TokenOrRenewed(TokenHash),
    /// The stored state is one of these.
    State(&'static [StateName]),
    /// The invitation was not last sent again by this request.
    NotSentBy(ResendRequest),
    /// The user is not to join this group.
    NotInGroup(Group),
    /// The user is to join this group.
    InGroup(Group),
    /// The link is still valid at this instant.
    NotExpired(Timestamp),
    /// The token has expired at this instant, or was exchanged for a fresh link whose mail has not gone yet.
    Renewable(TokenHash, Timestamp),
    /// Fewer than `nth + 1` mails were asked for, or the `nth` newest (0 is the newest) was at this instant or before.
    MailRequestedBy {
        /// Counted from the newest.
        nth: usize,
        /// The latest it may have been.
        at: Timestamp,
    },
    /// Nobody has written to the user since this version.
    Version(u64),
    /// The mail that this stream record announced is still to be sent: the record is the newest, and its mail is in the
    /// outbox.
    MailToSend {
        /// The user's version in the record.
        record: u64,
    },
    /// The address may have mail.
    NotSuppressed,
    /// SES has reported nothing of the try that the delivery is about: it may not have gone.
    MailUnreported,
    /// The claim on this record's mail is still held.
    MailClaimed {
        /// The user's version in the record.
        record: u64,
    },
}

impl Requirement {
    /// Whether it holds of this user.
    pub fn holds(&self, user: &User) -> bool {
        match self {
            Self::Tenant(tenant) => user.tenant == *tenant,
            Self::Token(hash) => user.token_hash == Some(*hash),
            Self::TokenOrRenewed(hash) => {
                user.token_hash == Some(*hash) || user.renewed_hash == Some(*hash)
            }
            Self::State(allowed) => allowed.contains(&user.state.name()),
            Self::NotSentBy(request) => user.resend_request.as_ref() != Some(request),
            Self::NotInGroup(group) => !user.groups.contains(group),
            Self::InGroup(group) => user.groups.contains(group),
            Self::NotExpired(now) => !user.has_expired(*now),
            Self::Renewable(hash, now) => {
                let waiting = user.renewed_hash == Some(*hash) && user.token_hash.is_none();
                user.has_expired(*now) || waiting
            }
            Self::MailRequestedBy { nth, at } => {
                user.mail_request(*nth).is_none_or(|asked| asked <= *at)
            }
            Self::Version(version) => user.version == *version,
            Self::MailToSend { record } => user.version == *record && user.outbox.is_some(),
            Self::NotSuppressed => user.suppressed.is_none(),
            Self::MailUnreported => !user.mail_is_reported(),
            Self::MailClaimed { record } => user.claim.is_some_and(|claim| claim.record == *record),
        }
    }
}

/// The first of `requirements` that does not hold.
pub(super) fn first_broken<'a>(
    requirements: &'a [Requirement],
    user: &User,
) -> Option<&'a Requirement> {
    requirements
        .iter()
        .find(|requirement| !requirement.holds(user))
}
