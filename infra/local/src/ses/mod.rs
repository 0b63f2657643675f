//! SES on this machine: an endpoint the real AWS SDK talks to, which delivers to the [mailbox](crate::mailbox).
//!
//! It answers as SES does where that is surprising: a mail whose template lacks a variable is accepted and then
//! never sent, a call may overspend the rate and the next one pays, one bad entry of a bulk call fails alone.
//! Signatures are not checked. Only `SendEmail`, `SendBulkEmail`, `DeleteSuppressedDestination` and the questions in
//! account.rs exist, and no stored templates.

mod account;
mod address;
mod error;
mod event;
mod fault;
mod letter;
mod limits;
mod outbox;
pub mod render;
mod send;
mod wire;

#[cfg(test)]
mod tests;

use std::{
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, State},
    http::{HeaderName, HeaderValue, header::CONTENT_LENGTH},
    response::{IntoResponse, Response},
    routing::{delete, post},
};
use futures::stream;
use serde::{Serialize, de::DeserializeOwned};
use tokio::{sync::watch, time::Instant};
use usher::clock::{Clock, Entropy};

pub use error::SesError;
pub use event::{BounceKind, Event, EventKind};
pub use fault::Fault;

use crate::mailbox::Mailbox;
use address::Address;
use fault::{CallFault, Faults};
use limits::Limits;

/// SES takes mails of 40 MB, and requests with an inline template of 1 MB.
const MAX_BODY: usize = 40 * 1024 * 1024;
const MAX_TEMPLATED_BODY: usize = 1024 * 1024;

/// The identity that mail on this machine is sent through. An address, because a domain would be verified with all its
/// addresses, and the sandbox would mail them.
pub const SENDER: &str = "invitations@example.com";
/// The configuration set that mail on this machine is sent with.
pub const CONFIGURATION_SET: &str = "usher";

/// How the account behaves. By default it sends anything, as fast as it is asked to.
#[derive(Clone, Debug, Default)]
pub struct SesOptions {
    /// Only verified recipients and the simulator's, 200 a day, 1 a second: what every new account starts with.
    pub sandbox: bool,
    /// The addresses and domains that the sandbox accepts, besides the sender.
    pub verified: Vec<String>,
    /// Whether somebody has paused the account's sending.
    pub paused: bool,
    /// What SES thinks of the account, as it writes it; `HEALTHY` if not said.
    pub enforcement_status: Option<&'static str>,
    /// How many recipients a day. Without it there is no limit, or the sandbox's. As it was when the account was new.
    pub daily: Option<u64>,
    /// The sender's DKIM status, as SES writes it; `SUCCESS` if not said.
    pub dkim: Option<&'static str>,
    /// What has become of the configuration set.
    pub configuration_set: ConfigurationSetState,
    /// Whether the sender is still to be verified.
    pub sender_unverified: bool,
    /// Recipients a second. Without it there is no limit, or the sandbox's.
    pub rate: Option<f64>,
    /// What goes wrong before anything else, in this order.
    pub faults: Vec<Fault>,
}

/// What an account has of the configuration set that mail is sent with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConfigurationSetState {
    /// It reports to `EventBridge`.
    #[default]
    Reporting,
    /// It would, but that is switched off.
    Silenced,
    /// It reports to nobody.
    Silent,
    /// There is none.
    Absent,
}

/// The SES of this process.
pub struct Ses {
    options: Mutex<SesOptions>,
    mailbox: Arc<Mailbox>,
    clock: Clock,
    entropy: Entropy,
    limits: Limits,
    faults: Faults,
    refused: AtomicU64,
    events: Mutex<Vec<Event>>,
    published: watch::Sender<usize>,
}

impl Ses {
    /// An account that has sent nothing yet.
    pub fn new(
        options: SesOptions,
        mailbox: Arc<Mailbox>,
        clock: Clock,
        entropy: Entropy,
    ) -> Arc<Self> {
        Arc::new(Self {
            limits: Limits::new(&options, Instant::now()),
            faults: Faults::first(options.faults.clone()),
            refused: AtomicU64::new(0),
            options: Mutex::new(options),
            mailbox,
            clock,
            entropy,
            events: Mutex::default(),
            published: watch::Sender::new(0),
        })
    }

    /// SES's REST API, to be served at the root of the endpoint URL that SDK clients get.
    pub fn router(self: &Arc<Self>) -> Router {
        Router::new()
            .route(
                "/v2/email/suppression/addresses/{address}",
                delete(delete_suppressed_destination),
            )
            .route("/v2/email/outbound-emails", post(send_email))
            .route("/v2/email/outbound-bulk-emails", post(send_bulk_email))
            .merge(account::router())
            .layer(DefaultBodyLimit::max(MAX_BODY))
            .with_state(Arc::clone(self))
    }

