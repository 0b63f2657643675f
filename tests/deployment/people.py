"""What people do: administrators call the API, invited people read their mail, follow its link and sign in."""

import base64
import gzip
import hashlib
import html
import http.client
import json
import re
import secrets
from dataclasses import dataclass
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit
from urllib.request import urlopen

from stack import wait_for

# As tokens name them: the scopes of the pool's resource server.
ALL_SCOPES = "usher/users:read usher/users:invite usher/users:write usher/settings:write"


@dataclass
class Answer:
    status: int
    headers: dict
    text: str

    @property
    def json(self):
        return json.loads(self.text)


class Http:
    """Requests as a browser or a program sends them, to whatever the emulator serves under a name."""

    def __init__(self, emulator):
        self.port = emulator.port

    def send(self, host, method, path, headers=None, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, path, body=body, headers={"Host": host} | (headers or {}))
        response = connection.getresponse()
        content = response.read()
        if response.headers["Content-Encoding"] == "gzip":
            content = gzip.decompress(content)
        text = content.decode()
        connection.close()
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, text)


class Api:
    """The API at its own address, which the emulator tells by the Host header."""

    def __init__(self, stack):
        self.http = Http(stack.emulator)
        self.host = urlsplit(stack.outputs["ApiUrl"]).netloc

    def get(self, path, token=None, headers=None):
        return self.http.send(self.host, "GET", path, bearer(token) | (headers or {}))

    def post(self, path, body, token=None):
        headers = {"Content-Type": "application/json"} | bearer(token)
        return self.http.send(self.host, "POST", path, headers, json.dumps(body))

    def put(self, path, body, token, version="*"):
        headers = {"Content-Type": "application/json", "If-Match": version} | bearer(token)
        return self.http.send(self.host, "PUT", path, headers, json.dumps(body))

    def patch(self, path, body, token=None):
        headers = {"Content-Type": "application/json"} | bearer(token)
        return self.http.send(self.host, "PATCH", path, headers, json.dumps(body))

    def delete(self, path, token=None, headers=None):
        return self.http.send(self.host, "DELETE", path, bearer(token) | (headers or {}))

    def accept(self, link, name="Somebody"):
        return self.post("/v1/accept", {"token": token_of(link), "name": name})


def bearer(token):
    return {"Authorization": f"Bearer {token}"} if token else {}


def token_of(link):
    return link.partition("#")[2]


class Mailbox:
    """What SES was given, in the emulator."""

    def __init__(self, emulator):
        self.url = f"{emulator.url}/_ministack/ses/messages"

    def all(self):
        with urlopen(self.url, timeout=20) as answer:
            found = json.load(answer)["messages"]
        return [mail for mails in found.values() for mail in mails]

    def to(self, address):
        return [mail for mail in self.all() if mail["To"] == [address]]

    def invitations(self):
        return [mail for mail in self.all() if mail["Type"] == "v2.SendBulkEmail"]

    def invitation(self, address, nth=1):
        """The nth invitation to this address, as soon as it is there."""
        def mails():
            found = [mail for mail in self.invitations() if mail["To"] == [address]]
            return found if len(found) >= nth else None

        return wait_for(f"invitation {nth} to {address}", mails, seconds=30)[nth - 1]

    def link(self, address, nth=1):
        return link_in(self.invitation(address, nth))


def link_in(mail):
    [link] = re.findall(r"https?://\S+/accept#inv_\S+", mail["BodyText"])
    assert html.escape(link) in mail["BodyHtml"], "both forms of a mail have the same link"
    return link


class SignInPage:
    """The hosted sign-in page, followed as a browser would: its forms, the code by mail, the redirect, the tokens."""

    def __init__(self, stack):
        self.http = Http(stack.emulator)
        self.mailbox = Mailbox(stack.emulator)
        address = urlsplit(stack.outputs["SignInUrl"])
        self.host, self.query = address.netloc, dict(parse_qsl(address.query))

    def sign_in(self, address):
        """The tokens of this person: access_token, id_token."""
        code = self.code(address, self.open())
        return self.tokens(
            grant_type="authorization_code", code=code, client_id=self.query["client_id"],
            redirect_uri=self.query["redirect_uri"],
        )

    def sign_in_by(self, page, redirect_uri, address):
        """As the page for administrators does it, with what its HTML says: by PKCE."""
        verifier = secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = urlsplit(page["authorize_url"])
        assert asked.netloc == self.host
        query = {
            "response_type": "code", "client_id": page["client_id"], "redirect_uri": redirect_uri, "scope": page["scopes"],
            "state": "state", "code_challenge": challenge, "code_challenge_method": "S256",
        }
        first = self.http.send(self.host, "GET", f"{asked.path}?{urlencode(query)}")
        token = urlsplit(page["token_url"])
        form = {
            "grant_type": "authorization_code", "code": self.code(address, first), "client_id": page["client_id"],
            "redirect_uri": redirect_uri, "code_verifier": verifier,
        }
        assert (token.netloc, token.path) == (self.host, "/oauth2/token")
        return self.tokens(**form)

    def code(self, address, first):
        """The code with which the issuer sends this person back, from the first page on."""
        mails = len(self.mailbox.to(address))
        page = self.submit(first, username=address)
        page = self.submit(page, challenge="EMAIL_OTP")
        code = wait_for("the code", lambda: self.mailbox.to(address)[mails:])[-1]
        page = self.submit(page, code=re.search(r"\b\d{6,8}\b", code["BodyText"]).group())
        if "new_password" in page.text:
            # Cognito lets people in by their code alone. The emulator has everybody whom AdminCreateUser made choose a
            # password first.
            page = self.submit(page, new_password="correct horse battery", confirm_password="correct horse battery")
        assert page.status == 302, page.text
        [code] = parse_qs(urlsplit(page.headers["location"]).query)["code"]
        return code

    def open(self, **changes):
        """The first page, or with another query than the page's address has."""
        return self.http.send(self.host, "GET", f"/oauth2/authorize?{urlencode(self.query | changes)}")

    def submit(self, page, **fields):
        assert page.status == 200, page.text
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text))
        form = {name: html.unescape(value) for name, value in hidden.items()} | fields
        return self.post("/login", form)

    def tokens(self, **form):
        answer = self.post("/oauth2/token", form)
        assert answer.status == 200, answer.text
        return answer.json

    def post(self, path, form):
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.http.send(self.host, "POST", path, headers, urlencode(form))


def sign_in_as_program(stack):
    """The access token of the operator's own back end."""
    client = stack.client("cognito-idp").describe_user_pool_client(
        UserPoolId=stack.pool, ClientId=stack.outputs["ProgramClientId"]
    )["UserPoolClient"]
    return SignInPage(stack).tokens(
        grant_type="client_credentials", client_id=client["ClientId"], client_secret=client["ClientSecret"]
    )["access_token"]
