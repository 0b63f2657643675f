//! The table's stream to SES: every user with a mail in the outbox gets it.
//!
//! A mail is claimed, sent and recorded. The claim is a conditional write on the very version that the stream record
//! shows, so a record that comes twice, late or out of order sends nothing twice. What SES does not take now is put off,
//! and the sweeper announces it again; only a record that can't be read or claimed is given back as a batch item failure,
//! and the stream brings it again. Everything else of the batch is done.

mod pace;
mod record;

use std::{collections::HashMap, time::Duration};

use aws_lambda_events::{
    event::dynamodb::{Event, EventRecord},
    streams::DynamoDbEventResponse,
};
use futures::{StreamExt, stream};
use jiff::SignedDuration;
use tokio::time::Instant;
use usher::{
    aws,
    clock::Clock,
    config::Environment,
    domain::{IN_TURN, InvitationToken, Reminders, Requirement, TenantId, TokenKey, User},
    mail::{Batch, MailDefaults, Mailer, Outcome, Stationery},
    store::{Attempt, Store, StoreError},
};

use crate::pace::{Pace, Turn};
use crate::record::{Announced, Claimed, claim, read};

/// How many writes to the table are under way at a time.
const WRITES_AT_A_TIME: usize = 16;
/// Pauses before SES is asked again for what it did not take, within one run.
const PAUSES: [Duration; 2] = [Duration::from_millis(500), Duration::from_millis(1500)];
/// When a mail that SES takes for nobody of the account is due again.
const PARKED: SignedDuration = SignedDuration::from_hours(1);
/// When a mail that SES has put off is due again: at first, doubled each time, and at most.
const FIRST_PAUSE: SignedDuration = SignedDuration::from_mins(1);
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_hours(1);
/// How often SES may refuse a mail in a way that nobody here knows: then trying again is not believed in any more.
const UNKNOWN_REFUSALS: u32 = 10;
/// For how long a claim keeps others away: longer than the function may run (its timeout is 120 seconds).
const LEASE: SignedDuration = SignedDuration::from_secs(150);

/// What the function works with.
#[derive(Debug)]
pub struct Mailing {
    store: Store,
    mailer: Mailer,
    defaults: MailDefaults,
    pace: Pace,
    key: TokenKey,
    lease: SignedDuration,
    settle: SignedDuration,
    reminders: Reminders,
    clock: Clock,
}

/// A mail that is claimed, and the user's version in the stream record that announced it.
struct Held {
    record: u64,
    mail: (User, InvitationToken),
}

impl Mailing {
    /// Reads `TABLE_NAME`, `TOKEN_KEY`, `MAIL_FROM`, `MAIL_IDENTITY`, `MAIL_CONFIGURATION_SET`, `PUBLIC_URL`,
    /// `PRODUCT_NAME`, `DEFAULT_LOCALE` and `MAIL_LEASE_SECONDS`,
    /// `MAIL_SETTLE_SECONDS`, `MAIL_RATE` and `REMINDER_DAYS`; asks SES for the account's rate and whether the sender
    /// is verified, and the table for a sign of life.
    pub async fn start(env: &Environment, clock: Clock) -> Result<Self, lambda_runtime::Error> {
        let (store, ses, key) = (Store::from_env(env), aws::ses(env), env.token_key());
        let defaults = MailDefaults::from_env(env);
        let (lease, settle) = (env.seconds("MAIL_LEASE_SECONDS"), env.mail_settle());
        let (lease, reminders) = (lease.unwrap_or(LEASE), env.reminders());
        let rate = env.optional("MAIL_RATE", |text| {
            let rate: Option<f64> = text.trim().parse().ok();
            rate.filter(|rate| (0.1..=100_000.0).contains(rate))
                .ok_or("write a number of mails a second from 0.1 to 100000")
        });
        let parts = (|| Some((store?, ses?, key?, defaults?)))();
        let (store, ses, key, defaults) = env.finish(parts)?;
        store.warm_up().await?;
        let mailer = Mailer::new(ses, &defaults.from);
        let allowed = mailer.check().await?;
        let pace = Pace::new(rate.unwrap_or(allowed), &clock);
        Ok(Self {
            store,
            mailer,
            defaults,
            pace,
            key,
            lease,
            settle,
            reminders,
            clock,
        })
    }
}

