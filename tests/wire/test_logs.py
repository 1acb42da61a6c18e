"""CloudWatch Logs through boto3 and the AWS CLI."""
import time

import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def logs(server):
    return server.client("logs")


@pytest.fixture
def group(logs, name):
    logs.create_log_group(logGroupName=name)
    logs.create_log_stream(logGroupName=name, logStreamName="s")
    yield name
    logs.delete_log_group(logGroupName=name)


def put(logs, group, *messages, stream="s"):
    now = int(time.time() * 1000)
    logs.put_log_events(logGroupName=group, logStreamName=stream,
                        logEvents=[{"timestamp": now + i, "message": m} for i, m in enumerate(messages)])


def test_events_come_back_in_order_and_page_both_ways(logs, group):
    put(logs, group, *[f"line {i}" for i in range(10)])
    head = logs.get_log_events(logGroupName=group, logStreamName="s", startFromHead=True, limit=4)
    assert [e["message"] for e in head["events"]] == ["line 0", "line 1", "line 2", "line 3"]
    more = logs.get_log_events(logGroupName=group, logStreamName="s", nextToken=head["nextForwardToken"], limit=4)
    assert [e["message"] for e in more["events"]] == ["line 4", "line 5", "line 6", "line 7"]
    tail = logs.get_log_events(logGroupName=group, logStreamName="s", limit=2)
    assert [e["message"] for e in tail["events"]] == ["line 8", "line 9"]


def test_filters_find_terms_and_json(logs, group):
    put(logs, group, "all is well", "ERROR it burns", '{"level": "warn", "n": 7}')

    def found(pattern):
        return [e["message"] for e in logs.filter_log_events(logGroupName=group, filterPattern=pattern)["events"]]

    assert found("ERROR") == ["ERROR it burns"]
    assert found('"is well"') == ["all is well"]
    assert found("{ $.n > 5 && $.level = \"warn\" }") == ['{"level": "warn", "n": 7}']


def test_errors_are_in_aws_words(logs, group):
    with pytest.raises(ClientError) as caught:
        logs.create_log_group(logGroupName=group)
    assert caught.value.response["Error"] == {"Code": "ResourceAlreadyExistsException",
                                              "Message": "The specified log group already exists"}
    with pytest.raises(ClientError) as caught:
        logs.get_log_events(logGroupName=group, logStreamName="gone")
    assert caught.value.response["Error"]["Message"] == "The specified log stream does not exist."


def test_the_cli_shows_events(server, logs, group):
    put(logs, group, "to be shown")
    assert "to be shown" in server.aws("logs", "filter-log-events", "--log-group-name", group).stdout
