//! The table's stream to SES: every user with a mail in the outbox gets it.
//!
//! A mail is claimed, sent and recorded. The claim is a conditional write on the very version that the stream record
//! shows, so a record that comes twice, late or out of order sends nothing twice. What can't be done now is given
//! back as a batch item failure, and the stream brings it again; everything else of the batch is done.

mod record;

use std::time::Duration;

use aws_lambda_events::{
    event::dynamodb::{Event, EventRecord},
    streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse},
};
use futures::{StreamExt, stream};
use jiff::SignedDuration;
use thiserror::Error;
use usher::{
    aws,
    clock::Clock,
    config::Environment,
    domain::{InvitationToken, TokenKey, User},
    mail::{MailFrom, Mailer, Outcome, Sender},
    store::{Attempt, Store},
};

use crate::record::{Announced, Claimed, claim, read};

/// How many writes to the table are under way at a time.
const WRITES_AT_A_TIME: usize = 16;
/// Pauses before SES is asked again for what it did not take, within one run.
const PAUSES: [Duration; 2] = [Duration::from_millis(500), Duration::from_millis(1500)];
/// When a mail that SES takes for nobody of the account is due again.
const PARKED: SignedDuration = SignedDuration::from_hours(1);
/// For how long a claim keeps others away: longer than the function may run (its timeout is 120 seconds).
const LEASE_SECONDS: i64 = 150;

/// What the function works with.
#[derive(Debug)]
pub struct Mailing {
    store: Store,
    mailer: Mailer,
    key: TokenKey,
    lease: SignedDuration,
    clock: Clock,
}

/// A mail that is claimed, and the stream record that announced it.
struct Held {
    sequence: String,
    record: u64,
    mail: (User, InvitationToken),
}

impl Mailing {
    /// Reads `TABLE_NAME`, `TOKEN_KEY`, `MAIL_FROM`, `MAIL_IDENTITY`, `MAIL_CONFIGURATION_SET`, `PUBLIC_URL`,
    /// `PRODUCT_NAME`, `DEFAULT_LOCALE` and `MAIL_LEASE_SECONDS`; asks SES for the account's rate and whether the sender
    /// is verified, and the table for a sign of life.
    pub async fn start(env: &Environment, clock: Clock) -> Result<Self, lambda_runtime::Error> {
        let (store, ses, key) = (Store::from_env(env), aws::ses(env), env.token_key());
        let from = MailFrom::from_env(env);
        let lease = env.optional("MAIL_LEASE_SECONDS", |text| {
            let seconds = text.parse().ok();
            let allowed = seconds.filter(|seconds| (1..=3600).contains(seconds));
            allowed.ok_or("write a whole number of seconds from 1 to 3600")
        });
        let lease = lease.unwrap_or(LEASE_SECONDS);
        let (sender, locale) = (Sender::from_env(env), env.default_locale());
        let parts = (|| Some((store?, ses?, key?, from?, sender?)))();
        let (store, ses, key, from, sender) = env.finish(parts)?;
        store.warm_up().await?;
        let mailer = Mailer::connect(ses, from, sender, locale).await?;
        Ok(Self {
            store,
            mailer,
            key,
            lease: SignedDuration::from_secs(lease),
            clock,
        })
    }
}

/// Whoever invoked the function is no DynamoDB stream. Says nothing of what came instead: it may be somebody's address.
#[derive(Debug, Error)]
#[error("this is no event of a DynamoDB stream: only the event source mapping invokes the mailer")]
pub struct UnreadableEvent;

/// The records of an event, as Lambda hands it over.
pub fn read_event(event: &str) -> Result<Event, UnreadableEvent> {
    serde_json::from_str(event).map_err(|_| UnreadableEvent)
}

