"""More than the server can hold: it says so in AWS's words, stays within its memory, and lives."""
import base64
import collections
import concurrent.futures
import contextlib
import json
import os
import resource
import time

import pytest

from support.raw_client import connect, read_answer, resident_mib, signed_request

STREAM = "busy"
CONNECTIONS = 2000
MIB = 1 << 20
# What a server of this machine may hold: its budgets of bodies and answers (docs/operations.md), what
# the requests and pages that it works on take beside them, its write queue, and itself.
MACHINE_MIB = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // MIB
BODIES_MIB = min(1024, MACHINE_MIB // 8)
ANSWERS_MIB = min(512, MACHINE_MIB // 16)
WORKING_MIB = 768


@pytest.fixture
def busy_server(own_server):
    wanted, hard = 2 * CONNECTIONS, resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"at most {hard} open files here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    own_server.client("kinesis").create_stream(StreamName=STREAM, ShardCount=2)
    return own_server


@contextlib.contextmanager
def connections(server, count, **options):
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(connect(server, **options)) for _ in range(count)]


def put_request(server, data_bytes):
    data = base64.b64encode(b"x" * data_bytes).decode()
    return signed_request(server, "PutRecord", {"StreamName": STREAM, "PartitionKey": "k", "Data": data})


def outcomes(opened):
    """How many answers of each kind: the status, and the error's type."""
    counted = collections.Counter()
    for connection in opened:
        status, body = read_answer(connection)
        answer = json.loads(body)
        counted[status, answer.get("__type")] += 1
    return counted


def records(kinesis, shard):
    at = kinesis.get_shard_iterator(StreamName=STREAM, ShardId=shard["ShardId"],
                                    ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    count, behind = 0, 1
    while behind:
        page = kinesis.get_records(ShardIterator=at)
        count, at, behind = count + len(page["Records"]), page["NextShardIterator"], page["MillisBehindLatest"]
    return count


def test_two_thousand_connections_at_once_are_served(busy_server):
    request = put_request(busy_server, 1000)
    with connections(busy_server, CONNECTIONS) as opened:
        for _ in range(3):
            for connection in opened:
                connection.sendall(request)
            assert outcomes(opened) == {(200, None): CONNECTIONS}
    kinesis = busy_server.client("kinesis")
    assert sum(records(kinesis, s) for s in kinesis.list_shards(StreamName=STREAM)["Shards"]) == 3 * CONNECTIONS
    assert resident_mib(busy_server, peak=True) < 256


def test_bodies_beyond_the_memory_for_them_are_throttled(busy_server):
    request = put_request(busy_server, 700 * 1024)
    head, rest = request[:3000], request[3000:]
    fitting = BODIES_MIB * MIB // len(request)
    kinesis = busy_server.client("kinesis")
    with connections(busy_server, CONNECTIONS) as opened:
        for connection in opened:
            connection.sendall(head)
        # Small ones fit beside them, and go on being served.
        assert kinesis.put_record(StreamName=STREAM, Data=b"x", PartitionKey="k")["ShardId"]

        def finish(connection):
            with contextlib.suppress(OSError):  # refused, and closed while we were sending
                connection.sendall(rest)

        with concurrent.futures.ThreadPoolExecutor(32) as pool:
            list(pool.map(finish, opened))
        counted = outcomes(opened)
    served, throttled = counted.pop((200, None)), counted.pop((400, "ThrottlingException"))
    assert served + throttled + sum(counted.values()) == CONNECTIONS
    assert throttled >= CONNECTIONS - fitting - sum(counted.values()) - 100
    # What the write queue did not hold.
    assert set(counted) <= {(400, "ProvisionedThroughputExceededException"), (500, "InternalFailure")}, counted
    assert resident_mib(busy_server, peak=True) < BODIES_MIB + WORKING_MIB
    shards = kinesis.list_shards(StreamName=STREAM)["Shards"]
    assert sum(records(kinesis, shard) for shard in shards) == served + 1


def test_readers_that_do_not_read_hold_back_nobody(busy_server):
    server, kinesis, readers = busy_server, busy_server.client("kinesis", read_timeout=60), 400
    for _ in range(3):
        kinesis.put_records(StreamName=STREAM, Records=[
            {"Data": b"y" * (1000 << 10), "PartitionKey": "k", "ExplicitHashKey": "0"} for _ in range(5)])
    at = kinesis.get_shard_iterator(StreamName=STREAM, ShardId="shardId-000000000000",
                                    ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    request = signed_request(server, "GetRecords", {"ShardIterator": at})
    with connections(server, readers, receive_bytes=4096) as opened:
        for connection in opened:
            connection.sendall(request)
        begun, put = time.monotonic(), 0
        # Until memory is spoken for, and a while longer.
        while put < 100 or resident_mib(server) < ANSWERS_MIB // 2:
            kinesis.put_record(StreamName=STREAM, Data=b"z", PartitionKey="k")
            put += 1
            assert time.monotonic() - begun < 120, resident_mib(server)
        longest = time.monotonic() - begun
        # Of 400 pages of 13 MiB some were made; the last in the line heard that there is no room.
        status, body = read_answer(opened[-1])
        assert (status, json.loads(body)["__type"]) == (400, "ThrottlingException")
        assert resident_mib(server, peak=True) < ANSWERS_MIB + WORKING_MIB
        assert kinesis.get_records(ShardIterator=at, Limit=1)["Records"]
    print(f"\n{put} records put in {longest:.1f} s beside {readers} readers that do not read; "
          f"at most {resident_mib(server, peak=True):.0f} MiB")
