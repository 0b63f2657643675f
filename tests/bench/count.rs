//! What was asked of AWS: the proxy before the table, which asks with every call what it consumes and adds that up.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Response, StatusCode, header},
};
use serde_json::Value;

/// What was asked of AWS, and what it costs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    /// How often each operation was called.
    pub(crate) calls: BTreeMap<String, u64>,
    /// Bytes of the requests' and the answers' bodies.
    pub(crate) sent: usize,
    pub(crate) received: usize,
    /// `DynamoDB`'s units.
    pub(crate) read: f64,
    pub(crate) written: f64,
    /// Write units of each index.
    pub(crate) indexes: BTreeMap<String, f64>,
    /// How long the engine took to answer: what a function waited for and can't be blamed for.
    pub(crate) engine: Duration,
}

impl Counts {
    /// All calls.
    pub(crate) fn calls(&self) -> u64 {
        self.calls.values().sum()
    }

    /// The write units of all indexes.
    pub(crate) fn written_to_indexes(&self) -> f64 {
        // Beginning at a zero that is not negative, as that of an empty sum is.
        self.indexes.values().fold(0.0, |sum, units| sum + units)
    }
}

/// Where everything is counted, shared by the proxy and the services beside it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counter(Arc<Mutex<Counts>>);

impl Counter {
    pub(crate) fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a call.
    pub(crate) fn call(&self, operation: &str, sent: usize, received: usize, took: Duration) {
        let mut counts = self.counts();
        *counts.calls.entry(operation.to_owned()).or_default() += 1;
        counts.sent += sent;
        counts.received += received;
        counts.engine += took;
    }
}

/// Where calls are handed on to.
#[derive(Clone)]
pub(crate) struct Proxy {
    pub(crate) direct: String,
    pub(crate) http: reqwest::Client,
    pub(crate) counter: Counter,
}

/// The `UpdateItem`s in which mailers take their turn at SES, among the calls.
pub(crate) const TURNS: &str = "UpdateItem (a turn at SES)";
/// What only those have in their body.
const TURN: &[u8] = br#""pk":{"S":"PACE"}"#;

/// Hands a call on, with the question what it consumes, and the answer back, without the reply to that.
pub(crate) async fn relay(
    State(proxy): State<Proxy>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let target = headers
        .get("x-amz-target")
        .and_then(|target| target.to_str().ok());
    let operation = target
        .and_then(|target| target.rsplit('.').next())
        .unwrap_or_default();
    // The row in which mailers take turns: how often depends on how long ago the last one did.
    let is_turn = operation == "UpdateItem" && body.windows(TURN.len()).any(|part| part == TURN);
    let operation = if is_turn { TURNS } else { operation };
    let asking = match body.strip_prefix(b"{") {
        Some(rest) if !matches!(operation, "DescribeTable" | "CreateTable") => {
            [b"{\"ReturnConsumedCapacity\":\"INDEXES\",", rest].concat()
        }
        _ => body.to_vec(),
    };
    let mut headers_on = headers.clone();
    headers_on.remove(header::HOST);
    headers_on.remove(header::CONTENT_LENGTH);
    let began = Instant::now();
    let answer = proxy
        .http
        .post(&proxy.direct)
        .headers(headers_on)
        .body(asking)
        .send()
        .await;
    let (status, mut answer) = match answer {
        Ok(answer) => (answer.status(), answer.json().await.unwrap_or(Value::Null)),
        Err(_) => (StatusCode::BAD_GATEWAY, Value::Null),
    };
    let took = began.elapsed();
    let consumed = answer
        .as_object_mut()
        .and_then(|answer| answer.remove("ConsumedCapacity"));
    let answer = answer.to_string();
    proxy
        .counter
        .call(operation, body.len(), answer.len(), took);
    let consumed = consumed.map_or_else(Vec::new, |consumed| match consumed {
        Value::Array(tables) => tables,
        table => vec![table],
    });
    let is_write = !matches!(
        operation,
        "GetItem" | "BatchGetItem" | "Query" | "Scan" | "TransactGetItems"
    );
    let mut counts = proxy.counter.counts();
    for table in consumed {
        let units = |of: &Value| of["CapacityUnits"].as_f64().unwrap_or_default();
        if is_write {
            counts.written += units(&table["Table"]);
            for (name, index) in table["GlobalSecondaryIndexes"]
                .as_object()
                .into_iter()
                .flatten()
            {
                *counts.indexes.entry(name.clone()).or_default() += units(index);
            }
        } else {
            counts.read += units(&table);
        }
    }
    drop(counts);
    let mut response = Response::new(Body::from(answer));
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        header::HeaderValue::from_static("application/x-amz-json-1.0"),
    );
    response
}
