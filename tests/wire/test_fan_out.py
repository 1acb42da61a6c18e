"""Enhanced fan-out: SubscribeToShard through boto3 (HTTP/1.1), the AWS SDK for JavaScript (HTTP/2, in clear
and over TLS) and, for CBOR, by hand."""
import http.client
import itertools
import json
import os
import subprocess
import threading

import boto3
import botocore.auth
import botocore.awsrequest
import botocore.credentials
import botocore.eventstream
import pytest
from botocore.exceptions import ClientError, EventStreamError
from support.server import ROOT

SHARD = "shardId-000000000000"
HALF = str(2**127)


@pytest.fixture
def stream(kinesis, name):
    kinesis.create_stream(StreamName=name, ShardCount=1)
    yield kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
    try:
        kinesis.delete_stream(StreamName=name, EnforceConsumerDeletion=True)
    except kinesis.exceptions.ResourceNotFoundException:
        pass


@pytest.fixture
def consumer(kinesis, stream):
    return register(kinesis, stream, "reader")


def register(kinesis, stream, name):
    return kinesis.register_stream_consumer(StreamARN=stream["StreamARN"], ConsumerName=name)["Consumer"]["ConsumerARN"]


def put(kinesis, stream, *records, **more):
    return [kinesis.put_record(StreamName=stream["StreamName"], Data=data.encode(), PartitionKey=data, **more)
            for data in records]


def subscribe(kinesis, consumer, start="TRIM_HORIZON", shard=SHARD, **more):
    return kinesis.subscribe_to_shard(ConsumerARN=consumer, ShardId=shard,
                                      StartingPosition={"Type": start} | more)["EventStream"]


def events(subscription):
    return (event["SubscribeToShardEvent"] for event in subscription)


def records(subscription):
    return (record for event in events(subscription) for record in event["Records"])


def code_of(call, *arguments, **named):
    with pytest.raises(ClientError) as caught:
        call(*arguments, **named)
    return caught.value.response["Error"]


def test_records_are_pushed_in_order_with_their_numbers(kinesis, stream, consumer):
    sent = put(kinesis, stream, "a", "b")
    subscription = subscribe(kinesis, consumer)
    got = list(itertools.islice(records(subscription), 2))
    assert [r["Data"] for r in got] == [b"a", b"b"]
    assert [r["SequenceNumber"] for r in got] == [s["SequenceNumber"] for s in sent]
    assert got[0]["PartitionKey"] == "a" and got[0]["ApproximateArrivalTimestamp"]
    subscription.close()


def test_records_are_pushed_over_tls(server, kinesis, stream, consumer):
    secure = boto3.client("kinesis", endpoint_url=server.endpoint.replace("http://127.0.0.1", "https://localhost"),
                          region_name="us-east-1", verify=str(server.data / "authority.pem"),
                          aws_access_key_id=server.environment["AWS_ACCESS_KEY_ID"],
                          aws_secret_access_key=server.environment["AWS_SECRET_ACCESS_KEY"])
    subscription = subscribe(secure, consumer)
    pushed = records(subscription)
    for data in ("a", "b", "c" * 500_000):
        kinesis.put_record(StreamName=stream["StreamName"], Data=data.encode(), PartitionKey="k")
        assert next(pushed)["Data"] == data.encode()
    subscription.close()


def test_a_record_is_pushed_by_its_commit(kinesis, stream, consumer):
    """Each record comes in an event of its own, before there was any need of an empty one."""
    subscription = subscribe(kinesis, consumer, "LATEST")
    pushed = events(subscription)
    for i in range(200):
        number = put(kinesis, stream, str(i))[0]["SequenceNumber"]
        event = next(pushed)
        assert [r["Data"] for r in event["Records"]] == [str(i).encode()]
        assert event["ContinuationSequenceNumber"] == number
        assert event["MillisBehindLatest"] == 0
    subscription.close()


def test_quiet_shards_send_empty_events_to_go_on_from(server, kinesis, stream, consumer):
    put(kinesis, stream, "before")
    subscription = subscribe(kinesis, consumer, "LATEST")
    event = next(events(subscription))
    assert event["Records"] == []
    subscription.close()
    put(kinesis, stream, "after")
    other = register(kinesis, stream, "other")
    again = subscribe(kinesis, other, "AFTER_SEQUENCE_NUMBER", SequenceNumber=event["ContinuationSequenceNumber"])
    assert next(records(again))["Data"] == b"after"
    again.close()


