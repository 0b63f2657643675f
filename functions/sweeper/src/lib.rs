//! Every minute: looks after every user whose time has come. A mail that nobody has sent is announced again, one whose
//! mailer is gone becomes `unknown` and is sent again if SES does not report it, an invitation whose link is over ends.
//!
//! Each user is read, asked what is to be done ([`User::due`]), and written to only if nothing has happened since. So any
//! number of sweeps at once do everything once, and what one has no time for is found by the next.

use std::time::Duration;

use futures::{StreamExt, stream};
use jiff::SignedDuration;
use serde::Serialize;
use tokio::time::Instant;
use usher::{
    clock::Clock,
    config::{ConfigError, Environment},
    domain::{Due, User},
    function::WarmUp,
    store::{Attempt, DuePlace, Store, StoreError},
};

/// How many writes to the table are under way at a time.
const WRITES_AT_A_TIME: usize = 16;
/// How long the mailer has for a mail that is announced again, before somebody looks at it once more.
const MAIL_DUE: SignedDuration = SignedDuration::from_mins(2);
/// How long before the end of its time a sweep begins no more pages.
const RESERVE: Duration = Duration::from_secs(5);

/// What the function works with.
#[derive(Debug)]
pub struct Sweeper {
    store: Store,
    settle: SignedDuration,
    clock: Clock,
}

/// What a sweep has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Swept {
    /// Mails that were announced again.
    pub queued: u64,
    /// Mails of which nobody knows any more whether they went.
    pub unknown: u64,
    /// Invitations whose link is over.
    pub expired: u64,
    /// Users who have something to come, or nothing any more.
    pub noted: u64,
    /// Users whom somebody else was just changing: the next sweep looks at them again.
    pub left: u64,
    /// Whether there was time for everything.
    pub finished: bool,
}

impl Sweeper {
    /// Reads `TABLE_NAME` and `MAIL_SETTLE_SECONDS`.
    pub fn new(env: &Environment, clock: Clock) -> Result<Self, ConfigError> {
        let (store, settle) = (Store::from_env(env), env.mail_settle());
        env.finish(store.map(|store| Self {
            store,
            settle,
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
/// Fails if the table can't be read; what was done until then is done.
pub async fn sweep(sweeper: &Sweeper, end: Instant) -> Result<Swept, StoreError> {
    let mut swept = Swept::default();
    let mut place = Some(DuePlace::default());
    while let Some(from) = place {
        if Instant::now() + RESERVE > end {
            break;
        }
        let page = sweeper.store.due_users(from, sweeper.clock.now()).await?;
        if !page.ids.is_empty() {
            let mut users = sweeper.store.users(&page.ids).await?;
            // A user who is gone, or whose row can't be read, was logged where that was found.
            let found = page.ids.iter().filter_map(|id| users.remove(id));
            settle_all(sweeper, found.collect(), &mut swept).await;
        }
        place = page.next;
        swept.finished = place.is_none();
    }
    tracing::info!(
        queued = swept.queued,
        unknown = swept.unknown,
        expired = swept.expired,
        noted = swept.noted,
        left = swept.left,
        finished = swept.finished,
        "swept"
    );
    Ok(swept)
}

async fn settle_all(sweeper: &Sweeper, users: Vec<User>, swept: &mut Swept) {
    let mut settled = stream::iter(users)
        .map(|user| settle(sweeper, user))
        .buffer_unordered(WRITES_AT_A_TIME);
    while let Some(count) = settled.next().await {
        *count.of(swept) += 1;
    }
}

/// What became of one user.
enum Settled {
    Queued,
    Unknown,
    Expired,
    Noted,
    Left,
}

impl Settled {
    fn of(self, swept: &mut Swept) -> &mut u64 {
        match self {
            Self::Queued => &mut swept.queued,
            Self::Unknown => &mut swept.unknown,
            Self::Expired => &mut swept.expired,
            Self::Noted => &mut swept.noted,
            Self::Left => &mut swept.left,
        }
    }
}

async fn settle(sweeper: &Sweeper, user: User) -> Settled {
    let now = sweeper.clock.now();
    let later = |pause| now.saturating_add(pause).unwrap_or(now);
    let due = user.due(now);
    // The index was a moment behind: this is done already.
    if due == Due::Wait(user.due_at) {
        return Settled::Noted;
    }
    let written = sweeper
        .store
        .settle_due(&user, due, now, later(MAIL_DUE), later(sweeper.settle))
        .await;
    match (written, due) {
        (Ok(Attempt::Done(_)), Due::Queue) => Settled::Queued,
        (Ok(Attempt::Done(_)), Due::Unknown) => {
            tracing::warn!(user_id = %user.id, "a mailer stopped while it was sending a mail");
            Settled::Unknown
        }
        (Ok(Attempt::Done(_)), Due::Expire) => Settled::Expired,
        (Ok(Attempt::Done(_)), Due::Wait(_)) => Settled::Noted,
        (Ok(Attempt::Refused(_)), _) => Settled::Left,
        (Err(error), _) => {
            tracing::error!(%error, user_id = %user.id, "what is due could not be written");
            Settled::Left
        }
    }
}
