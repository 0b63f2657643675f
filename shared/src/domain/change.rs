//! Changing what is known of a user, their address among it: what it requires, what it answers when that does not hold, and
//! what becomes of the user.

use jiff::Timestamp;

use super::{
    Delivery, DeliveryStatus, EmailAddress, ExternalId, Group, InvitationToken, Inviter, Lifetime,
    Locale, LocaleSource, MailKind, MailTries, Metadata, Nonce, PersonName, Requirement, State,
    StateName, TenantId, User,
    invitation::MAIL_DUE,
    operation::{daily_limit, plus, retry_at},
    requirement::first_broken,
};

/// The states in which somebody has not registered, and so has no account that would have to change with them.
pub(super) const NOT_REGISTERED: &[StateName] =
    &[StateName::Pending, StateName::Revoked, StateName::Declined];

/// An administrator corrects what is known of a user. What is none stays as it is.
#[derive(Clone, Debug)]
pub struct ChangeUser {
    /// Whose user it must be.
    pub tenant: TenantId,
    /// Which administrator.
    pub by: Inviter,
    /// Now.
    pub now: Timestamp,
    /// Whether who asks may make administrators.
    pub appoints: bool,
    /// Another address.
    pub email: Option<NewAddress>,
    /// Another name, or none.
    pub name: Option<Option<PersonName>>,
    /// Another language.
    pub locale: Option<(Locale, LocaleSource)>,
    /// Other groups.
    pub groups: Option<Vec<Group>>,
    /// Another id in the product, or none.
    pub external_id: Option<Option<ExternalId>>,
    /// Other things that the product keeps, or none.
    pub metadata: Option<Option<Metadata>>,
}

/// Another address, and the link that is mailed there: the one that went to the old address must not let anybody in.
#[derive(Clone, Debug)]
pub struct NewAddress {
    /// The address.
    pub email: EmailAddress,
    /// How long the new link is valid.
    pub lifetime: Lifetime,
    /// What the new token is derived from.
    pub nonce: Nonce,
    /// The new token.
    pub token: InvitationToken,
}

/// Why a user is not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeRefusal {
    /// No such user, or another tenant's.
    NotFound,
    /// It concerns who is an administrator, which only an administrator may decide.
    Administrator,
    /// The person has registered, so their address is their account's too.
    Registered,
    /// The person has registered, so whether they are an administrator is their sign-in's business.
    GroupsInSignIn,
    /// The person has had their mails for the day.
    DailyLimit {
        /// When the next may go.
        retry_at: Timestamp,
    },
}

impl ChangeUser {
    /// What must hold of the user as they were read, in the order in which a refusal is explained.
    pub fn requirements(&self, user: &User) -> Vec<Requirement> {
        let mut requirements = vec![Requirement::Tenant(self.tenant.clone())];
        let administrators = Group::administrators();
        if !self.appoints {
            requirements.extend(match self.membership() {
                Some(true) => Some(Requirement::InGroup(administrators.clone())),
                Some(false) => Some(Requirement::NotInGroup(administrators.clone())),
                None => None,
            });
            if self.respells(user) {
                requirements.push(Requirement::NotInGroup(administrators));
            }
        }
        if self.respells(user) || self.appoints_or_dismisses(user) {
            requirements.push(Requirement::State(NOT_REGISTERED));
        }
        if self.moves(user).is_some() && user.state == State::Pending {
            requirements.push(daily_limit(self.now));
        }
        requirements.push(Requirement::Version(user.version));
        requirements
    }

    /// Why `found` can't be changed so; none if they can.
    pub fn refusal(&self, found: Option<&User>) -> Option<ChangeRefusal> {
        let Some(user) = found else {
            return Some(ChangeRefusal::NotFound);
        };
        first_broken(&self.requirements(user), user).map(|broken| match broken {
            Requirement::InGroup(_) | Requirement::NotInGroup(_) => ChangeRefusal::Administrator,
            Requirement::State(_) if self.respells(user) => ChangeRefusal::Registered,
            Requirement::State(_) => ChangeRefusal::GroupsInSignIn,
            Requirement::MailRequestedBy { nth, .. } => ChangeRefusal::DailyLimit {
                retry_at: retry_at(user, *nth),
            },
            _ => ChangeRefusal::NotFound,
        })
    }

    /// The new address, if it is another mailbox's than the user's.
    pub fn moves(&self, user: &User) -> Option<&NewAddress> {
        let other = |new: &&NewAddress| new.email.key() != user.email.key();
        self.email.as_ref().filter(other)
    }