def test_a_split_ends_the_subscription_and_names_the_children(kinesis, stream, consumer):
    put(kinesis, stream, "old")
    subscription = subscribe(kinesis, consumer)
    kinesis.split_shard(StreamName=stream["StreamName"], ShardToSplit=SHARD, NewStartingHashKey=HALF)
    got = list(events(subscription))  # it ends by itself
    assert [r["Data"] for e in got for r in e["Records"]] == [b"old"]
    assert "ContinuationSequenceNumber" not in got[-1]
    children = got[-1]["ChildShards"]
    assert [c["ShardId"] for c in children] == ["shardId-000000000001", "shardId-000000000002"]
    assert all(c["ParentShards"] == [SHARD] for c in children)
    put(kinesis, stream, "low", ExplicitHashKey="0")
    child = subscribe(kinesis, consumer, shard=children[0]["ShardId"])
    assert next(records(child))["Data"] == b"low"
    child.close()


def test_one_subscription_at_a_time(kinesis, stream, consumer):
    """The rule of five seconds is the API reference's (SubscribeToShard); the words are from reports of users of the
    client libraries."""
    first = subscribe(kinesis, consumer)
    refused = code_of(subscribe, kinesis, consumer)
    assert refused["Code"] == "ResourceInUseException"
    assert refused["Message"] == ("Another active subscription exists for this consumer: "
                                  f"000000000000:{stream['StreamName']}:{SHARD}:reader")
    second = None
    for _ in events(first):  # each one after 5 s of silence: then the next may take over
        with pytest.raises(EventStreamError) as ended:
            second = subscribe(kinesis, consumer, "LATEST")
            list(events(first))
        assert "ResourceInUseException" in str(ended.value)
        break
    put(kinesis, stream, "x")
    assert next(records(second))["Data"] == b"x"
    second.close()


def test_what_does_not_exist_cannot_be_subscribed_to(kinesis, stream, consumer):
    """The codes are the API reference's; of their words nothing is known."""
    assert code_of(subscribe, kinesis, consumer[:-1] + "0" * 3)["Code"] == "ResourceNotFoundException"
    assert code_of(subscribe, kinesis, consumer, shard="shardId-000000000009")["Code"] == "ResourceNotFoundException"
    assert code_of(subscribe, kinesis, consumer, "AT_SEQUENCE_NUMBER")["Code"] == "InvalidArgumentException"


def test_the_permission_is_the_consumers_own(server, kinesis, stream, consumer, name):
    iam = server.client("iam")
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "kinesis:SubscribeToShard", "Resource": consumer}]}))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    his = server.client("kinesis", key=key["AccessKeyId"], secret=key["SecretAccessKey"])
    put(kinesis, stream, "a")
    subscription = subscribe(his, consumer)
    assert next(records(subscription))["Data"] == b"a"
    subscription.close()
    other = register(kinesis, stream, "other")
    assert code_of(subscribe, his, other)["Code"] == "AccessDeniedException"
    iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    iam.delete_user_policy(UserName=name, PolicyName="p")
    iam.delete_user(UserName=name)


@pytest.mark.parametrize("end", ["consumer", "stream"])
def test_a_subscription_ends_with_what_it_was_made_for(kinesis, stream, consumer, end):
    subscription = subscribe(kinesis, consumer)
    if end == "consumer":
        kinesis.deregister_stream_consumer(ConsumerARN=consumer)
    else:
        kinesis.delete_stream(StreamName=stream["StreamName"], EnforceConsumerDeletion=True)
    with pytest.raises(EventStreamError) as ended:
        list(events(subscription))
    assert "ResourceNotFoundException" in str(ended.value)


def test_a_server_that_stops_ends_its_subscriptions_in_order(own_server, name):
    kinesis = own_server.client("kinesis")
    kinesis.create_stream(StreamName=name, ShardCount=1)
    stream = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
    subscription = subscribe(kinesis, register(kinesis, stream, "reader"))
    put(kinesis, stream, "a")
    pushed = records(subscription)
    assert next(pushed)["Data"] == b"a"
    assert own_server.stop() == 0
    assert list(pushed) == []