/// Sends what the records announce; answers with the sequence numbers of those that have to come again.
///
/// Begins no call to SES that could not be recorded before `end`; mail that has no time left is put off.
pub async fn handle(mailing: &Mailing, event: Event, end: Instant) -> DynamoDbEventResponse {
    let mut failed = Vec::new();
    let mut held = Vec::new();
    let mut claims = stream::iter(event.records)
        .map(|record| take(mailing, record))
        .buffered(WRITES_AT_A_TIME);
    while let Some((sequence, claimed)) = claims.next().await {
        match claimed {
            Claimed::Ours { record, mail } => held.push(Held {
                record,
                mail: *mail,
            }),
            Claimed::Nothing => {}
            Claimed::Later => failed.push(sequence),
        }
    }
    drop(claims);
    let (tenants, held) = tenants(mailing, held, end).await;
    send(mailing, &tenants, held, end).await;
    usher::table_stream::again(failed)
}

async fn take(mailing: &Mailing, record: EventRecord) -> (String, Claimed) {
    let sequence = record.change.sequence_number.clone().unwrap_or_default();
    let claimed = match read(&record) {
        Announced::Mail(user) => claim(mailing, *user).await,
        Announced::Nothing => Claimed::Nothing,
        Announced::Unreadable(error) => {
            tracing::error!(%error, sequence, "a stream record can't be read");
            Claimed::Later
        }
    };
    (sequence, claimed)
}

/// What holds for a tenant's mails.
struct Tenants {
    stationery: HashMap<TenantId, Stationery>,
    reminders: HashMap<TenantId, Reminders>,
}

/// Reads what each tenant has decided, once a run. Mails of a tenant of whom it can't be read are put off: they would go out
/// in another's name.
async fn tenants(mailing: &Mailing, held: Vec<Held>, end: Instant) -> (Tenants, Vec<Held>) {
    let mut all = Tenants {
        stationery: HashMap::new(),
        reminders: HashMap::new(),
    };
    let mut troubles: HashMap<TenantId, Outcome> = HashMap::new();
    for held in &held {
        let tenant = &held.mail.0.tenant;
        if all.stationery.contains_key(tenant) || troubles.contains_key(tenant) {
            continue;
        }
        match mailing.store.decisions(tenant).await {
            Ok(found) => {
                let settings = found.settings.map(|found| found.value).unwrap_or_default();
                let own = found.templates.into_iter().map(|template| template.value);
                let own = own.map(|template| (template.locale, template.source));
                let reminders = settings.reminders(&mailing.reminders).clone();
                let stationery = mailing.defaults.stationery(&settings, own);
                all.stationery.insert(tenant.clone(), stationery);
                all.reminders.insert(tenant.clone(), reminders);
            }
            Err(error) => {
                tracing::error!(%error, "what a tenant has decided can't be read");
                let outcome = match error {
                    StoreError::Unavailable { .. } => Outcome::Wait(FIRST_PAUSE),
                    StoreError::CorruptRow { .. } => Outcome::Parked(UNREADABLE),
                    StoreError::Rejected { .. } | StoreError::Unwritable(_) => {
                        Outcome::Parked(REFUSED)
                    }
                };
                troubles.insert(tenant.clone(), outcome);
            }
        }
    }
    let (mut good, mut put_off) = (Vec::new(), Vec::new());
    for held in held {
        match troubles.get(&held.mail.0.tenant) {
            None => good.push(held),
            Some(outcome) => put_off.push((held, outcome.clone())),
        }
    }
    record(mailing, &all, put_off, end).await;
    (all, good)
}

const UNREADABLE: &str = "What was decided in the settings can't be read. The mail waits and is tried again every hour; save the settings once more.";

const REFUSED: &str = "DynamoDB does not let the mailer read what was decided in the settings. The mail waits and is tried again every hour; the operator finds DynamoDB's words in the mailer's log.";

