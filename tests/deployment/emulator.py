"""Runs ministack with its gaps filled, where they would stop our template or let a mistake of ours pass.

Each gap is filled from outside with what AWS documents; nothing of ours is known here. What is written below fits the
version in requirements-emulator.txt: look at it again with every other. One gap is filled elsewhere: Lambda's poller of
the stream, in event_source.py.
"""

import json
import os
import signal
import sys
import threading
import time
from email.utils import parseaddr

from ministack import app
from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import dynamodb_streams, eventbridge, lambda_svc, ses_v2
from ministack.services.cloudformation import provisioners

RESOURCES = provisioners._RESOURCE_HANDLERS

# Resource types that ministack does not know, with what the stack goes without.
UNKNOWN_TYPES = {
    "AWS::Cognito::ManagedLoginBranding": "the style of the sign-in page, which nothing but a browser sees",
}

for unknown in UNKNOWN_TYPES:
    assert unknown not in RESOURCES, f"ministack knows {unknown} by now"
    RESOURCES[unknown] = {
        "create": lambda logical_id, properties, stack_name: (f"{stack_name}-{logical_id}", {}),
        "delete": lambda physical_id, properties: None,
    }


# In AWS every client speaks TLS. On this machine none does, and a policy that insists on it would refuse everybody.


def condition_key(key, context):
    return "true" if key.lower() == "aws:securetransport" else other_condition_key(key, context)


other_condition_key = iam_evaluator._resolve_condition_key
iam_evaluator._resolve_condition_key = condition_key


# The calls to a DynamoDB stream are allowed on that stream. ministack asks IAM about "*".


def resource_of(service, method, path, headers, body, *rest):
    if headers.get("x-amz-target", "").startswith("DynamoDBStreams_"):
        call = json.loads(body)
        iterator = dynamodb_streams._decode_iterator(call.get("ShardIterator", "")) or {}
        return call.get("StreamArn") or iterator.get("arn") or "*"
    return resource_of_others(service, method, path, headers, body, *rest)


resource_of_others = iam_actions.extract_resource_arn
iam_actions.extract_resource_arn = resource_of


# `SendBulkEmail` is allowed on the identity and the configuration set, and SES asks twice: for `ses:SendBulkEmail`, and
# for the older `ses:SendBulkTemplatedEmail` with the sender, which is what stands between the angle brackets. ministack
# asks once, about "*", and names no sender.


def authorize_ses(method, path, headers, body, query, request_id):
    """A denial, or None."""
    if method != "POST" or not path.endswith("/outbound-bulk-emails"):
        return authorize_other_ses(method, path, headers, body, query, request_id)
    call = json.loads(body)
    sender = parseaddr(call["FromEmailAddress"])[1]
    checks = [("ses:SendBulkEmail", {}), ("ses:SendBulkTemplatedEmail", {"ses:FromAddress": sender})]
    for resource in bulk_resources(call, sender):
        for action, context in checks:
            denied = app._enforce_data_plane(
                "sesv2", action, headers, query, request_id, resource_arn=resource, service_context=context,
                named_resource=resource,
            )
            if denied:
                return denied
    return None


def bulk_resources(call, sender):
    identity = sender if sender in ses_v2._identities else sender.partition("@")[2]
    resources = [f"identity/{identity}"]
    if call.get("ConfigurationSetName"):
        resources.append(f"configuration-set/{call['ConfigurationSetName']}")
    return [f"arn:aws:ses:{get_region()}:{get_account_id()}:{resource}" for resource in resources]


authorize_other_ses = app._enforce_ses_v2
app._enforce_ses_v2 = authorize_ses


# An identity is verified once its DNS records are found. ministack verifies each at once; here, one that brings a DKIM key
# of its own goes without, because nobody has published the key.


# It has no list of addresses that the account sends nothing to; here that list is there, and empty.


async def answer_ses(method, path, headers, body, query):
    if method == "DELETE" and "/suppression/addresses/" in path:
        refusal = {"message": "The address is not on the suppression list for your account."}
        return 404, {"Content-Type": "application/json", "x-amzn-ErrorType": "NotFoundException"}, json.dumps(refusal).encode()
    answer = await answer_verified_ses(method, path, headers, body, query)
    if method == "POST" and path.endswith("/email/identities"):
        call = json.loads(body)
        if call.get("DkimSigningAttributes"):
            ses_v2._identities[call["EmailIdentity"]]["VerifiedForSendingStatus"] = False
    return answer


answer_verified_ses = ses_v2.handle_request
ses_v2.handle_request = answer_ses


# SES publishes what becomes of mails on the event bus. ministack's publishes nothing, and lets nobody else speak for an
# AWS service, as AWS does; here a test may speak for SES, and for no other.


def put_events(call, allow_aws_source=False):
    speaks_for_ses = {entry.get("Source") for entry in call.get("Entries", [])} == {"aws.ses"}
    return put_events_of_others(call, allow_aws_source or speaks_for_ses)


put_events_of_others = eventbridge._put_events
eventbridge._put_events = put_events


# API Gateway names what a stage says of routes with a small first letter. ministack keeps CloudFormation's names, in which
# no client finds it.


def stage_settings(properties):
    settings = known_stage_settings(properties)
    routes = {route: small_first(found) for route, found in settings["routeSettings"].items()}
    return settings | {"defaultRouteSettings": small_first(settings["defaultRouteSettings"]), "routeSettings": routes}


def small_first(settings):
    return {name[0].lower() + name[1:]: value for name, value in settings.items()}


known_stage_settings = provisioners._apigw_v2_stage_props
provisioners._apigw_v2_stage_props = stage_settings


# ministack's poller of DynamoDB streams takes a partial batch response for success, so that failed records are lost, never
# gives up, and can't write to S3. It is switched off; event_source.py polls instead.

lambda_svc._poll_dynamodb_streams = lambda: False


def end_with(parent):
    """Ends the whole process group, functions included, when whoever started this is gone, however they ended."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    threading.Thread(target=end_with, args=[os.getppid()], daemon=True).start()
    sys.exit(app.main())
