//! Every minute: looks after every user whose time has come. A mail that nobody has sent is announced again, one whose
//! mailer is gone becomes `unknown` and is sent again later with the same link, an invitation whose link is over ends.
//!
//! Each user is read, asked what is to be done ([`User::due`]), and written to only if nothing has happened since. So any
//! number of sweeps at once do everything once, and what one has no time for is found by the next.

use std::{collections::HashMap, time::Duration};

use futures::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use tokio::time::Instant;
use usher::{
    clock::Clock,
    config::{ConfigError, Environment},
    domain::{Due, MAIL_DUE, Reminders, TenantId, User},
    function::WarmUp,
    store::{Attempt, DuePlace, Store, StoreError},
    tenant,
};

/// How many writes to the table are under way at a time.
const WRITES_AT_A_TIME: usize = 16;
/// How long the mailer has at most for a mail that is announced again, before somebody looks at it once more.
const LONGEST_MAIL_DUE: SignedDuration = SignedDuration::from_hours(1);
/// How long before the end of its time a sweep begins no more pages.
const RESERVE: Duration = Duration::from_secs(5);

/// What the function works with.
#[derive(Debug)]
pub struct Sweeper {
    store: Store,
    settle: SignedDuration,
    reminders: Reminders,
    clock: Clock,
}

/// What a sweep has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Swept {
    /// Mails that were announced again.
    pub queued: u64,
    /// Mails of which nobody knows any more whether they went.
    pub unknown: u64,
    /// Mails that are not sent again although nobody knows whether they went.
    pub given_up: u64,
    /// Mails whose fate was unknown, until SES reported it.
    pub settled: u64,
    /// People who are reminded.
    pub reminded: u64,
    /// Invitations whose link is over.
    pub expired: u64,
    /// Users who have something to come, or nothing any more.
    pub noted: u64,
    /// Users whom somebody else was just changing: the next sweep looks at them again.
    pub left: u64,
    /// Whether there was time for everything.
    pub finished: bool,
    /// For how many seconds the mail that has waited longest has been asked for.
    pub oldest_seconds: i64,
}

impl Sweeper {
    /// Reads `TABLE_NAME`, `MAIL_SETTLE_SECONDS` and `REMINDER_DAYS`.
    pub fn new(env: &Environment, clock: Clock) -> Result<Self, ConfigError> {
        let (store, settle) = (Store::from_env(env), env.mail_settle());
        let reminders = env.reminders();
        env.finish(store.map(|store| Self {
            store,
            settle,
            reminders,
            clock,
        }))
    }
}

impl WarmUp for Sweeper {
    async fn warm_up(&self) -> Result<(), lambda_runtime::Error> {
        Ok(self.store.warm_up().await?)
    }
}

/// Sweeps everything that is due, page by page, and begins no page shortly before `end`.
///
/// Fails if some of the table can't be read; everything else is swept all the same.
pub async fn sweep(sweeper: &Sweeper, end: Instant) -> Result<Swept, StoreError> {
    let mut swept = Swept::default();
    let mut failure = None;
    let mut reminders = HashMap::new();
    let minute = sweeper.clock.now().as_second().unsigned_abs() / 60;
    let mut place = Some(DuePlace::first(minute));
    while let Some(from) = place {
        if Instant::now() + RESERVE > end {
            break;
        }
        let next_shard = from.next_shard();
        place = match sweep_page(sweeper, from, &mut reminders, &mut swept).await {
            Ok(next) => next,
            Err(error) => {
                failure = Some(error);
                next_shard
            }
        };
        swept.finished = place.is_none();
    }
    tracing::info!(
        queued = swept.queued,
        unknown = swept.unknown,
        given_up = swept.given_up,
        settled = swept.settled,
        reminded = swept.reminded,
        expired = swept.expired,
        noted = swept.noted,
        left = swept.left,
        finished = swept.finished,
        oldest_seconds = swept.oldest_seconds,
        "swept"
    );
    failure.map_or(Ok(swept), Err)
}

async fn sweep_page(
    sweeper: &Sweeper,
    from: DuePlace,
    reminders: &mut HashMap<TenantId, Option<Reminders>>,
    swept: &mut Swept,
) -> Result<Option<DuePlace>, StoreError> {
    let page = sweeper.store.due_users(from, sweeper.clock.now()).await?;
    if !page.ids.is_empty() {
        let mut users = sweeper.store.users(&page.ids).await?;
        // A user who is gone, or whose row can't be read, was logged where that was found.
        let found: Vec<User> = page.ids.iter().filter_map(|id| users.remove(id)).collect();
        for user in &found {
            if !reminders.contains_key(&user.tenant) {
                let theirs = theirs(sweeper, &user.tenant).await;
                reminders.insert(user.tenant.clone(), theirs);
            }
        }
        settle_all(sweeper, reminders, found, swept).await;
    }
    Ok(page.next)
}

