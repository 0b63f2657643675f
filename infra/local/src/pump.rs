//! The table's stream to the functions that read it, each for itself, as Lambda's event source mapping does it: filter, batch, invoke, try again from
//! the lowest record that failed, and after enough tries put that one aside so that the others go on.

use std::{collections::HashMap, sync::Arc, time::Duration};

use aws_sdk_dynamodbstreams::{
    Client,
    types::{AttributeValue, Record, ShardIteratorType},
};
use serde_json::{Value, json};
use tokio::{sync::watch, task::JoinSet};

use crate::{
    TABLE,
    files::DataDir,
    invoker::{InvokeError, Invoker},
};

/// How often a batch is tried before its first record is put aside, and the longest pause between two tries.
const TRIES: u32 = 8;
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How long to wait when the stream has nothing new.
const IDLE: Duration = Duration::from_millis(100);

const SET_ASIDE: &str = "failed-records.jsonl";

/// A function that reads the stream, and how the template's event source mapping feeds it.
pub(crate) struct Consumer {
    function: &'static str,
    /// How many records it gets at most at a time.
    batch: usize,
    /// Which records it gets.
    filter: fn(&Record) -> bool,
    /// Where its place in the stream is kept.
    position: &'static str,
}

impl Consumer {
    /// As many as SES takes in a call; those with a mail in the outbox.
    pub(crate) const MAILER: Self = Self {
        function: "mailer",
        batch: 50,
        filter: has_outbox,
        position: "stream-position",
    };
    /// Every change of a user.
    pub(crate) const HISTORY: Self = Self {
        function: "history",
        batch: 100,
        filter: is_user,
        position: "stream-position-history",
    };
}

/// Reads the stream and invokes a function.
pub(crate) struct Pump {
    consumer: Consumer,
    client: Client,
    invoker: Invoker,
    data: Option<Arc<DataDir>>,
    /// Counts how often the stream was found empty.
    idle: watch::Sender<u64>,
    stop: watch::Receiver<bool>,
}