def test_events_are_cbor_where_the_request_was(server, kinesis, stream, consumer):
    put(kinesis, stream, "hello")

    def text(value):
        data = value.encode()
        head = bytes([0x60 + len(data)]) if len(data) < 24 else bytes([0x78, len(data)])
        return head + data

    body = (b"\xa3" + text("ConsumerARN") + text(consumer) + text("ShardId") + text(SHARD) +
            text("StartingPosition") + b"\xa1" + text("Type") + text("TRIM_HORIZON"))
    request = botocore.awsrequest.AWSRequest(
        method="POST", url=server.endpoint + "/", data=body,
        headers={"Content-Type": "application/x-amz-cbor-1.1", "X-Amz-Target": "Kinesis_20131202.SubscribeToShard"})
    credentials = botocore.credentials.Credentials(server.environment["AWS_ACCESS_KEY_ID"],
                                                   server.environment["AWS_SECRET_ACCESS_KEY"])
    botocore.auth.SigV4Auth(credentials, "kinesis", "us-east-1").add_auth(request)
    connection = http.client.HTTPConnection(server.endpoint.removeprefix("http://"), timeout=10)
    connection.request("POST", "/", body, dict(request.headers.items()))
    answer = connection.getresponse()
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/vnd.amazon.eventstream"
    buffer = botocore.eventstream.EventStreamBuffer()
    messages = []
    while len(messages) < 2:
        buffer.add_data(answer.read1(4096))
        messages += list(buffer)
    connection.close()
    assert messages[0].headers[":event-type"] == "initial-response"
    assert messages[1].headers == {":event-type": "SubscribeToShardEvent", ":content-type": "application/cbor",
                                   ":message-type": "event"}
    assert b"\x45hello" in messages[1].payload  # a byte string, not base64


@pytest.fixture
def follower(server):
    """Starts the JavaScript client; answers its lines as they come."""
    started = []

    def start(scheme, *arguments):
        port = server.endpoint.rsplit(":", 1)[1]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")} | server.environment
        environment |= {"MILLRACE_NODE_MODULES": str(ROOT / "build/clients-node"),
                        "NODE_EXTRA_CA_CERTS": str(server.data / "authority.pem")}
        environment.pop("AWS_ENDPOINT_URL", None)
        process = subprocess.Popen(["node", str(ROOT / "tests/support/fan_out.mjs"), f"{scheme}://localhost:{port}",
                                    *map(str, arguments)],
                                   env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        late = threading.Timer(60, process.kill)
        late.daemon = True
        late.start()
        started.append(process)
        return process, (json.loads(line) for line in process.stdout)

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_javascript_sdk_follows_a_split_over_http2(kinesis, stream, consumer, follower, scheme):
    put(kinesis, stream, "0")
    process, lines = follower(scheme, consumer, SHARD, 5)
    assert next(lines, None) == {"subscribed": SHARD}, process.stderr.read()
    assert next(lines)["data"] == "0"
    put(kinesis, stream, "1")
    assert next(lines)["data"] == "1"
    put(kinesis, stream, "2")
    kinesis.split_shard(StreamName=stream["StreamName"], ShardToSplit=SHARD, NewStartingHashKey=HALF)
    put(kinesis, stream, "low", ExplicitHashKey="0")
    put(kinesis, stream, "high", ExplicitHashKey=HALF)
    rest = list(lines)
    children = ["shardId-000000000001", "shardId-000000000002"]
    assert rest[0]["data"] == "2"
    assert rest[1] == {"ended": SHARD, "children": children, "continuation": None}
    assert {(line["shard"], line["data"]) for line in rest if "data" in line} == {
        (SHARD, "2"), (children[0], "low"), (children[1], "high")}
    assert process.wait() == 0, process.stderr.read()


def test_the_javascript_sdk_is_told_errors(kinesis, stream, consumer, follower):
    process, lines = follower("http", consumer, "shardId-000000000009", 1)
    assert list(lines) == []
    assert "ResourceNotFoundException" in process.stderr.read()
