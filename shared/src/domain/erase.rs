//! Erasing a user: who may be, and the one thing that is kept, from which nobody can tell who they were.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{Timestamp, fmt::serde::timestamp::millisecond as ms};
use serde::{Deserialize, Serialize};

use super::{
    EmailKey, Group, Inviter, Requirement, TenantId, TokenKey, User, UserId,
    change::NOT_REGISTERED, requirement::first_broken,
};

/// What the key is derived for. No token is made from text that begins like this: a token's begins with its version.
const PURPOSE: &[u8] = b"usher erased address 1";

/// An administrator erases a user and everything that is known of them.
#[derive(Clone, Debug)]
pub struct Erase {
    /// Whose user it must be.
    pub tenant: TenantId,
    /// Which administrator.
    pub by: Inviter,
    /// Which user the administrator is, if that is known.
    pub oneself: Option<UserId>,
    /// Now.
    pub now: Timestamp,
    /// Whether who asks may make administrators, and so unmake them.
    pub appoints: bool,
}

/// Why a user is not erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EraseRefusal {
    /// No such user, or another tenant's.
    NotFound,
    /// It is who asks.
    Oneself,
    /// An administrator, whom only an administrator may erase.
    Administrator,
    /// Somebody who has registered, whom only an administrator may erase: whether they are one is the sign-in's to know.
    Registered,
}

impl Erase {
    /// What must hold of the user as they were read, in the order in which a refusal is explained.
    pub fn requirements(&self, user: &User) -> Vec<Requirement> {
        let mut requirements = vec![Requirement::Tenant(self.tenant.clone())];
        if !self.appoints {
            requirements.push(Requirement::NotInGroup(Group::administrators()));
            requirements.push(Requirement::State(NOT_REGISTERED));
        }
        requirements.push(Requirement::Version(user.version));
        requirements
    }

    /// Why `found` can't be erased; none if they can.
    pub fn refusal(&self, found: Option<&User>) -> Option<EraseRefusal> {
        let Some(user) = found else {
            return Some(EraseRefusal::NotFound);
        };
        if self.oneself == Some(user.id) {
            return Some(EraseRefusal::Oneself);
        }
        first_broken(&self.requirements(user), user).map(|broken| match broken {
            Requirement::NotInGroup(_) => EraseRefusal::Administrator,
            Requirement::State(_) => EraseRefusal::Registered,
            _ => EraseRefusal::NotFound,
        })
    }

    /// What is kept of this user.
    pub fn remains(&self, user: &User, key: &TokenKey) -> Erased {
        Erased {
            tenant: user.tenant.clone(),
            at: self.now,
            by: self.by.clone(),
            address_hash: key.address_hash(&user.tenant, &user.email.key()),
        }
    }
}

/// What is kept of somebody who was erased: that they were, when and by whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erased {
    /// Whose user it was.
    pub tenant: TenantId,
    /// When.
    #[serde(with = "ms::required")]
    pub at: Timestamp,
    /// Which administrator.
    pub by: Inviter,
    /// Of the address, with the key.
    pub address_hash: AddressHash,
}

/// What whoever has the key can compare with an address, and whoever does not can't undo: without the key, all addresses
/// that anybody can think of would be tried in a moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressHash(String);

impl AddressHash {
    /// In base64url.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TokenKey {
    /// HMAC-SHA-256 of the address, made with a key that is derived from this one and used for nothing else.
    pub fn address_hash(&self, tenant: &TenantId, email: &EmailKey) -> AddressHash {
        let key = Self::from_bytes(self.hmac(&[PURPOSE]));
        // No tenant's name can hold the separator.
        let hash = key.hmac(&[tenant.as_str().as_bytes(), b"#", email.as_str().as_bytes()]);
        AddressHash(URL_SAFE_NO_PAD.encode(hash))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::EmailAddress;

    fn hash(key: u8, tenant: &str, email: &str) -> AddressHash {
        let email = EmailAddress::parse(email).unwrap();
        TokenKey::from_bytes([key; 32]).address_hash(&tenant.parse().unwrap(), &email.key())
    }

    #[test]
    fn the_hash_of_an_address_is_what_the_readme_says_and_tells_key_tenant_and_address_apart() {
        let ann = hash(7, "acme", "Ann@example.com");
        assert_eq!(ann, hash(7, "acme", "ann@EXAMPLE.com"));
        for other in [
            hash(8, "acme", "ann@example.com"),
            hash(7, "other", "ann@example.com"),
            hash(7, "acme", "bo@example.com"),
        ] {
            assert_ne!(ann, other);
        }
        // Computed with Python's hmac module.
        assert_eq!(ann.as_str(), "4bSBRI_UfESNBCmtt7dz6CkmU_BfGTlDu3VLgqo5pyU");
    }
}
