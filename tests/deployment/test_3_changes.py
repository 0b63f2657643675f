"""An administrator corrects an address, and erases people: with the permissions that these functions have in AWS."""

from stack import wait_for
from test_2_people import BO, CAT, PEOPLE

TYPO, GUS = PEOPLE[118], "gus@people.example"
HAL = "hal@people.example"


def test_a_corrected_address_gets_a_link_of_its_own(stack, api, event_source, mailbox, journey):
    gus = journey.users[TYPO]
    named = api.patch(f"/v1/users/{gus}", {"name": "Gus"}, journey.token)
    assert (named.status, named.json["name"]) == (200, "Gus"), named.text
    taken = api.patch(f"/v1/users/{gus}", {"email": BO}, journey.token)
    assert (taken.status, taken.json["code"], taken.json["user_id"]) == (409, "address_taken", journey.users[BO])

    moved = api.patch(f"/v1/users/{gus}", {"email": GUS}, journey.token)
    assert (moved.status, moved.json["id"], moved.json["email"]) == (200, gus, GUS), moved.text
    assert event_source.works()
    assert api.accept(mailbox.link(TYPO)).json["code"] == "invitation_not_found"
    assert api.accept(mailbox.link(GUS), "Gus").status == 200
    assert gus in stack.accounts()
    again = api.patch(f"/v1/users/{gus}", {"email": TYPO}, journey.token)
    assert (again.status, again.json["code"]) == (409, "already_registered")
    journey.gus = gus


def test_an_account_that_went_while_its_person_was_accepted_is_given_again(stack, api, event_source, mailbox, journey):
    invitation = {"invitees": [{"email": HAL, "groups": ["administrators"]}]}
    [row] = api.post("/v1/invitations", invitation, journey.token).json["results"]
    hal = row["user_id"]
    # Of whom nobody has changed anything, nobody has withdrawn an account.
    earlier = api.patch(f"/v1/users/{hal}", {"external_id": "7"}, journey.token)
    assert earlier.status == 200, earlier.text
    assert event_source.works()
    assert api.accept(mailbox.link(HAL), "Hal").status == 200
    cognito = stack.client("cognito-idp")
    # As a correction that was slow to withdraw it would have.
    cognito.admin_delete_user(Username=hal, UserPoolId=stack.pool)
    again = api.patch(f"/v1/users/{hal}", {"name": "Hal"}, journey.token)
    assert again.status == 200, again.text
    assert hal in stack.accounts()
    groups = cognito.admin_list_groups_for_user(Username=hal, UserPoolId=stack.pool)["Groups"]
    assert [group["GroupName"] for group in groups] == ["administrators"]


def test_an_erased_person_is_gone_with_their_account_and_what_told_of_them(stack, api, readers, journey):
    sent = wait_for("the mails in the history", lambda: readers["history"].works() and telling(stack, journey.gus))
    assert {event["kind"]["S"] for event in sent} >= {"mail_sent"}
    path = f"/v1/users/{journey.gus}"
    erased = api.delete(path, journey.token)
    expected = {"outcome": "erased", "user_id": journey.gus, "suppression_kept": False}
    assert (erased.status, erased.json) == (200, expected), erased.text
    assert journey.gus not in stack.accounts()
    for answer in (api.get(path, journey.token), api.delete(path, journey.token)):
        assert (answer.status, answer.json["code"]) == (404, "user_not_found")

    def ended():
        kinds = {row["kind"]["S"] for row in rows(stack, journey.gus) if "kind" in row}
        return readers["history"].works() and "erased" in kinds and not telling(stack, journey.gus)

    wait_for("the history to be gone through", ended)
    assert GUS not in str(rows(stack, journey.gus))


def test_that_somebody_does_not_want_to_be_written_to_is_kept(api, journey):
    erased = api.delete(f"/v1/users/{journey.users[CAT]}", journey.token)
    assert (erased.status, erased.json["suppression_kept"]) == (200, True), erased.text
    [row] = api.post("/v1/invitations", {"text": CAT}, journey.token).json["results"]
    assert row["outcome"] == "suppressed"


def test_nobody_erases_themselves(api, journey):
    [ada] = api.get("/v1/users?q=ada@", journey.token).json["data"]
    answer = api.delete(f"/v1/users/{ada['id']}", journey.token)
    assert (answer.status, answer.json["code"]) == (409, "oneself")


def telling(stack, user):
    """The events that may tell who the user is."""
    return [row for row in rows(stack, user) if "message_id" in row or "reason" in row]


def rows(stack, user):
    query = {"KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": {":pk": {"S": f"USER#{user}"}}}
    return stack.client("dynamodb").query(TableName=stack.outputs["TableName"], ConsistentRead=True, **query)["Items"]
