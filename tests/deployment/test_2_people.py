"""The main job through API Gateway: who may invite, 120 people invited, and what they do with their links."""

import base64
import html
import json
import re
import time
from collections import Counter
from urllib.parse import parse_qs, urlsplit

import pytest

from people import ALL_SCOPES, sign_in_as_program
from stack import MAIL_DOMAIN, wait_for

PEOPLE = [f"person{number:03}@people.example" for number in range(120)]
# As people paste them: separated this way and that, one with a name.
PASTED = "; ".join(PEOPLE[:40]) + ",\n" + "\n".join(PEOPLE[40:119]) + f'\n"Last, Person" <{PEOPLE[119]}>'
BO, CAT, DAN, EVE = PEOPLE[:4]


def test_nobody_gets_in_without_a_token_of_the_pool(api, journey):
    head, claims, signature = journey.token.split(".")
    unsigned = base64.urlsafe_b64encode(json.dumps({"alg": "none"}).encode()).rstrip(b"=").decode()
    forged = [f"{head}.{claims}.{signature[::-1]}", f"{unsigned}.{claims}.", "nonsense"]
    for token in [None, *forged]:
        answer = api.post("/v1/invitations", {"text": "mallory@people.example"}, token)
        assert answer.status == 401, (token, answer.text)


def test_an_id_token_opens_nothing(api, journey):
    answer = api.post("/v1/invitations", {"text": "mallory@people.example"}, journey.id_token)
    assert answer.status in (401, 403), answer.text


def test_an_administrator_invites_120_people_at_once(api, journey):
    answer = api.post("/v1/invitations", {"text": PASTED, "locale": "de"}, journey.token)
    assert answer.status == 200, answer.text
    assert answer.json["counts"] == {"total": 120, "invited": 120, "not_invited": 0}
    journey.users = {row["email"]: row["user_id"] for row in answer.json["results"]}
    journey.invited_at = time.monotonic()
    assert sorted(journey.users) == PEOPLE


def test_each_of_them_gets_one_mail(event_source, mailbox, journey):
    def all_mailed():
        return event_source.works() and received(mailbox).keys() >= set(PEOPLE)

    wait_for("a mail to each of the 120", all_mailed, seconds=90)
    mails = received(mailbox)
    assert {address: mails[address] for address in PEOPLE} == dict.fromkeys(PEOPLE, 1)
    assert "Ada Lovelace" in mailbox.invitation(BO)["BodyText"], "the mail says who invites"
    journey.links = {address: mailbox.link(address) for address in PEOPLE[:8]}


def received(mailbox):
    return Counter(mail["To"][0] for mail in mailbox.invitations())


def test_inviting_somebody_again_changes_nothing(api, journey):
    answer = api.post("/v1/invitations", {"text": BO}, journey.token)
    [row] = answer.json["results"]
    assert (row["outcome"], row["user_id"]) == ("already_invited", journey.users[BO])


def test_a_link_shows_the_invitation(api, journey):
    answer = api.post("/v1/accept/lookup", {"token": journey.links[BO].partition("#")[2]})
    assert answer.status == 200, answer.text
    assert (answer.json["email"], answer.json["product_name"]) == (BO, "Acme Rockets")


def test_a_link_registers_once(stack, api, journey):
    before = set(stack.accounts())
    assert api.accept(journey.links[BO], "Bo").status == 200
    answer = api.accept(journey.links[BO], "Bo")
    assert (answer.status, answer.json["code"]) == (409, "invitation_already_used")
    assert set(stack.accounts()) - before == {journey.users[BO]}


def test_people_who_are_no_administrators_may_sign_in_but_not_invite(api, sign_in_page, journey):
    token = sign_in_page.sign_in(BO)["access_token"]
    answer = api.post("/v1/invitations", {"text": "mallory@people.example"}, token)
    assert (answer.status, answer.json["code"]) == (403, "missing_scope")
    assert answer.json["missing_scope"].endswith("users:invite")
    assert api.get("/v1/users", token).status == 403
    me = api.get("/v1/me", token)
    assert (me.status, me.json["scopes"], me.json["administrator"]) == (200, [], False), me.text
    assert "administrators" in me.json["who_can_grant"]
    assert api.post(f"/v1/users/{journey.users[CAT]}/revoke", {}, token).status == 403


@pytest.mark.parametrize("scope", ALL_SCOPES.split())
def test_nobody_can_ask_for_a_scope_of_ours_at_the_sign_in_page(sign_in_page, scope):
    answer = sign_in_page.open(scope=f"openid {scope}")
    assert answer.status == 302, answer.text
    told = parse_qs(urlsplit(answer.headers["location"]).query)
    assert told["error_description"] == ["invalid_scope"] and "code" not in told


def test_nobody_gets_an_account_without_an_invitation(stack):
    """By this setting Cognito refuses SignUp with NotAuthorizedException. The emulator lets everybody sign up."""
    pool = stack.client("cognito-idp").describe_user_pool(UserPoolId=stack.pool)["UserPool"]
    assert pool["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"] is True


