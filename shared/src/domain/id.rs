//! Who a row belongs to: users and tenants.

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use ulid::Ulid;

/// A user's id, written `usr_` and 26 characters. It is given at the first invitation and never changes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UserId(Ulid);

/// Why a text is no id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum IdError {
    /// Not `usr_` and a ULID in capitals.
    #[error("a user id is usr_ followed by 26 capital letters and digits")]
    User,
    /// Not 1 to 64 letters, digits, `-`, `_` or `.`.
    #[error("a tenant is named by 1 to 64 letters, digits, hyphens, underscores or dots")]
    Tenant,
}

impl UserId {
    const PREFIX: &str = "usr_";

    /// A new id that sorts by `now`; of `random`, 80 bits are used.
    pub fn new(now: Timestamp, random: [u8; 16]) -> Self {
        let milliseconds = u64::try_from(now.as_millisecond()).unwrap_or(0);
        Self(Ulid::from_parts(milliseconds, u128::from_be_bytes(random)))
    }

    /// The id, however its letters were written: for systems that do not keep their case.
    pub fn parse_in_any_case(text: &str) -> Result<Self, IdError> {
        let (prefix, rest) = text
            .split_at_checked(Self::PREFIX.len())
            .ok_or(IdError::User)?;
        format!("{}{}", prefix.to_lowercase(), rest.to_uppercase()).parse()
    }

    /// The 16 bytes that stand in a token.
    pub fn to_bytes(self) -> [u8; 16] {
        self.0.to_bytes()
    }

    /// The id whose [bytes](Self::to_bytes) these are.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Ulid::from_bytes(bytes))
    }
}

impl FromStr for UserId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let encoded = text.strip_prefix(Self::PREFIX).ok_or(IdError::User)?;
        let id = Self(Ulid::from_string(encoded).map_err(|_| IdError::User)?);
        // The encoding tolerates small letters and overflow; an id has exactly one spelling.
        if id.to_string() == text {
            Ok(id)
        } else {
            Err(IdError::User)
        }
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", Self::PREFIX, self.0)
    }
}

impl fmt::Debug for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TryFrom<String> for UserId {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<UserId> for String {
    fn from(id: UserId) -> Self {
        id.to_string()
    }
}

/// One customer of the installation. Users of different tenants never see each other.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TenantId(String);

impl TenantId {
    /// The name as it stands in keys.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for TenantId {
    /// The tenant of an installation that serves only one.
    fn default() -> Self {
        Self("default".to_owned())
    }
}

impl FromStr for TenantId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        // `#` separates the parts of a key, so it can't be in one.
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if (1..=64).contains(&text.len()) && text.chars().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(IdError::Tenant)
        }
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for TenantId {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<TenantId> for String {
    fn from(tenant: TenantId) -> Self {
        tenant.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_id_has_one_spelling() {
        let id = UserId::new("2026-01-01T00:00:00Z".parse().unwrap(), [7; 16]).to_string();
        assert_eq!(id.parse::<UserId>().unwrap().to_string(), id);
        assert!(id.to_lowercase().parse::<UserId>().is_err());
        assert!("usr_".parse::<UserId>().is_err());
        assert!("usr_8ZZZZZZZZZZZZZZZZZZZZZZZZZ".parse::<UserId>().is_err());
        assert!(id[4..].parse::<UserId>().is_err());
    }

    #[test]
    fn a_tenant_can_not_hold_the_separator_of_keys() {
        assert!("acme".parse::<TenantId>().is_ok());
        for bad in ["", "a#b", "a b", &"a".repeat(65)] {
            assert_eq!(bad.parse::<TenantId>(), Err(IdError::Tenant));
        }
    }

    proptest! {
        #[test]
        fn ids_survive_their_bytes_and_sort_by_time(a in 0_i64..4_000_000_000_000, b in 0_i64..4_000_000_000_000, r: [u8; 16]) {
            let id = |ms| UserId::new(Timestamp::from_millisecond(ms).unwrap(), r);
            prop_assert_eq!(UserId::from_bytes(id(a).to_bytes()), id(a));
            prop_assert_eq!(id(a).to_string().cmp(&id(b).to_string()), a.cmp(&b));
        }
    }
}