    /// Whether it asks for nothing.
    pub fn is_empty(&self) -> bool {
        self.email.is_none()
            && self.name.is_none()
            && self.locale.is_none()
            && self.groups.is_none()
            && self.external_id.is_none()
            && self.metadata.is_none()
    }

    /// Whether anything of this is not so already.
    pub fn changes(&self, user: &User) -> bool {
        let User {
            email,
            name,
            locale,
            locale_source,
            groups,
            external_id,
            metadata,
            ..
        } = self.known(user);
        (
            email,
            name,
            locale,
            locale_source,
            groups,
            external_id,
            metadata,
        ) != (
            user.email.clone(),
            user.name.clone(),
            user.locale.clone(),
            user.locale_source,
            user.groups.clone(),
            user.external_id.clone(),
            user.metadata.clone(),
        )
    }

    /// Whether an account that a broken-off accept has made is not to be any more: it lets in whoever has the old address, or
    /// it is in the administrators' group and its user not, or the other way round.
    pub fn outdates_account(&self, user: &User) -> bool {
        self.moves(user).is_some() || self.appoints_or_dismisses(user)
    }

    /// Whether an earlier try of this may have got no further than the table, and left an account that is not to be. Only
    /// who has registered keeps theirs, and of whom nobody has changed anything there was no such try.
    pub fn may_have_left_account(&self, user: &User) -> bool {
        user.changed_by.is_some()
            && NOT_REGISTERED.contains(&user.state.name())
            && (self.email.is_some() || self.groups.is_some())
    }

    /// The user after it.
    #[must_use]
    pub fn applied(&self, user: &User) -> User {
        let changed = User {
            version: user.version + 1,
            updated_at: self.now,
            changed_by: Some(self.by.clone()),
            ..self.known(user)
        };
        match self.moves(user) {
            Some(new) => self.moved(changed, new),
            None => changed,
        }
    }

    /// The user with everything that is asked for, and nothing that follows from it.
    fn known(&self, user: &User) -> User {
        let (locale, source) = self.locale.clone().unzip();
        let email = self.email.as_ref().map(|new| new.email.clone());
        User {
            email: email.unwrap_or_else(|| user.email.clone()),
            name: self.name.clone().unwrap_or_else(|| user.name.clone()),
            locale: locale.unwrap_or_else(|| user.locale.clone()),
            locale_source: source.unwrap_or(user.locale_source),
            groups: self.groups.clone().unwrap_or_else(|| user.groups.clone()),
            external_id: self
                .external_id
                .clone()
                .unwrap_or_else(|| user.external_id.clone()),
            metadata: self
                .metadata
                .clone()
                .unwrap_or_else(|| user.metadata.clone()),
            ..user.clone()
        }
    }

    /// Nothing that was said of the old address, of its link or of its mails is true of the new one. Whoever does not wait
    /// for an invitation gets no mail; should the invitation be taken up again, it is still to be sent.
    fn moved(&self, user: User, new: &NewAddress) -> User {
        let waits = user.state == State::Pending;
        let status = match user.delivery.status {
            DeliveryStatus::NotRequested if !waits => DeliveryStatus::NotRequested,
            _ => DeliveryStatus::Queued,
        };
        let mut mail_requests = user.mail_requests.clone();
        if waits {
            mail_requests.insert(0, self.now.as_millisecond());
        }
        User {
            expires_at: new.lifetime.end(self.now),
            nonce: new.nonce,
            token_hash: Some(new.token.hash()),
            renewed_hash: None,
            mail_requests,
            delivery: Delivery {
                uncounted: !waits && status == DeliveryStatus::Queued,
                ..Delivery::new(status, self.now)
            },
            feedback: None,
            suppressed: None,
            suppression_lifted_at: None,
            reminders: 0,
            outbox: waits.then_some(MailKind::Invitation),
            mail_tries: MailTries::default(),
            claim: None,
            due_at: waits.then(|| plus(self.now, MAIL_DUE)),
            ..user
        }
    }

    /// Whether the address, or only how it is written, changes.
    fn respells(&self, user: &User) -> bool {
        let other = |new: &NewAddress| new.email != user.email;
        self.email.as_ref().is_some_and(other)
    }

    /// Whether they are to be an administrator, if the groups are to change.
    fn membership(&self) -> Option<bool> {
        let groups = self.groups.as_ref()?;
        Some(groups.iter().any(Group::is_administrators))
    }

    fn appoints_or_dismisses(&self, user: &User) -> bool {
        let is = user.groups.iter().any(Group::is_administrators);
        self.membership().is_some_and(|to_be| to_be != is)
    }
}