def test_whoever_declines_gets_no_account(stack, api, journey):
    answer = api.post("/v1/accept/decline", {"token": journey.links[CAT].partition("#")[2]})
    assert answer.status == 200, answer.text
    assert api.accept(journey.links[CAT]).json["code"] == "invitation_declined"
    assert journey.users[CAT] not in stack.accounts()


def test_a_revoked_link_is_dead(stack, api, journey):
    answer = api.post(f"/v1/users/{journey.users[DAN]}/revoke", {}, journey.token)
    assert (answer.status, answer.json["state"]) == (200, "revoked")
    answer = api.accept(journey.links[DAN])
    assert (answer.status, answer.json["code"]) == (410, "invitation_revoked")
    assert journey.users[DAN] not in stack.accounts()


def test_a_revocation_is_taken_back(stack, api, journey):
    path = f"/v1/users/{journey.users[DAN]}"
    answer = api.post(f"{path}/restore", {}, journey.token)
    assert (answer.status, answer.json["state"]) == (200, "pending"), answer.text
    assert api.post("/v1/accept/lookup", {"token": journey.links[DAN].partition("#")[2]}).status == 200
    assert api.post(f"{path}/restore", {}, journey.token).json["code"] == "not_revoked"
    assert api.post(f"{path}/revoke", {}, journey.token).status == 200


def test_the_link_of_the_mail_can_be_shown(api, journey):
    answer = api.get(f"/v1/users/{journey.users[EVE]}/link", journey.token)
    assert answer.status == 200, answer.text
    assert answer.json["accept_url"] == journey.links[EVE]
    assert answer.headers["cache-control"] == "no-store"


def test_many_are_sent_again_by_their_ids_or_by_their_state(api, journey):
    ids = [journey.users[person] for person in (BO, CAT, DAN)]
    answer = api.post("/v1/invitations/resend", {"ids": ids}, journey.token)
    assert answer.status == 200, answer.text
    assert [row["outcome"] for row in answer.json["results"]] == ["already_registered", "declined", "revoked"]
    answer = api.post("/v1/invitations/resend", {"state": "expired"}, journey.token)
    assert (answer.status, answer.json["results"], answer.json["list_metadata"]) == (200, [], {"after": None}), answer.text


def test_everybody_is_told_what_they_may_do(api, journey):
    answer = api.get("/v1/me", journey.token)
    assert answer.status == 200, answer.text
    assert (answer.json["administrator"], answer.json["name"]) == (True, "Ada Lovelace")
    assert answer.json["scopes"] == ["users:read", "users:invite", "users:write", "settings:write"]


def test_a_second_mail_within_a_minute_is_refused(api, journey):
    if time.monotonic() - journey.invited_at > 55:
        # On a slow machine the minute is over; the mail of a fresh invitation is as new as it was meant to be.
        api.post("/v1/invitations", {"text": "late@people.example"}, journey.token)
        [user] = api.get("/v1/users?q=late@", journey.token).json["data"]
    else:
        user = {"id": journey.users[EVE]}
    answer = api.post(f"/v1/users/{user['id']}/resend", {}, journey.token)
    assert answer.status == 429, answer.text
    assert 0 < int(answer.headers["retry-after"]) <= 60


def test_a_list_shows_everybody_a_page_at_a_time(api, journey):
    first = api.get("/v1/users?state=pending&limit=100", journey.token).json
    after = first["list_metadata"]["after"]
    second = api.get(f"/v1/users?state=pending&limit=100&after={after}", journey.token).json
    listed = [user["email"] for page in (first, second) for user in page["data"]]
    gone = {BO, CAT, DAN}
    assert set(PEOPLE) - gone <= set(listed) and not gone & set(listed)
    assert len(listed) == len(set(listed))


def test_a_list_finds_by_state_by_address_and_by_id(api, journey):
    def listed(query):
        return [user["email"] for user in api.get(f"/v1/users?{query}", journey.token).json["data"]]

    assert listed("state=accepted") == [BO, "ada@people.example"]
    assert listed("state=declined") == [CAT]
    assert listed("q=person00") == PEOPLE[:10]
    assert listed("q=nobody") == []
    one = api.get(f"/v1/users/{journey.users[BO]}", journey.token)
    assert (one.status, one.json["email"], one.json["state"]) == (200, BO, "accepted")
    assert api.get("/v1/users/usr_00000000000000000000000000", journey.token).status == 404


def test_the_mail_doctor_says_what_is_wrong(stack, api, journey):
    put_on_its_way(stack, api, "waiting@people.example", journey)
    answer = api.get("/v1/mail-health", journey.token)
    assert answer.status == 200, answer.text
    health = answer.json
    assert health["account"]["sandbox"] is False and health["account"]["quota"] > health["account"]["used"] > 0
    assert health["sender"] | {"dkim": "pending"} == {
        "identity": MAIL_DOMAIN, "exists": True, "verified": True, "dkim": "pending"
    }
    assert health["configuration_set"] == {
        "name": stack.outputs["ConfigurationSet"], "exists": True, "sending_enabled": True, "event_destination": "present"
    }
    assert health["mail"]["queued"]["count"] == 1 and health["mail"]["counted_all"] is True
    # In the emulator nobody sets DNS records.
    assert [problem["code"] for problem in health["problems"]] == ["dkim_not_verified"], health["problems"]
    assert health["status"] == "degraded"


