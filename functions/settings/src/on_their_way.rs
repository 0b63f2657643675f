//! Counts one tenant's mails that are on their way.

use futures::{StreamExt, TryStreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use usher::{
    domain::{TenantId, User},
    mail::health::MailCounts,
    store::{DuePlace, Store, StoreError},
};

/// Every mail on its way has somebody to look at it within the hour: that is the longest pause the mailer and the sweeper
/// give it.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_hours(1);
/// How many pages of 100 users are read of each of the index's eight shards: 2,400 users at the most, of all tenants. It is
/// for an operator to see that mail waits, and for how long; thousands that wait need no exact number.
const PAGES_A_SHARD: u32 = 3;
/// How many shards are read at a time. Each needs a connection of its own, and to open one takes longer than to ask.
const SHARDS_AT_A_TIME: usize = 2;

/// Reads who is due within the hour, the longest due first, and counts those of the tenant.
pub(crate) async fn count(
    store: &Store,
    tenant: &TenantId,
    now: Timestamp,
) -> Result<MailCounts, StoreError> {
    let until = now.saturating_add(LONGEST_PAUSE).unwrap_or(now);
    let shards: Vec<_> = stream::iter(DuePlace::each_shard())
        .map(|shard| read(store, shard, until))
        .buffer_unordered(SHARDS_AT_A_TIME)
        .try_collect()
        .await?;
    let all = shards.iter().all(|(_, all)| *all);
    let users = shards.iter().flat_map(|(users, _)| users);
    let theirs = users.filter(|user| user.tenant == *tenant);
    Ok(MailCounts::of(theirs, all, now))
}

/// The users of a shard, and whether these are all.
async fn read(
    store: &Store,
    shard: DuePlace,
    until: Timestamp,
) -> Result<(Vec<User>, bool), StoreError> {
    let mut users = Vec::new();
    let mut place = Some(shard);
    for _ in 0..PAGES_A_SHARD {
        let Some(from) = place else { break };
        let page = store.due_users(from, until).await?;
        if !page.ids.is_empty() {
            users.extend(store.users(&page.ids).await?.into_values());
        }
        place = page.next;
    }
    Ok((users, place.is_none()))
}
