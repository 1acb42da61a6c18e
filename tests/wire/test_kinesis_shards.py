"""Shards as they change: filters of ListShards, uniform scaling, what on-demand streams refuse, and times on the
millisecond, which boto3 rounds down to seconds."""
import json
import time

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError
from support.raw_client import connect, read_answer, signed_request

RING = 2**128
FIRST = "shardId-000000000000"


@pytest.fixture
def ask(server):
    connection = connect(server)

    def call(operation, **arguments):
        connection.sendall(signed_request(server, operation, arguments))
        status, body = read_answer(connection)
        assert status == 200, body
        return json.loads(body)

    yield call
    connection.close()


def indexes(answer):
    return [int(shard["ShardId"].rsplit("-", 1)[1]) for shard in answer["Shards"]]


def ranges(shards):
    return sorted((int(s["HashKeyRange"]["StartingHashKey"]), int(s["HashKeyRange"]["EndingHashKey"]))
                  for s in shards)


def is_whole_ring(shards):
    cuts = ranges(shards)
    ends = [0] + [end + 1 for _, end in cuts]
    return [start for start, _ in cuts] + [RING] == ends


def now():
    """After a pause, so that what comes next is later, and exact to the millisecond."""
    time.sleep(0.01)
    taken = int(time.time() * 1000) / 1000
    time.sleep(0.01)
    return taken


def settle():
    """A child was created at least a second after its parents."""
    time.sleep(1.1)


def test_filters_choose_shards_by_time(ask, kinesis, stream):
    settle()
    whole = now()
    kinesis.split_shard(StreamName=stream, ShardToSplit=FIRST, NewStartingHashKey=str(2**127))
    halves = now()
    settle()
    kinesis.merge_shards(StreamName=stream, ShardToMerge="1", AdjacentShardToMerge="2")
    settle()
    merged = now()

    def chosen(kind, **more):
        return indexes(ask("ListShards", StreamName=stream, ShardFilter={"Type": kind, **more}))

    assert chosen("AT_TIMESTAMP", Timestamp=whole) == [0]
    assert chosen("AT_TIMESTAMP", Timestamp=halves) == [1, 2]
    assert chosen("AT_TIMESTAMP", Timestamp=merged) == [3]
    assert chosen("FROM_TIMESTAMP", Timestamp=whole) == [0, 1, 2, 3]
    assert chosen("FROM_TIMESTAMP", Timestamp=halves) == [1, 2, 3]
    assert chosen("FROM_TIMESTAMP", Timestamp=merged) == [3]
    # Times before the stream mean its beginning.
    assert chosen("AT_TIMESTAMP", Timestamp=1) == [0]
    assert chosen("FROM_TIMESTAMP", Timestamp=1) == [0, 1, 2, 3]
    assert chosen("AT_TRIM_HORIZON") == [0]
    assert chosen("FROM_TRIM_HORIZON") == [0, 1, 2, 3]
    assert chosen("AT_LATEST") == [3]
    assert chosen("AFTER_SHARD_ID", ShardId="shardId-000000000001") == [2, 3]


def test_a_filter_goes_on_over_pages(kinesis, name):
    kinesis.create_stream(StreamName=name, ShardCount=5)
    page = kinesis.list_shards(StreamName=name, MaxResults=2, ShardFilter={"Type": "AT_LATEST"})
    seen = indexes(page)
    while "NextToken" in page:
        page = kinesis.list_shards(NextToken=page["NextToken"], MaxResults=2, ShardFilter={"Type": "AT_LATEST"})
        seen += indexes(page)
    assert seen == [0, 1, 2, 3, 4]
    kinesis.delete_stream(StreamName=name)


