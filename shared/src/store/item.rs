//! Rows and what they mean: the one place where items are written and read.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{Timestamp, fmt::serde::timestamp::millisecond as ms};
use serde::{Deserialize, Serialize};

use super::{StoreError, keys};
use crate::domain::{Erased, StateName, Suppression, User, UserId};

pub(super) type Item = HashMap<String, AttributeValue>;

/// A user with the keys of the table and its indexes.
#[derive(Serialize)]
pub(super) struct UserRow<'a> {
    pk: String,
    sk: &'static str,
    by_state_pk: String,
    by_state_sk: String,
    accepted_pk: String,
    by_email_pk: &'a str,
    by_email_sk: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    by_due_pk: Option<String>,
    #[serde(flatten)]
    user: &'a User,
}

impl<'a> UserRow<'a> {
    pub(super) fn of(user: &'a User) -> Self {
        Self {
            pk: keys::user_pk(user.id),
            sk: keys::USER_SK,
            by_state_pk: keys::by_state_pk(&user.tenant, user.state.name().as_str()),
            by_state_sk: keys::by_state_sk(user.invited_at, user.id),
            accepted_pk: keys::by_state_pk(&user.tenant, StateName::Accepted.as_str()),
            by_email_pk: user.tenant.as_str(),
            by_email_sk: user.email.key().as_str().to_owned(),
            by_due_pk: user.due_at.map(|_| keys::by_due_pk(user.id)),
            user,
        }
    }
}

/// Who an address belongs to: what makes it unique in its tenant. It outlives its user if it is suppressed.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct AddressRow {
    pub(super) pk: String,
    pub(super) sk: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) user_id: Option<UserId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) suppressed: Option<Suppression>,
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "ms::optional"
    )]
    pub(super) suppression_lifted_at: Option<Timestamp>,
}

impl AddressRow {
    pub(super) fn of(user: &User) -> Self {
        Self {
            pk: keys::address_pk(&user.tenant, &user.email.key()),
            sk: keys::ADDRESS_SK.to_owned(),
            user_id: Some(user.id),
            suppressed: None,
            suppression_lifted_at: None,
        }
    }
}

/// What is kept of a user who was erased.
#[derive(Serialize, Deserialize)]
pub(super) struct ErasedRow {
    pk: String,
    sk: String,
    #[serde(flatten)]
    pub(super) erased: Erased,
}

impl ErasedRow {
    pub(super) fn of(id: UserId, erased: Erased) -> Self {
        Self {
            pk: keys::user_pk(id),
            sk: keys::ERASED_SK.to_owned(),
            erased,
        }
    }
}

pub(super) fn write<T: Serialize>(row: &T) -> Result<Item, StoreError> {
    serde_dynamo::to_item(row).map_err(StoreError::unwritable)
}

/// Reads a row. One that can't be read is named by its keys, never by its content.
pub(super) fn read<'de, T: Deserialize<'de>>(item: Item) -> Result<T, StoreError> {
    let row = row_name(&item);
    serde_dynamo::from_item(item).map_err(|error| StoreError::CorruptRow {
        row,
        reason: without_content(&error.to_string()),
    })
}

/// The reason less what it quotes: that came out of the row.
fn without_content(reason: &str) -> String {
    let outside = |quote| {
        move |text: String| -> String {
            text.split(quote)
                .enumerate()
                .map(|(n, part)| if n % 2 == 0 { part } else { ".." })
                .collect()
        }
    };
    outside('`')(outside('"')(reason.to_owned()))
}

/// The row's keys. An address key holds an address, so of such a row only its kind is named.
fn row_name(item: &Item) -> String {
    let text = |name: &str| {
        item.get(name)
            .and_then(|value| value.as_s().ok())
            .map_or("?", String::as_str)
    };
    match text("pk") {
        pk if pk.starts_with("ADDRESS#") => "ADDRESS#..".to_owned(),
        pk => format!("{pk} / {}", text("sk")),
    }
}

/// Whose row it was that is gone, and their last version. None if the row was no user's. All else of it may be unreadable: it
/// is gone.
pub fn user_that_ended(image: serde_dynamo::Item) -> Option<(UserId, u64)> {
    #[derive(Deserialize)]
    struct Last {
        pk: String,
        version: u64,
    }
    let last: Last = read(image.into()).ok()?;
    Some((keys::user_id(&last.pk)?, last.version))
}

/// Reads the user out of a stream record's image.
pub fn user_from_image(image: serde_dynamo::Item) -> Result<User, StoreError> {
    read(image.into())
}
