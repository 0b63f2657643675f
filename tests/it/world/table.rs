//! DynamoDB without a socket: a call's JSON to the embedded database's own methods, and its answer back.

use dynoxide::{
    Database, DynoxideError,
    actions::{
        describe_stream::DescribeStreamRequest, get_records::GetRecordsRequest,
        get_shard_iterator::GetShardIteratorRequest, list_streams::ListStreamsRequest,
    },
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

/// An HTTP status and a body.
pub(crate) type Answer = (u16, String);

/// Does the operation, as the database's server would.
pub(crate) fn answer(database: &Database, operation: &str, body: &[u8]) -> Answer {
    let done = match operation {
        "BatchGetItem" => run(body, |request| database.batch_get_item(request)),
        "BatchWriteItem" => run(body, |request| database.batch_write_item(request)),
        "CreateTable" => run(body, |request| database.create_table(request)),
        "GetItem" => run(body, |request| database.get_item(request)),
        "PutItem" => run(body, |request| database.put_item(request)),
        "Query" => run(body, |request| database.query(request)),
        "Scan" => run(body, |request| database.scan(request)),
        "TransactWriteItems" => run(body, |request| database.transact_write_items(request)),
        "UpdateItem" => run(body, |request| database.update_item(request)),
        other => panic!("the harness does not know the operation {other}"),
    };
    match done {
        Ok(text) => (200, text),
        Err(error) => (error.status_code(), error.to_json()),
    }
}

fn run<Q: DeserializeOwned, A: Serialize>(
    body: &[u8],
    act: impl FnOnce(Q) -> Result<A, DynoxideError>,
) -> Result<String, DynoxideError> {
    let request = serde_json::from_slice(body).expect("the SDK writes requests that can be read");
    act(request).map(|answer| serde_json::to_string(&answer).unwrap())
}

/// The error that DynamoDB answers under this name.
pub(crate) fn error(code: &str) -> Answer {
    let status = if code == "InternalServerError" {
        500
    } else {
        400
    };
    let body = json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{code}"), "message": "injected"});
    (status, body.to_string())
}

/// A transaction that is cancelled because another write was under way on one of its items.
pub(crate) fn conflict() -> Answer {
    let body = json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": "Transaction cancelled, please refer cancellation reasons for specific reasons [TransactionConflict, None]",
        "CancellationReasons": [{"Code": "TransactionConflict", "Message": "Transaction is ongoing for the item"}, {"Code": "None"}],
    });
    (400, body.to_string())
}

/// Reads a table's stream from its beginning to its end, again and again.
pub(crate) struct Stream {
    iterator: String,
    taken: u64,
}

impl Stream {
    pub(crate) fn of(database: &Database, table: &str) -> Self {
        let streams = database
            .list_streams(ListStreamsRequest {
                table_name: Some(table.to_owned()),
                ..ListStreamsRequest::default()
            })
            .unwrap();
        let arn = text(&json!(streams), "/Streams/0/StreamArn");
        let described = database
            .describe_stream(DescribeStreamRequest {
                stream_arn: arn.clone(),
                ..DescribeStreamRequest::default()
            })
            .unwrap();
        let iterator = database
            .get_shard_iterator(GetShardIteratorRequest {
                stream_arn: arn,
                shard_id: text(&json!(described), "/StreamDescription/Shards/0/ShardId"),
                shard_iterator_type: "TRIM_HORIZON".to_owned(),
                sequence_number: None,
            })
            .unwrap();
        Self {
            iterator: iterator.shard_iterator.unwrap(),
            taken: 0,
        }
    }

    /// What was written since the last call, as Lambda's stream events have it.
    pub(crate) fn new_records(&mut self, database: &Database) -> Vec<Value> {
        let mut all = Vec::new();
        loop {
            let page = database
                .get_records(GetRecordsRequest {
                    shard_iterator: self.iterator.clone(),
                    limit: None,
                })
                .unwrap();
            self.iterator = page.next_shard_iterator.unwrap();
            if page.records.is_empty() {
                return all;
            }
            all.extend(page.records.into_iter().map(|record| {
                let mut record = json!(record);
                let change = &mut record["dynamodb"];
                change["ApproximateCreationDateTime"] = json!(0);
                // The engine's numbers come from the machine's clock.
                self.taken += 1;
                change["SequenceNumber"] = json!(self.taken.to_string());
                for image in ["OldImage", "NewImage"] {
                    if change[image].is_null() {
                        change[image] = json!({});
                    }
                }
                record
            }));
        }
    }
}

fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).unwrap().as_str().unwrap().to_owned()
}
