//! The table's stream to SES: every user with a mail in the outbox gets it.
//!
//! A mail is claimed, sent and recorded. The claim is a conditional write on the very version that the stream record
//! shows, so a record that comes twice, late or out of order sends nothing twice. What SES does not take now is put off,
//! and the sweeper announces it again; only a record that can't be read or claimed is given back as a batch item failure,
//! and the stream brings it again. Everything else of the batch is done.

mod outcome;
mod pace;
mod record;
mod tenants;
mod turn;

use std::time::Duration;

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
    domain::{InvitationToken, Reminders, TokenKey, User},
    mail::{Batch, MailDefaults, Mailer, Outcome},
    store::Store,
};

use crate::{
    outcome::record,
    pace::Pace,
    record::{Announced, Claimed, claim, read},
    tenants::{Tenants, tenants},
    turn::send_in_turn,
};

/// How many writes to the table are under way at a time.
const WRITES_AT_A_TIME: usize = 16;
/// Pauses before SES is asked again for what it did not take, within one run.
const PAUSES: [Duration; 2] = [Duration::from_millis(500), Duration::from_millis(1500)];
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
