"""Alarms that can go off: each watches something that exists, says what it means and tells somebody."""

import re

import pytest

from stack import MORE, ROOT

# The metrics of AWS's own that alarms may watch, with their dimensions.
METRICS = {
    ("AWS/ApiGateway", "5xx"): {"ApiId", "Stage"},
    ("AWS/Lambda", "DestinationDeliveryFailures"): {"FunctionName"},
    ("AWS/Lambda", "Duration"): {"FunctionName"},
    ("AWS/Lambda", "Errors"): {"FunctionName"},
    ("AWS/Lambda", "IteratorAge"): {"FunctionName"},
    ("AWS/Lambda", "OnFailureDestinationDeliveredEventCount"): {"EventSourceMappingUUID"},
    ("AWS/Lambda", "Throttles"): {"FunctionName"},
    ("AWS/SES", "Reputation.BounceRate"): set(),  # of the whole account
    ("AWS/SES", "Reputation.ComplaintRate"): set(),
}


@pytest.fixture(scope="module")
def alarms(stack):
    pages = stack.client("cloudwatch").get_paginator("describe_alarms").paginate()
    found = {alarm["AlarmName"]: alarm for page in pages for alarm in page["MetricAlarms"]}
    deployed = {
        resource["PhysicalResourceId"] for resource in stack.resources.values()
        if resource["ResourceType"] == "AWS::CloudWatch::Alarm"
    }
    assert deployed and set(found) == deployed
    return found


def test_every_alarm_says_what_it_means_and_tells_somebody(alarms):
    for name, alarm in alarms.items():
        assert alarm["AlarmDescription"].strip(), name
        assert alarm["ActionsEnabled"] and alarm["AlarmActions"] == alarm["OKActions"] == [MORE["AlarmTopicArn"]], name


def test_every_alarm_watches_a_metric_that_exists(stack, alarms):
    existing = {resource["PhysicalResourceId"] for resource in stack.resources.values()} | {stack.stage["StageName"]}
    metrics = METRICS | dict.fromkeys(counted_in_logs(stack), set())
    for name, alarm in alarms.items():
        dimensions = {dimension["Name"]: dimension["Value"] for dimension in alarm["Dimensions"]}
        assert metrics.get((alarm["Namespace"], alarm["MetricName"])) == set(dimensions), name
        assert set(dimensions.values()) <= existing, name


@pytest.mark.parametrize("metric", ["Errors", "Throttles", "Duration"])
def test_every_function_has_an_alarm_for(stack, alarms, metric):
    watched = {
        dimension["Value"] for alarm in alarms.values() if alarm["MetricName"] == metric
        for dimension in alarm["Dimensions"]
    }
    assert watched == {configuration["FunctionName"] for configuration in stack.functions.values()}


def test_what_is_counted_in_logs_is_what_a_function_writes_there(stack):
    for found in filters(stack):
        [function] = [name for name in stack.functions if stack.log_group(name) == found["logGroupName"]]
        message = re.fullmatch(r'\{ \$\.message = ("[^"]+") \}', found["filterPattern"])
        assert message and re.search(rf"tracing::\w+!\([^;]*{re.escape(message[1])},?\s*\)", source(function)), found


def counted_in_logs(stack):
    """The metrics that the stack makes out of log lines."""
    for found in filters(stack):
        for metric in found["metricTransformations"]:
            yield metric["metricNamespace"], metric["metricName"]


def filters(stack):
    found = stack.client("logs").describe_metric_filters()["metricFilters"]
    assert found
    return found


def source(function):
    """The code of a function and of what all functions share."""
    places = (ROOT / "functions" / function / "src", ROOT / "shared" / "src")
    return "\n".join(file.read_text() for place in places for file in sorted(place.rglob("*.rs")))
