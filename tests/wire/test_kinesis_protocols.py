"""Kinesis in the forms that few clients send: Smithy's RPC v2 CBOR, and compressed bodies."""
import copy
import gzip
import zlib

import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

FIRST = "shardId-000000000000"


@pytest.fixture
def stream(server, name):
    kinesis = server.client("kinesis")
    kinesis.create_stream(StreamName=name, ShardCount=1)
    yield name
    kinesis.delete_stream(StreamName=name, EnforceConsumerDeletion=True)


@pytest.fixture
def rpc(server):
    """botocore as it would be if its model of Kinesis listed the protocol. Today AWS's lists JSON only."""
    session = botocore.session.Session()
    loader = session.get_component("data_loader")
    load = loader.load_service_model

    def load_altered(service, kind, **version):
        model = load(service, kind, **version)
        if (service, kind) != ("kinesis", "service-2"):
            return model
        model = copy.deepcopy(model)
        model["metadata"].update(protocol="smithy-rpc-v2-cbor", protocols=["smithy-rpc-v2-cbor"])
        return model

    loader.load_service_model = load_altered
    environment = server.environment
    return session.create_client("kinesis", region_name=environment["AWS_REGION"], endpoint_url=server.endpoint,
                                 aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
                                 aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
                                 config=Config(retries={"total_max_attempts": 1}))


def read(kinesis, stream):
    start = kinesis.get_shard_iterator(StreamName=stream, ShardId=FIRST, ShardIteratorType="TRIM_HORIZON")
    return kinesis.get_records(ShardIterator=start["ShardIterator"])


def test_rpc_v2_cbor_puts_and_reads(server, rpc, stream):
    put = rpc.put_records(StreamName=stream, Records=[
        {"Data": bytes([i, 0, 255]), "PartitionKey": f"k{i}"} for i in range(3)])
    assert put["FailedRecordCount"] == 0
    assert put["ResponseMetadata"]["HTTPHeaders"]["smithy-protocol"] == "rpc-v2-cbor"
    got, plain = read(rpc, stream), read(server.client("kinesis"), stream)
    assert got["Records"] == plain["Records"]
    assert [r["Data"] for r in got["Records"]] == [bytes([i, 0, 255]) for i in range(3)]
    assert got["MillisBehindLatest"] == 0
    rpc.add_tags_to_stream(StreamName=stream, Tags={"a": "ü"})
    assert rpc.list_tags_for_stream(StreamName=stream)["Tags"] == [{"Key": "a", "Value": "ü"}]


def test_rpc_v2_cbor_tells_errors(rpc, name):
    with pytest.raises(rpc.exceptions.ResourceNotFoundException) as caught:
        rpc.describe_stream(StreamName=name)
    # Recorded on AWS, in JSON: the words do not hang on the protocol.
    assert caught.value.response["Error"]["Message"] == f"Stream {name} under account 000000000000 not found."


def test_rpc_v2_cbor_pushes_records(rpc, stream):
    rpc.put_record(StreamName=stream, Data=b"hello", PartitionKey="k")
    arn = rpc.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]["StreamARN"]
    consumer = rpc.register_stream_consumer(StreamARN=arn, ConsumerName="reader")["Consumer"]["ConsumerARN"]
    events = rpc.subscribe_to_shard(ConsumerARN=consumer, ShardId=FIRST,
                                    StartingPosition={"Type": "TRIM_HORIZON"})["EventStream"]
    event = next(iter(events))["SubscribeToShardEvent"]
    assert [r["Data"] for r in event["Records"]] == [b"hello"]
    events.close()


def compressing(client, coding, compress):
    def press(params, **_):
        params["body"] = compress(params["body"])
        params["headers"]["Content-Encoding"] = coding

    client.meta.events.register("before-call.kinesis", press)
    return client


def as_bytes(body):
    return body.encode() if isinstance(body, str) else body


@pytest.mark.parametrize("coding,compress", [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_compressed_requests_are_inflated(server, stream, coding, compress):
    """AWS's SDK for Android sends its PutRecords with gzip."""
    pressing = compressing(server.client("kinesis"), coding, lambda body: compress(as_bytes(body)))
    answer = pressing.put_records(StreamName=stream, Records=[{"Data": b"x" * 50_000, "PartitionKey": "k"}] * 20)
    assert answer["FailedRecordCount"] == 0
    assert [len(r["Data"]) for r in read(server.client("kinesis"), stream)["Records"]] == [50_000] * 20


def test_what_cannot_be_inflated_is_refused_and_harms_nobody(server, stream):
    bomb = compressing(server.client("kinesis"), "gzip", lambda body: gzip.compress(as_bytes(body) + b" " * (64 << 20)))
    broken = compressing(server.client("kinesis"), "gzip", as_bytes)
    for client in (bomb, broken):
        with pytest.raises(ClientError) as caught:
            client.put_record(StreamName=stream, Data=b"x", PartitionKey="k")
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    assert read(server.client("kinesis"), stream)["Records"] == []
