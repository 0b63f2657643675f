//! The operations of administrators and of the mailer on an existing user: what each requires, and what it answers when that does not hold.

use jiff::{SignedDuration, Timestamp};

use serde::{Deserialize, Serialize};

use super::{
    Group, IdempotencyKey, InvitationToken, Inviter, Lifetime, Locale, LocaleSource, Message,
    Nonce, Requirement, StateName, SuppressionReason, TenantId, TokenHash, User, UserId,
    invitation::MAIL_DUE, requirement::first_broken,
};

/// After a mail was asked for, how long until the next may be.
const COOL_DOWN: SignedDuration = SignedDuration::from_secs(60);
/// How many mails may be asked for in [`DAY`], the first invitation included.
const DAILY_LIMIT: usize = 10;
const DAY: SignedDuration = SignedDuration::from_hours(24);

fn minus(now: Timestamp, span: SignedDuration) -> Timestamp {
    now.saturating_sub(span).unwrap_or(Timestamp::MIN)
}

pub(super) fn plus(now: Timestamp, span: SignedDuration) -> Timestamp {
    now.saturating_add(span).unwrap_or(Timestamp::MAX)
}

pub(super) fn throttle(now: Timestamp) -> [Requirement; 2] {
    [
        daily_limit(now),
        Requirement::MailRequestedBy {
            nth: 0,
            at: minus(now, COOL_DOWN),
        },
    ]
}

pub(super) fn daily_limit(now: Timestamp) -> Requirement {
    Requirement::MailRequestedBy {
        nth: DAILY_LIMIT - 1,
        at: minus(now, DAY),
    }
}

/// From when on the broken throttle lets the next mail through.
pub(super) fn retry_at(user: &User, nth: usize) -> Timestamp {
    let wait = if nth == 0 { COOL_DOWN } else { DAY };
    user.mail_request(nth)
        .map_or(Timestamp::MIN, |asked| plus(asked, wait))
}

/// A request that may be repeated, since nobody knows whether it was answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResendRequest {
    /// What its client calls it.
    pub key: IdempotencyKey,
    /// The `sub` of who asks. Somebody else's request is another one, whatever it is called.
    pub by: String,
}

/// An administrator sends the invitation again: same user, new token, new expiry.
#[derive(Clone, Debug)]
pub struct Resend {
    /// Whose user it must be.
    pub tenant: TenantId,
    /// Which administrator.
    pub by: Inviter,
    /// Now.
    pub now: Timestamp,
    /// Also bring back a revoked or declined invitation.
    pub reactivate: bool,
    /// Whether who asks may make administrators. Who may not, can't send or bring back an administrator's invitation.
    pub appoints: bool,
    /// Another language from now on.
    pub locale: Option<(Locale, LocaleSource)>,
    /// Another personal note from now on.
    pub message: Option<Message>,
    /// How long the new link is valid.
    pub lifetime: Lifetime,
    /// What the new token is derived from.
    pub nonce: Nonce,
    /// The new token.
    pub token: InvitationToken,
    /// The request that this is, if it has a name.
    pub request: Option<ResendRequest>,
}

/// Why an invitation is not sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResendRefusal {
    /// No such user, or another tenant's.
    NotFound,
    /// The person has registered.
    Accepted,
    /// Revoked, and `reactivate` was not given.
    Revoked,
    /// Declined, and `reactivate` was not given.
    Declined,
    /// An invitation to be an administrator, which only an administrator may send again.
    Administrator,
    /// The address gets no mail.
    Suppressed(SuppressionReason),
    /// The cool-down is not over.
    TooSoon {
        /// When it is.
        retry_at: Timestamp,
    },
    /// The address has had its mails for the day.
    DailyLimit {
        /// When the next may go.
        retry_at: Timestamp,
    },
}

impl Resend {
    /// What must hold, in the order in which a refusal is explained.
    pub fn requirements(&self) -> Vec<Requirement> {
        let states: &[StateName] = if self.reactivate {
            &[StateName::Pending, StateName::Revoked, StateName::Declined]
        } else {
            &[StateName::Pending]
        };
        let mut requirements = vec![Requirement::Tenant(self.tenant.clone())];
        requirements.extend(self.request.clone().map(Requirement::NotSentBy));
        requirements.push(Requirement::State(states));
        if !self.appoints {
            requirements.push(Requirement::NotInGroup(Group::administrators()));
        }
        requirements.push(Requirement::NotSuppressed);
        requirements.extend(throttle(self.now));
        requirements
    }

    /// Whether this very request has sent it already. Whatever became of the user since, it is answered as it was then.
    pub fn is_repeated(&self, user: &User) -> bool {
        user.tenant == self.tenant && self.request.is_some() && user.resend_request == self.request
    }

