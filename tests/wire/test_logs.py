"""CloudWatch Logs through boto3 and the AWS CLI, version 1 and 2."""
import os
import selectors
import signal
import subprocess
import time

import pytest
from botocore.exceptions import ClientError


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


@pytest.fixture
def follow(server, group):
    """`aws logs tail --follow` of the CLI's second version, which the first has not."""
    process = server.start_aws2("logs", "tail", group, "--follow", "--format", "short")
    yield process
    if process.poll() is None:
        process.kill()
    process.communicate()


def read_until(process, wanted, seconds=60):
    """What the process printed until `wanted` was among it; a deadline, never a fixed wait."""
    text, end = "", time.monotonic() + seconds
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while wanted not in text:
            assert selector.select(max(0, end - time.monotonic())), f"no {wanted!r} in {text!r}"
            more = os.read(process.stdout.fileno(), 65536).decode()
            assert more, f"ended with {process.wait()} after {text!r}"
            text += more
    return text


def interrupted(process):
    """Its exit code after Ctrl-C; again if need be: Python drops one that comes in a destructor or callback."""
    for _ in range(6):
        process.send_signal(signal.SIGINT)
        try:
            return process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            pass
    raise AssertionError("it does not end")


def test_a_follow_prints_what_is_written_while_it_runs(logs, group, follow):
    assert subprocess.run(["/usr/bin/aws", "--version"], capture_output=True, text=True,
                          check=True).stdout.startswith("aws-cli/2.")
    put(logs, group, "before")
    shown = read_until(follow, "before")
    for number in range(2):
        put(logs, group, f"while it runs {number} 😋")
        shown += read_until(follow, f"while it runs {number} 😋")
    assert shown.count("before") == 1 and shown.count("while it runs") == 2
    assert follow.poll() is None
    assert interrupted(follow) in (0, 130)


def test_a_follow_ends_when_it_is_killed_and_the_server_goes_on(server, logs, group, follow):
    put(logs, group, "before")
    read_until(follow, "before")
    follow.kill()
    assert follow.wait(timeout=30) == -signal.SIGKILL
    assert logs.describe_log_streams(logGroupName=group)["logStreams"][0]["logStreamName"] == "s"
