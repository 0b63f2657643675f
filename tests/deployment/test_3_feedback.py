"""What SES reports, over the account's event bus: what an administrator sees of it, and can do about it."""

import json
from datetime import UTC, datetime

import pytest

from stack import wait_for
from test_4_mishaps import objects

PERSON = "person010@people.example"


@pytest.fixture(scope="module")
def sent(api, event_source, journey):
    """The history's word that the person's mail went."""
    def found():
        return [event for event in history(api, journey) if event["kind"] == "mail_sent"]

    [event] = wait_for("the mail in the history", lambda: event_source.works() and found(), seconds=60)
    return event


def history(api, journey):
    answer = api.get(f"/v1/users/{journey.users[PERSON]}/history", journey.token)
    assert answer.status == 200, answer.text
    return answer.json["data"]


def shown(api, journey):
    return api.get(f"/v1/users/{journey.users[PERSON]}", journey.token).json


def event(stack, journey, sent, kind, configuration_set=None, **content):
    """As SES's documentation shows them ("Event data that Amazon SES publishes")."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    tags = {
        "user": [journey.users[PERSON]], "attempt": [str(sent["attempt"])],
        "ses:configuration-set": [configuration_set or stack.outputs["ConfigurationSet"]],
    }
    mail = {"timestamp": now, "messageId": sent["message_id"], "destination": [PERSON], "tags": tags}
    return {"eventType": kind, "mail": mail, kind.lower(): {"timestamp": now} | content}


def publish(stack, detail):
    entry = {"Source": "aws.ses", "DetailType": f"Email {detail['eventType']}", "Detail": json.dumps(detail)}
    answer = stack.client("events").put_events(Entries=[entry])
    assert answer["FailedEntryCount"] == 0, answer


def test_a_history_says_who_invited_and_which_mail_went(api, journey, sent):
    invited = history(api, journey)[-1]
    assert (invited["kind"], invited["by"]["name"]) == ("invited", "Ada Lovelace")
    assert sent["attempt"] == 1 and sent["message_id"]


def test_a_delivery_is_shown(stack, api, journey, sent):
    publish(stack, event(stack, journey, sent, "Delivery", smtpResponse="250 OK"))
    wait_for("the delivery", lambda: shown(api, journey)["delivery"]["status"] == "delivered")


def test_what_is_reported_of_another_configuration_set_is_none_of_ours(stack, api, journey, sent):
    bounce = {"bounceType": "Permanent", "bounceSubType": "General", "bouncedRecipients": []}
    publish(stack, event(stack, journey, sent, "Bounce", configuration_set="somebody-elses", **bounce))
    before = shown(api, journey)
    complaint = event(stack, journey, sent, "Complaint", complaintFeedbackType="abuse")
    publish(stack, complaint)
    after = wait_for("the complaint", lambda: shown(api, journey)["suppressed"] and shown(api, journey))
    assert before["suppressed"] is None and after["suppressed"]["reason"] == "complained"
    assert after["delivery"]["status"] == "complained"
    assert "mail_bounced" not in [happened["kind"] for happened in history(api, journey)]


def test_an_address_that_complained_gets_mail_again_only_if_an_administrator_insists(api, journey):
    path = f"/v1/users/{journey.users[PERSON]}"
    refused = api.post(f"{path}/resend", {}, journey.token)
    assert (refused.status, refused.json["code"]) == (409, "suppressed"), refused.text
    lifted = api.delete(f"{path}/suppression", journey.token)
    assert (lifted.status, lifted.json["suppressed"]) == (200, None), lifted.text
    again = api.delete(f"{path}/suppression", journey.token)
    assert (again.status, again.json["code"]) == (409, "not_suppressed")
    wait_for("the history", lambda: history(api, journey)[0]["kind"] == "suppression_lifted")


def test_an_address_that_nobody_has_any_more_may_have_mail_again(stack, api, journey, sent):
    old = "old-address@people.example"
    complaint = event(stack, journey, sent, "Complaint", complaintFeedbackType="abuse")
    complaint["mail"]["destination"] = [old]
    publish(stack, complaint)

    def lifted():
        answer = api.post("/v1/suppressions/lift", {"email": old}, journey.token)
        return answer if answer.status != 404 else None

    answer = wait_for("the complaint", lifted)
    assert (answer.status, answer.json) == (200, {"outcome": "lifted", "email": old}), answer.text
    assert api.post("/v1/suppressions/lift", {"email": old}, journey.token).json["code"] == "not_suppressed"


def test_an_event_that_nobody_can_read_is_put_aside(stack, feedback_retries):
    poison = {"source": "aws.ses", "detail": {"eventType": "Bounce", "mail": {}}}
    assert feedback_retries.invoke(poison) == 3
    [put_aside] = [found for found in objects(stack) if "requestPayload" in found]
    assert put_aside["requestPayload"] == poison
