"""The shards' throughput, limited with --enforce-limits and not without."""
import pytest
from botocore.exceptions import ClientError

from support.server import Server

SHARD = "shardId-000000000000"


@pytest.fixture(scope="module")
def limited():
    made = Server(arguments=["--enforce-limits"]).start()
    yield made
    made.remove()


def records(count, size):
    return [{"Data": b"x" * size, "PartitionKey": "k"} for _ in range(count)]


def text_of(name):
    """As users of AWS's client and producer libraries reported it; the codes are the API reference's."""
    return f"Rate exceeded for shard {SHARD} in stream {name} under account 000000000000."


def read_often(kinesis, name, times):
    """The errors of so many reads in a row."""
    iterator = kinesis.get_shard_iterator(StreamName=name, ShardId=SHARD,
                                          ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    errors = []
    for _ in range(times):
        try:
            kinesis.get_records(ShardIterator=iterator)
        except ClientError as error:
            errors.append(error.response["Error"])
    return errors


def test_what_exceeds_a_shards_limit_fails_record_by_record(limited, name):
    kinesis = limited.client("kinesis")
    kinesis.create_stream(StreamName=name, ShardCount=1)
    answer = kinesis.put_records(StreamName=name, Records=records(40, 50_000))
    failed = [r for r in answer["Records"] if "ErrorCode" in r]
    assert answer["FailedRecordCount"] == len(failed) == 20
    assert {(r["ErrorCode"], r["ErrorMessage"]) for r in failed} == {
        ("ProvisionedThroughputExceededException", text_of(name))}
    numbers = [r["SequenceNumber"] for r in answer["Records"] if "SequenceNumber" in r]
    got = kinesis.get_records(ShardIterator=kinesis.get_shard_iterator(
        StreamName=name, ShardId=SHARD, ShardIteratorType="TRIM_HORIZON")["ShardIterator"])
    assert [r["SequenceNumber"] for r in got["Records"]] == numbers


def test_a_single_record_is_refused_in_aws_words(limited, name):
    kinesis = limited.client("kinesis")
    kinesis.create_stream(StreamName=name, ShardCount=1)
    kinesis.put_record(StreamName=name, Data=b"x" * 1_000_000, PartitionKey="k")
    with pytest.raises(kinesis.exceptions.ProvisionedThroughputExceededException) as refused:
        kinesis.put_record(StreamName=name, Data=b"x" * 1_000_000, PartitionKey="k")
    assert refused.value.response["Error"]["Message"] == text_of(name)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_a_shard_is_read_five_times_a_second(limited, name):
    kinesis = limited.client("kinesis")
    kinesis.create_stream(StreamName=name, ShardCount=1)
    errors = read_often(kinesis, name, 30)
    assert errors
    assert {(e["Code"], e["Message"]) for e in errors} == {
        ("ProvisionedThroughputExceededException", text_of(name))}


def test_without_the_flag_nothing_is_refused(server, name):
    kinesis = server.client("kinesis")
    kinesis.create_stream(StreamName=name, ShardCount=1)
    for _ in range(3):
        assert kinesis.put_records(StreamName=name, Records=records(500, 5_000))["FailedRecordCount"] == 0
    assert read_often(kinesis, name, 10) == []
    kinesis.delete_stream(StreamName=name)
