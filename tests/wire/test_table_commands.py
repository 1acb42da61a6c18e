"""millrace table: list, describe, get, query, scan and --follow, as a person runs them."""
import json
import signal
import subprocess
import threading

import pytest

from support.server import BINARY

VIEW = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}


@pytest.fixture
def table(dynamodb, name):
    dynamodb.create_table(
        TableName=name, BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"},
                              {"AttributeName": "at", "AttributeType": "N"},
                              {"AttributeName": "kind", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "at", "KeyType": "RANGE"}],
        GlobalSecondaryIndexes=[{"IndexName": "by-kind", "Projection": {"ProjectionType": "ALL"},
                                 "KeySchema": [{"AttributeName": "kind", "KeyType": "HASH"}]}])
    yield name
    dynamodb.delete_table(TableName=name)


@pytest.fixture
def run(server):
    def run(*arguments, code=0, **environment):
        done = subprocess.run([BINARY, "table", *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True,
                              env=server.cli_environment() | {"LC_ALL": "C.UTF-8"} | environment, timeout=60)
        assert done.returncode == code, done
        return done.stdout.decode() if code == 0 else done.stderr.decode()
    return run


def put(dynamodb, table, id, at, **attributes):
    dynamodb.put_item(TableName=table, Item={"id": {"S": id}, "at": {"N": str(at)}} | attributes)


def rows(text):
    """The cells of a drawn table, without its head."""
    lines = [[cell.strip() for cell in line.strip("│").split("│")] for line in text.splitlines() if line[0] == "│"]
    return lines[1:]


class Following:
    """A command that follows. Its lines and its remarks come in as they are written."""

    def __init__(self, server, *arguments):
        self.process = subprocess.Popen(
            [BINARY, "table", *map(str, arguments), "-f"], env=server.cli_environment() | {"LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.guard = threading.Timer(60, self.process.kill)  # no test waits for ever
        self.guard.start()

    def remark(self, words):
        for line in self.process.stderr:
            if words in line:
                return line
        raise AssertionError(f"the command ended without saying '{words}'")

    def line(self):
        line = self.process.stdout.readline()
        assert line, "the command ended early"
        return line.rstrip("\n")

    def change(self):
        return self.line().split("\t")[1:]

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(30)

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.guard.cancel()
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


def test_list_and_describe_draw_what_there_is(run, dynamodb, table):
    put(dynamodb, table, "a", 1, kind={"S": "x"})
    assert table in run("list", "--names").splitlines()
    row = [cells for cells in rows(run("list")) if cells[0] == table][0]
    assert row[1:3] == ["ACTIVE", "1"] and row[4:7] == ["1", "on demand", ""]
    described = run("describe", table)
    assert f"{table}: ACTIVE, on demand, 1 items" in described and "no stream" in described
    assert "Keys: id (hash, S), at (range, N)" in described
    assert rows(described)[0][:5] == ["by-kind", "global", "ACTIVE", "kind (hash, S)", "ALL"]
    assert "+---" in run("list", LC_ALL="C")


def test_get_shows_an_item_by_its_typed_key(run, dynamodb, table):
    put(dynamodb, table, "ä", "1.5", note={"S": "two\nlines"}, tags={"SS": ["p", "q"]}, raw={"B": b"\xff\x00"},
        deep={"M": {"l": {"L": [{"N": "1"}, {"BOOL": True}, {"NULL": True}]}}})
    assert rows(run("get", table, "ä", "1.50")) == [
        ["id", "string", "ä"], ["at", "number", "1.5"], ["deep", "map", '{"l":[1,true,null]}'],
        ["note", "string", "two\\nlines"], ["raw", "binary", "base64:/wA="], ["tags", "string set", "{p, q}"]]
    assert json.loads(run("get", table, "ä", "1.5", "--json")) == {
        "id": "ä", "at": 1.5, "note": "two\nlines", "tags": ["p", "q"], "raw": "/wA=",
        "deep": {"l": [1, True, None]}}
    assert json.loads(run("get", table, "ä", "1.5", "--typed"))["tags"] == {"SS": ["p", "q"]}
    assert "no such item" in run("get", table, "b", "1", code=1)
    assert "at is a number, which 'x' is not" in run("get", table, "b", "x", code=2)
    assert "an item of" in run("get", table, "b", code=2)


def test_query_takes_ranges_filters_and_indexes(run, dynamodb, table):
    for at in range(5):
        put(dynamodb, table, "a", at, kind={"S": "even" if at % 2 == 0 else "odd"}, level={"N": str(at)})
    put(dynamodb, table, "b", 9, kind={"S": "even"})

    def ats(*arguments):
        return [json.loads(line)["at"] for line in run("query", table, *arguments, "--json").splitlines()]

    assert ats("a") == [0, 1, 2, 3, 4]
    assert ats("a", "--from", 1, "--to", 3) == [1, 2, 3]
    assert ats("a", "--from", 3) == [3, 4] and ats("a", "--eq", 2) == [2]
    assert ats("a", "--reverse", "--limit", 2) == [4, 3]
    assert ats("a", "--where", "level>=2", "--where", "kind=even") == [2, 4]
    assert ats("a", "--where", 'level="2"') == []
    assert ats("a", "--where", "kind^=od") == [1, 3]
    assert ats("a", "--where", "!level") == [] and len(ats("a", "--where", "level")) == 5
    assert sorted(ats("even", "--index", "by-kind")) == [0, 2, 4, 9]
    drawn = run("query", table, "a", "--columns", "at,kind")
    assert rows(drawn)[0] == ["0", "even"] and "level" not in drawn
    assert "no index" in run("query", table, "a", "--index", "nothing", code=2)
    assert "--where wants" in run("query", table, "a", "--where", "=1", code=2)


def test_scan_pages_and_says_when_there_is_more(server, run, dynamodb, table):
    for at in range(120):
        put(dynamodb, table, f"i{at}", 1, padding={"S": "x" * 20_000})
    assert len(run("scan", table, "--limit", 0, "--json").splitlines()) == 120
    done = subprocess.run([BINARY, "table", "scan", table, "--limit", "3"], env=server.cli_environment(),
                          capture_output=True, text=True)
    assert "there is more than 3 items" in done.stderr and len(done.stdout.splitlines()) == 7
    assert "x" * 61 not in done.stdout
    assert "x" * 20_000 in run("scan", table, "--limit", 1, "--wide")


def test_a_table_is_followed_through_its_stream(server, run, dynamodb, table):
    assert "has no stream" in run("scan", table, "-f", code=1)
    assert "--stream-specification" in run("get", table, "a", "1", "-f", code=1)
    dynamodb.update_table(TableName=table, StreamSpecification=VIEW)
    put(dynamodb, table, "before", 1)
    with Following(server, "scan", table) as scan, Following(server, "get", table, "a", "1.0", "--json") as get:
        scan.remark("changes of")
        get.remark("changes of")
        put(dynamodb, table, "a", 1, n={"N": "1"}, gone={"S": "x"})
        put(dynamodb, table, "b", 1)
        dynamodb.put_item(TableName=table, Item={"id": {"S": "a"}, "at": {"N": "1"}, "n": {"N": "2"}, "o": {"S": "y"}})
        dynamodb.delete_item(TableName=table, Key={"id": {"S": "a"}, "at": {"N": "1"}})
        while "before" not in scan.line():
            pass
        scan.line()  # the table's last line
        seen = [scan.change() for _ in range(4)]
        assert [change for change in seen if "id=a" in change[1]] == [
            ["INSERT", "at=1 id=a", "gone=x n=1"], ["MODIFY", "at=1 id=a", "-gone, n: 1 -> 2, +o=y"],
            ["REMOVE", "at=1 id=a", ""]]
        assert ["INSERT", "at=1 id=b", ""] in seen
        changes = [json.loads(get.line()) for _ in range(3)]
        assert [change["event"] for change in changes] == ["INSERT", "MODIFY", "REMOVE"]
        assert changes[1]["after"] == {"id": "a", "at": 1, "n": 2, "o": "y"}
        assert "after" not in changes[2] and changes[2]["keys"] == {"id": "a", "at": 1}
        assert scan.stop() == 0 and get.stop() == 0


def test_following_waits_for_a_server_that_restarts(own_server, name):
    dynamodb = own_server.client("dynamodb")
    dynamodb.create_table(TableName=name, BillingMode="PAY_PER_REQUEST", StreamSpecification=VIEW,
                          AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
                          KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}])
    with Following(own_server, "query", name, "a") as query:
        query.remark("changes of")
        own_server.kill()
        query.remark("trying again")
        own_server.start()
        query.remark("reached again")
        own_server.client("dynamodb").put_item(TableName=name, Item={"id": {"S": "a"}, "v": {"BOOL": True}})
        assert query.change() == ["INSERT", "id=a", "v=true"]
        assert query.stop() == 0


@pytest.mark.parametrize("command", [["list"], ["describe", "ttt"], ["get", "ttt", "x"], ["scan", "ttt"]])
def test_an_endpoint_that_nobody_serves_is_said_at_once(run, command):
    said = run(*command, "--endpoint", "http://127.0.0.1:1", code=1)
    assert "refused" in said and "millrace serve --data-dir" in said


@pytest.mark.parametrize("command", [["describe"], ["get", "x"], ["query", "x"], ["scan"]])
def test_an_unknown_table_is_said_with_where_to_look(run, command, name):
    said = run(command[0], name, *command[1:], code=1)
    assert "ResourceNotFoundException" in said and "millrace table list" in said
