//! What stands in a row of what a tenant decides: something, nothing any more, or what can't be read.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{Timestamp, fmt::serde::timestamp::millisecond as ms};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    StoreError,
    item::{Item, read, write},
};
use crate::domain::Inviter;

/// In a row that holds nothing any more but its version.
pub(super) const TAKEN_AWAY: &str = "taken_away";

/// Something that a tenant has decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided<T> {
    /// How often it was.
    pub version: u64,
    /// When it was last.
    #[serde(with = "ms::required")]
    pub changed_at: Timestamp,
    /// By whom.
    pub changed_by: Inviter,
    /// What.
    #[serde(flatten)]
    pub value: T,
}

/// What stands where a tenant may have decided something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing<T> {
    /// Nothing, and nothing ever did.
    Nothing,
    /// This.
    Decided(Decided<T>),
    /// Nothing any more. That is a version too: whoever has seen an earlier one has not seen that it is gone.
    TakenAway(Decided<()>),
    /// Something that can't be read. It can be written over, or taken away.
    Unreadable {
        /// Its version; 0 if even that can't be read.
        version: u64,
    },
}

impl<T> Standing<T> {
    /// How often it was decided, or taken away; 0 if never.
    pub fn version(&self) -> u64 {
        match self {
            Self::Nothing => 0,
            Self::Decided(decided) => decided.version,
            Self::TakenAway(gone) => gone.version,
            Self::Unreadable { version } => *version,
        }
    }

    /// When it was last, and by whom; none if never, or if that can't be read.
    pub fn changed(&self) -> Option<(Timestamp, &Inviter)> {
        match self {
            Self::Nothing | Self::Unreadable { .. } => None,
            Self::Decided(decided) => Some((decided.changed_at, &decided.changed_by)),
            Self::TakenAway(gone) => Some((gone.changed_at, &gone.changed_by)),
        }
    }

    /// What was decided, and can be read.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Decided(decided) => Some(&decided.value),
            _ => None,
        }
    }

    /// Whether something was decided, and can't be read.
    pub fn is_unreadable(&self) -> bool {
        matches!(self, Self::Unreadable { .. })
    }

    /// Whether something is decided, readable or not.
    pub fn is_decided(&self) -> bool {
        matches!(self, Self::Decided(_) | Self::Unreadable { .. })
    }
}

impl<T: DeserializeOwned> Standing<T> {
    /// What a row says.
    pub(super) fn of(item: Option<Item>) -> Self {
        let Some(item) = item else {
            return Self::Nothing;
        };
        let version = item.get("version").and_then(|version| version.as_n().ok());
        let version = version.and_then(|version| version.parse().ok());
        let read = if item.contains_key(TAKEN_AWAY) {
            read(item).map(Self::TakenAway)
        } else {
            read(item).map(Self::Decided)
        };
        read.unwrap_or_else(|error| {
            tracing::error!(%error, "what a tenant has decided can't be read");
            Self::Unreadable {
                version: version.unwrap_or(0),
            }
        })
    }
}

impl<T: Serialize> Standing<T> {
    /// What will stand there, and its row.
    pub(super) fn next(
        value: Option<T>,
        version: u64,
        (changed_by, changed_at): (Inviter, Timestamp),
    ) -> Result<(Self, Item), StoreError> {
        if let Some(value) = value {
            let decided = Decided {
                version,
                changed_at,
                changed_by,
                value,
            };
            let item = write(&decided)?;
            return Ok((Self::Decided(decided), item));
        }
        let gone = Decided {
            version,
            changed_at,
            changed_by,
            value: (),
        };
        let mut item: Item = write(&gone)?;
        item.insert(TAKEN_AWAY.to_owned(), AttributeValue::Bool(true));
        Ok((Self::TakenAway(gone), item))
    }
}
