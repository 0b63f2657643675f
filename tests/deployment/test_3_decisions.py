"""A tenant decides how its people are invited, and writes its own mail: with the permissions that the functions have in AWS."""

IVY, JON, KAI = "ivy@people.example", "jon@people.example", "kai@people.example"
WORDS = {
    "subject": "Kaixo {{product_name}}",
    "text": "Kaixo\n{{accept_url}}\n",
    "html": '<p>Kaixo</p><a href="{{accept_url}}">{{accept_url}}</a>',
}


def test_what_is_decided_holds_from_the_next_mail_on(api, event_source, mailbox, journey):
    read = api.get("/v1/settings", journey.token)
    assert (read.status, read.headers["etag"], read.json["version"]) == (200, '"0"', 0), read.text
    decided = {"product_name": "Rockets", "sender_address": "team@acme.example", "default_locale": "eu", "daily_invitations": 1000}
    written = api.put("/v1/templates/eu", WORDS, journey.token, '"0"')
    assert (written.status, written.json["version"]) == (200, 1), written.text
    assert api.put("/v1/settings", decided, journey.token, '"0"').status == 200
    assert api.put("/v1/settings", decided, journey.token, '"0"').json["code"] == "changed_meanwhile"
    assert "eu" in [one["locale"] for one in api.get("/v1/templates", journey.token).json["templates"]]

    for person in (IVY, JON):
        [row] = api.post("/v1/invitations", {"text": person}, journey.token).json["results"]
        journey.users[person] = row["user_id"]
    assert event_source.works()
    assert "Kaixo Rockets" in str(mailbox.invitation(IVY))
    shown = api.post("/v1/accept/lookup", {"token": mailbox.link(IVY).partition("#")[2]})
    assert (shown.json["product_name"], shown.json["locale"], shown.json["default_locale"]) == ("Rockets", "eu", "eu"), shown.text


def test_a_language_of_ones_own_can_be_asked_for_wherever_a_language_can(api, event_source, mailbox, journey):
    jon = f"/v1/users/{journey.users[JON]}"
    corrected = api.patch(jon, {"locale": "eu-ES", "email": KAI}, journey.token)
    assert (corrected.status, corrected.json["locale_source"]) == (200, "invitee"), corrected.text
    body = {"ids": [journey.users[JON]], "locale": "eu"}
    again = api.post("/v1/invitations/resend", body, journey.token)
    assert again.status == 200, again.text
    assert event_source.works()
    body = {"token": mailbox.link(IVY).partition("#")[2], "name": "Ivy", "locale": "eu"}
    accepted = api.post("/v1/accept", body)
    assert (accepted.status, accepted.json["user"]["locale"]) == (200, "eu"), accepted.text


def test_a_mail_is_seen_and_tried_before_it_is_sent(api, mailbox, journey):
    preview = api.post("/v1/templates/eu/preview", {}, journey.token)
    assert (preview.status, preview.json["subject"]) == (200, "Kaixo Rockets"), preview.text
    assert preview.json["from"] == "Acme <team@acme.example>"
    # To the caller, whom the pool names by the id of their user.
    tried = api.post("/v1/templates/eu/test", {}, journey.token)
    assert tried.status == 200, tried.text
    assert any(tried.json["to"] in mail["To"] and "Kaixo" in str(mail) for mail in mailbox.all())


def test_everything_is_as_deployed_again(api, journey):
    kept = api.delete("/v1/templates/eu", journey.token, {"If-Match": "*"})
    assert (kept.status, kept.json["code"]) == (409, "default_language"), kept.text
    cleared = api.put("/v1/settings", {}, journey.token)
    assert (cleared.status, cleared.json["version"]) == (200, 2), cleared.text
    gone = api.delete("/v1/templates/eu", journey.token, {"If-Match": "*"})
    assert gone.status == 204, gone.text
    assert api.get("/v1/templates/eu", journey.token).json["code"] == "template_not_found"