/// A tenant's reminders; none if they can't be read. Then its users are left to the next sweep, and everybody else is settled.
async fn theirs(sweeper: &Sweeper, tenant: &TenantId) -> Option<Reminders> {
    match tenant::settings(&sweeper.store, tenant).await {
        Ok(settings) => Some(settings.reminders(&sweeper.reminders).clone()),
        Err(error) => {
            tracing::error!(%error, "a tenant's settings can't be read");
            None
        }
    }
}

async fn settle_all(
    sweeper: &Sweeper,
    reminders: &HashMap<TenantId, Option<Reminders>>,
    users: Vec<User>,
    swept: &mut Swept,
) {
    let mut settled = stream::iter(users)
        .map(|user| {
            let theirs = reminders.get(&user.tenant).and_then(Option::as_ref);
            async move {
                match theirs {
                    Some(theirs) => settle(sweeper, theirs, user).await,
                    None => (Settled::Left, 0),
                }
            }
        })
        .buffer_unordered(WRITES_AT_A_TIME);
    while let Some((settled, waiting)) = settled.next().await {
        *settled.of(swept) += 1;
        swept.oldest_seconds = swept.oldest_seconds.max(waiting);
    }
}

/// What became of one user.
enum Settled {
    Queued,
    Unknown,
    GivenUp,
    ByReport,
    Reminded,
    Expired,
    Noted,
    Left,
}

impl Settled {
    fn of(self, swept: &mut Swept) -> &mut u64 {
        match self {
            Self::Queued => &mut swept.queued,
            Self::Unknown => &mut swept.unknown,
            Self::GivenUp => &mut swept.given_up,
            Self::ByReport => &mut swept.settled,
            Self::Reminded => &mut swept.reminded,
            Self::Expired => &mut swept.expired,
            Self::Noted => &mut swept.noted,
            Self::Left => &mut swept.left,
        }
    }
}

/// Does what is due, and answers for how many seconds the mail has been waiting, if it is one that waits.
async fn settle(sweeper: &Sweeper, reminders: &Reminders, user: User) -> (Settled, i64) {
    let now = sweeper.clock.now();
    let due = user.due(now, reminders);
    let waiting = match (due, user.mail_request(0)) {
        (Due::Queue, Some(asked)) => now.duration_since(asked).as_secs(),
        _ => 0,
    };
    (write(sweeper, reminders, &user, due, now).await, waiting)
}

async fn write(
    sweeper: &Sweeper,
    reminders: &Reminders,
    user: &User,
    due: Due,
    now: Timestamp,
) -> Settled {
    // The index was a moment behind: this is done already.
    if due == Due::Wait(user.due_at) {
        return Settled::Noted;
    }
    let later = |pause| now.saturating_add(pause).unwrap_or(now);
    // The longer it has waited, the more likely it only stands in a long row: announcing it again would only make every
    // record of it that is still on its way a stale one.
    let waited = now.duration_since(user.delivery.at);
    let mail_due = match due {
        Due::Remind(_) => later(MAIL_DUE),
        _ => later(waited.clamp(MAIL_DUE, LONGEST_MAIL_DUE)),
    };
    let settled_by = later(sweeper.settle);
    let written = sweeper
        .store
        .settle_due(user, due, now, mail_due, settled_by, reminders)
        .await;
    match (written, due) {
        (Ok(Attempt::Done(_)), Due::Queue) => Settled::Queued,
        (Ok(Attempt::Done(_)), Due::Unknown) => {
            tracing::warn!(user_id = %user.id, "a mailer stopped while it was sending a mail");
            Settled::Unknown
        }
        (Ok(Attempt::Done(_)), Due::GiveUp) => {
            tracing::error!(user_id = %user.id, "a mail can't be sent");
            Settled::GivenUp
        }
        (Ok(Attempt::Done(_)), Due::Settle) => Settled::ByReport,
        (Ok(Attempt::Done(_)), Due::Remind(_)) => Settled::Reminded,
        (Ok(Attempt::Done(_)), Due::Expire) => Settled::Expired,
        (Ok(Attempt::Done(_)), Due::Wait(_)) => Settled::Noted,
        (Ok(Attempt::Refused(_)), _) => Settled::Left,
        (Err(error), _) => {
            tracing::error!(%error, user_id = %user.id, "what is due could not be written");
            Settled::Left
        }
    }
}
