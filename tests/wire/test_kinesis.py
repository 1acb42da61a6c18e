"""Kinesis through boto3 and the AWS CLI."""
import pytest
from botocore.exceptions import ClientError


def read_all(kinesis, stream, shard="shardId-000000000000", **start):
    iterator = kinesis.get_shard_iterator(StreamName=stream, ShardId=shard,
                                          **(start or {"ShardIteratorType": "TRIM_HORIZON"}))["ShardIterator"]
    return kinesis.get_records(ShardIterator=iterator)


def test_records_come_back_in_order_with_their_numbers(kinesis, stream):
    put = [kinesis.put_record(StreamName=stream, Data=f"r{i}".encode(), PartitionKey="k") for i in range(5)]
    got = read_all(kinesis, stream)
    assert [r["Data"] for r in got["Records"]] == [b"r0", b"r1", b"r2", b"r3", b"r4"]
    assert [r["SequenceNumber"] for r in got["Records"]] == [p["SequenceNumber"] for p in put]
    assert got["MillisBehindLatest"] == 0
    assert sorted(map(int, (p["SequenceNumber"] for p in put))) == [int(p["SequenceNumber"]) for p in put]


def test_iterators_start_where_they_say(kinesis, stream):
    numbers = [kinesis.put_record(StreamName=stream, Data=b"%d" % i, PartitionKey="k")["SequenceNumber"]
               for i in range(4)]
    at = read_all(kinesis, stream, ShardIteratorType="AT_SEQUENCE_NUMBER", StartingSequenceNumber=numbers[2])
    assert [r["Data"] for r in at["Records"]] == [b"2", b"3"]
    after = read_all(kinesis, stream, ShardIteratorType="AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=numbers[2])
    assert [r["Data"] for r in after["Records"]] == [b"3"]
    latest = kinesis.get_shard_iterator(StreamName=stream, ShardId="shardId-000000000000",
                                        ShardIteratorType="LATEST")["ShardIterator"]
    kinesis.put_record(StreamName=stream, Data=b"new", PartitionKey="k")
    assert [r["Data"] for r in kinesis.get_records(ShardIterator=latest)["Records"]] == [b"new"]


def test_put_records_spreads_over_shards_by_hash_key(kinesis, name):
    kinesis.create_stream(StreamName=name, ShardCount=2)
    answer = kinesis.put_records(StreamName=name, Records=[
        {"Data": b"low", "PartitionKey": "a", "ExplicitHashKey": "0"},
        {"Data": b"high", "PartitionKey": "a", "ExplicitHashKey": str(2**128 - 1)}])
    assert answer["FailedRecordCount"] == 0
    assert [r["ShardId"] for r in answer["Records"]] == ["shardId-000000000000", "shardId-000000000001"]
    kinesis.delete_stream(StreamName=name)


def test_splitting_closes_the_parent_and_names_its_children(kinesis, stream):
    kinesis.put_record(StreamName=stream, Data=b"before", PartitionKey="k")
    kinesis.split_shard(StreamName=stream, ShardToSplit="shardId-000000000000", NewStartingHashKey=str(2**127))
    got = read_all(kinesis, stream)
    assert "NextShardIterator" not in got
    assert [c["ShardId"] for c in got["ChildShards"]] == ["shardId-000000000001", "shardId-000000000002"]
    shards = kinesis.list_shards(StreamName=stream)["Shards"]
    assert "EndingSequenceNumber" in shards[0]["SequenceNumberRange"]
    assert shards[1]["ParentShardId"] == "shardId-000000000000"


def test_errors_are_in_aws_words(kinesis, stream, name):
    """The words are those that kinesalite's tests recorded on AWS."""
    def error(call, **arguments):
        with pytest.raises(ClientError) as caught:
            call(**arguments)
        return caught.value.response["Error"]

    gone = error(kinesis.describe_stream, StreamName="gone" + name)
    assert gone == {"Code": "ResourceNotFoundException",
                    "Message": f"Stream gone{name} under account 000000000000 not found."}
    twice = error(kinesis.create_stream, StreamName=stream, ShardCount=1)
    assert twice["Code"] == "ResourceInUseException"
    huge = error(kinesis.create_stream, StreamName="x" + name, ShardCount=100_000)
    assert huge["Code"] == "LimitExceededException"
    assert error(kinesis.get_records, ShardIterator="AAAA")["Message"] == "Invalid ShardIterator."


def test_regions_are_apart(server, stream):
    elsewhere = server.client("kinesis", region="eu-west-1")
    assert stream not in elsewhere.list_streams()["StreamNames"]


def test_cbor_over_the_java_sdks_protocol(server, stream):
    """The AWS CLI and boto3 speak JSON; the Java SDK and the KCL speak CBOR."""
    import botocore.auth
    import botocore.awsrequest
    import botocore.credentials
    import urllib.request

    body = bytes([0xA1]) + b"\x6aStreamName" + bytes([0x60 + len(stream)]) + stream.encode()
    request = botocore.awsrequest.AWSRequest(
        method="POST", url=server.endpoint + "/", data=body,
        headers={"Content-Type": "application/x-amz-cbor-1.1",
                 "X-Amz-Target": "Kinesis_20131202.DescribeStreamSummary"})
    credentials = botocore.credentials.Credentials(server.environment["AWS_ACCESS_KEY_ID"],
                                                   server.environment["AWS_SECRET_ACCESS_KEY"])
    botocore.auth.SigV4Auth(credentials, "kinesis", "us-east-1").add_auth(request)
    sent = urllib.request.Request(server.endpoint + "/", data=body, headers=dict(request.headers.items()))
    with urllib.request.urlopen(sent, timeout=10) as answer:
        assert answer.headers["Content-Type"] == "application/x-amz-cbor-1.1"
        assert stream.encode() in answer.read()


def test_the_cli_puts_and_reads(server, stream):
    server.aws("kinesis", "put-record", "--stream-name", stream, "--partition-key", "k", "--data", "hello")
    iterator = server.aws("kinesis", "get-shard-iterator", "--stream-name", stream, "--shard-id", "0",
                          "--shard-iterator-type", "TRIM_HORIZON", "--query", "ShardIterator",
                          "--output", "text").stdout.strip()
    assert "aGVsbG8=" in server.aws("kinesis", "get-records", "--shard-iterator", iterator).stdout
