//! The AWS clients' way out, which leads nowhere: every request is answered in this process, so that time can be
//! virtual, and every call can be cut, lost or refused on the way there and back.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use aws_sdk_dynamodb::config::SharedHttpClient;
use aws_smithy_runtime_api::{
    client::{
        http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
        orchestrator::{HttpRequest, HttpResponse},
        result::ConnectorError,
    },
    http::StatusCode,
};
use axum::{Router, body::Body, http::Request};
use dynoxide::Database;
use serde_json::Value;
use tower::ServiceExt;
use usher_local::{
    mailbox::Mailbox,
    ses::{self, Ses},
};

use super::{
    kill::{current_run, once},
    table, trace,
    weather::{Fault, Weather},
};

/// Where DynamoDB seems to be. Whatever is sent elsewhere is SES's.
pub(crate) const TABLE_URL: &str = "http://table.invalid";
pub(crate) const SES_URL: &str = "http://ses.invalid";

/// What the requests meet.
pub(crate) struct Services {
    pub(crate) database: Database,
    pub(crate) ses: Arc<Ses>,
    pub(crate) mailbox: Arc<Mailbox>,
    router: Router,
    /// How long every call takes, at least and at most.
    latency: (u64, u64),
    book: Mutex<Book>,
}

/// Everything that is noted down while a world goes on.
pub(crate) struct Book {
    pub(crate) weather: Weather,
    /// Mails that SES has taken, in order.
    pub(crate) sent: Vec<Sent>,
    /// How many `SendBulkEmail` there were.
    pub(crate) bulk_calls: u64,
    /// By invocation: how many of its calls to the table went wrong.
    pub(crate) table_faults: HashMap<usize, u32>,
    /// Invocations that were killed.
    pub(crate) killed: HashSet<usize>,
    /// The last true answer of each shard of what is due.
    due: HashMap<String, String>,
    started: tokio::time::Instant,
}

/// A mail that SES has taken.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) user: String,
    pub(crate) attempt: u64,
    pub(crate) token: String,
    /// In which invocation of the mailer.
    pub(crate) run: usize,
    pub(crate) at: tokio::time::Instant,
    /// Whether the mailer was told.
    pub(crate) answered: bool,
}

impl fmt::Debug for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Services")
    }
}

/// What a request is about.
struct Call {
    operation: String,
    /// What it concerns: keys, as far as they are worth a line in a trace.
    subject: String,
    due_shard: Option<String>,
    path: String,
    method: String,
    body: Vec<u8>,
    headers: Vec<(String, String)>,
}

impl Services {
    pub(crate) fn new(
        database: Database,
        ses: Arc<Ses>,
        mailbox: Arc<Mailbox>,
        weather: Weather,
        latency: (u64, u64),
    ) -> Arc<Self> {
        Arc::new(Self {
            database,
            router: ses.router(),
            ses,
            mailbox,
            latency,
            book: Mutex::new(Book {
                weather,
                sent: Vec::new(),
                bulk_calls: 0,
                table_faults: HashMap::new(),
                killed: HashSet::new(),
                due: HashMap::new(),
                started: tokio::time::Instant::now(),
            }),
        })
    }

    /// The client that the functions' AWS clients send their requests through.
    pub(crate) fn client(self: &Arc<Self>) -> SharedHttpClient {
        let connector = SharedHttpConnector::new(Wire(Arc::clone(self)));
        http_client_fn(move |_, _| connector.clone())
    }

    pub(crate) fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn answer(
        self: Arc<Self>,
        request: HttpRequest,
        run: usize,
    ) -> Result<HttpResponse, ConnectorError> {
        let call = Call::of(&request);
        let (fault, there, back) = {
            let mut book = self.book();
            let fault = book
                .weather
                .fault(&call.operation, call.due_shard.is_some());
            book.note_call(run, &call, fault);
            (fault, self.pause(&mut book), self.pause(&mut book))
        };
        wait(there).await;
        let mut arrival = Arrival {
            services: Arc::clone(&self),
            mails: (0, 0),
        };
        let answer = self.reach(&call, fault, &mut arrival, run).await;
        wait(back).await;
        if fault == Some(Fault::AnswerLost) {
            return Err(ConnectorError::io("the connection was reset".into()));
        }
        let answer = answer?;
        arrival.told();
        Ok(answer)
    }

    fn pause(&self, book: &mut Book) -> Duration {
        let (least, most) = self.latency;
        let spread = usize::try_from(most - least + 1).unwrap();
        Duration::from_millis(least + book.weather.below(spread) as u64)
    }

    async fn reach(
        &self,
        call: &Call,
        fault: Option<Fault>,
        arrival: &mut Arrival,
        run: usize,
    ) -> Result<HttpResponse, ConnectorError> {
        let (status, body) = match fault {
            Some(Fault::NoConnection) => {
                return Err(ConnectorError::io("the connection was refused".into()));
            }
            Some(Fault::Error(code)) => table::error(code),
            Some(Fault::TransactionConflict) => table::conflict(),
            _ if call.path != "/" => return self.reach_ses(call, fault, arrival, run).await,
            _ => self.reach_table(call, fault),
        };
        Ok(response(status, body.into_bytes(), &[]))
    }

    fn reach_table(&self, call: &Call, fault: Option<Fault>) -> table::Answer {
        let (status, body) = table::answer(&self.database, &call.operation, &call.body);
        let Some(shard) = &call.due_shard else {
            return (status, body);
        };
        let before = self.book().due.insert(shard.clone(), body.clone());
        match before.filter(|_| fault == Some(Fault::StaleRead)) {
            Some(stale) => (200, stale),
            None => (status, body),
        }
    }

