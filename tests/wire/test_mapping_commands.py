"""millrace mapping: list, status, pause, resume, rewind, skip, park and replay, as a person runs them."""
import base64
import json
import subprocess

import pytest
from botocore.exceptions import ClientError
from support.server import BINARY
from support.stack import wait_until
from test_mapping import World, bucket  # noqa: F401
from test_mapping_trouble import POISONED


@pytest.fixture
def world(server, name):
    made = World(server, name, POISONED)
    yield made
    made.close()


@pytest.fixture
def run(server):
    def run(*arguments, code=0):
        done = subprocess.run([BINARY, "mapping", *map(str, arguments)], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=120,
                              env=server.cli_environment() | {"LC_ALL": "C.UTF-8"})
        assert done.returncode == code, done
        return done.stdout if code == 0 else done.stderr
    return run


def blocked(world, run, word="attempt"):
    wait_until(lambda: word in run("status", world.name), "a failure")


def test_list_and_status_say_how_far_a_mapping_is(world, run):
    mapping = world.map(BatchSize=2)
    world.put("a", "b")
    wait_until(lambda: world.bodies("DONE") == ["a", "b"] or None, "the records")
    [line] = [line for line in run("list").splitlines() if mapping["UUID"] in line]
    assert f"function:{world.name}" in line and f"stream/{world.name}" in line and "Enabled" in line
    said = wait_until(lambda: (text := run("status", mapping["UUID"])) and "last result: OK" in text and text, "OK")
    [row] = [line for line in said.splitlines() if "shardId-000000000000" in line]
    cells = [cell.strip() for cell in row.strip("│").split("│")]
    assert cells[1] == "reading" and cells[3:] == ["0", "", ""]
    assert "blocked" not in said


def test_pause_and_resume_keep_the_place(world, run):
    mapping = world.map(BatchSize=1)
    world.put("a")
    wait_until(lambda: world.bodies("DONE") == ["a"], "the first record")
    run("pause", world.name)
    assert world.functions.get_event_source_mapping(UUID=mapping["UUID"])["State"] == "Disabled"
    world.put("b")
    assert "paused" in run("status", world.name)
    run("resume", world.name)
    wait_until(lambda: world.bodies("DONE") == ["a", "b"], "the second record")


def test_skip_finds_the_record_names_it_and_leaves_only_that_behind(world, run):
    world.put("a", "b", "poison", "c", "d")
    world.map(BatchSize=5)
    blocked(world, run)
    assert "5 records" in run("status", world.name)
    assert "say --yes" in run("skip", world.name, code=2)
    said = run("skip", world.name, "--yes")
    assert "by record 49" in said and "cannot digest this" in said and "left behind" in said
    wait_until(lambda: world.bodies("DONE") == list("abcd"), "the others")
    assert "nothing blocks it" in run("skip", world.name, "--yes", code=1)


def test_park_keeps_the_record_as_the_document_of_a_destination(world, run, tmp_path):
    world.put("poison", "a")
    mapping = world.map(BatchSize=1)
    blocked(world, run)
    file = tmp_path / "parked.json"
    run("park", world.name, "--to", file, "--yes")
    document = json.loads(file.read_text())
    assert document["requestContext"]["condition"] == "SkippedByOperator"
    assert document["KinesisBatchInfo"]["streamArn"] == world.stream
    [record] = json.loads(document["payload"])["Records"]
    assert base64.b64decode(record["kinesis"]["data"]) == b"poison"
    wait_until(lambda: world.bodies("DONE") == ["a"], "the next record")
    world.put("poison", "b")
    blocked(world, run)
    assert "there already" in run("park", mapping["UUID"], "--to", file, "--yes", code=2)
    assert world.bodies("DONE") == ["a"]


def test_park_writes_to_a_bucket_with_the_functions_rights(world, run, bucket):
    world.put("poison", "a")
    world.map(BatchSize=1)
    blocked(world, run)
    assert "AccessDenied" in run("park", world.name, "--to", f"s3://{world.name}", "--yes", code=1)
    world.iam.put_role_policy(RoleName=world.name, PolicyName="s3", PolicyDocument=json.dumps(
        {"Statement": [{"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"}]}))
    try:
        run("park", world.name, "--to", f"s3://{world.name}", "--yes")
    finally:
        world.iam.delete_role_policy(RoleName=world.name, PolicyName="s3")
    [kept] = bucket.list_objects_v2(Bucket=world.name)["Contents"]
    assert b"SkippedByOperator" in bucket.get_object(Bucket=world.name, Key=kept["Key"])["Body"].read()
    wait_until(lambda: world.bodies("DONE") == ["a"], "the next record")