/// Sends what the records announce; answers with the sequence numbers of those that have to come again.
pub async fn handle(mailing: &Mailing, event: Event) -> DynamoDbEventResponse {
    let mut again = Vec::new();
    let mut held = Vec::new();
    let mut claims = stream::iter(event.records)
        .map(|record| take(mailing, record))
        .buffered(WRITES_AT_A_TIME);
    while let Some((sequence, claimed)) = claims.next().await {
        match claimed {
            Claimed::Ours { record, mail } => held.push(Held {
                sequence,
                record,
                mail: *mail,
            }),
            Claimed::Nothing => {}
            Claimed::Later => again.push(sequence),
        }
    }
    drop(claims);
    again.extend(send(mailing, held).await);
    answer(again)
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

/// Sends, asks again for what SES did not take, and records what became of each right after its call. Answers what has
/// to come again.
async fn send(mailing: &Mailing, held: Vec<Held>) -> Vec<String> {
    let mut again = Vec::new();
    let mut open = held;
    let mut pauses = PAUSES.into_iter();
    while !open.is_empty() {
        let pause = pauses.next();
        let mails: Vec<_> = open.iter().map(|held| held.mail.clone()).collect();
        let mut waiting: Vec<_> = open.into_iter().map(Some).collect();
        let mut rest = Vec::new();
        for batch in mailing.mailer.batches(&mails) {
            let mut done = Vec::new();
            for (position, outcome) in mailing.mailer.send(&batch).await {
                let Some(held) = waiting.get_mut(position).and_then(Option::take) else {
                    continue;
                };
                match outcome {
                    Outcome::Retry(_) if pause.is_some() => rest.push(held),
                    outcome => done.push((held, outcome)),
                }
            }
            again.extend(record(mailing, done).await);
        }
        open = rest;
        if let (Some(pause), false) = (pause, open.is_empty()) {
            tokio::time::sleep(pause).await;
        }
    }
    again
}

async fn record(mailing: &Mailing, done: Vec<(Held, Outcome)>) -> Vec<String> {
    let recorded: Vec<Option<String>> = stream::iter(done)
        .map(|(held, outcome)| record_outcome(mailing, held, outcome))
        .buffer_unordered(WRITES_AT_A_TIME)
        .collect()
        .await;
    recorded.into_iter().flatten().collect()
}

async fn record_outcome(mailing: &Mailing, held: Held, outcome: Outcome) -> Option<String> {
    let store = &mailing.store;
    let (id, record, now) = (held.mail.0.id, held.record, mailing.clock.now());
    let (written, again) = match outcome {
        Outcome::Sent => (store.mail_sent(id, record, now).await, false),
        Outcome::Failed(reason) => {
            tracing::error!(user_id = %id, reason, "a mail can't be sent");
            (store.mail_failed(id, record, now, reason).await, false)
        }
        Outcome::Parked(reason) => {
            tracing::error!(user_id = %id, reason, "a mail is parked");
            let until = now.saturating_add(PARKED).unwrap_or(now);
            (
                store.mail_deferred(id, record, now, until, reason).await,
                false,
            )
        }
        Outcome::Retry(reason) => {
            tracing::warn!(user_id = %id, reason, "a mail was not sent and will be tried again");
            let reason = "The mail service is busy; the mail is tried again.";
            (
                store.mail_deferred(id, record, now, now, reason).await,
                true,
            )
        }
    };
    match written {
        Ok(Attempt::Done(_)) => {}
        // Sent again, or revoked, while this mail was on its way: that is the newer truth.
        Ok(Attempt::Refused(_)) => {
            tracing::warn!(user_id = %id, "a mail's outcome came too late to be recorded");
        }
        // A mail that went out but could not be recorded must not be sent again at once. Its lease shows that it is open.
        Err(error) => {
            tracing::error!(%error, user_id = %id, "what became of a mail could not be recorded");
        }
    }
    again.then_some(held.sequence)
}

fn answer(again: Vec<String>) -> DynamoDbEventResponse {
    let mut response = DynamoDbEventResponse::default();
    response.batch_item_failures = again
        .into_iter()
        .map(|sequence| {
            let mut failure = DynamoDbBatchItemFailure::default();
            failure.item_identifier = Some(sequence);
            failure
        })
        .collect();
    response
}
