//! The table's stream as Lambda brings it: batches of records, of which those that failed are named in the answer.

use aws_lambda_events::{
    event::dynamodb::Event,
    streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse},
};
use thiserror::Error;

/// Whoever invoked the function is no DynamoDB stream. Says nothing of what came instead: it may be somebody's address.
#[derive(Debug, Error)]
#[error(
    "this is no event of a DynamoDB stream: only an event source mapping invokes this function"
)]
pub struct UnreadableEvent;

/// The records of an event, as Lambda hands it over.
pub fn read_event(event: &str) -> Result<Event, UnreadableEvent> {
    serde_json::from_str(event).map_err(|_| UnreadableEvent)
}

/// The answer that asks for the records with these sequence numbers once more. Lambda brings all from the lowest on.
pub fn again(failed: impl IntoIterator<Item = String>) -> DynamoDbEventResponse {
    let mut response = DynamoDbEventResponse::default();
    response.batch_item_failures = failed
        .into_iter()
        .map(|sequence| {
            let mut failure = DynamoDbBatchItemFailure::default();
            failure.item_identifier = Some(sequence);
            failure
        })
        .collect();
    response
}
