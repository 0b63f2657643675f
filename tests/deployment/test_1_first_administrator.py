"""From the empty stack to somebody who may invite."""

import json
import time
import tomllib
from fnmatch import fnmatchcase

from stack import MAIL_DOMAIN, MORE, REGION, REQUIRED, ROOT

ADA, GRACE = "ada@people.example", "grace@people.example"


def test_what_stands_in_samconfig_reaches_the_stack_whole(stack):
    """A value whose quotes SAM took off would end at its first space."""
    [deployed] = stack.client("cloudformation").describe_stacks(StackName=stack.NAME)["Stacks"]
    values = {parameter["ParameterKey"]: parameter["ParameterValue"] for parameter in deployed["Parameters"]}
    expected = REQUIRED | MORE | {"LogLevel": "debug", "LogRetentionDays": "7", "DeletionProtection": "false"}
    assert {name: values[name] for name in expected} == expected


def test_the_api_has_the_routes_that_the_local_stack_has(stack):
    manifest = tomllib.loads((ROOT / "Cargo.toml").read_text())
    local = manifest["workspace"]["metadata"]["lambda"]["watch"]["router"]
    expected = {
        (f"{target['method']} {path}", target["function"], needs_sign_in(path))
        for path, targets in local.items() for target in targets
    }
    assert set(deployed_routes(stack)) == expected


def needs_sign_in(path):
    return path.startswith("/v1/") and not path.startswith("/v1/accept")


def deployed_routes(stack):
    """Each route of the API, with the function it leads to and whether it asks for a token."""
    api, gateway = stack.resources["Api"]["PhysicalResourceId"], stack.client("apigatewayv2")
    functions = {configuration["FunctionArn"]: name for name, configuration in stack.functions.items()}
    integrations = {
        f"integrations/{found['IntegrationId']}": functions[found["IntegrationUri"]]
        for found in gateway.get_integrations(ApiId=api)["Items"]
    }
    for route in gateway.get_routes(ApiId=api)["Items"]:
        yield route["RouteKey"], integrations[route["Target"]], route["AuthorizationType"] == "JWT"


def test_api_gateway_may_call_the_function_behind_each_route(stack):
    api = f"arn:aws:execute-api:{REGION}:000000000000:{stack.resources['Api']['PhysicalResourceId']}"
    refused = [
        route for route, function, _ in deployed_routes(stack)
        if not any(fnmatchcase(f"{api}/$default/{route.replace(' ', '')}", source) for source in callers(stack, function))
    ]
    assert refused == []


def callers(stack, function):
    """Which routes may call a function, as patterns of their ARNs."""
    policy = stack.client("lambda").get_policy(FunctionName=stack.functions[function]["FunctionName"])["Policy"]
    for statement in json.loads(policy)["Statement"]:
        assert statement["Principal"] == {"Service": "apigateway.amazonaws.com"}
        yield statement["Condition"]["ArnLike"]["AWS:SourceArn"]


def test_a_route_that_answers_anybody_or_only_tries_a_mail_takes_less_than_the_others(stack):
    limits = ("ThrottlingRateLimit", "ThrottlingBurstLimit")
    default, settings = stack.stage["DefaultRouteSettings"], stack.stage["RouteSettings"]
    public = {route for route, function, signed_in in deployed_routes(stack) if function == "accept" and not signed_in}
    assert set(settings) == public | {"POST /v1/templates/{locale}/test"}, "pages read nothing, so they are like the others"
    for route, found in settings.items():
        assert all(0 < found[limit] < default[limit] for limit in limits), route


def test_the_operator_verifies_the_sender(stack):
    stack.client("sesv2").create_email_identity(EmailIdentity=MAIL_DOMAIN)
    assert stack.client("sesv2").get_email_identity(EmailIdentity=MAIL_DOMAIN)["VerifiedForSendingStatus"]


def test_the_first_administrator_is_invited_like_anybody_else(stack, event_source, mailbox, journey):
    told, content = stack.xtask("invite-administrator", "dev", ADA)
    assert content and "Invited." in told, told
    journey.ada_link = mailbox.link(ADA)
    assert journey.ada_link.startswith(stack.outputs["PagesUrl"])


def test_accepting_makes_an_account_without_a_mail_from_cognito(stack, api, mailbox, journey):
    answer = api.accept(journey.ada_link, "Ada Lovelace")
    assert answer.status == 200, answer.text
    assert answer.json["sign_in_url"] == stack.outputs["SignInUrl"]

    [(username, account)] = stack.accounts().items()
    assert username == answer.json["user"]["id"]
    journey.ada = username
    attributes = {attribute["Name"]: attribute["Value"] for attribute in account["Attributes"]}
    assert attributes.pop("sub")
    assert attributes == {"email": ADA, "email_verified": "true", "name": "Ada Lovelace"}
    assert groups(stack, username) == ["administrators"]
    assert [mail["Type"] for mail in mailbox.to(ADA)] == ["v2.SendBulkEmail"]


def groups(stack, username):
    found = stack.client("cognito-idp").admin_list_groups_for_user(Username=username, UserPoolId=stack.pool)
    return [group["GroupName"] for group in found["Groups"]]


def test_the_administrator_signs_in_with_a_code_by_mail(api, sign_in_page, journey):
    tokens = sign_in_page.sign_in(ADA)
    journey.token, journey.id_token = tokens["access_token"], tokens["id_token"]
    answer = api.get("/v1/users", journey.token)
    assert answer.status == 200, answer.text
    assert [user["id"] for user in answer.json["data"]] == [journey.ada]


def test_a_second_mail_to_an_administrator_has_to_wait_a_minute(stack, mailbox, journey):
    told, content = stack.xtask("invite-administrator", "dev", GRACE)
    assert content, told
    journey.grace_link, journey.grace_invited_at = mailbox.link(GRACE), time.monotonic()
    told, content = stack.xtask("invite-administrator", "dev", GRACE)
    assert not content and "ago" in told, told
