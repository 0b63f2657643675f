//! Lambda's Runtime API, as functions ask it for events and answer them:
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>.

use std::time::{Duration, Instant};

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path as Segments, State},
    http::{HeaderMap, HeaderValue, StatusCode},
    routing::{get, post},
};
use serde_json::Value;
use tokio::sync::{mpsc::UnboundedSender, oneshot};
use usher::clock::Clock;

/// More than anything that is measured takes, under valgrind too.
pub(crate) const LONGEST: Duration = Duration::from_mins(5);

/// What the function tells the Runtime API.
pub(crate) enum Told {
    /// It waits for an event.
    Next(Instant, oneshot::Sender<Event>),
    Answer(Instant, Bytes),
    Failure(String),
}

/// An event, and the invocation's number.
pub(crate) struct Event {
    pub(crate) id: u64,
    pub(crate) body: Vec<u8>,
}

/// The API, which tells through `tell` what it hears.
pub(crate) fn router(tell: UnboundedSender<Told>) -> Router {
    Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route("/2018-06-01/runtime/invocation/{id}/response", post(answer))
        .route("/2018-06-01/runtime/invocation/{id}/error", post(failure))
        .route("/2018-06-01/runtime/init/error", post(init_failure))
        .layer(DefaultBodyLimit::disable())
        .with_state(tell)
}

async fn next(State(tell): State<UnboundedSender<Told>>) -> (StatusCode, HeaderMap, Vec<u8>) {
    let (give, event) = oneshot::channel();
    let told = tell.send(Told::Next(Instant::now(), give));
    // Without an event, nobody will want anything more of this function.
    let (Ok(()), Ok(Event { id, body })) = (told, event.await) else {
        return (StatusCode::GONE, HeaderMap::new(), Vec::new());
    };
    let most = i64::try_from(LONGEST.as_millis()).unwrap_or(i64::MAX);
    let deadline = Clock::system().now().as_millisecond() + most;
    let arn = "arn:aws:lambda:us-east-1:000000000000:function:measured";
    let mut headers = HeaderMap::new();
    headers.insert("lambda-runtime-aws-request-id", HeaderValue::from(id));
    headers.insert("lambda-runtime-deadline-ms", HeaderValue::from(deadline));
    headers.insert(
        "lambda-runtime-invoked-function-arn",
        HeaderValue::from_static(arn),
    );
    (StatusCode::OK, headers, body)
}

async fn answer(
    State(tell): State<UnboundedSender<Told>>,
    Segments(_): Segments<String>,
    body: Bytes,
) -> StatusCode {
    heard(&tell, Told::Answer(Instant::now(), body))
}

async fn failure(
    State(tell): State<UnboundedSender<Told>>,
    Segments(_): Segments<String>,
    body: Bytes,
) -> StatusCode {
    heard(&tell, Told::Failure(said(&body)))
}

async fn init_failure(State(tell): State<UnboundedSender<Told>>, body: Bytes) -> StatusCode {
    heard(&tell, Told::Failure(said(&body)))
}

fn heard(tell: &UnboundedSender<Told>, told: Told) -> StatusCode {
    match tell.send(told) {
        Ok(()) => StatusCode::ACCEPTED,
        Err(_) => StatusCode::GONE,
    }
}

fn said(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let error = serde_json::from_slice(body).unwrap_or(Value::Null);
    error["errorMessage"].as_str().unwrap_or(&text).to_owned()
}