/// Sends, asks again for what SES did not take, and records what became of each right after its call.
async fn send(mailing: &Mailing, tenants: &Tenants, held: Vec<Held>, end: Instant) {
    let mut open = held;
    let mut pauses = PAUSES.into_iter();
    while !open.is_empty() {
        let pause = pauses.next();
        let mails: Vec<_> = open.iter().map(|held| held.mail.clone()).collect();
        let mut waiting: Vec<_> = open.into_iter().map(Some).collect();
        let mut rest = Vec::new();
        for batch in Batch::of(&mails, &tenants.stationery) {
            let mut done = Vec::new();
            for (position, outcome) in send_in_turn(mailing, tenants, &batch, &waiting, end).await {
                let Some(held) = waiting.get_mut(position).and_then(Option::take) else {
                    continue;
                };
                match outcome {
                    Outcome::Retry { .. } if pause.is_some() => rest.push(held),
                    outcome => done.push((held, outcome)),
                }
            }
            record(mailing, tenants, done, end).await;
        }
        open = rest;
        if let (Some(pause), false) = (pause, open.is_empty()) {
            tokio::time::sleep(pause).await;
        }
    }
}

/// Sends when it is this batch's turn.
async fn send_in_turn(
    mailing: &Mailing,
    tenants: &Tenants,
    batch: &Batch<'_>,
    held: &[Option<Held>],
    end: Instant,
) -> Vec<(usize, Outcome)> {
    let all: Vec<usize> = batch.positions().collect();
    let turn = mailing.pace.turn(&mailing.store, all.len(), end).await;
    let wait = match turn {
        Ok(Turn::Now { waited: false }) => return mailing.mailer.send(batch).await,
        Ok(Turn::Now { waited: true }) => {
            return send_what_stands(mailing, tenants, &all, held).await;
        }
        Ok(Turn::Later(pause)) => {
            tracing::info!(mails = all.len(), "mails wait for their turn at SES");
            Outcome::Wait(pause)
        }
        Err(error) => {
            tracing::error!(%error, "no turn could be taken for a call to SES");
            Outcome::Wait(FIRST_PAUSE)
        }
    };
    all.into_iter()
        .map(|position| (position, wait.clone()))
        .collect()
}

/// Sends those mails at these positions whose claim still stands: while they waited, their invitation may have ended, or
/// have been sent again with another link.
async fn send_what_stands(
    mailing: &Mailing,
    tenants: &Tenants,
    positions: &[usize],
    held: &[Option<Held>],
) -> Vec<(usize, Outcome)> {
    let standing = stream::iter(positions.to_vec())
        .map(|position| async move {
            let held = held.get(position)?.as_ref()?;
            stands(mailing, held).await.then_some(position)
        })
        .buffered(WRITES_AT_A_TIME);
    let standing: Vec<usize> = standing.filter_map(std::future::ready).collect().await;
    let mails: Vec<_> = standing
        .iter()
        .filter_map(|position| Some(held.get(*position)?.as_ref()?.mail.clone()))
        .collect();
    let unwanted = positions
        .iter()
        .filter(|position| !standing.contains(position));
    let mut outcomes: Vec<_> = unwanted
        .map(|position| (*position, Outcome::Unwanted))
        .collect();
    // They were of one batch, so they are at most one again.
    for batch in Batch::of(&mails, &tenants.stationery) {
        for (nth, outcome) in mailing.mailer.send(&batch).await {
            outcomes.extend(standing.get(nth).map(|position| (*position, outcome)));
        }
    }
    outcomes
}

async fn stands(mailing: &Mailing, held: &Held) -> bool {
    let id = held.mail.0.id;
    match mailing.store.user(id).await {
        Ok(found) => found.is_some_and(|user| {
            user.mail_is_wanted()
                && Requirement::MailClaimed {
                    record: held.record,
                }
                .holds(&user)
        }),
        // It has waited its turn; most likely it is wanted.
        Err(error) => {
            tracing::warn!(%error, user_id = %id, "whether a mail is still wanted could not be asked");
            true
        }
    }
}

async fn record(mailing: &Mailing, tenants: &Tenants, done: Vec<(Held, Outcome)>, end: Instant) {
    stream::iter(done)
        .for_each_concurrent(WRITES_AT_A_TIME, |(held, outcome)| {
            record_outcome(mailing, tenants, held, outcome, end)
        })
        .await;
}