def put_on_its_way(stack, api, address, journey):
    """As if this person's mail waited for its next try in half an hour."""
    answer = api.post("/v1/invitations", {"invitees": [{"email": address}], "notify": False}, journey.token)
    [row] = answer.json["results"]
    stack.client("dynamodb").update_item(
        TableName=stack.outputs["TableName"], Key={"pk": {"S": f"USER#{row['user_id']}"}, "sk": {"S": "USER"}},
        UpdateExpression="SET due_at = :soon, delivery.#status = :queued", ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues={":soon": {"N": str(int((time.time() + 1800) * 1000))}, ":queued": {"S": "queued"}},
    )


def test_a_dry_run_says_what_would_become_of_everybody_and_writes_nothing(stack, api, journey):
    table, ses = stack.client("dynamodb"), stack.client("sesv2")
    before = people_in(table, stack)
    details = {"MailType": "TRANSACTIONAL", "WebsiteURL": "https://acme.example"}
    ses.put_account_details(**details, ProductionAccessEnabled=False)
    try:
        text = f"{BO} new@people.example in@{MAIL_DOMAIN}"
        answer = api.post("/v1/invitations?dry_run=true", {"text": text}, journey.token)
    finally:
        ses.put_account_details(**details, ProductionAccessEnabled=True)
    assert answer.status == 200, answer.text
    outcomes = [(row["outcome"], row["user_id"]) for row in answer.json["results"]]
    assert outcomes == [("already_registered", journey.users[BO]), ("invited", None), ("invited", None)]
    [sandbox] = [warning for warning in answer.json["warnings"] if warning["code"] == "sandbox"]
    assert "1 of 2 addresses is not verified" in sandbox["detail"]
    assert people_in(table, stack) == before


def people_in(table, stack):
    """Users and addresses. Histories are still being written of what was before."""
    pages = table.get_paginator("scan").paginate(TableName=stack.outputs["TableName"])
    return [item for page in pages for item in page["Items"] if item["sk"]["S"] in ("USER", "ADDRESS")]


def test_a_program_has_the_scopes_it_was_given(stack, api):
    token = sign_in_as_program(stack)
    assert api.get("/v1/users?limit=1", token).status == 200
    answer = api.post("/v1/invitations", {"invitees": [{"email": "by-program@people.example"}], "notify": False}, token)
    assert answer.json["counts"]["invited"] == 1


def test_the_pages_are_served_and_may_do_little_in_a_browser(api):
    pages = {path: api.get(path) for path in ("/", "/accept")}
    assert pages["/"].text != pages["/accept"].text
    for path, answer in pages.items():
        assert answer.status == 200, answer.text
        assert answer.headers["content-type"].startswith("text/html")
        assert "<html" in answer.text.lower()
        assert answer.headers["referrer-policy"] == "no-referrer", path
        assert answer.headers["x-content-type-options"] == "nosniff", path
        policy = directives(answer.headers["content-security-policy"])
        assert policy["default-src"] == policy["frame-ancestors"] == ["'none'"], path
        assert policy["script-src"] == policy["style-src"] == ["'self'"], path
        files = re.findall(r'(?:src|href)="(/[^"]+)"', answer.text)
        assert any(file.endswith(".js") for file in files), path
        for file in files:
            plain, compressed = api.get(file), api.get(file, headers={"Accept-Encoding": "gzip"})
            assert plain.status == 200, file
            assert "immutable" in plain.headers["cache-control"], file
            assert compressed.headers["content-encoding"] == "gzip", file
            assert compressed.text == plain.text, file


def test_the_page_for_administrators_signs_them_in_at_the_pool(stack, api, sign_in_page, journey):
    found = re.findall(r'<meta name="usher:(\w+)" content="([^"]*)">', api.get("/").text)
    page = {name: html.unescape(value) for name, value in found}
    policy = directives(api.get("/").headers["content-security-policy"])
    issuer = urlsplit(page["token_url"])
    assert policy["connect-src"] == ["'self'", f"{issuer.scheme}://{issuer.netloc}"]
    tokens = sign_in_page.sign_in_by(page, stack.outputs["PagesUrl"] + "/", "ada@people.example")
    answer = api.get("/v1/users?limit=1", tokens["access_token"])
    assert answer.status == 200, answer.text
    assert tokens["refresh_token"]


def directives(policy):
    """A content security policy, as what each kind of thing may come from."""
    words = [directive.split() for directive in policy.split(";")]
    return {name: sources for name, *sources in words}


def test_an_address_that_no_parser_takes_is_answered(api, journey):
    assert api.get('/accept?<"').status == 200
    assert api.get('/v1/users?q=<">', journey.token).json["data"] == []
    answer = api.http.send(api.host, "GET", "/accept", {"X-Forwarded-Proto": "1:/"})
    assert answer.status == 200, answer.text