def test_uniform_scaling_evens_the_ranges_and_leaves_a_whole_ring_at_all_times(ask, kinesis, stream):
    for target in (2, 3, 5, 4, 2, 1):
        answer = kinesis.update_shard_count(StreamName=stream, TargetShardCount=target, ScalingType="UNIFORM_SCALING")
        assert (answer["StreamName"], answer["TargetShardCount"]) == (stream, target)
        at = now()
        opened = kinesis.list_shards(StreamName=stream, ShardFilter={"Type": "AT_LATEST"})["Shards"]
        assert [start for start, _ in ranges(opened)] == [RING * i // target for i in range(target)]
        assert is_whole_ring(opened)
        listed = ask("ListShards", StreamName=stream, ShardFilter={"Type": "AT_TIMESTAMP", "Timestamp": at})["Shards"]
        assert is_whole_ring(listed)
    with pytest.raises(ClientError) as caught:
        kinesis.update_shard_count(StreamName=stream, TargetShardCount=3, ScalingType="UNIFORM_SCALING")
    assert caught.value.response["Error"]["Code"] == "InvalidArgumentException"


def test_on_demand_streams_are_not_resharded_by_hand(kinesis, name):
    kinesis.create_stream(StreamName=name, StreamModeDetails={"StreamMode": "ON_DEMAND"})
    for call, arguments in (
            (kinesis.split_shard, {"ShardToSplit": FIRST, "NewStartingHashKey": "9"}),
            (kinesis.merge_shards, {"ShardToMerge": "0", "AdjacentShardToMerge": "1"}),
            (kinesis.update_shard_count, {"TargetShardCount": 5, "ScalingType": "UNIFORM_SCALING"})):
        with pytest.raises(ClientError) as caught:
            call(StreamName=name, **arguments)
        # The code is the API reference's; it does not give the words.
        assert caught.value.response["Error"]["Code"] == "ValidationException"
    kinesis.delete_stream(StreamName=name)


def test_a_timestamp_iterator_is_exact_to_the_millisecond(ask, kinesis, stream):
    for i in range(6):
        kinesis.put_record(StreamName=stream, Data=b"%d" % i, PartitionKey="k")
        time.sleep(0.005)

    def read(at):
        iterator = ask("GetShardIterator", StreamName=stream, ShardId=FIRST, ShardIteratorType="AT_TIMESTAMP",
                       Timestamp=at)["ShardIterator"]
        return [r["SequenceNumber"] for r in ask("GetRecords", ShardIterator=iterator)["Records"]]

    start = ask("GetShardIterator", StreamName=stream, ShardId=FIRST, ShardIteratorType="TRIM_HORIZON")
    records = ask("GetRecords", ShardIterator=start["ShardIterator"])["Records"]
    numbers = [r["SequenceNumber"] for r in records]
    for place, record in enumerate(records):
        arrived = record["ApproximateArrivalTimestamp"]
        assert round(arrived * 1000) == pytest.approx(arrived * 1000, abs=1e-3)
        assert read(arrived) == numbers[place:]
        assert read(arrived - 0.001) == numbers[place:]
        assert read(arrived + 0.001) == numbers[place + 1:]


def test_latest_is_fixed_when_the_iterator_is_made(kinesis, stream):
    def latest():
        return kinesis.get_shard_iterator(StreamName=stream, ShardId=FIRST, ShardIteratorType="LATEST")["ShardIterator"]

    def read(iterator):
        return [r["Data"] for r in kinesis.get_records(ShardIterator=iterator)["Records"]]

    kinesis.put_record(StreamName=stream, Data=b"old", PartitionKey="k")
    first = latest()
    kinesis.put_record(StreamName=stream, Data=b"one", PartitionKey="k")
    second = latest()
    kinesis.put_record(StreamName=stream, Data=b"two", PartitionKey="k")
    kinesis.split_shard(StreamName=stream, ShardToSplit=FIRST, NewStartingHashKey=str(2**127))
    assert read(first) == read(first) == [b"one", b"two"]
    assert read(second) == [b"two"]


def arn_calls():
    """Operations that take a StreamARN, in an order in which all of them succeed."""
    yield "AddTagsToStream", {"Tags": {"a": "b"}}
    yield "ListTagsForStream", {}
    yield "RemoveTagsFromStream", {"TagKeys": ["a"]}
    yield "IncreaseStreamRetentionPeriod", {"RetentionPeriodHours": 48}
    yield "DecreaseStreamRetentionPeriod", {"RetentionPeriodHours": 24}
    yield "EnableEnhancedMonitoring", {"ShardLevelMetrics": ["ALL"]}
    yield "DisableEnhancedMonitoring", {"ShardLevelMetrics": ["ALL"]}
    yield "StartStreamEncryption", {"EncryptionType": "KMS", "KeyId": "alias/aws/kinesis"}
    yield "StopStreamEncryption", {"EncryptionType": "KMS", "KeyId": "alias/aws/kinesis"}
    yield "UpdateMaxRecordSize", {"MaxRecordSizeInKiB": 2048}
    yield "DescribeStream", {}
    yield "DescribeStreamSummary", {}
    yield "ListShards", {}
    yield "PutRecord", {"Data": b"x", "PartitionKey": "k"}
    yield "PutRecords", {"Records": [{"Data": b"y", "PartitionKey": "k"}]}
    yield "GetShardIterator", {"ShardId": FIRST, "ShardIteratorType": "TRIM_HORIZON"}
    yield "GetRecords", {}
    yield "RegisterStreamConsumer", {"ConsumerName": "reader"}
    yield "DescribeStreamConsumer", {"ConsumerName": "reader"}
    yield "ListStreamConsumers", {}
    yield "DeregisterStreamConsumer", {"ConsumerName": "reader"}
    yield "SplitShard", {"ShardToSplit": FIRST, "NewStartingHashKey": str(2**127)}
    yield "MergeShards", {"ShardToMerge": "1", "AdjacentShardToMerge": "2"}
    yield "UpdateShardCount", {"TargetShardCount": 2, "ScalingType": "UNIFORM_SCALING"}
    yield "UpdateStreamMode", {"StreamModeDetails": {"StreamMode": "ON_DEMAND"}}
    yield "DeleteStream", {}


def test_a_streams_arn_stands_for_its_name_everywhere(kinesis, name):
    kinesis.create_stream(StreamName=name, ShardCount=1)
    arn = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamARN"]
    iterator = None
    for operation, arguments in arn_calls():
        if operation == "GetRecords":
            arguments = {"ShardIterator": iterator}
        answer = getattr(kinesis, xform_name(operation))(StreamARN=arn, **arguments)
        iterator = answer.get("ShardIterator", iterator)
    assert name not in kinesis.list_streams()["StreamNames"]


def test_a_dry_run_checks_everything_and_does_nothing(kinesis, name):
    kinesis.create_stream(StreamName=name, ShardCount=1)
    iterator = kinesis.get_shard_iterator(StreamName=name, ShardId="shardId-000000000000",
                                          ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    calls = [
        lambda dry: kinesis.put_record(StreamName=name, Data=b"x", PartitionKey="k", DryRun=dry),
        lambda dry: kinesis.put_records(StreamName=name, Records=[{"Data": b"x", "PartitionKey": "k"}], DryRun=dry),
        lambda dry: kinesis.get_records(ShardIterator=iterator, DryRun=dry),
        lambda dry: kinesis.get_shard_iterator(StreamName=name, ShardId="shardId-000000000000",
                                               ShardIteratorType="LATEST", DryRun=dry),
    ]
    for call in calls:
        with pytest.raises(kinesis.exceptions.DryRunOperationException):
            call(True)
    assert not kinesis.get_records(ShardIterator=iterator)["Records"]
    with pytest.raises(kinesis.exceptions.ResourceNotFoundException):
        kinesis.put_record(StreamName="no" + name, Data=b"x", PartitionKey="k", DryRun=True)
    for call in calls:
        call(False)
