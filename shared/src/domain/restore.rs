//! An administrator takes a revocation back, and what the link is that a person may be handed: neither makes a new link.

use std::iter;

use jiff::Timestamp;

use super::{
    DeliveryStatus, Group, InvitationToken, Inviter, Requirement, StateName, TenantId, TokenKey,
    User,
    invitation::MAIL_DUE,
    operation::{daily_limit, plus, retry_at},
    requirement::first_broken,
};

/// An administrator takes a revocation back: the same link works again, until the instant it was to end at.
#[derive(Clone, Debug)]
pub struct Restore {
    /// Whose user it must be.
    pub tenant: TenantId,
    /// Which administrator.
    pub by: Inviter,
    /// Now.
    pub now: Timestamp,
    /// Whether who asks may make administrators. Who may not, can't bring back an administrator's invitation.
    pub appoints: bool,
}

/// Why a revocation is not taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestoreRefusal {
    /// No such user, or another tenant's.
    NotFound,
    /// There is none: the user is in this state.
    NotRevoked(StateName),
    /// An invitation to be an administrator, which only an administrator may bring back.
    Administrator,
    /// A mail would go that was counted never before, and the person has had theirs for the day.
    DailyLimit {
        /// When the next may go.
        retry_at: Timestamp,
    },
}

impl Restore {
    /// What must hold of the user as they were read, in the order in which a refusal is explained.
    pub fn requirements(&self, user: &User) -> Vec<Requirement> {
        let mut requirements = vec![
            Requirement::Tenant(self.tenant.clone()),
            Requirement::State(&[StateName::Revoked]),
        ];
        if !self.appoints {
            requirements.push(Requirement::NotInGroup(Group::administrators()));
        }
        if self.mails(user) && user.delivery.uncounted {
            requirements.push(daily_limit(self.now));
        }
        requirements.push(Requirement::Version(user.version));
        requirements
    }

    /// Whether the mail that the revocation had kept goes now. It may be another than was asked for before: the address may
    /// have been corrected meanwhile.
    pub fn mails(&self, user: &User) -> bool {
        user.delivery.status == DeliveryStatus::Queued
            && user.suppressed.is_none()
            && !user.has_expired(self.now)
            && !user.mail_is_reported()
    }

    /// When the person's mails were asked for, with the one that goes now: at this instant, and no more at that at which it was
    /// counted, if it was.
    pub fn mail_requests(&self, user: &User) -> Vec<i64> {
        let counted = usize::from(!user.delivery.uncounted);
        let others = user.mail_requests.iter().skip(counted).copied();
        iter::once(self.now.as_millisecond())
            .chain(others)
            .collect()
    }

    /// Why `found` can't be restored; none if it can.
    pub fn refusal(&self, found: Option<&User>) -> Option<RestoreRefusal> {
        let Some(user) = found else {
            return Some(RestoreRefusal::NotFound);
        };
        first_broken(&self.requirements(user), user).map(|broken| match broken {
            Requirement::State(_) => RestoreRefusal::NotRevoked(user.state_at(self.now)),
            Requirement::NotInGroup(_) => RestoreRefusal::Administrator,
            Requirement::MailRequestedBy { nth, .. } => RestoreRefusal::DailyLimit {
                retry_at: retry_at(user, *nth),
            },
            _ => RestoreRefusal::NotFound,
        })
    }

    /// When somebody checks that a mail was sent that the revocation had kept.
    pub fn mail_due(&self) -> Timestamp {
        plus(self.now, MAIL_DUE)
    }
}

/// An administrator asks for the current link, to hand it over by themselves.
#[derive(Clone, Debug)]
pub struct ShowLink {
    /// Whose user it must be.
    pub tenant: TenantId,
    /// Now.
    pub now: Timestamp,
    /// Whether who asks may make administrators: whoever has an administrator's link can become one.
    pub appoints: bool,
}