    /// Why `found` can't be sent the invitation again; none if it can, or was by this request.
    pub fn refusal(&self, found: Option<&User>) -> Option<ResendRefusal> {
        let Some(user) = found else {
            return Some(ResendRefusal::NotFound);
        };
        if self.is_repeated(user) {
            return None;
        }
        first_broken(&self.requirements(), user).map(|broken| match broken {
            Requirement::State(_) => match user.state.name() {
                StateName::Revoked => ResendRefusal::Revoked,
                StateName::Declined => ResendRefusal::Declined,
                _ => ResendRefusal::Accepted,
            },
            Requirement::NotInGroup(_) => ResendRefusal::Administrator,
            Requirement::NotSuppressed => ResendRefusal::Suppressed(
                user.suppressed
                    .map_or(SuppressionReason::Bounced, |suppressed| suppressed.reason),
            ),
            Requirement::MailRequestedBy { nth: 0, .. } => ResendRefusal::TooSoon {
                retry_at: retry_at(user, 0),
            },
            Requirement::MailRequestedBy { nth, .. } => ResendRefusal::DailyLimit {
                retry_at: retry_at(user, *nth),
            },
            _ => ResendRefusal::NotFound,
        })
    }

    /// When somebody checks that the mail was sent.
    pub fn mail_due(&self) -> Timestamp {
        plus(self.now, MAIL_DUE)
    }
}

/// An administrator withdraws the invitation: its link dies at once.
#[derive(Clone, Debug)]
pub struct Revoke {
    /// Whose user it must be.
    pub tenant: TenantId,
    /// Which administrator.
    pub by: Inviter,
    /// Now.
    pub now: Timestamp,
}

/// Why an invitation is not withdrawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevokeRefusal {
    /// No such user, or another tenant's.
    NotFound,
    /// The person has registered.
    Accepted,
    /// Already withdrawn.
    Revoked,
    /// The person has turned it down.
    Declined,
}

impl Revoke {
    /// What must hold, in the order in which a refusal is explained.
    pub fn requirements(&self) -> Vec<Requirement> {
        vec![
            Requirement::Tenant(self.tenant.clone()),
            Requirement::State(&[StateName::Pending]),
        ]
    }

    /// Why `found` can't be revoked; none if it can.
    pub fn refusal(&self, found: Option<&User>) -> Option<RevokeRefusal> {
        let Some(user) = found else {
            return Some(RevokeRefusal::NotFound);
        };
        first_broken(&self.requirements(), user).map(|broken| match broken {
            Requirement::State(_) => match user.state.name() {
                StateName::Revoked => RevokeRefusal::Revoked,
                StateName::Declined => RevokeRefusal::Declined,
                _ => RevokeRefusal::Accepted,
            },
            _ => RevokeRefusal::NotFound,
        })
    }
}

/// An administrator lets an address have mail again that bounced or called it spam.
#[derive(Clone, Debug)]
pub struct LiftSuppression {
    /// Whose user it must be.
    pub tenant: TenantId,
    /// Which administrator.
    pub by: Inviter,
    /// Now.
    pub now: Timestamp,
}

/// Why a suppression is not lifted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LiftRefusal {
    /// No such user, or another tenant's.
    NotFound,
    /// There is none.
    NotSuppressed,
}

impl LiftSuppression {
    /// Why there is nothing to lift of `found`; none if there is.
    pub fn refusal(&self, found: Option<&User>) -> Option<LiftRefusal> {
        match found.filter(|user| user.tenant == self.tenant) {
            None => Some(LiftRefusal::NotFound),
            Some(user) if user.suppressed.is_none() => Some(LiftRefusal::NotSuppressed),
            Some(_) => None,
        }
    }

    /// When somebody checks that a mail was sent that had waited for this.
    pub fn mail_due(&self) -> Timestamp {
        plus(self.now, MAIL_DUE)
    }
}

/// The mailer takes the mail that a stream record announced, so that nobody else sends it too.
#[derive(Clone, Debug)]
pub struct ClaimMail {
    /// Whose mail.
    pub user_id: UserId,
    /// The user's version in the record.
    pub record: u64,
    /// The try before this one, of which nobody knows whether its mail went.
    pub doubted: Option<u64>,
    /// Now.
    pub now: Timestamp,
    /// Until when nobody else may take it.
    pub until: Timestamp,
    /// The token the mail will carry.
    pub token: TokenHash,
}

impl ClaimMail {
    /// What must hold: the mail is still to be sent, and its link would work.
    pub fn requirements(&self) -> Vec<Requirement> {
        vec![
            Requirement::State(&[StateName::Pending]),
            Requirement::NotExpired(self.now),
            Requirement::NotSuppressed,
            Requirement::MailUnreported,
            Requirement::MailToSend {
                record: self.record,
            },
        ]
    }
}
