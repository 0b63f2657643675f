//! Every key of the table, and nothing else. `#` separates the parts; no part can hold one.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{Timestamp, tz::TimeZone};
use sha2::{Digest, Sha256};

use super::item::Item;
use crate::domain::{EmailKey, HistoryEvent, Locale, StateName, TenantId, UserId};

pub(super) const USER_SK: &str = "USER";
pub(super) const ADDRESS_SK: &str = "ADDRESS";
pub(super) const SETTINGS_SK: &str = "SETTINGS";
/// What the `sk` of every template of a tenant begins with.
pub(super) const TEMPLATE: &str = "TEMPLATE#";
/// What is kept of a user who was erased stands where they were, under this `sk`.
pub(super) const ERASED_SK: &str = "ERASED";
/// What the `sk` of every event in a user's history begins with.
pub(super) const EVENT: &str = "EVENT#";
/// The `pk` of the rows that count what SES reports.
pub(super) const TALLY: &str = "TALLY";
/// Both keys of the one row in which mailers take turns.
pub(super) const PACE: &str = "PACE";

/// Lists, newest first. Holds whole items.
pub(super) const BY_STATE: &str = "by_state";
pub(super) const BY_STATE_PK: &str = "by_state_pk";
pub(super) const BY_STATE_SK: &str = "by_state_sk";
/// What [`BY_STATE_PK`] becomes when the user is accepted. Whoever accepts holds a link, which does not name the tenant; so the
/// row does, and an accept need not read it first.
pub(super) const ACCEPTED_PK: &str = "accepted_pk";
/// Search by the beginning of an address. Holds whole items.
pub(super) const BY_EMAIL: &str = "by_email";
pub(super) const BY_EMAIL_PK: &str = "by_email_pk";
pub(super) const BY_EMAIL_SK: &str = "by_email_sk";
/// What somebody has to look at, and when. Sparse; holds keys only.
pub(super) const BY_DUE: &str = "by_due";
pub(super) const BY_DUE_PK: &str = "by_due_pk";
pub(super) const DUE_AT: &str = "due_at";

/// When DynamoDB may delete a row by itself, in seconds since 1970. Only rows that are worth nothing by then have it.
pub(super) const DELETE_AT: &str = "delete_at";

/// Over how many partitions what is due is spread: each takes 1,000 writes a second.
pub(super) const DUE_SHARDS: u8 = 8;
/// Over how many rows what is reported is counted.
pub(super) const TALLY_SHARDS: u8 = 32;

pub(super) fn user_pk(id: UserId) -> String {
    format!("USER#{id}")
}

pub(super) fn address_pk(tenant: &TenantId, email: &EmailKey) -> String {
    format!("ADDRESS#{tenant}#{}", email.as_str())
}

/// Where a user is.
pub(super) fn user_key(id: UserId) -> Item {
    key(user_pk(id), USER_SK)
}

/// Where it is kept that a user was erased.
pub(super) fn erased_key(id: UserId) -> Item {
    key(user_pk(id), ERASED_SK)
}

/// Where an address is.
pub(super) fn address_key(tenant: &TenantId, email: &EmailKey) -> Item {
    key(address_pk(tenant, email), ADDRESS_SK)
}

/// Where what a tenant has decided is.
pub(super) fn tenant_pk(tenant: &TenantId) -> String {
    format!("TENANT#{tenant}")
}

/// Where a tenant's settings are.
pub(super) fn settings_key(tenant: &TenantId) -> Item {
    key(tenant_pk(tenant), SETTINGS_SK)
}

/// Whether a row of a tenant's is its settings.
pub(super) fn is_settings(item: &Item) -> bool {
    let sk = item.get("sk").and_then(|sk| sk.as_s().ok());
    sk.is_some_and(|sk| sk == SETTINGS_SK)
}

/// Whether a row of a tenant's is a template.
pub(super) fn is_template(item: &Item) -> bool {
    let sk = item.get("sk").and_then(|sk| sk.as_s().ok());
    sk.is_some_and(|sk| sk.starts_with(TEMPLATE))
}

/// The language of a tenant's own template.
pub(super) fn template_locale(item: &Item) -> Option<Locale> {
    let sk = item.get("sk").and_then(|sk| sk.as_s().ok());
    sk?.strip_prefix(TEMPLATE)?.parse().ok()
}

/// Where a tenant's own template of a language is.
pub(super) fn template_key(tenant: &TenantId, locale: &Locale) -> Item {
    key(tenant_pk(tenant), format!("{TEMPLATE}{locale}"))
}

/// Where it is counted how many a tenant invites on the day of this instant.
pub(super) fn day_key(tenant: &TenantId, at: Timestamp) -> Item {
    let day = at.to_zoned(TimeZone::UTC).date();
    key(tenant_pk(tenant), format!("DAY#{day}"))
}

/// Both keys as DynamoDB takes them.
pub(super) fn key(pk: impl Into<String>, sk: impl Into<String>) -> Item {
    [("pk", pk.into()), ("sk", sk.into())]
        .map(|(name, value)| (name.to_owned(), AttributeValue::S(value)))
        .into()
}

/// Where in a user's history an event is: by time, and the same however often it is derived.
pub(super) fn event_sk(event: &HistoryEvent) -> String {
    let HistoryEvent {
        kind,
        at,
        number,
        message_id,
        reason,
        ..
    } = event;
    // Tells two reports of a kind and an instant apart.
    let rest = Sha256::digest(format!("{message_id:?}{reason:?}"));
    let rest = u32::from_be_bytes([rest[0], rest[1], rest[2], rest[3]]);
    format!("{EVENT}{at:.3}#{number:010}#{}#{rest:08x}", kind.as_str())
}

/// Which of the rows that count a `bucket` of time. Two writes to one at the same time are in each other's way, so there
/// are [`TALLY_SHARDS`].
pub(super) fn tally_sk(bucket: i64, shard: u8) -> String {
    format!("{bucket:010}#{shard:03}")
}

/// Which of them counts what is reported of this user.
pub(super) fn tally_shard(id: UserId) -> u8 {
    id.to_bytes()[15] % TALLY_SHARDS
}

/// `partition` is a stored state, or `expired` for what the sweeper has moved there.
pub(super) fn by_state_pk(tenant: &TenantId, partition: &str) -> String {
    format!("{tenant}#{partition}")
}

/// Whether a list of users is that of the expired.
pub(super) fn is_expired(by_state_pk: &str) -> bool {
    let partition = by_state_pk.rsplit('#').next();
    partition == Some(StateName::Expired.as_str())
}

/// The instant in one width, so that text sorts as time does.
pub(super) fn by_state_sk(invited_at: Timestamp, id: UserId) -> String {
    format!("{invited_at:.3}#{id}")
}

/// Whose row this is the `pk` of.
pub(super) fn user_id(pk: &str) -> Option<UserId> {
    pk.strip_prefix("USER#")?.parse().ok()
}

pub(super) fn by_due_pk(id: UserId) -> String {
    due_shard_pk(id.to_bytes()[15] % DUE_SHARDS)
}

pub(super) fn due_shard_pk(shard: u8) -> String {
    format!("DUE#{shard}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_in_a_list_sort_by_time_even_without_milliseconds() {
        let sk = |at: &str| by_state_sk(at.parse().unwrap(), UserId::from_bytes([0; 16]));
        assert!(sk("2026-01-01T00:00:00Z") < sk("2026-01-01T00:00:00.001Z"));
        assert!(sk("2026-01-01T00:00:00.999Z") < sk("2026-01-01T00:00:01Z"));
    }
}
