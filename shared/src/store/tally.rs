//! How much SES has sent lately, and how much of it came back: what SES judges an account by. Counted in rows of ten
//! minutes, which DynamoDB deletes by itself (TTL) when nobody asks for them any more.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::{Store, StoreError, item::read, keys, update::Update};
use crate::domain::{DeliveryStatus, MailReport};

/// How long a row counts for.
const BUCKET: SignedDuration = SignedDuration::from_mins(10);
/// How long it is kept.
const KEPT: SignedDuration = SignedDuration::from_hours(48);

/// What SES has reported in an hour, of the whole account's mail that Usher sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Tally {
    /// Mails that SES began to deliver.
    pub sent: u64,
    /// Mails that came back for good.
    pub bounced: u64,
    /// Mails that were called spam.
    pub complained: u64,
}

impl Store {
    /// What was reported in the hour before `now`, to ten minutes. One `Query`.
    pub async fn mail_tally(&self, now: Timestamp) -> Result<Tally, StoreError> {
        let hour_ago = now.saturating_sub(SignedDuration::from_hours(1));
        let (from, to) = (bucket(hour_ago.unwrap_or(now)) + 1, bucket(now));
        let output = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk AND sk BETWEEN :from AND :to")
            .expression_attribute_values(":pk", AttributeValue::S(keys::TALLY.to_owned()))
            .expression_attribute_values(":from", AttributeValue::S(keys::tally_sk(from, 0)))
            .expression_attribute_values(
                ":to",
                AttributeValue::S(keys::tally_sk(to, keys::TALLY_SHARDS)),
            )
            .send()
            .await
            .map_err(|error| StoreError::of("Query", &error))?;
        let rows = output.items.unwrap_or_default().into_iter().map(read);
        rows.sum()
    }
}

impl std::iter::Sum for Tally {
    fn sum<I: Iterator<Item = Self>>(tallies: I) -> Self {
        tallies.fold(Self::default(), |sum, row| Self {
            sent: sum.sent + row.sent,
            bounced: sum.bounced + row.bounced,
            complained: sum.complained + row.complained,
        })
    }
}

/// The row that counts this report.
pub(super) fn sk(report: &MailReport) -> String {
    keys::tally_sk(bucket(report.at), keys::tally_shard(report.user_id))
}

/// Counts the report; nothing, if it is of a kind that is not counted.
///
/// SES judges by hard bounces only: a mailbox that is full says nothing of the list of addresses.
pub(super) fn count(report: &MailReport) -> Result<Option<Update>, StoreError> {
    let counter = match report.kind.status() {
        DeliveryStatus::Sent => "sent",
        DeliveryStatus::Complained => "complained",
        DeliveryStatus::Bounced if report.kind.suppression().is_some() => "bounced",
        _ => return Ok(None),
    };
    let end = (bucket(report.at) + 1) * BUCKET.as_secs() + KEPT.as_secs();
    Update::default()
        .set(keys::DELETE_AT, end)?
        .count(counter)
        .map(Some)
}

fn bucket(at: Timestamp) -> i64 {
    at.as_second().div_euclid(BUCKET.as_secs())
}