def test_rewind_goes_back_to_the_beginning_and_to_a_record(world, run):
    world.map(BatchSize=10)
    world.put("a", "b", "c")
    wait_until(lambda: world.bodies("DONE") == list("abc"), "the records")
    assert "goes on at position" in run("rewind", world.name, "trim")
    wait_until(lambda: world.bodies("DONE") == list("abcabc"), "all of them again")
    shard = world.kinesis.list_shards(StreamName=world.name)["Shards"][0]["ShardId"]
    iterator = world.kinesis.get_shard_iterator(StreamName=world.name, ShardId=shard,
                                                ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    records = world.kinesis.get_records(ShardIterator=iterator)["Records"]
    run("rewind", world.name, records[2]["SequenceNumber"], "--shard", "0")
    wait_until(lambda: world.bodies("DONE") == list("abcabcc"), "the last of them again")
    run("rewind", world.name, records[1]["ApproximateArrivalTimestamp"].isoformat())
    wait_until(lambda: world.bodies("DONE")[7:][-2:] == list("bc"), "what arrived since")
    assert "a place is" in run("rewind", world.name, "yesterday", code=2)


def test_replay_sends_a_range_to_another_function(server, world, run, name):
    world.map(BatchSize=2)
    world.put("a", "b", "c", "d", "e")
    wait_until(lambda: world.bodies("DONE") == list("abcde"), "the records")
    other = World(server, name + "x", POISONED)
    try:
        assert "5 records sent" in run("replay", world.name, "--to", other.name, "--from", "trim")
        wait_until(lambda: other.bodies("DONE") == list("abcde"), "the records there")
        assert [call["bodies"] for call in other.said("DONE")] == [["a", "b"], ["c", "d"], ["e"]]
        assert world.bodies("DONE") == list("abcde")
        world.put("poison")
        assert "cannot digest this" in run("replay", world.name, "--to", other.name, "--from", "trim", code=1)
    finally:
        other.close()


def test_what_is_not_there_is_said_with_what_to_do(world, run, name):
    assert "millrace mapping list" in run("status", "no-such-function", code=1)
    assert "millrace mapping list" in run("status", "00000000-0000-0000-0000-000000000000", code=1)


def test_permissions_are_those_of_the_lambda_api(server, world, name):
    mapping = world.map(BatchSize=1)["UUID"]
    world.put("a")
    user = world.iam.create_user(UserName=name)["User"]["UserName"]
    key = world.iam.create_access_key(UserName=user)["AccessKey"]
    environment = server.cli_environment() | {
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}

    def run(*arguments):
        return subprocess.run([BINARY, "mapping", *arguments], capture_output=True, text=True, env=environment,
                              timeout=60)

    def allow(*actions):
        world.iam.put_user_policy(UserName=user, PolicyName="p", PolicyDocument=json.dumps(
            {"Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]}))
    try:
        assert "lambda:GetEventSourceMapping" in run("status", mapping).stderr
        allow("lambda:GetEventSourceMapping")
        assert run("status", mapping).returncode == 0
        assert "lambda:UpdateEventSourceMapping" in run("rewind", mapping, "trim").stderr
        assert "lambda:UpdateEventSourceMapping" in run("pause", mapping).stderr
        replay = ["replay", mapping, "--to", world.name, "--from", "trim"]
        assert "kinesis:GetRecords" in run(*replay).stderr
        allow("lambda:GetEventSourceMapping", "kinesis:GetRecords")
        assert "lambda:InvokeFunction" in run(*replay).stderr
        allow("lambda:GetEventSourceMapping", "lambda:UpdateEventSourceMapping")
        assert run("rewind", mapping, "trim").returncode == 0
    finally:
        world.iam.delete_user_policy(UserName=user, PolicyName="p")
        world.iam.delete_access_key(UserName=user, AccessKeyId=key["AccessKeyId"])
        world.iam.delete_user(UserName=user)