/// Writes down what became of a mail, again and again while the table is busy: a mail that went and is not known to have
/// gone is sent twice.
async fn record_outcome(
    mailing: &Mailing,
    tenants: &Tenants,
    held: Held,
    outcome: Outcome,
    end: Instant,
) {
    let id = held.mail.0.id;
    match &outcome {
        Outcome::Failed(reason) => tracing::error!(user_id = %id, reason, "a mail can't be sent"),
        Outcome::Parked(reason) => tracing::error!(user_id = %id, reason, "a mail is parked"),
        Outcome::Unknown => {
            tracing::warn!(user_id = %id, "SES's answer was lost: a mail may have gone or not");
        }
        Outcome::Retry { reason, .. } => {
            tracing::warn!(user_id = %id, reason, "a mail was not sent and will be tried again");
        }
        Outcome::Sent { .. } | Outcome::Wait(_) | Outcome::Unwanted => {}
    }
    loop {
        match write_outcome(mailing, tenants, &held, &outcome).await {
            Ok(Attempt::Done(_)) => return,
            // Sent again while this mail was on its way: that is the newer truth.
            Ok(Attempt::Refused(_)) => {
                tracing::warn!(user_id = %id, "a mail's outcome came too late to be recorded");
                return;
            }
            Err(StoreError::Unavailable { .. }) if Instant::now() + LONGEST_WRITE < end => {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            // The sweeper finds it when its claim runs out.
            Err(error) => {
                tracing::error!(%error, user_id = %id, "what became of a mail could not be recorded");
                return;
            }
        }
    }
}

/// As long as the table's client tries, and a little more.
const LONGEST_WRITE: Duration = Duration::from_secs(12);

async fn write_outcome(
    mailing: &Mailing,
    tenants: &Tenants,
    held: &Held,
    outcome: &Outcome,
) -> Result<Attempt, StoreError> {
    let (store, now) = (&mailing.store, mailing.clock.now());
    let (user, record) = (&held.mail.0, held.record);
    let tries = user.mail_tries;
    let later = |pause| now.saturating_add(pause).unwrap_or(now);
    let (pause, tries, reason) = match outcome {
        Outcome::Sent { message_id } => {
            let reminders = tenants.reminders.get(&user.tenant);
            let reminders = reminders.unwrap_or(&mailing.reminders);
            let due = user.sent(now).next_due(reminders);
            return store.mail_sent(user, record, now, message_id, due).await;
        }
        Outcome::Failed(reason) => return store.mail_failed(user, record, now, reason).await,
        Outcome::Parked(reason) => {
            let until = later(PARKED);
            return store.mail_parked(user, record, now, until, reason).await;
        }
        Outcome::Unknown => {
            let settled_by = later(mailing.settle);
            return store.mail_unknown(user, record, now, settled_by).await;
        }
        Outcome::Retry { known: false, .. } if tries.doubted().doubtful >= UNKNOWN_REFUSALS => {
            return store.mail_failed(user, record, now, GIVEN_UP).await;
        }
        // Somebody may want it again before this is written: then it has its turn soon. If not, the sweeper puts it aside.
        Outcome::Unwanted => (FIRST_PAUSE, tries, IN_TURN),
        Outcome::Wait(pause) => (*pause, tries, IN_TURN),
        Outcome::Retry { known: true, .. } => (pause_after(tries.all), tries.put_off(), BUSY),
        Outcome::Retry { known: false, .. } => (pause_after(tries.all), tries.doubted(), BUSY),
    };
    let until = later(pause);
    store
        .mail_deferred(user, record, now, until, tries, reason)
        .await
}

const BUSY: &str = "The mail service is busy; the mail is tried again.";
const GIVEN_UP: &str = "SES did not take the mail in ten tries, for a reason that Usher does not know. The operator finds SES's words in the mailer's log; once that is mended, send the invitation again.";

/// How long to wait after this many tries that did not go through before.
fn pause_after(tries: u32) -> SignedDuration {
    let doubled = FIRST_PAUSE.checked_mul(1_i32.checked_shl(tries).unwrap_or(i32::MAX).max(1));
    doubled.map_or(LONGEST_PAUSE, |pause| pause.min(LONGEST_PAUSE))
}
