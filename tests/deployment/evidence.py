"""What the functions left behind: their log lines, and the calls to AWS that stand in them."""

import json
from fnmatch import fnmatchcase

from stack import REGION

# How the lines begin that Lambda writes around those of a function.
LAMBDA_LINES = ("INIT_START ", "START RequestId: ", "END RequestId: ", "REPORT RequestId: ")
LOG_ACTIONS = {"logs:CreateLogStream", "logs:PutLogEvents"}


def lines(stack, group):
    """The messages of a log group, in order."""
    pages = stack.client("logs").get_paginator("filter_log_events").paginate(logGroupName=group)
    events = [event for page in pages for event in page["events"]]
    return [event["message"] for event in events]


def parsed(messages):
    """The lines that the functions wrote themselves."""
    return [json.loads(line) for line in messages if line.startswith("{")]


def stray(messages):
    """The lines that are neither a function's own nor Lambda's: a panic, or what a library printed."""
    return [line for line in messages if not line.startswith(("{", *LAMBDA_LINES))]


def actions_logged(stack, function):
    calls = [line for line in parsed(lines(stack, stack.log_group(function))) if line["message"] == "AWS call"]
    return {action for call in calls for action in call["actions"].split()}


def used(stack, called, function):
    """The actions that a function's role was needed for, each by what shows that it happened. `called`: what Lambda itself
    did in the name of each function's role."""
    actions = actions_logged(stack, function)
    if parsed(lines(stack, stack.log_group(function))):
        actions |= LOG_ACTIONS
    return actions | called.get(function, set())


def may_log(stack, function):
    """Whether the role may write where the function's lines are: the emulator writes them without asking."""
    stream = f"arn:aws:logs:{REGION}:000000000000:log-group:{stack.log_group(function)}:log-stream:x"
    may = {
        action for statement in statements(stack, function) for action in listed(statement["Action"])
        if any(fnmatchcase(stream, resource) for resource in listed(statement["Resource"]))
    }
    return may >= LOG_ACTIONS


def granted(stack, function):
    return {action for statement in statements(stack, function) for action in listed(statement["Action"])}


def statements(stack, function):
    """What the deployed role of a function allows."""
    return allowed(stack, stack.role(function))


def allowed(stack, role):
    iam = stack.client("iam")
    assert iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"] == [], "a role has no policy of AWS's own"
    found = []
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        found += iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]["Statement"]
    assert all(statement["Effect"] == "Allow" for statement in found)
    return found


def listed(value):
    return [value] if isinstance(value, str) else value


def table(stack, called):
    """A line for each function and action: granted, used."""
    rows = []
    for function in sorted(stack.functions):
        have, need = granted(stack, function), used(stack, called, function)
        rows += [(function, action, action in have, action in need) for action in sorted(have | need)]
    return rows


def in_words(rows):
    mark = {True: "yes", False: "NO"}
    head = f"{'function':9} {'action':40} granted  used"
    return "\n".join([head, *(f"{function:9} {action:40} {mark[has]:7}  {mark[does]}" for function, action, has, does in rows)])
