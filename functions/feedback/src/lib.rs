//! What SES reports of the mails it has taken, from `EventBridge` to the table: how far each got, which addresses get no
//! more mail, and each event in its user's history.
//!
//! Events come late, twice and out of order. Every write here ends in the same, whichever comes first and however often:
//! see [`Feedback`](usher::domain::Feedback) and the store's methods.

mod report;

use std::time::Duration;

use thiserror::Error;
use usher::{
    config::{ConfigError, Environment},
    domain::{MailReport, Suppression},
    function::WarmUp,
    store::{Store, StoreError},
};

use crate::report::{BusEvent, Told};

/// How long to wait before a report is noted once more.
const PAUSES_MS: [u64; 4] = [20, 60, 180, 540];

/// What the function works with.
#[derive(Debug)]
pub struct Listener {
    store: Store,
}

/// Why an event was not taken in. It has to come again.
#[derive(Debug, Error)]
pub enum FeedbackError {
    /// It is no event of SES's. Says nothing of what came instead: it may be somebody's address.
    #[error("this is no event of SES's: only the rule on the event bus invokes the function")]
    Unreadable,
    /// The table did not answer, or refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Listener {
    /// Reads `TABLE_NAME`.
    pub fn new(env: &Environment) -> Result<Self, ConfigError> {
        env.finish(Store::from_env(env).map(|store| Self { store }))
    }
}

impl WarmUp for Listener {
    async fn warm_up(&self) -> Result<(), lambda_runtime::Error> {
        Ok(self.store.warm_up().await?)
    }
}

/// Takes in one event. Each of its writes may be repeated, so an event that fails on the way is simply sent again.
pub async fn handle(listener: &Listener, event: &str) -> Result<(), FeedbackError> {
    let event: BusEvent = serde_json::from_str(event).map_err(|_| FeedbackError::Unreadable)?;
    let Some(Told { report, email }) = event.told() else {
        tracing::debug!("an event says nothing of an invitation's mail");
        return Ok(());
    };
    let store = &listener.store;
    let Some(user) = store.mail_reported(&report).await? else {
        tracing::warn!(user_id = %report.user_id, "SES reports a mail of a user who is not there");
        // An earlier try may have got as far as the history.
        return Ok(store.scrub_report(&report).await?);
    };
    let suppressed = report.kind.suppression().map(|reason| Suppression {
        reason,
        at: report.at,
    });
    // An earlier mail may have gone to another address.
    let current = (user.delivery.attempt == Some(report.attempt)).then_some(&user.email);
    if let (Some(suppression), Some(email)) = (suppressed, email.as_ref().or(current)) {
        store.suppress(&user, email, suppression).await?;
    }
    note(store, &report).await?;
    if store.user(user.id).await?.is_none() {
        // Erased meanwhile: their history may have been gone through already.
        store.scrub_report(&report).await?;
    }
    tracing::info!(
        user_id = %report.user_id,
        attempt = report.attempt,
        status = ?report.kind.status(),
        suppressed = suppressed.is_some(),
        "SES reports of a mail"
    );
    Ok(())
}

/// Two reports that are counted in the same row at the same time are in each other's way. Lambda would bring the event again,
/// in a minute and with an alarm.
async fn note(store: &Store, report: &MailReport) -> Result<(), StoreError> {
    let mut pauses = PAUSES_MS.into_iter().map(Duration::from_millis);
    loop {
        match (store.note_report(report).await, pauses.next()) {
            (Err(StoreError::Unavailable { .. }), Some(pause)) => tokio::time::sleep(pause).await,
            (noted, _) => return noted,
        }
    }
}