impl Pump {
    /// Starts it. What comes back counts how often it found the stream empty.
    #[expect(
        clippy::ref_option,
        reason = "the caller has it as an option, for all its pumps"
    )]
    pub(crate) fn start(
        consumer: Consumer,
        tasks: &mut JoinSet<()>,
        client: &Client,
        invoker: &Invoker,
        data: &Option<Arc<DataDir>>,
        stop: &watch::Receiver<bool>,
    ) -> watch::Receiver<u64> {
        let (idle, idling) = watch::channel(0);
        let pump = Self {
            consumer,
            client: client.clone(),
            invoker: invoker.clone(),
            data: data.clone(),
            idle,
            stop: stop.clone(),
        };
        tasks.spawn(pump.run());
        idling
    }

    /// Runs until it is told to stop. A batch that is under way is finished first.
    async fn run(mut self) {
        while !self.stopped() {
            if let Err(error) = self.follow().await {
                tracing::warn!(error, "the stream can't be read; trying again");
                self.pause(Duration::from_secs(1)).await;
            }
        }
    }

    /// Follows the stream from where it was left. The engine keeps one shard, so there is one position.
    async fn follow(&mut self) -> Result<(), String> {
        let (arn, shard) = self.shard().await?;
        let mut iterator = self.iterator(&arn, &shard).await?;
        while !self.stopped() {
            let page = self
                .client
                .get_records()
                .shard_iterator(&iterator)
                .limit(1000)
                .send()
                .await
                .map_err(text)?;
            let records = page.records.unwrap_or_default();
            if records.is_empty() {
                self.idle.send_modify(|count| *count += 1);
                self.pause(IDLE).await;
            } else {
                self.deliver(&records).await;
            }
            iterator = page.next_shard_iterator.ok_or("the stream was closed")?;
        }
        Ok(())
    }

    async fn shard(&self) -> Result<(String, String), String> {
        let streams = self
            .client
            .list_streams()
            .table_name(TABLE)
            .send()
            .await
            .map_err(text)?;
        let arn = streams
            .streams()
            .first()
            .and_then(|stream| stream.stream_arn())
            .ok_or("the table has no stream")?;
        let stream = self
            .client
            .describe_stream()
            .stream_arn(arn)
            .send()
            .await
            .map_err(text)?;
        let shards = stream
            .stream_description()
            .map_or(&[][..], |description| description.shards());
        let shard = shards
            .last()
            .and_then(|shard| shard.shard_id())
            .ok_or("the stream has no shard")?;
        Ok((arn.to_owned(), shard.to_owned()))
    }

    async fn iterator(&self, arn: &str, shard: &str) -> Result<String, String> {
        let position = self
            .data
            .as_ref()
            .and_then(|data| std::fs::read_to_string(data.file(self.consumer.position)).ok());
        let request = self
            .client
            .get_shard_iterator()
            .stream_arn(arn)
            .shard_id(shard);
        let from_start = request
            .clone()
            .shard_iterator_type(ShardIteratorType::TrimHorizon);
        let found = match position {
            Some(position) => {
                let after = request
                    .shard_iterator_type(ShardIteratorType::AfterSequenceNumber)
                    .sequence_number(position);
                // A position older than what the stream keeps: everything it has is newer. Claims see to it that
                // nothing is sent twice.
                match after.send().await {
                    Ok(found) => Ok(found),
                    Err(_) => from_start.send().await,
                }
            }
            None => from_start.send().await,
        };
        found
            .map_err(text)?
            .shard_iterator
            .ok_or_else(|| "no shard iterator".to_owned())
    }

    /// Delivers those records that the function's event source lets through.
    async fn deliver(&mut self, records: &[Record]) {
        let wanted: Vec<&Record> = records
            .iter()
            .filter(|record| (self.consumer.filter)(record))
            .collect();
        for batch in wanted.chunks(self.consumer.batch) {
            if !self.deliver_batch(batch).await {
                return;
            }
        }
        self.remember(records.last());
    }

    /// Answers whether the batch is done; it is not if the stack is stopped meanwhile.
    async fn deliver_batch(&mut self, mut batch: &[&Record]) -> bool {
        let mut tries = 0;
        while let Some(first) = batch.first() {
            let failed = match self
                .invoker
                .invoke(self.consumer.function, event(batch))
                .await
            {
                Ok(answer) => lowest_failure(&answer, batch),
                Err(InvokeError::Unreachable(address)) => {
                    tracing::warn!(
                        address,
                        function = self.consumer.function,
                        "the stream waits until the functions answer"
                    );
                    tries = tries.min(TRIES - 2);
                    Some(0)
                }
                Err(error) => {
                    // Nothing says that it is the record\'s fault, so the record is not put aside for it.
                    tracing::error!(%error, "a function that reads the stream failed");
                    tries = tries.min(TRIES - 2);
                    Some(0)
                }
            };
            let Some(failed) = failed else { break };
            if failed > 0 {
                self.remember(batch.get(failed - 1).copied());
                batch = &batch[failed..];
                tries = 0;
            } else {
                tries += 1;
            }
            if tries == TRIES {
                self.set_aside(first);
                batch = &batch[1..];
                tries = 0;
            }
            self.pause(LONGEST_PAUSE.min(Duration::from_millis(100) * 2_u32.pow(tries)))
                .await;
            if self.stopped() {
                return false;
            }
        }
        self.remember(batch.last().copied());
        true
    }

    /// What Lambda does with its on-failure destination: the record is kept where a person finds it.
    fn set_aside(&self, record: &Record) {
        tracing::error!(
            sequence = sequence(record),
            "a stream record was tried {TRIES} times and is set aside"
        );
        if let Some(data) = &self.data
            && let Err(error) = data.append(SET_ASIDE, &record_json(record).to_string())
        {
            tracing::error!(%error, "the record could not be kept");
        }
    }

    fn remember(&self, record: Option<&Record>) {
        if let (Some(data), Some(record)) = (&self.data, record)
            && let Err(error) = data.replace(self.consumer.position, sequence(record).as_bytes())
        {
            tracing::error!(%error, "the stream's position could not be kept");
        }
    }

    fn stopped(&self) -> bool {
        *self.stop.borrow()
    }

    async fn pause(&mut self, pause: Duration) {
        // An error means that the stack is gone, and with it the reason to wait.
        let _ = tokio::time::timeout(pause, self.stop.wait_for(|stop| *stop)).await;
    }
}

