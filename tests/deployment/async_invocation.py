"""Lambda's queue of events for a function that nobody waits for: what it does with one that the function fails on.

The emulator gives such an event up without a word, so this plays the part, as Lambda's documentation describes it: it
takes its settings from the deployed configuration, and writes to S3 with the function's role, which the emulator checks.
"""

import json
import uuid
from datetime import UTC, datetime


class AsyncInvocation:
    """What it called under the function's role is in `used`."""

    def __init__(self, stack, function, credentials):
        self.functions = stack.client("lambda")
        self.function = stack.functions[function]["FunctionName"]
        self.config = self.functions.get_function_event_invoke_config(FunctionName=self.function, Qualifier="$LATEST")
        self.bucket = stack.emulator.client("s3", **credentials)
        self.used = set()

    def invoke(self, event):
        """Tries until the function takes the event in, or puts it aside. How often it was tried."""
        most = 1 + self.config["MaximumRetryAttempts"]
        for tries in range(1, most + 1):
            answer = self.functions.invoke(FunctionName=self.function, Payload=json.dumps(event))
            if not answer.get("FunctionError"):
                return tries
        self.put_aside(event, most, json.load(answer["Payload"]))
        return most

    def put_aside(self, event, tries, error):
        """Under the key and in the form that Lambda's documentation gives for this destination."""
        bucket = self.config["DestinationConfig"]["OnFailure"]["Destination"].removeprefix("arn:aws:s3:::")
        now = datetime.now(UTC)
        key = f"aws/lambda/async/{self.function}/{now:%Y/%m/%d/%Y-%m-%dT%H.%M.%S}-{uuid.uuid4()}"
        record = {
            "version": "1.0",
            "timestamp": now.isoformat(),
            "requestContext": {"condition": "RetriesExhausted", "approximateInvokeCount": tries},
            "requestPayload": event,
            "responseContext": {"functionError": "Unhandled"},
            "responsePayload": error,
        }
        self.bucket.list_objects_v2(Bucket=bucket, MaxKeys=1)
        self.bucket.put_object(Bucket=bucket, Key=key, Body=json.dumps(record))
        self.used |= {"s3:ListBucket", "s3:PutObject"}
