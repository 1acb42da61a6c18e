"""The Java world: AWS's SDK, the Kinesis Client Library and the Kinesis Producer Library. `./dev java`.
There is no CloudWatch: the libraries' metrics are off. Their other calls all come here, to Kinesis, DynamoDB
and STS."""
import collections
import itertools

import pytest
from support.records import first_sightings, hear_records, in_order, numbers, put

SHARD = "shardId-000000000000"
HALF = str(2**127)


# AWS SDK for Java, version 2.


# "async" takes HTTP/2 for granted, in clear and over TLS; "alpn" asks for it in TLS's handshake.
ASYNC = [pytest.param("async", False, id="async-clear"), pytest.param("async", True, id="async-tls"),
         pytest.param("alpn", True, id="async-alpn")]


@pytest.mark.parametrize("kind,tls", ASYNC + [pytest.param("blocking", False, id="blocking-clear"),
                                              pytest.param("blocking", True, id="blocking-tls")])
def test_the_sdk_puts_and_reads(java, name, kind, tls):
    program = java("Streams", kind, name, tls=tls)
    lines = program.finish()
    assert program.of("failed") == [{"failed": 0}]
    records = program.of("record")
    assert [r["record"] for r in records] == ["first"] + [f"record {i}" for i in range(20)]
    assert {r["key"] for r in records} == {"key"}
    sequence = [int(r["number"]) for r in records]
    assert sequence == sorted(set(sequence))
    assert all(r["arrived"] > 1_700_000_000_000 for r in records)
    assert {"behind": 0} in lines
    refused, = program.of("refused")
    assert refused["refused"] == refused["code"] == "ResourceNotFoundException"
    assert refused["status"] == 400 and refused["request"]
    assert refused["message"] == f"Stream {name}-not under account 000000000000 not found."


@pytest.mark.parametrize("kind,tls", ASYNC)
def test_the_sdk_follows_a_split_with_enhanced_fan_out(java, kinesis, stream, kind, tls):
    consumer = kinesis.register_stream_consumer(StreamARN=stream["StreamARN"], ConsumerName="reader")["Consumer"]
    put(kinesis, stream, 0, 1, 2)
    program = java("FanOut", kind, consumer["ConsumerARN"], SHARD, 20, tls=tls)
    program.hear(lambda lines: sum("data" in line for line in lines) == 3)
    kinesis.split_shard(StreamName=stream["StreamName"], ShardToSplit=SHARD, NewStartingHashKey=HALF)
    put(kinesis, stream, *range(3, 20))
    program.finish()
    assert program.of("ended") == [{"ended": SHARD, "children": ["shardId-000000000001", "shardId-000000000002"]}]
    got = [(line["shard"], line["data"]) for line in program.of("data")]
    assert [g for g in got if g[0] == SHARD] == [(SHARD, f"record {i}") for i in range(3)]
    assert sorted(data for _, data in got) == sorted(f"record {i}" for i in range(20))


# The Kinesis Client Library.


def consume(java, mode, name, application, tls):
    return java("Consume", mode, name, application, tls=tls)


def leases(server, application):
    """The checkpoint of each lease. The table has the application's name."""
    table = server.client("dynamodb").scan(TableName=application, ConsistentRead=True)
    return {item["leaseKey"]["S"]: item["checkpoint"]["S"] for item in table["Items"] if "checkpoint" in item}


@pytest.mark.parametrize("mode,tls", [pytest.param("polling", False, id="polling"),
                                      pytest.param("fanout", True, id="fanout")])
def test_the_client_library_consumes_through_a_split_and_a_merge(server, java, kinesis, stream, mode, tls):
    name = stream["StreamName"]
    put(kinesis, stream, *range(100))
    program = consume(java, mode, name, name + "-app", tls)
    hear_records(program, range(100))
    kinesis.split_shard(StreamName=name, ShardToSplit=SHARD, NewStartingHashKey=HALF)
    put(kinesis, stream, *range(100, 200))
    hear_records(program, range(200))
    kinesis.merge_shards(StreamName=name, ShardToMerge="shardId-000000000001",
                         AdjacentShardToMerge="shardId-000000000002")
    put(kinesis, stream, *range(200, 300))
    hear_records(program, range(300))
    program.finish()

    assert program.lines[-1] == {"stopped": True}
    consumers = kinesis.list_stream_consumers(StreamARN=stream["StreamARN"])["Consumers"]
    assert [c["ConsumerName"] for c in consumers] == ([name + "-app"] if mode == "fanout" else [])
    assert set(numbers(program.lines)) == set(range(300))
    assert first_sightings(program.lines) == in_order(300)
    shards = [f"shardId-{i:012}" for i in range(4)]
    assert sorted(line["started"] for line in program.of("started")) == shards
    assert sorted(line["ended"] for line in program.of("ended")) == shards[:3]
    assert program.of("checkpointed") == [{"checkpointed": shards[3]}]
    last = program.of("record")[-1]["number"]
    assert leases(server, name + "-app") == dict.fromkeys(shards[:3], "SHARD_END") | {shards[3]: last}

    put(kinesis, stream, *range(300, 400))
    again = consume(java, mode, name, name + "-app", tls)
    hear_records(again, range(300, 400))
    again.finish()
    assert again.of("started") == [{"started": shards[3], "from": last}]
    assert numbers(again.lines) == list(range(300, 400))


# The Kinesis Producer Library.


def test_the_producer_library_aggregates_and_the_client_library_takes_apart(server, java, kinesis, stream):
    name = stream["StreamName"]
    producer = java("Produce", name, 500, 8, server.data / "authority.pem")
    producer.finish()
    assert not producer.of("failed"), producer.of("failed")[:3]
    told = dict(enumerate(line["put"] for line in producer.of("put")))
    assert len(told) == 500
    assert len(set(told.values())) < 250  # many user records in one of Kinesis

    program = consume(java, "polling", name, name + "-app", True)
    hear_records(program, range(500))
    program.finish()
    got = program.of("record")
    # A user record that travelled alone is put as it is.
    together = collections.Counter(line["number"] for line in got)
    assert all(line["aggregated"] == (together[line["number"]] > 1) for line in got)
    assert {line["record"]: line["key"] for line in got} == {f"record {i}": f"key {i % 8}" for i in range(500)}
    # The producer sends several requests at once, so that order is what it was told and not what it was given.
    assert dict(zip(numbers(got), (line["number"] for line in got))) == told
    places = [(int(line["number"]), line["sub"]) for line in got]
    assert places == sorted(set(places))
    for _, parts in itertools.groupby(places, key=lambda place: place[0]):
        parts = [sub for _, sub in parts]
        assert parts == list(range(len(parts)))
