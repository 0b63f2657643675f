//! The AWS clients' way out, which leads nowhere: every request is answered in this process, so that time can be
//! virtual, and every call can be cut, lost or refused on the way there and back.

use std::{
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
use tower::ServiceExt;
use usher_local::{
    mailbox::Mailbox,
    ses::{self, Ses},
};

use super::{
    book::Book,
    call::Call,
    kill::{current_run, once},
    table,
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

impl fmt::Debug for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Services")
    }
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
            book: Mutex::new(Book::new(weather)),
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

#[derive(Debug)]
struct Wire(Arc<Services>);

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        // Told apart here, where the caller is still on the stack: its clients may poll the answer from elsewhere.
        let run = current_run();
        HttpConnectorFuture::new(Arc::clone(&self.0).answer(request, run))
    }
}
