"""One emulator and one deployed stack for all tests, which are the steps of one journey and run in the order of the files."""

import json
import os
import shutil
import signal
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest

import evidence
from async_invocation import AsyncInvocation
from event_source import EventSource, credentials_of_role
from people import Api, Mailbox, SignInPage
from stack import ROOT, Emulator, Stack


def pytest_configure():
    """Being told to end is like Ctrl-C: what was started is stopped first."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.fixture(scope="session")
def directory():
    """Everything that the test writes, gone after it."""
    path = Path(tempfile.mkdtemp(prefix="usher-deployment-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def emulator(directory):
    emulator = Emulator(directory)
    try:
        emulator.start()
        yield emulator
    finally:
        emulator.stop()


@pytest.fixture(scope="session")
def stack(emulator, directory, request):
    stack = Stack(emulator)
    stack.deploy(Path(os.environ.get("LAMBDA_DIR") or ROOT / "target" / "lambda-dev"), directory)
    request.config.deployed_stack = stack
    return stack


# The functions that read the table's stream, and their event source mappings.
READERS = {"mailer": "MailerSource", "history": "HistorySource"}


@pytest.fixture(scope="session")
def readers(stack):
    """Lambda's pollers between the table and the functions that read its stream."""
    sources = {}
    for function, mapping in READERS.items():
        credentials = credentials_of_role(stack, function, f"lend-role-of-{function}")
        sources[function] = EventSource(stack, stack.resources[mapping]["PhysicalResourceId"], credentials)
        sources[function].start()
    yield sources
    for source in sources.values():
        source.stop()
        assert source.works()


@pytest.fixture(scope="session")
def event_source(readers):
    return readers["mailer"]


@pytest.fixture(scope="session")
def feedback_retries(stack):
    """Lambda's queue before the function that listens to SES."""
    return AsyncInvocation(stack, "feedback", credentials_of_role(stack, "feedback", "lend-role-of-feedback"))


@pytest.fixture(scope="session")
def api(stack):
    return Api(stack)


@pytest.fixture(scope="session")
def mailbox(emulator):
    return Mailbox(emulator)


@pytest.fixture(scope="session")
def sign_in_page(stack):
    return SignInPage(stack)


@pytest.fixture(scope="session")
def journey():
    """What one step leaves for the next: who was invited, their links, the administrator's token."""
    return SimpleNamespace()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """With a failure comes what the functions had to say."""
    outcome = yield
    report = outcome.get_result()
    stack = getattr(item.config, "deployed_stack", None)
    if report.failed and stack:
        report.sections.append(("what the functions logged", told_by_functions(stack)))
        report.sections.append(("the emulator's last complaints", complaints(stack.emulator)))


def told_by_functions(stack):
    """The last warnings and errors of each function, and its last line."""
    told = []
    for function in sorted(stack.functions):
        found = evidence.parsed(evidence.lines(stack, stack.log_group(function)))
        worth = [line for line in found[:-1] if line["level"] in ("WARN", "ERROR")][-4:] + found[-1:]
        told += [f"{function}: {json.dumps(line)}" for line in worth]
    return "\n".join(told)


def complaints(emulator):
    found = [line for line in emulator.log.read_text().splitlines() if " WARNING [" in line or " ERROR [" in line]
    return "\n".join(found[-10:])
