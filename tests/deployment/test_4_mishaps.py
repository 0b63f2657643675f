"""What goes wrong on its own: a record that nobody can read, a link used while it is withdrawn, a lost mail."""

import json
import threading
import time

from evidence import actions_logged
from people import link_in
from stack import wait_for
from test_1_first_administrator import GRACE, groups

POISON = {"pk": {"S": "USER#poison"}, "sk": {"S": "USER"}, "version": {"N": "1"}, "outbox": {"S": "no user has this"}}
GOOD = [f"good{number}@people.example" for number in range(6)]


def test_a_record_that_cannot_be_read_is_put_aside_and_the_others_are_mailed(
    stack, readers, api, mailbox, journey
):
    invite(api, GOOD[:3], journey)
    stack.client("dynamodb").put_item(TableName=stack.outputs["TableName"], Item=POISON)
    invite(api, GOOD[3:], journey)

    for address in GOOD:
        mailbox.invitation(address)

    def put_aside():
        assert all(source.works() for source in readers.values())
        found = [found for found in objects(stack) if "DDBStreamBatchInfo" in found]
        return found if len(found) == len(readers) else None

    for found in wait_for("the record in the bucket, by each that reads the stream", put_aside, seconds=60):
        [record] = json.loads(found["payload"])["Records"]
        assert record["dynamodb"]["NewImage"] == POISON
    assert [len(mails_to(mailbox, address)) for address in GOOD] == [1] * len(GOOD)


def invite(api, addresses, journey, **options):
    answer = api.post("/v1/invitations", {"text": " ".join(addresses)} | options, journey.token)
    assert answer.json["counts"]["invited"] == len(addresses), answer.text
    return answer.json["results"]


def mails_to(mailbox, address):
    return [mail for mail in mailbox.invitations() if mail["To"] == [address]]


def objects(stack):
    bucket, s3 = stack.outputs["FailedRecordsBucket"], stack.client("s3")
    keys = [found["Key"] for found in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
    return [json.load(s3.get_object(Bucket=bucket, Key=key)["Body"]) for key in keys]


def test_an_account_exists_exactly_if_the_invitation_was_accepted_however_a_revoke_races_it(stack, api, journey):
    addresses = [f"racer{number}@people.example" for number in range(100)]
    racers = invite(api, addresses, journey, notify=False)
    delay, step, outcomes = 0.0, 0.008, {}
    deadline = time.monotonic() + 60
    for racer in racers:
        outcome = race(api, racer, delay, journey)
        outcomes[racer["user_id"]] = outcome
        # The function takes an account back only if the revoke falls between making it and accepting. Where that is, the
        # outcomes say: a revoke that lost was too late, one that won too early.
        delay = max(-0.1, delay + (-step if outcome == "accepted" else step))
        step = max(0.0005, step * 0.9)
        if len(outcomes) >= 20 and took_back(stack) or time.monotonic() > deadline:
            break
    assert took_back(stack), f"no revoke of {len(outcomes)} fell between account and accept"
    assert {user: user in stack.accounts() for user in outcomes} == {
        user: outcome == "accepted" for user, outcome in outcomes.items()
    }
    states = {user: api.get(f"/v1/users/{user}", journey.token).json["state"] for user in outcomes}
    assert states == outcomes


def race(api, racer, delay, journey):
    """Accepts and revokes at once, the revoke `delay` seconds later (or, if less than 0, earlier). Who won."""
    statuses = {}

    def accept():
        time.sleep(max(0, -delay))
        statuses["accepted"] = api.accept(racer["accept_url"]).status

    def revoke():
        time.sleep(max(0, delay))
        statuses["revoked"] = api.post(f"/v1/users/{racer['user_id']}/revoke", {}, journey.token).status

    threads = [threading.Thread(target=accept), threading.Thread(target=revoke)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    [winner] = [name for name, status in statuses.items() if status == 200]
    return winner


def took_back(stack):
    return "cognito-idp:AdminDeleteUser" in actions_logged(stack, "accept")


def test_what_is_due_is_looked_after_every_minute(stack, api, journey):
    [due] = invite(api, ["due@people.example"], journey, notify=False)
    stack.client("dynamodb").update_item(
        TableName=stack.outputs["TableName"], Key={"pk": {"S": f"USER#{due['user_id']}"}, "sk": {"S": "USER"}},
        UpdateExpression="SET due_at = :past", ExpressionAttributeValues={":past": {"N": "0"}},
    )
    answer = stack.client("lambda").invoke(FunctionName=stack.functions["sweeper"]["FunctionName"], Payload="{}")
    swept = json.load(answer["Payload"])
    assert "FunctionError" not in answer and swept["finished"], swept

    [rule] = [rule for rule in stack.client("events").list_rules()["Rules"] if "ScheduleExpression" in rule]
    assert (rule["ScheduleExpression"], rule["State"]) == ("rate(1 minute)", "ENABLED")
    [target] = stack.client("events").list_targets_by_rule(Rule=rule["Name"])["Targets"]
    assert target["Arn"] == stack.functions["sweeper"]["FunctionArn"]
    policy = json.loads(stack.client("lambda").get_policy(FunctionName=target["Arn"])["Policy"])
    [statement] = policy["Statement"]
    assert statement["Principal"] == {"Service": "events.amazonaws.com"}
    assert statement["Condition"]["ArnLike"]["AWS:SourceArn"] == rule["Arn"]


def test_the_first_administrators_mail_is_sent_again_by_the_command_that_sent_it(stack, api, mailbox, journey):
    time.sleep(max(0.0, journey.grace_invited_at + 61 - time.monotonic()))
    told, content = stack.xtask("invite-administrator", "dev", GRACE)
    assert content and "sent again" in told, told
    assert api.accept(journey.grace_link).json["code"] == "invitation_not_found"
    answer = api.accept(mailbox.link(GRACE, nth=2))
    assert answer.status == 200, answer.text
    assert groups(stack, answer.json["user"]["id"]) == ["administrators"]


def test_a_mail_can_be_sent_again_after_a_minute_and_the_old_link_is_dead(api, mailbox, journey):
    address = "person003@people.example"
    time.sleep(max(0.0, journey.invited_at + 61 - time.monotonic()))
    answer = api.post(f"/v1/users/{journey.users[address]}/resend", {"locale": "en"}, journey.token)
    assert answer.status == 200, answer.text
    fresh = link_in(mailbox.invitation(address, nth=2))
    assert api.accept(journey.links[address]).json["code"] == "invitation_not_found"
    assert api.accept(fresh).status == 200
