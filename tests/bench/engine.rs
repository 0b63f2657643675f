//! `DynamoDB` for what is measured: `dynoxide`, in this process, behind a proxy that asks for the capacity each call consumes
//! and adds up what it costs. The table is the one that the store makes, as in the tests and on the local stack.
//!
//! `dynoxide`'s figures follow `DynamoDB`'s rules, which it was compared with (its `actions/index_capacity.rs`): writes are
//! rounded up to whole kilobytes and reads to four of them, a transaction counts twice on the table and once on its
//! indexes, and an index counts one write for a new or a changed entry, two for one that moves, none for one that stays
//! as it is. AWS says the same: <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html>
//! and <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html>. What a refused write consumes, `DynamoDB`
//! does not report, so it is not in here.

use axum::{Router, extract::DefaultBodyLimit, http::header, routing::any};
use dynoxide::{Database, ImportOptions};
use serde_json::Value;
use tokio::{net::TcpListener, task::JoinSet};
use usher::{aws, config::Environment, store::Store};

use crate::{
    count::{Counter, Counts, Proxy, relay},
    report::Trouble,
};

/// The table's name, as the functions are told it.
pub(crate) const TABLE: &str = "usher";

/// A table, and what was asked of it.
pub(crate) struct Engine {
    /// The table, past the proxy: what is done through this is not counted.
    pub(crate) store: Store,
    database: Database,
    /// Where functions find it.
    pub(crate) url: String,
    pub(crate) counter: Counter,
    /// How far the stream was read.
    position: tokio::sync::Mutex<Option<String>>,
    direct: String,
    http: reqwest::Client,
    _tasks: JoinSet<()>,
}

impl Engine {
    /// An empty table in memory.
    pub(crate) async fn start() -> Result<Self, Trouble> {
        let mut tasks = JoinSet::new();
        let database = usher_local::database::in_memory().map_err(|error| broken(&error))?;
        let (listener, direct) = listen().await?;
        tasks.spawn(dynoxide::server::serve_on(listener, database.clone()));
        let counter = Counter::default();
        let http = reqwest::Client::new();
        let (listener, url) = listen().await?;
        let proxy = Proxy {
            direct: direct.clone(),
            http: http.clone(),
            counter: counter.clone(),
        };
        let router = Router::new()
            .route("/", any(relay))
            .layer(DefaultBodyLimit::disable())
            .with_state(proxy);
        tasks.spawn(async { drop(axum::serve(listener, router).await) });
        let env: Environment = [
            ("AWS_ACCESS_KEY_ID", "local"),
            ("AWS_SECRET_ACCESS_KEY", "local"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ENDPOINT_URL_DYNAMODB", &direct),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into_iter()
        .collect();
        let client = aws::dynamodb(&env).ok_or_else(|| broken(&"no client can be made"))?;
        let store = Store::new(client, TABLE);
        store.create_table().await.map_err(|error| broken(&error))?;
        Ok(Self {
            store,
            database,
            url,
            counter,
            position: tokio::sync::Mutex::default(),
            direct,
            http,
            _tasks: tasks,
        })
    }

    /// What was counted since this was last asked.
    pub(crate) fn take(&self) -> Counts {
        std::mem::take(&mut self.counter.counts())
    }

    /// Puts rows into the table, past everything: no call, no stream.
    pub(crate) fn import(&self, rows: Vec<dynoxide::Item>) -> Result<(), Trouble> {
        let imported = self
            .database
            .import_items(TABLE, rows, ImportOptions::default());
        imported.map(drop).map_err(|error| broken(&error))
    }

    /// The stream's records since this was last asked, as Lambda hands them to functions.
    pub(crate) async fn records(&self) -> Result<Vec<Value>, Trouble> {
        let mut position = self.position.lock().await;
        let mut next = match position.take() {
            Some(position) => position,
            None => self.stream_begin().await?,
        };
        let mut records = Vec::new();
        loop {
            let page = self
                .stream("GetRecords", &serde_json::json!({"ShardIterator": next}))
                .await?;
            let found = page["Records"].as_array().cloned().unwrap_or_default();
            next = text(&page["NextShardIterator"])?;
            if found.is_empty() {
                *position = Some(next);
                return Ok(records);
            }
            records.extend(found.into_iter().map(as_event));
        }
    }

    async fn stream_begin(&self) -> Result<String, Trouble> {
        let streams = self
            .stream("ListStreams", &serde_json::json!({"TableName": TABLE}))
            .await?;
        let arn = text(&streams["Streams"][0]["StreamArn"])?;
        let stream = self
            .stream("DescribeStream", &serde_json::json!({"StreamArn": arn}))
            .await?;
        let shard = text(&stream["StreamDescription"]["Shards"][0]["ShardId"])?;
        let wanted = serde_json::json!({
            "StreamArn": arn, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON",
        });
        let iterator = self.stream("GetShardIterator", &wanted).await?;
        text(&iterator["ShardIterator"])
    }

    /// Makes a row due, as it is once its time has come.
    pub(crate) async fn make_due(&self, keys: &Value) -> Result<(), Trouble> {
        let update = serde_json::json!({
            "TableName": TABLE,
            "Key": keys,
            "UpdateExpression": "SET due_at = :at",
            "ExpressionAttributeValues": {":at": {"N": "1"}},
        });
        self.ask("DynamoDB_20120810.UpdateItem", &update)
            .await
            .map(drop)
    }

    async fn stream(&self, operation: &str, request: &Value) -> Result<Value, Trouble> {
        self.ask(&format!("DynamoDBStreams_20120810.{operation}"), request)
            .await
    }

    async fn ask(&self, target: &str, request: &Value) -> Result<Value, Trouble> {
        let answer = self
            .http
            .post(&self.direct)
            .header("x-amz-target", target)
            .header("authorization", AUTHORIZATION)
            .header("x-amz-date", "20260101T000000Z")
            .header(header::CONTENT_TYPE, "application/x-amz-json-1.0")
            .body(request.to_string())
            .send()
            .await
            .map_err(|error| broken(&error))?;
        let answer: Value = answer.json().await.map_err(|error| broken(&error))?;
        match answer["message"].as_str().or(answer["Message"].as_str()) {
            Some(why) => Err(broken(&why)),
            None => Ok(answer),
        }
    }
}

/// Nobody checks it, but there has to be one.
const AUTHORIZATION: &str = "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0";

/// A record as Lambda's stream events have it.
fn as_event(mut record: Value) -> Value {
    record["eventSourceARN"] =
        "arn:aws:dynamodb:us-east-1:000000000000:table/usher/stream/1".into();
    record["awsRegion"] = "us-east-1".into();
    let change = &mut record["dynamodb"];
    for image in ["NewImage", "OldImage"] {
        if change[image].is_null() {
            change[image] = serde_json::json!({});
        }
    }
    record
}

/// A socket on this machine, and its address.
pub(crate) async fn listen() -> Result<(TcpListener, String), Trouble> {
    let no_socket = |error| {
        Trouble::new(
            format!("no socket can be opened: {error}"),
            "close other programs",
        )
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(no_socket)?;
    let address = listener.local_addr().map_err(no_socket)?;
    Ok((listener, format!("http://{address}")))
}

fn text(value: &Value) -> Result<String, Trouble> {
    let text = value
        .as_str()
        .ok_or_else(|| broken(&"the stream can't be read"))?;
    Ok(text.to_owned())
}

/// The database of this process does not work.
pub(crate) fn broken(error: &impl std::fmt::Display) -> Trouble {
    Trouble::new(
        format!("the database in this process: {error}"),
        "run the tests, which use it too",
    )
}