/// Why there is no link to hand over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoLink {
    /// No such user, or another tenant's.
    NotFound,
    /// The person has registered.
    Accepted,
    /// Withdrawn by an administrator.
    Revoked,
    /// Turned down by the person.
    Declined,
    /// An invitation to be an administrator, and who asks is none.
    Administrator,
    /// The link's time is over.
    Expired,
    /// The person asked for a fresh link, which is made when its mail goes.
    MailOnItsWay,
}

impl ShowLink {
    /// The token of the link that works now, or why there is none.
    pub fn token(&self, found: Option<&User>, key: &TokenKey) -> Result<InvitationToken, NoLink> {
        let user = found.ok_or(NoLink::NotFound)?;
        let mut requirements = vec![
            Requirement::Tenant(self.tenant.clone()),
            Requirement::State(&[StateName::Pending]),
            Requirement::NotExpired(self.now),
        ];
        if !self.appoints {
            // First, so that whoever may not have the link learns nothing about it.
            requirements.insert(1, Requirement::NotInGroup(Group::administrators()));
        }
        match first_broken(&requirements, user) {
            None => {}
            Some(Requirement::State(_)) => {
                return Err(match user.state.name() {
                    StateName::Revoked => NoLink::Revoked,
                    StateName::Declined => NoLink::Declined,
                    _ => NoLink::Accepted,
                });
            }
            Some(Requirement::NotInGroup(_)) => return Err(NoLink::Administrator),
            Some(Requirement::NotExpired(_)) => return Err(NoLink::Expired),
            Some(_) => return Err(NoLink::NotFound),
        }
        let token = key.issue(&user.tenant, user.id, user.nonce);
        if user.token_hash == Some(token.hash()) {
            Ok(token)
        } else {
            Err(NoLink::MailOnItsWay)
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::domain::{DeliveryStatus, State, due::tests::user};

    #[test]
    fn the_link_that_is_shown_is_the_one_that_works_and_none_else() {
        let key = TokenKey::from_bytes([3; 32]);
        let (pending, now) = user(DeliveryStatus::Sent, 0);
        let show = |user: &User, at: Timestamp| {
            let show = ShowLink {
                tenant: TenantId::default(),
                now: at,
                appoints: false,
            };
            show.token(Some(user), &key).map(|token| token.hash())
        };
        assert_eq!(show(&pending, now).ok(), pending.token_hash);
        assert_eq!(show(&pending, pending.expires_at), Err(NoLink::Expired));
        let changed = |change: fn(&mut User)| {
            let mut user = pending.clone();
            change(&mut user);
            show(&user, now).err()
        };
        assert_eq!(
            changed(|user| user.token_hash = None),
            Some(NoLink::MailOnItsWay)
        );
        assert_eq!(
            changed(|user| user.groups.push(Group::administrators())),
            Some(NoLink::Administrator)
        );
        assert_eq!(
            changed(|user| user.tenant = "other".parse().unwrap()),
            Some(NoLink::NotFound)
        );
        assert_eq!(
            changed(|user| user.state = State::Revoked {
                revoked_at: user.invited_at
            }),
            Some(NoLink::Revoked)
        );
    }

    #[test]
    fn only_what_is_revoked_is_restored_and_who_is_no_administrator_brings_none_back() {
        let (mut user, now) = user(DeliveryStatus::Sent, 0);
        let mut restore = Restore {
            tenant: TenantId::default(),
            by: user.invited_by.clone(),
            now,
            appoints: false,
        };
        assert_eq!(
            restore.refusal(Some(&user)),
            Some(RestoreRefusal::NotRevoked(StateName::Pending))
        );
        user.state = State::Revoked { revoked_at: now };
        assert_eq!(restore.refusal(Some(&user)), None);
        // However late it is: the link has expired then, as it would have without the revocation.
        restore.now = now
            .checked_add(SignedDuration::from_hours(24 * 30))
            .unwrap();
        assert_eq!(restore.refusal(Some(&user)), None);
        user.groups.push(Group::administrators());
        assert_eq!(
            restore.refusal(Some(&user)),
            Some(RestoreRefusal::Administrator)
        );
        restore.appoints = true;
        assert_eq!(restore.refusal(Some(&user)), None);
        assert_eq!(restore.refusal(None), Some(RestoreRefusal::NotFound));
    }
}
