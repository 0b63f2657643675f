"""The emulator, and the stack deployed into it by the command that an operator uses."""

import os
import platform
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from functools import cached_property
from pathlib import Path

import boto3

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "infra" / "template.yaml"
SAMCONFIG = TEMPLATE.with_name("samconfig.toml")
REGION = "eu-central-1"
MAIL_DOMAIN = "acme.example"

# What an operator has to say. The lines that samconfig.toml has for it, commented out, say the same.
REQUIRED = {"ProductName": "Acme Rockets", "MailFrom": f"Acme <invitations@{MAIL_DOMAIN}>", "MailIdentity": MAIL_DOMAIN}
# What differs from the defaults, so that the test sees more.
MORE = {
    "AlarmTopicArn": f"arn:aws:sns:{REGION}:000000000000:alarms",
    "ProgramAccess": "true",
    "Architecture": "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64",
}


class Emulator:
    """ministack on a free port of this machine, in a process group of its own, with everything it writes in `directory`."""

    def __init__(self, directory):
        self.directory = directory
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = directory / "emulator.log"
        self.environment = {
            **os.environ,
            # The keys are the emulator's root user's. With AUTH it asks IAM about every other caller.
            "AUTH": "true",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": self.url,
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "HOME": str(directory),
            "IOT_MTLS_ENABLED": "0",
            "MINISTACK_REGION": REGION,
            "SAM_CLI_TELEMETRY": "0",
            "SFTP_ENABLED": "0",
            "TMPDIR": str(directory),
        }
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION"):
            self.environment.pop(name, None)

    def start(self):
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, Path(__file__).with_name("emulator.py")],
                env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        wait_for("the emulator to be ready", self.is_ready, seconds=60)

    def is_ready(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"the emulator ended:\n{self.log.read_text()[-3000:]}")
        try:
            return urllib.request.urlopen(f"{self.url}/_ministack/ready", timeout=5).status == 200
        except OSError:
            return False

    def stop(self):
        """Ends the emulator and the functions it runs, which are in its process group."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, number)
                self.process.wait(timeout=5)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                pass

    def client(self, service, **credentials):
        keys = credentials or {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        return boto3.client(service, endpoint_url=self.url, region_name=REGION, **keys)


class Stack:
    """The deployed stack: what is in it, by the names of the template."""

    NAME = "usher-dev"  # as samconfig.toml has it

    def __init__(self, emulator):
        self.emulator = emulator

    def deploy(self, functions, directory):
        """`sam deploy` of the template as it is, with `functions` as the ../target/lambda that it names, and with what an
        operator writes into samconfig.toml."""
        self.infra = directory / "infra"
        self.infra.mkdir()
        shutil.copy(TEMPLATE, self.infra)
        (self.infra / "samconfig.toml").write_text(filled_in(SAMCONFIG.read_text()))
        (directory / "target").mkdir()
        (directory / "target" / "lambda").symlink_to(functions.resolve())
        self.sam("deploy", "--template-file", "template.yaml", "--no-progressbar")
        assert (self.infra / "template.yaml").read_bytes() == TEMPLATE.read_bytes()

    def sam(self, *arguments, told=""):
        """What `sam` prints, called as cargo xtask calls it."""
        done = subprocess.run(
            [os.environ.get("SAM", "sam"), *arguments, "--config-env", "dev"],
            cwd=self.infra, input=told, capture_output=True, text=True, timeout=240, check=False,
            env=self.emulator.environment | {"SAM_CLI_POLL_DELAY": "1"},  # seconds; 5 if not set
        )
        if done.returncode:
            raise RuntimeError(f"sam {arguments[0]} failed:\n{done.stdout[-6000:]}\n{done.stderr[-3000:]}")
        return done.stdout

    def xtask(self, *arguments):
        """What `cargo xtask` tells whoever calls it, and whether it was content."""
        home, sam = Path.home(), Path(shutil.which(os.environ.get("SAM", "sam")))
        done = subprocess.run(
            ["cargo", "xtask", *arguments],
            cwd=ROOT, capture_output=True, text=True, timeout=600, check=False,
            env={
                # The emulator's environment has another home; cargo's own things are in this one.
                "CARGO_HOME": str(home / ".cargo"), "RUSTUP_HOME": str(home / ".rustup"),
                **self.emulator.environment, "PATH": f"{sam.parent}{os.pathsep}{os.environ['PATH']}",
            },
        )
        return done.stderr, done.returncode == 0

    def client(self, service):
        return self.emulator.client(service)

    @cached_property
    def outputs(self):
        found = self.client("cloudformation").describe_stacks(StackName=self.NAME)["Stacks"][0]["Outputs"]
        return {output["OutputKey"]: output["OutputValue"] for output in found}

    @cached_property
    def resources(self):
        found = self.client("cloudformation").describe_stack_resources(StackName=self.NAME)["StackResources"]
        return {resource["LogicalResourceId"]: resource for resource in found}

    @cached_property
    def crates(self):
        """The template's name of each function, by the name of its crate."""
        found = re.findall(r"^  (\w+):\n(?:    .*\n)*?      CodeUri: \.\./target/lambda/(\w+)/$", TEMPLATE.read_text(), re.M)
        deployed = {
            name for name, resource in self.resources.items() if resource["ResourceType"] == "AWS::Lambda::Function"
        }
        assert deployed == {logical for logical, _ in found}, "each function's code is in ../target/lambda"
        return {crate: logical for logical, crate in found}

    @cached_property
    def functions(self):
        """The configuration of each deployed function, by the name of its crate."""
        configuration = self.client("lambda").get_function_configuration
        return {
            crate: configuration(FunctionName=self.resources[logical]["PhysicalResourceId"])
            for crate, logical in self.crates.items()
        }

    def packaged(self, function):
        """Where `sam deploy` put the function's zip."""
        template = self.client("cloudformation").get_template(StackName=self.NAME, TemplateStage="Processed")["TemplateBody"]
        return template["Resources"][self.crates[function]]["Properties"]["Code"]

    def log_group(self, function):
        return self.functions[function]["LoggingConfig"]["LogGroup"]

    def role(self, function):
        return self.functions[function]["Role"].rpartition("/")[2]

    @cached_property
    def stage(self):
        [stage] = self.client("apigatewayv2").get_stages(ApiId=self.resources["Api"]["PhysicalResourceId"])["Items"]
        return stage

    @cached_property
    def pool(self):
        return self.outputs["UserPoolId"]

    def accounts(self):
        """The accounts in the user pool, by user name."""
        pages = self.client("cognito-idp").get_paginator("list_users").paginate(UserPoolId=self.pool)
        return {account["Username"]: account for page in pages for account in page["Users"]}


def filled_in(samconfig):
    """samconfig.toml with the commented lines of `dev` uncommented, so that their quoting is proven, and MORE below them."""
    dev, prod = samconfig.split("[prod.", 1)
    dev = re.sub(r"^    # ('.*',)$", r"    \1", dev, flags=re.M)
    more = "".join(f"    '{name}={value}',\n" for name, value in MORE.items())
    return f"{dev[: dev.rindex(']')]}{more}{dev[dev.rindex(']') :]}[prod.{prod}"


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for(what, condition, seconds=30):
    """Waits until `condition` gives something true, and gives it back."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds} s for {what}")
        time.sleep(0.1)
    return found