    /// Makes the next call or entry that `fault` fits go wrong. Faults of a kind are used in the order given.
    pub fn fail_next(&self, fault: Fault) {
        self.faults.push(fault);
    }

    /// Changes the account: what is read once, when it is new, stays as it was.
    pub fn change(&self, change: impl FnOnce(&mut SesOptions)) {
        change(&mut self.options());
    }

    fn options(&self) -> MutexGuard<'_, SesOptions> {
        self.options.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many calls were refused since the process started, for whatever reason.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// What happened since the process started, oldest first.
    pub fn events(&self) -> Vec<Event> {
        self.events
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// What happened since the first `known` of these.
    pub fn events_from(&self, known: usize) -> Vec<Event> {
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        events.get(known..).unwrap_or_default().to_vec()
    }

    /// How many events there are, for whoever waits for the next.
    pub fn published(&self) -> watch::Receiver<usize> {
        self.published.subscribe()
    }

    fn record(&self, new: Vec<Event>) {
        if self.options().configuration_set != ConfigurationSetState::Reporting {
            return;
        }
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        events.extend(new);
        self.published.send_replace(events.len());
    }

    fn may_mail(&self, to: &Address) -> bool {
        let options = self.options();
        !options.sandbox
            || to.is_simulator()
            || account::identities(&options).any(|(name, verified)| verified && to.belongs_to(name))
    }

    /// Does what was asked for, unless a test wants it to fail. Logs name the outcome and never a recipient.
    fn answer<T: Serialize>(
        &self,
        operation: &str,
        act: impl FnOnce() -> Result<T, SesError>,
    ) -> Response {
        let (outcome, answer_arrives) = match self.faults.for_call(operation) {
            None => (act(), true),
            Some(CallFault::DropAnswer) => (act(), false),
            Some(CallFault::Refuse(error)) => (Err(error), true),
        };
        let code = outcome.as_ref().err().map_or("ok", SesError::code);
        tracing::debug!(operation, code, "SES answered");
        let mut response = match outcome {
            Ok(answer) if answer_arrives => Json(answer).into_response(),
            Ok(_) => broken_answer(),
            Err(error) => {
                self.refused.fetch_add(1, Ordering::Relaxed);
                error.into_response()
            }
        };
        if let Ok(id) = HeaderValue::try_from(outbox::uuid(&self.entropy)) {
            response
                .headers_mut()
                .insert(HeaderName::from_static("x-amzn-requestid"), id);
        }
        response
    }
}

async fn send_email(State(ses): State<Arc<Ses>>, body: Bytes) -> Response {
    ses.answer("SendEmail", || {
        let request: wire::SendEmailRequest = parse(&body)?;
        if request.content.template.is_some() {
            check_templated_size(&body)?;
        }
        send::send_email(&ses, request)
    })
}

async fn send_bulk_email(State(ses): State<Arc<Ses>>, body: Bytes) -> Response {
    ses.answer("SendBulkEmail", || {
        check_templated_size(&body)?;
        send::send_bulk_email(&ses, &parse(&body)?)
    })
}

/// Only simulator addresses are suppressed here, and those always are.
async fn delete_suppressed_destination(State(ses): State<Arc<Ses>>) -> Response {
    ses.answer("DeleteSuppressedDestination", || {
        let message = "The address is not on the suppression list for your account.".to_owned();
        Err::<(), _>(SesError::NotFound(message))
    })
}

fn parse<T: DeserializeOwned>(body: &Bytes) -> Result<T, SesError> {
    serde_json::from_slice(body)
        .map_err(|error| SesError::BadRequest(format!("The body can't be read: {error}.")))
}

fn check_templated_size(body: &Bytes) -> Result<(), SesError> {
    if body.len() <= MAX_TEMPLATED_BODY {
        return Ok(());
    }
    let message = format!(
        "A request with a template has at most 1 MB, this one {} bytes.",
        body.len()
    );
    Err(SesError::BadRequest(message))
}

/// Promises a body and breaks the connection instead: the caller can't know whether its mails were sent.
fn broken_answer() -> Response {
    let broken =
        stream::once(async { Err::<Bytes, _>(io::Error::from(io::ErrorKind::ConnectionReset)) });
    ([(CONTENT_LENGTH, "100")], Body::from_stream(broken)).into_response()
}