    async fn reach_ses(
        &self,
        call: &Call,
        fault: Option<Fault>,
        arrival: &mut Arrival,
        run: usize,
    ) -> Result<HttpResponse, ConnectorError> {
        match fault {
            Some(Fault::SesThrottled) => self.ses.fail_next(ses::Fault::CallThrottled),
            Some(Fault::SesDown) => self.ses.fail_next(ses::Fault::ServiceDown),
            Some(Fault::SesEntry(status)) => {
                self.ses
                    .fail_next(ses::Fault::EntryStatus(status.to_owned()));
            }
            _ => {}
        }
        let mut request = Request::builder()
            .method(call.method.as_str())
            .uri(&call.path);
        for (name, value) in &call.headers {
            request = request.header(name, value);
        }
        let request = request.body(Body::from(call.body.clone())).unwrap();
        let before = self.mailbox.count();
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = answer.into_parts();
        arrival.mails = self.book().note_mails(&self.mailbox, before, run);
        if call.operation == "SendBulkEmail" {
            self.book().bulk_calls += 1;
        }
        let body = axum::body::to_bytes(body, usize::MAX)
            .await
            .map_err(|error| ConnectorError::io(error.into()))?;
        let headers: Vec<_> = parts
            .headers
            .iter()
            .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())))
            .collect();
        Ok(response(parts.status.as_u16(), body.to_vec(), &headers))
    }
}

async fn wait(pause: Duration) {
    once().await;
    if !pause.is_zero() {
        tokio::time::sleep(pause).await;
    }
}

fn response(status: u16, body: Vec<u8>, headers: &[(String, String)]) -> HttpResponse {
    let status = StatusCode::try_from(status).unwrap();
    let mut response = HttpResponse::new(status, body.into());
    for (name, value) in headers {
        response
            .headers_mut()
            .insert(name.to_owned(), value.to_owned());
    }
    response
}

/// Whether the mails of a call are known to have gone where they were sent from: not if this is dropped before.
struct Arrival {
    services: Arc<Services>,
    mails: (usize, usize),
}

impl Arrival {
    fn told(&mut self) {
        for mail in &mut self.services.book().sent[self.mails.0..self.mails.1] {
            mail.answered = true;
        }
    }
}

impl Book {
    /// A line of the trace, with the time that has passed.
    pub(crate) fn note(&mut self, line: &str) {
        let at = self.started.elapsed();
        trace::push(format!(
            "{:>9}.{:03} {line}",
            at.as_secs(),
            at.subsec_millis()
        ));
    }

    fn note_call(&mut self, run: usize, call: &Call, fault: Option<Fault>) {
        let (operation, subject) = (&call.operation, &call.subject);
        match fault {
            None => self.note(&format!("  #{run} {operation} {subject}")),
            Some(fault) => {
                let name = fault.name();
                self.weather.count(name);
                self.note(&format!("  #{run} {operation} {subject} FAULT {name}"));
                if operation != "SendBulkEmail" {
                    *self.table_faults.entry(run).or_default() += 1;
                }
            }
        }
    }

    fn note_mails(&mut self, mailbox: &Mailbox, before: usize, run: usize) -> (usize, usize) {
        let first = self.sent.len();
        let mails = mailbox.list(None);
        let new = mails.len() - before;
        for mail in mails.iter().take(new).rev() {
            self.sent.push(Sent {
                user: mail.tags["user"].clone(),
                attempt: mail.tags["attempt"].parse().unwrap(),
                token: crate::app::token_in(&mail.text),
                run,
                at: tokio::time::Instant::now(),
                answered: false,
            });
        }
        (first, self.sent.len())
    }
}

impl Call {
    fn of(request: &HttpRequest) -> Self {
        let body = request.body().bytes().unwrap_or_default().to_vec();
        let uri = request.uri();
        let (operation, path) = if let Some(path) = uri.strip_prefix(SES_URL) {
            let operation = match path.rsplit('/').next() {
                Some("outbound-bulk-emails") => "SendBulkEmail",
                Some("account") => "GetAccount",
                _ => "GetEmailIdentity",
            };
            (operation.to_owned(), path.to_owned())
        } else {
            let target = request.headers().get("x-amz-target").unwrap_or_default();
            let operation = target.rsplit('.').next().unwrap_or_default();
            (operation.to_owned(), "/".to_owned())
        };
        let json: Value = serde_json::from_slice(&body).unwrap_or_default();
        let due_shard = (json["IndexName"] == "by_due").then(|| {
            let values = &json["ExpressionAttributeValues"];
            values[":pk"]["S"].as_str().unwrap_or_default().to_owned()
        });
        let headers = request.headers().iter();
        Self {
            subject: subject(&json),
            operation,
            due_shard,
            path,
            method: request.method().to_owned(),
            body,
            headers: headers
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        }
    }
}

fn subject(body: &Value) -> String {
    if let Some(pk) = body["Key"]["pk"]["S"].as_str() {
        return pk.to_owned();
    }
    if let Some(shard) = body["ExpressionAttributeValues"][":pk"]["S"].as_str() {
        return shard.to_owned();
    }
    let mails = body["BulkEmailEntries"].as_array().map(Vec::len);
    mails.map_or(String::new(), |mails| format!("{mails} mails"))
}

#[derive(Debug)]
struct Wire(Arc<Services>);

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        // Told apart here, where the caller is still on the stack: its clients may poll the answer from elsewhere.
        let run = current_run();
        HttpConnectorFuture::new(Arc::clone(&self.0).answer(request, run))
    }
}