/// The history's filter: `{"dynamodb":{"Keys":{"sk":{"S":["USER"]}}}}`.
fn is_user(record: &Record) -> bool {
    let change = record.dynamodb();
    let sort_key = change.and_then(|change| change.keys()?.get("sk")?.as_s().ok());
    sort_key.is_some_and(|sk| sk == "USER")
}

/// The mailer's filter: `{"dynamodb":{"NewImage":{"outbox":{"S":[{"exists":true}]}}}}`.
fn has_outbox(record: &Record) -> bool {
    let image = record.dynamodb().and_then(|change| change.new_image());
    image
        .and_then(|image| image.get("outbox"))
        .is_some_and(AttributeValue::is_s)
}

/// The position of the first record that failed. An answer that names none of ours fails the whole batch, as with Lambda.
fn lowest_failure(answer: &Value, batch: &[&Record]) -> Option<usize> {
    let failures = answer.get("batchItemFailures").and_then(Value::as_array)?;
    let position = |failure: &Value| {
        let id = failure.get("itemIdentifier").and_then(Value::as_str);
        batch
            .iter()
            .position(|record| Some(sequence(record)) == id)
            .unwrap_or(0)
    };
    failures.iter().map(position).min()
}

fn event(batch: &[&Record]) -> Value {
    json!({"Records": batch.iter().map(|record| record_json(record)).collect::<Vec<_>>()})
}

/// The record as Lambda's stream events have it.
fn record_json(record: &Record) -> Value {
    let change = record.dynamodb();
    let image = |image: Option<&HashMap<String, AttributeValue>>| {
        image.map_or(Value::Null, |image| {
            json!(serde_dynamo::Item::from(image.clone()))
        })
    };
    json!({
        "eventID": record.event_id(),
        "eventName": record.event_name().map(aws_sdk_dynamodbstreams::types::OperationType::as_str),
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "dynamodb": {
            "ApproximateCreationDateTime": change.and_then(|change| change.approximate_creation_date_time()).map_or(0, aws_sdk_dynamodbstreams::primitives::DateTime::secs),
            "Keys": image(change.and_then(|change| change.keys())),
            "NewImage": image(change.and_then(|change| change.new_image())),
            "OldImage": change.and_then(|change| change.old_image()).map_or(json!({}), |old| image(Some(old))),
            "SequenceNumber": sequence(record),
            "SizeBytes": change.and_then(aws_sdk_dynamodbstreams::types::StreamRecord::size_bytes).unwrap_or_default(),
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
        "eventSourceARN": "arn:aws:dynamodb:us-east-1:000000000000:table/usher/stream/local",
    })
}

fn sequence(record: &Record) -> &str {
    record
        .dynamodb()
        .and_then(|change| change.sequence_number())
        .unwrap_or_default()
}

/// The error's kind; its raw answer could hold a record.
fn text<E: aws_sdk_dynamodbstreams::error::ProvideErrorMetadata>(
    error: aws_sdk_dynamodbstreams::error::SdkError<E>,
) -> String {
    error
        .as_service_error()
        .and_then(|error| error.code())
        .unwrap_or("no answer")
        .to_owned()
}
