"""Lambda's poller of a DynamoDB stream: what stands between the table and the mailer, and belongs to neither.

The emulator's own poller loses failed records (see emulator.py), so this one plays the part, as Lambda's documentation
describes it: it takes its settings from the deployed event source mapping, reads the stream and writes to S3 with the
function's role, which the emulator checks, and knows nothing of Usher. Only the waiting between two tries is shorter.
"""

import base64
import io
import json
import threading
import time
import uuid
import zipfile
from datetime import UTC, datetime

SECONDS_BETWEEN_TRIES = 0.2

# Gives out the credentials that a function with its role gets. The emulator lets nobody else assume the role, as AWS does.
LEND = """
import os
def handler(event, context):
    return {name: os.environ[name.upper()] for name in event}
"""
CREDENTIALS = ["aws_access_key_id", "aws_secret_access_key", "aws_session_token"]


def credentials_of_role(stack, function, name):
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("lend.py", LEND)
    functions = stack.client("lambda")
    functions.create_function(
        FunctionName=name, Runtime="python3.11", Handler="lend.handler", Code={"ZipFile": code.getvalue()},
        Role=stack.functions[function]["Role"],
    )
    answer = functions.invoke(FunctionName=name, Payload=json.dumps(CREDENTIALS))
    return json.loads(answer["Payload"].read())


class EventSource:
    """Polls until it is stopped. What it called under the function's role is in `used`."""

    def __init__(self, stack, mapping_id, credentials):
        self.mapping = stack.client("lambda").get_event_source_mapping(UUID=mapping_id)
        self.functions = stack.client("lambda")
        self.used = set()
        self.streams = self.under_role(stack.emulator.client("dynamodbstreams", **credentials), "dynamodb")
        self.bucket = self.under_role(stack.emulator.client("s3", **credentials), "s3")
        self.filters = [json.loads(filter["Pattern"]) for filter in self.mapping["FilterCriteria"]["Filters"]]
        self.failure = None
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def start(self):
        self.thread.start()

    def stop(self):
        self.stopping.set()
        self.thread.join()

    def works(self):
        """Whether it polls; if it can't any more, why is raised here, where somebody waits for what it does."""
        if self.failure:
            raise self.failure
        return True

    def under_role(self, client, service):
        """The client, with a note of each permission that it needed and had."""
        def note(http_response, model, **_):
            if http_response.status_code < 300:
                # The one operation here whose permission has another name.
                self.used.add(f"{service}:{'ListBucket' if model.name == 'ListObjectsV2' else model.name}")

        client.meta.events.register("after-call", note)
        return client

    def run(self):
        try:
            iterator = self.open_shard()
            while not self.stopping.is_set():
                answer = self.streams.get_records(ShardIterator=iterator)
                iterator = answer["NextShardIterator"]
                records = [record for record in map(self.as_event, answer["Records"]) if self.is_wanted(record)]
                size = self.mapping["BatchSize"]
                for start in range(0, len(records), size):
                    self.process(records[start : start + size])
                self.stopping.wait(self.mapping["MaximumBatchingWindowInSeconds"] or 0.1)
        except Exception as error:
            self.failure = error  # a thread has nobody to raise it to; see works()

    def open_shard(self):
        arn = self.mapping["EventSourceArn"]
        table = arn.split("/")[1]
        assert arn in [found["StreamArn"] for found in self.streams.list_streams(TableName=table)["Streams"]]
        [shard] = self.streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
        self.shard = shard["ShardId"]
        return self.streams.get_shard_iterator(
            StreamArn=arn, ShardId=self.shard, ShardIteratorType=self.mapping["StartingPosition"]
        )["ShardIterator"]

    def as_event(self, record):
        """The record as functions get it: JSON, with the stream's ARN."""
        change = record["dynamodb"]
        change["ApproximateCreationDateTime"] = change["ApproximateCreationDateTime"].timestamp()
        return json.loads(json.dumps(record | {"eventSourceARN": self.mapping["EventSourceArn"]}, default=in_base64))

    def is_wanted(self, record):
        return any(matches(pattern, record) for pattern in self.filters)

    def process(self, records, tries=0):
        """Hands the records to the function until it has dealt with each, or they are put aside."""
        while records:
            remaining = self.invoke(records)
            if not remaining:
                return
            if len(remaining) < len(records):
                records = remaining
                continue
            # Halving is no try: it finds out which record it is.
            if self.mapping["BisectBatchOnFunctionError"] and len(records) > 1:
                half = len(records) // 2
                self.process(records[:half], tries)
                records = records[half:]
                continue
            if tries >= self.mapping["MaximumRetryAttempts"] or self.is_too_old(records):
                return self.put_aside(records, tries)
            tries += 1
            if self.stopping.wait(SECONDS_BETWEEN_TRIES):
                return

    def invoke(self, records):
        """What Lambda would send again: everything from the first record that the function names as failed."""
        answer = self.functions.invoke(
            FunctionName=self.mapping["FunctionArn"], Payload=json.dumps({"Records": records})
        )
        found = json.loads(answer["Payload"].read())
        if answer.get("FunctionError"):
            return records
        failed = [item["itemIdentifier"] for item in (found or {}).get("batchItemFailures", [])]
        if not failed or "ReportBatchItemFailures" not in self.mapping["FunctionResponseTypes"]:
            return []
        numbers = [record["dynamodb"]["SequenceNumber"] for record in records]
        unknown = set(failed) - set(numbers)
        return records if unknown else records[min(map(numbers.index, failed)) :]

    def is_too_old(self, records):
        limit = self.mapping["MaximumRecordAgeInSeconds"]
        oldest = min(record["dynamodb"]["ApproximateCreationDateTime"] for record in records)
        return 0 < limit < time.time() - oldest

    def put_aside(self, records, tries):
        """Into S3, under the key and in the form that Lambda's documentation gives for this destination."""
        destination = self.mapping["DestinationConfig"]["OnFailure"]["Destination"]
        bucket = destination.removeprefix("arn:aws:s3:::")
        now = datetime.now(UTC)
        key = f"aws/lambda/{self.mapping['UUID']}/{self.shard}/{now:%Y/%m/%d/%Y-%m-%dT%H.%M.%S}-{uuid.uuid4()}"
        sequence = [record["dynamodb"]["SequenceNumber"] for record in records]
        event = {
            "requestContext": {
                "requestId": str(uuid.uuid4()),
                "functionArn": self.mapping["FunctionArn"],
                "condition": "RetryAttemptsExhausted",
                "approximateInvokeCount": tries + 1,
            },
            "version": "1.0",
            "timestamp": now.isoformat(),
            "DDBStreamBatchInfo": {
                "shardId": self.shard,
                "startSequenceNumber": sequence[0],
                "endSequenceNumber": sequence[-1],
                "batchSize": len(records),
                "streamArn": self.mapping["EventSourceArn"],
            },
            "payload": json.dumps({"Records": records}),
        }
        self.bucket.list_objects_v2(Bucket=bucket, MaxKeys=1)
        self.bucket.put_object(Bucket=bucket, Key=key, Body=json.dumps(event))


def matches(pattern, value):
    """Whether a value fits an event pattern, of the two kinds that Usher's filter could be of."""
    if isinstance(pattern, dict):
        return isinstance(value, dict) and all(matches(rule, value.get(name)) for name, rule in pattern.items())
    return any((value is not None) == rule["exists"] if isinstance(rule, dict) else value == rule for rule in pattern)


def in_base64(value):
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(f"no JSON for {type(value)}")
