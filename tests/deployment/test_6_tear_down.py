"""Taking the stack away, which must not take away what people would miss."""

import pytest
from botocore.exceptions import ClientError


def test_deleting_the_stack_leaves_users_accounts_the_token_key_and_records_set_aside(stack, readers):
    accounts, outputs = set(stack.accounts()), stack.outputs
    functions = [configuration["FunctionName"] for configuration in stack.functions.values()]
    for source in readers.values():
        source.stop()
    stack.sam("delete", "--no-prompts")

    for function in functions:
        with pytest.raises(ClientError, match="ResourceNotFound"):
            stack.client("lambda").get_function(FunctionName=function)
    table = stack.client("dynamodb").scan(TableName=outputs["TableName"], Select="COUNT")
    assert table["Count"] > 200, "120 people and their addresses"
    assert set(stack.accounts()) == accounts
    assert stack.client("secretsmanager").get_secret_value(SecretId=outputs["TokenKeySecret"])["SecretString"]
    assert stack.client("s3").list_objects_v2(Bucket=outputs["FailedRecordsBucket"])["KeyCount"] == 3, "one by each reader of the stream, one event"
