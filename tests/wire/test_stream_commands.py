"""millrace stream: list, describe, put and tail, as a person runs them."""
import base64
import json
import signal
import subprocess
import threading

import pytest

from support.server import BINARY

FIRST = "shardId-000000000000"


@pytest.fixture
def run(server):
    def run(*arguments, code=0, stdin=b"", **environment):
        done = subprocess.run([BINARY, "stream", *map(str, arguments)], input=stdin, capture_output=True,
                              env=server.cli_environment() | {"LC_ALL": "C.UTF-8"} | environment, timeout=60)
        assert done.returncode == code, done
        return done.stdout.decode() if code == 0 else done.stderr.decode()
    return run


class Tail:
    """A tail that follows. Its lines and its remarks come in as they are written."""

    def __init__(self, server, *arguments):
        self.process = subprocess.Popen(
            [BINARY, "stream", "tail", "-f", *map(str, arguments)], env=server.cli_environment(),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.guard = threading.Timer(60, self.process.kill)  # no test waits for ever
        self.guard.start()

    def remark(self, words):
        for line in self.process.stderr:
            if words in line:
                return line
        raise AssertionError(f"the tail ended without saying '{words}'")

    def records(self, count):
        lines = [self.process.stdout.readline() for _ in range(count)]
        assert all(lines), "the tail ended early"
        return [line.rstrip("\n").split("\t") for line in lines]

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(30)
        return code, self.process.stdout.read()

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.guard.cancel()
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


def test_a_record_that_is_put_is_told_and_tailed(run, stream):
    shard, sequence = run("put", stream, "hellö", "--key", "k").rstrip("\n").split("\t")
    assert shard == FIRST
    arrival, *rest = run("tail", stream).rstrip("\n").split("\t")
    assert rest == [FIRST, sequence, "k", "hellö"]
    assert arrival.endswith("Z")


def test_lines_become_records_in_their_order_whatever_they_hold(run, stream, kinesis):
    lines = [b"line %d" % i for i in range(1200)] + [b"\xff\x00", b'{"a": "\t"}']
    told = run("put", stream, "--key", "k", stdin=b"\n".join(lines) + b"\n\n")
    assert told.startswith("put records=1202 ")
    shown = [line.split("\t") for line in run("tail", stream).splitlines()]
    assert [fields[4] for fields in shown[:1200]] == [line.decode() for line in lines[:1200]]
    assert shown[1200][4] == "base64:" + base64.b64encode(lines[1200]).decode()
    assert shown[1201][4] == '{"a": "\\t"}'


def test_tail_filters_and_speaks_json(run, stream):
    run("put", stream, "good one", "--key", "a")
    run("put", stream, "bad one", "--key", "a")
    run("put", stream, "good two", "--key", "b")
    run("put", stream, "-", "--key", "b", stdin=b"\xfe good\n")
    found = [json.loads(line) for line in run("tail", stream, "--grep", "good", "--json").splitlines()]
    assert [(item["key"], item.get("data")) for item in found] == [("a", "good one"), ("b", "good two"), ("b", None)]
    assert base64.b64decode(found[2]["data_base64"]) == b"\xfe good"
    assert [line.split("\t")[4] for line in run("tail", stream, "--key", "a").splitlines()] == ["good one", "bad one"]


def test_tail_begins_where_it_is_told(run, stream):
    sequences = [run("put", stream, f"r{i}", "--key", "k").split()[1] for i in range(3)]

    def shown(*arguments):
        return [line.split("\t")[4] for line in run("tail", stream, *arguments).splitlines()]

    assert shown("--from", sequences[1]) == ["r1", "r2"]
    assert shown("--from", sequences[2], "--shard", "0") == ["r2"]
    assert shown("--from", "1h") == ["r0", "r1", "r2"]
    assert shown("--from", "latest") == []
    arrival = run("tail", stream).splitlines()[2].split("\t")[0]
    assert shown("--from", arrival)[-1] == "r2"


def test_following_goes_through_splits_and_merges_and_ends_at_ctrl_c(server, run, stream, kinesis):
    with Tail(server, stream) as tail:
        tail.remark("following 1 shard of")
        run("put", stream, "before", "--key", "k")
        assert tail.records(1)[0][4] == "before"
        kinesis.split_shard(StreamName=stream, ShardToSplit=FIRST, NewStartingHashKey=str(2**127))
        tail.remark("shardId-000000000000 has ended; it goes on in shardId-000000000001 and shardId-000000000002")
        for key in ("0", str(2**128 - 1)):
            kinesis.put_record(StreamName=stream, Data=b"split", PartitionKey="k", ExplicitHashKey=key)
        assert {(fields[1], fields[4]) for fields in tail.records(2)} == {
            ("shardId-000000000001", "split"), ("shardId-000000000002", "split")}
        kinesis.merge_shards(StreamName=stream, ShardToMerge="shardId-000000000001",
                             AdjacentShardToMerge="shardId-000000000002")
        run("put", stream, "merged", "--key", "k")
        assert [fields[1:2] + fields[4:] for fields in tail.records(1)] == [["shardId-000000000003", "merged"]]
        assert tail.stop() == (0, "")


def test_parents_are_printed_before_their_children(run, stream, kinesis):
    parent = FIRST
    for step in range(3):
        kinesis.put_record(StreamName=stream, Data=b"%d" % step, PartitionKey="k", ExplicitHashKey="0")
        kinesis.split_shard(StreamName=stream, ShardToSplit=parent, NewStartingHashKey=str(2 ** (120 - step)))
        parent = f"shardId-{2 * step + 1:012}"
    kinesis.put_record(StreamName=stream, Data=b"3", PartitionKey="k", ExplicitHashKey="0")
    assert [line.split("\t")[4] for line in run("tail", stream).splitlines()] == ["0", "1", "2", "3"]
    assert [line.split("\t")[4] for line in run("tail", stream, "--shard", 0).splitlines()] == ["0"]


def test_a_tail_waits_for_a_server_that_restarts(own_server, name):
    own_server.client("kinesis").create_stream(StreamName=name, ShardCount=1)
    with Tail(own_server, name) as tail:
        tail.remark("following")
        own_server.kill()
        tail.remark("trying again")
        own_server.start()
        tail.remark("reached again")
        own_server.client("kinesis").put_record(StreamName=name, Data=b"after", PartitionKey="k")
        assert tail.records(1)[0][4] == "after"
        assert tail.stop()[0] == 0


def test_describe_draws_the_shards_and_counts_what_comes_in(run, stream, kinesis, name):
    kinesis.split_shard(StreamName=stream, ShardToSplit=FIRST, NewStartingHashKey=str(2**126))
    quiet = run("describe", stream, "--seconds", 0)
    assert f"{name}: ACTIVE, provisioned, 2 open shards" in quiet
    assert "records/s" not in quiet
    rows = {cells[1]: cells for line in quiet.splitlines() if "shardId" in line
            for cells in [[cell.strip() for cell in line.split("│")]]}
    assert [cell for cell in rows[FIRST][2:5]] == ["closed", "████████████████  100%", ""]
    assert rows["shardId-000000000001"][2:5] == ["open", "████············   25%", "0"]
    assert rows["shardId-000000000002"][2:5] == ["open", "····████████████   75%", "0"]
    putting = threading.Event()

    def put():
        while not putting.is_set():
            kinesis.put_record(StreamName=stream, Data=b"x" * 99, PartitionKey="k", ExplicitHashKey="0")

    thread = threading.Thread(target=put)
    thread.start()
    try:
        busy = run("describe", stream, "--seconds", 1, "--wide", LC_ALL="C")
    finally:
        putting.set()
        thread.join()
    rates = {cells[1].strip(): float(cells[7].replace(">=", "")) for line in busy.splitlines()
             if line.startswith("| shardId") for cells in [line.split("|")] if cells[7].strip()}
    assert rates["shardId-000000000001"] > 0 and rates["shardId-000000000002"] == 0
    assert FIRST not in rates  # closed


def test_list_shows_streams_with_and_without_a_table(run, stream):
    assert stream in run("list", "--names").splitlines()
    row = [line for line in run("list").splitlines() if stream in line][0]
    assert "ACTIVE" in row and "provisioned" in row


def test_the_data_folder_serves_instead_of_the_environment(server, run, stream):
    nothing = {name: "" for name in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    assert stream in run("list", "--names", "--data-dir", server.data, **nothing)
    assert "millrace env --data-dir" in run("list", code=2, **nothing)


@pytest.mark.parametrize("command", [["list"], ["describe", "s"], ["tail", "s"], ["put", "s", "x"], ["put", "s"]])
def test_an_endpoint_that_nobody_serves_is_said_at_once(run, command):
    said = run(*command, "--endpoint", "http://127.0.0.1:1", code=1, stdin=b"x\n")
    assert "refused" in said and "millrace serve --data-dir" in said


@pytest.mark.parametrize("command", [["describe"], ["tail"], ["put", "x"], ["put"]])
def test_an_unknown_stream_is_said_with_where_to_look(run, command, name):
    said = run(command[0], name, *command[1:], code=1, stdin=b"x\n")
    assert f"Stream {name} under account 000000000000 not found." in said
    assert "millrace stream list" in said


def test_mistakes_are_said(run, stream):
    assert "--from wants trim, latest, a time" in run("tail", stream, "--from", "yesterday", code=2)
    assert f"stream {stream} has no shard shardId-000000000009" in run("tail", stream, "--shard", 9, code=1)
    assert "one looks like http://" in run("list", "--endpoint", "nonsense", code=1)
    assert "does not know this key" in run("list", code=1, AWS_SECRET_ACCESS_KEY="wrong")
