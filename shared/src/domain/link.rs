//! What the holder of a link can do with it: what each operation requires, and what it answers when that does not hold.

use jiff::Timestamp;

use super::{
    Group, Lifetime, Locale, LocaleSource, Nonce, PersonName, Requirement, StateName, TokenHash,
    User,
    invitation::MAIL_DUE,
    operation::{plus, retry_at, throttle},
    requirement::first_broken,
};

/// Why a link does nothing. Whoever holds a wrong one learns only `Unknown`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkRefusal {
    /// Unknown, superseded or malformed.
    Unknown,
    /// The current link, too late.
    Expired,
    /// Withdrawn by an administrator.
    Revoked,
    /// Turned down by the person.
    Declined,
    /// The person has registered with it.
    AlreadyUsed,
}

fn link_refusal(requirements: &[Requirement], found: Option<&User>) -> Option<LinkRefusal> {
    let Some(user) = found else {
        return Some(LinkRefusal::Unknown);
    };
    first_broken(requirements, user).map(|broken| match broken {
        Requirement::State(_) => match user.state.name() {
            StateName::Accepted => LinkRefusal::AlreadyUsed,
            StateName::Declined => LinkRefusal::Declined,
            _ => LinkRefusal::Revoked,
        },
        Requirement::NotExpired(_) => LinkRefusal::Expired,
        _ => LinkRefusal::Unknown,
    })
}

/// The person registers.
#[derive(Clone, Debug)]
pub struct Accept {
    /// The link they hold.
    pub token: TokenHash,
    /// Now.
    pub now: Timestamp,
    /// The name they register with.
    pub name: PersonName,
    /// The language they chose, if they did.
    pub locale: Option<(Locale, LocaleSource)>,
    /// Whether the account that was made for them is an administrator's, which must still be right when they are accepted. None
    /// if there is no account.
    pub administrator: Option<bool>,
}

impl Accept {
    /// What must hold, in the order in which a refusal is explained.
    pub fn requirements(&self) -> Vec<Requirement> {
        let mut requirements = Self::requirements_for(self.token, self.now);
        let administrators = Group::administrators();
        requirements.extend(self.administrator.map(|administrator| {
            if administrator {
                Requirement::InGroup(administrators)
            } else {
                Requirement::NotInGroup(administrators)
            }
        }));
        requirements
    }

    /// Why this link can't be used `now`; none if it can. Also what a look-up asks, before anybody registers.
    pub fn refusal(token: TokenHash, now: Timestamp, found: Option<&User>) -> Option<LinkRefusal> {
        link_refusal(&Self::requirements_for(token, now), found)
    }

    fn requirements_for(token: TokenHash, now: Timestamp) -> Vec<Requirement> {
        vec![
            Requirement::Token(token),
            Requirement::State(&[StateName::Pending]),
            Requirement::NotExpired(now),
        ]
    }
}

/// The person says "not me" or "do not invite me again". It is never too late for that, so an expired link will do.
#[derive(Clone, Debug)]
pub struct Decline {
    /// The link they hold.
    pub token: TokenHash,
    /// Now.
    pub now: Timestamp,
}

impl Decline {
    /// What must hold, in the order in which a refusal is explained.
    pub fn requirements(&self) -> Vec<Requirement> {
        vec![
            Requirement::Token(self.token),
            Requirement::State(&[StateName::Pending]),
        ]
    }

    /// Why the invitation can't be declined with this link; none if it can.
    pub fn refusal(&self, found: Option<&User>) -> Option<LinkRefusal> {
        link_refusal(&self.requirements(), found)
    }
}

/// The person asks for a fresh link in place of an expired one. It goes to the address that was invited, nowhere else.
#[derive(Clone, Debug)]
pub struct Renew {
    /// The expired link they hold.
    pub token: TokenHash,
    /// Now.
    pub now: Timestamp,
    /// For how long the fresh one is valid.
    pub lifetime: Lifetime,
    /// What the next token will be derived from, by the mailer.
    pub nonce: Nonce,
}

/// Why there is no fresh link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RenewRefusal {
    /// The link is of no use, and why.
    Link(LinkRefusal),
    /// The link they hold is still valid.
    StillValid,
    /// Mail to the address bounced, or was called spam, so none would come.
    Suppressed,
    /// One was asked for less than a minute ago.
    TooSoon {
        /// When the next may be.
        retry_at: Timestamp,
    },
    /// The address has had its mails for the day.
    DailyLimit {
        /// When the next may go.
        retry_at: Timestamp,
    },
}

impl Renew {
    /// What must hold, in the order in which a refusal is explained.
    pub fn requirements(&self) -> Vec<Requirement> {
        let mut requirements = vec![
            Requirement::TokenOrRenewed(self.token),
            Requirement::State(&[StateName::Pending]),
            Requirement::Renewable(self.token, self.now),
            Requirement::NotSuppressed,
        ];
        requirements.extend(throttle(self.now));
        requirements
    }

    /// Why there is no fresh link for `found`; none if there is.
    pub fn refusal(&self, found: Option<&User>) -> Option<RenewRefusal> {
        let unknown = RenewRefusal::Link(LinkRefusal::Unknown);
        let Some(user) = found else {
            return Some(unknown);
        };
        let superseded = user.token_hash != Some(self.token);
        first_broken(&self.requirements(), user).map(|broken| match broken {
            // Of what has become of the user since, only the holder of the current link is told.
            Requirement::State(_) if superseded => unknown,
            Requirement::Renewable(..) => RenewRefusal::StillValid,
            Requirement::NotSuppressed => RenewRefusal::Suppressed,
            Requirement::MailRequestedBy { nth: 0, .. } => RenewRefusal::TooSoon {
                retry_at: retry_at(user, 0),
            },
            Requirement::MailRequestedBy { nth, .. } => RenewRefusal::DailyLimit {
                retry_at: retry_at(user, *nth),
            },
            _ => link_refusal(&self.requirements(), found).map_or(unknown, RenewRefusal::Link),
        })
    }

    /// When the fresh link will expire.
    pub fn expires_at(&self) -> Timestamp {
        self.lifetime.end(self.now)
    }

    /// When somebody checks that the mail was sent.
    pub fn mail_due(&self) -> Timestamp {
        plus(self.now, MAIL_DUE)
    }
}
