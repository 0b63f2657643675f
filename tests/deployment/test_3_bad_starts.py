"""A function that is configured wrongly says so once, when it starts, and never answers a request.

Each case is a function of its own: the deployed one's code, role and environment, but for one thing.
"""

import json
import re
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from stack import MAIL_DOMAIN

ELSEWHERE = "arn:aws:secretsmanager:eu-central-1:000000000000:secret:somebody-elses"

# An identity whose DKIM key stands in no DNS record.
UNPUBLISHED = {
    "DkimSigningAttributes": {"DomainSigningSelector": "usher", "DomainSigningPrivateKey": "bm9ib2R5IGhhcyB0aGlz"}
}


@dataclass
class BadStart:
    function: str
    change: dict  # one variable; None leaves it out

    def __str__(self):
        [(name, value)] = self.change.items()
        return f"{self.function}-without-{name}" if value is None else f"{self.function}-{name}={value}"


MISSING = [
    *(BadStart(function, {"TABLE_NAME": None}) for function in ("invite", "resend", "revoke", "update", "erase", "accept", "list", "settings", "suppression", "history", "feedback", "mailer", "sweeper")),
    *(BadStart(function, {"TOKEN_KEY_SECRET": None}) for function in ("invite", "resend", "update", "erase", "mailer")),
    *(BadStart(function, {"PRODUCT_NAME": None}) for function in ("accept", "settings", "mailer")),
    *(BadStart(function, {"PUBLIC_URL": None}) for function in ("invite", "resend", "accept", "settings", "mailer")),
    *(BadStart(function, {"MAIL_IDENTITY": None}) for function in ("invite", "settings", "mailer")),
    *(BadStart(function, {"MAIL_FROM": None}) for function in ("settings", "mailer")),
]
MALFORMED = [
    BadStart("invite", {"PUBLIC_URL": "usher"}),
    BadStart("invite", {"DEFAULT_LOCALE": "no language"}),
    BadStart("invite", {"REDIRECT_ORIGINS": "nowhere"}),
    BadStart("invite", {"ALLOWED_EMAIL_DOMAINS": "a@b"}),
    BadStart("accept", {"SIGN_IN_URL": "usher"}),
    BadStart("mailer", {"MAIL_FROM": "Acme"}),
    BadStart("mailer", {"MAIL_LEASE_SECONDS": "soon"}),
    BadStart("mailer", {"MAIL_RATE": "fast"}),
    BadStart("sweeper", {"MAIL_SETTLE_SECONDS": "0"}),
    BadStart("list", {"TRUST_STORE": "everybody"}),
]
ABSENT = [
    *(BadStart(function, {"TABLE_NAME": "no-such-table"}) for function in ("invite", "resend", "revoke", "update", "erase", "accept", "list", "settings", "suppression", "history", "feedback", "mailer", "sweeper")),
    *(BadStart(function, {"TOKEN_KEY_SECRET": ELSEWHERE}) for function in ("invite", "resend", "update", "erase", "mailer")),
    *(BadStart(function, {"USER_POOL_ID": "eu-central-1_NoSuchOne"}) for function in ("accept", "update", "erase")),
]


@pytest.mark.parametrize("case", [*MISSING, *MALFORMED, *ABSENT], ids=str)
def test_a_wrong_setting_ends_the_start_with_one_line_that_names_it(stack, case):
    [name] = case.change
    with function_like(stack, case.function, case.change) as bad:
        check(start(stack, bad), name)


@pytest.mark.parametrize("function", ["invite", "resend", "update", "erase", "mailer"])
def test_a_token_key_that_could_be_guessed_ends_the_start_with_one_line_that_names_it(stack, function):
    secrets, secret = stack.client("secretsmanager"), stack.outputs["TokenKeySecret"]
    key = secrets.get_secret_value(SecretId=secret)["SecretString"]
    secrets.put_secret_value(SecretId=secret, SecretString="x" * 31)
    try:
        with function_like(stack, function, {}) as bad:
            check(start(stack, bad), "TOKEN_KEY_SECRET")
    finally:
        secrets.put_secret_value(SecretId=secret, SecretString=key)


@pytest.mark.parametrize(
    ("identity", "told"), [(None, "SES does not know the identity"), (UNPUBLISHED, "is not verified")], ids=["unknown", "pending"]
)
def test_a_sender_that_is_not_verified_ends_the_start_with_one_line_that_names_it(stack, identity, told):
    ses = stack.client("sesv2")
    ses.delete_email_identity(EmailIdentity=MAIL_DOMAIN)
    if identity:
        ses.create_email_identity(EmailIdentity=MAIL_DOMAIN, **identity)
    try:
        with function_like(stack, "mailer", {}) as bad:
            printed = start(stack, bad)
            check(printed, "MAIL_IDENTITY")
            assert told in printed[-1] and MAIL_DOMAIN in printed[-1], printed
    finally:
        if identity:
            ses.delete_email_identity(EmailIdentity=MAIL_DOMAIN)
        ses.create_email_identity(EmailIdentity=MAIL_DOMAIN)


def test_the_same_function_without_a_mistake_starts(stack):
    """So that the tests above fail for their mistake and for nothing else."""
    with function_like(stack, "accept", {}) as good:
        answer = stack.client("lambda").invoke(FunctionName=good, Payload="{}")
        # It looked at what it was sent, and that is no request.
        assert "no event of API Gateway" in json.load(answer["Payload"])["errorMessage"]


@contextmanager
def function_like(stack, function, change):
    """A function with the deployed one's code, role and environment, but for the change."""
    functions, like = stack.client("lambda"), stack.functions[function]
    variables = like["Environment"]["Variables"] | change
    code = stack.packaged(function)
    name = f"bad-start-of-{function}"
    functions.create_function(
        FunctionName=name, Runtime=like["Runtime"], Handler=like["Handler"], Role=like["Role"], Timeout=30,
        Code={"S3Bucket": code["S3Bucket"], "S3Key": code["S3Key"]},
        Environment={"Variables": {name: value for name, value in variables.items() if value is not None}},
    )
    try:
        yield name
    finally:
        functions.delete_function(FunctionName=name)


def start(stack, function):
    """What the function printed before it ended. The emulator has it in the error, where Lambda has it in the log."""
    answer = stack.client("lambda").invoke(FunctionName=function, Payload="{}")
    error = json.load(answer["Payload"])
    assert answer.get("FunctionError"), f"it started, and answered {error}"
    before, found, printed = error["errorMessage"].partition("bootstrap exited during init with code 1: ")
    assert found and not before, error
    return printed.splitlines()


def check(printed, name):
    """One error and nothing that is not a log line: what follows an error hides it."""
    assert [line for line in printed if not line.startswith("{")] == []
    [error] = [line for line in map(json.loads, printed) if line["level"] == "ERROR"]
    told = f"{error['message']} {error.get('error', '')}"
    assert len(re.findall(rf"\b{name}\b", told)) == 1, told
    assert any(where in told for where in ("template", "role", "verif")), f"it does not say where to look: {told}"
