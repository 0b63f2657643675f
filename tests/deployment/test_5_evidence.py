"""What the functions left behind: no secret, and calls for exactly the permissions that their roles have."""

import re

import pytest
from botocore.exceptions import ClientError

import evidence
from event_source import credentials_of_role

ADDRESS = re.compile(r"[\w.+-]+@(people|acme)\.example")
# The actions of which AWS's Service Authorization Reference names no resource.
TAKE_NO_RESOURCE = {"dynamodb:ListStreams", "ses:GetAccount", "ses:ListEmailIdentities", "ses:DeleteSuppressedDestination"}
# For who is accepted between a revocation and the end of their account, which nobody can arrange from outside.
ONLY_IN_A_RACE = {("revoke", "cognito-idp:AdminCreateUser"), ("revoke", "cognito-idp:AdminAddUserToGroup")}
# What an access log may tell. None of these is text that a caller chose.
TELLABLE = {
    "authorizer.error", "error.message", "error.responseType", "identity.sourceIp", "integrationErrorMessage",
    "integrationLatency", "integrationStatus", "integration.error", "integration.status", "integration.latency",
    "protocol", "requestId", "requestTime", "requestTimeEpoch", "responseLatency", "responseLength", "routeKey", "stage",
    "status",
}


def test_only_the_unreadable_record_made_a_function_log_an_error(stack):
    errors = {function: errors_of(stack, function) for function in stack.functions}
    # Those that read the stream say so at each try.
    assert errors.pop("mailer") == errors.pop("history") == {"a stream record can't be read"}
    [unreadable] = errors.pop("feedback")
    assert "this is no event of SES's" in unreadable
    assert errors == dict.fromkeys(errors, set())


def errors_of(stack, function):
    logged = evidence.parsed(evidence.lines(stack, stack.log_group(function)))
    return {line["message"] for line in logged if line["level"] == "ERROR"}


def test_no_function_wrote_anything_but_log_lines(stack):
    """A panic's text has no level, so no alarm and no search for errors would find it."""
    written = {function: evidence.lines(stack, stack.log_group(function)) for function in stack.functions}
    assert all(evidence.parsed(messages) for messages in written.values())
    stray = {function: evidence.stray(messages) for function, messages in written.items()}
    assert stray == dict.fromkeys(stack.functions, [])


def test_no_log_line_has_a_token_or_an_address(stack):
    groups = stack.client("logs").get_paginator("describe_log_groups").paginate()
    names = [group["logGroupName"] for page in groups for group in page["logGroups"]]
    assert {stack.log_group(function) for function in stack.functions} <= set(names)
    telling = [
        (name, line) for name in names for line in evidence.lines(stack, name) if "inv_" in line or ADDRESS.search(line)
    ]
    assert telling == []


def test_an_access_log_can_have_neither(stack):
    told = set(re.findall(r"\$context\.([\w.]+)", stack.stage["AccessLogSettings"]["Format"]))
    assert told and told <= TELLABLE


def test_every_role_grants_what_its_function_used_and_nothing_else(stack, readers, feedback_retries, capsys):
    called = {function: source.used for function, source in readers.items()} | {"feedback": feedback_retries.used}
    rows = evidence.table(stack, called)
    with capsys.disabled():
        print(f"\n\n{evidence.in_words(rows)}\n")
    assert {function for function, *_ in rows} == set(stack.functions)
    assert [row for row in rows if row[2:] != (True, True) and row[:2] not in ONLY_IN_A_RACE] == []
    assert ONLY_IN_A_RACE <= {row[:2] for row in rows}


def test_every_function_may_write_its_own_log(stack):
    assert [function for function in stack.functions if not evidence.may_log(stack, function)] == []


def test_no_role_grants_a_pattern_of_actions(stack):
    patterns = [(role, action) for role, action, _ in allowances(stack) if "*" in action]
    assert patterns == []


def test_a_role_reaches_everything_only_where_an_action_takes_no_resource(stack):
    everywhere = {action for _, action, resource in allowances(stack) if is_everywhere(resource)}
    assert everywhere == TAKE_NO_RESOURCE


def allowances(stack):
    """Each action of each role in the stack, a function's or not, with each of its resources."""
    roles = [found["PhysicalResourceId"] for found in stack.resources.values() if found["ResourceType"] == "AWS::IAM::Role"]
    assert {stack.role(function) for function in stack.functions} <= set(roles)
    for role in roles:
        for statement in evidence.allowed(stack, role):
            for action in evidence.listed(statement["Action"]):
                for resource in evidence.listed(statement["Resource"]):
                    yield role, action, resource


def is_everywhere(resource):
    """Whether a resource is all there are. A pattern in the last part of an ARN is less than that."""
    return resource == "*" or "*" in resource.rpartition(":")[0]


def test_the_emulator_refuses_what_a_role_does_not_grant(stack):
    """So that the journey proves that no role lacks a permission."""
    credentials = credentials_of_role(stack, "list", "lend-role-of-list")
    table = stack.emulator.client("dynamodb", **credentials)
    table.get_item(TableName=stack.outputs["TableName"], Key={"pk": {"S": "a"}, "sk": {"S": "b"}})
    with pytest.raises(ClientError, match="AccessDenied"):
        table.scan(TableName=stack.outputs["TableName"])


def test_the_mailer_may_send_as_nobody_else(stack):
    ses = stack.emulator.client("sesv2", **credentials_of_role(stack, "mailer", "lend-role-of-mailer-again"))
    with pytest.raises(ClientError, match="AccessDenied"):
        send(ses, stack, "billing@other.example")
    # Any of the identity's domain: a tenant may have one of its own.
    for sender in ("Acme <invitations@acme.example>", "Team <team@acme.example>"):
        assert send(ses, stack, sender) == ["SUCCESS"]


def send(ses, stack, sender):
    content = {"TemplateContent": {"Subject": "Hello", "Text": "Hello"}, "TemplateData": "{}"}
    answer = ses.send_bulk_email(
        FromEmailAddress=sender, ConfigurationSetName=stack.outputs["ConfigurationSet"],
        DefaultContent={"Template": content},
        BulkEmailEntries=[{"Destination": {"ToAddresses": ["somebody@people.example"]}}],
    )
    return [result["Status"] for result in answer["BulkEmailEntryResults"]]
