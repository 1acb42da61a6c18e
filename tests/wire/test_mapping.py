"""Event source mappings with every setting, set and seen with boto3, and a function that runs."""
import base64
import io
import json
import time
import zipfile

import pytest
from botocore.exceptions import ClientError
from support.logs import messages
from support.stack import wait_until

# Says what it got; does what the records' bodies ask for.
CODE = """
import base64, json, time

def handler(event, context):
    bodies = [base64.b64decode(r["kinesis"]["data"]).decode() for r in event["Records"]]
    print("GOT " + json.dumps({"bodies": bodies, "arns": [r["eventSourceARN"] for r in event["Records"]],
                               **{k: v for k, v in event.items() if k != "Records"}}))
    if any("slow" in body for body in bodies):
        time.sleep(3)
    if any("poison" in body for body in bodies):
        raise RuntimeError("poison")
    print("DONE " + json.dumps({"bodies": bodies, "at": time.time_ns()}))
    if "window" in event:
        return {"state": {"n": event["state"].get("n", 0) + len(bodies)}}
"""
TRUST = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"},
                        "Action": "sts:AssumeRole"}]}
LOGS = {"Effect": "Allow", "Action": "logs:*", "Resource": "*"}
READS = {"Effect": "Allow", "Action": ["kinesis:Get*", "kinesis:List*", "kinesis:Describe*"], "Resource": "*"}


class World:
    """A stream, a function, its role, and what the function said."""

    def __init__(self, server, name, code=CODE, **function):
        self.name = name
        self.iam, self.kinesis = server.client("iam"), server.client("kinesis")
        self.functions, self.logs = server.client("lambda"), server.client("logs")
        self.role = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
        self.allow(LOGS, READS)
        self.kinesis.create_stream(StreamName=name, ShardCount=1)
        self.stream = self.kinesis.describe_stream_summary(
            StreamName=name)["StreamDescriptionSummary"]["StreamARN"]
        package = io.BytesIO()
        with zipfile.ZipFile(package, "w") as archive:
            archive.writestr("code.py", code)
        self.functions.create_function(FunctionName=name, Runtime="python3.12", Handler="code.handler",
                                       Role=self.role, Code={"ZipFile": package.getvalue()},
                                       **{"Timeout": 30} | function)
        self.functions.get_waiter("function_active_v2").wait(FunctionName=name)

    def allow(self, *statements):
        self.iam.put_role_policy(RoleName=self.name, PolicyName="p",
                                 PolicyDocument=json.dumps({"Statement": list(statements)}))

    def map(self, source=None, **settings):
        return self.functions.create_event_source_mapping(
            FunctionName=self.name, EventSourceArn=source or self.stream,
            **{"StartingPosition": "TRIM_HORIZON"} | settings)

    def refusal(self, source=None, **settings):
        with pytest.raises(ClientError) as caught:
            self.map(source, **settings)
        assert caught.value.response["Error"]["Code"] == "InvalidParameterValueException"
        return caught.value.response["Error"]["Message"]

    def put(self, *bodies, key="k"):
        for body in bodies:
            data = body if isinstance(body, str) else json.dumps(body)
            self.kinesis.put_record(StreamName=self.name, Data=data.encode(), PartitionKey=key)

    def said(self, word):
        """In the order in which it was said: lines of sandboxes side by side may be stored in another one."""
        lines = [json.loads(line.split(word + " ", 1)[1]) for line in messages(self.logs, self.name, word)]
        return sorted(lines, key=lambda line: line.get("at", 0))

    def bodies(self, word="GOT"):
        return [body for call in self.said(word) for body in call["bodies"]]

    def close(self):
        for mapping in self.functions.list_event_source_mappings(FunctionName=self.name)["EventSourceMappings"]:
            self.functions.delete_event_source_mapping(UUID=mapping["UUID"])
        self.functions.delete_function(FunctionName=self.name)
        self.kinesis.delete_stream(StreamName=self.name, EnforceConsumerDeletion=True)
        self.iam.delete_role_policy(RoleName=self.name, PolicyName="p")
        self.iam.delete_role(RoleName=self.name)


@pytest.fixture
def world(server, name):
    made = World(server, name)
    yield made
    made.close()


def filters(*patterns):
    return {"Filters": [{"Pattern": json.dumps(pattern)} for pattern in patterns]}


def test_only_what_a_filter_lets_through_reaches_the_function(world):
    wanted = {"data": {"temperature": [{"numeric": [">", 0, "<=", 30]}], "place": {"city": [{"prefix": "Ber"}]}}}
    made = world.map(BatchSize=10, FilterCriteria=filters(wanted, {"partitionKey": ["always"]}))
    assert made["FilterCriteria"] == filters(wanted, {"partitionKey": ["always"]})
    warm = {"temperature": 20, "place": {"city": "Berlin"}}
    world.put(warm, warm | {"temperature": 31}, warm | {"place": {"city": "Paris"}}, "no json")
    world.put("no json either", key="always")
    world.put(warm | {"temperature": 1})
    wait_until(lambda: len(world.bodies("DONE")) >= 3, "the records")
    assert world.bodies() == [json.dumps(warm), "no json either", json.dumps(warm | {"temperature": 1})]


def test_filters_change_in_place_and_go_away(world):
    made = world.map(FilterCriteria=filters({"data": {"kind": ["a"]}}))
    world.put({"kind": "b", "n": 1}, {"kind": "a", "n": 2})
    wait_until(lambda: world.bodies("DONE"), "the first record")
    changed = world.functions.update_event_source_mapping(UUID=made["UUID"], FilterCriteria={})
    assert "FilterCriteria" not in changed
    world.put({"kind": "b", "n": 3})
    wait_until(lambda: len(world.bodies("DONE")) >= 2, "the second record")
    assert [json.loads(body)["n"] for body in world.bodies()] == [2, 3]


def test_malformed_filters_are_refused(world):
    for pattern in ("", "{}", "kind", '{"data": {"kind": "a"}}', '{"data": ["a"]}', '{"data": {"n": [{"like": 1}]}}'):
        assert world.refusal(FilterCriteria={"Filters": [{"Pattern": pattern}]}) == "Invalid filter pattern definition."
    assert "5 filters" in world.refusal(FilterCriteria=filters(*[{"data": {"kind": ["a"]}}] * 6))


def test_keys_run_side_by_side_and_each_in_order(world):
    made = world.map(ParallelizationFactor=10, BatchSize=1)
    assert made["ParallelizationFactor"] == 10
    world.put("slow", key="a")
    for i in range(20):
        world.put(f"b{i}", key="b")
        world.put(f"c{i}", key="c")
    world.put("after", key="a")
    wait_until(lambda: len(world.bodies("DONE")) >= 42, "all records")
    ended = world.bodies("DONE")
    for key in "bc":
        assert [body for body in ended if body[0] == key] == [f"{key}{i}" for i in range(20)]
    assert ended.index("slow") < ended.index("after")
    assert ended.index("b0") < ended.index("slow")


@pytest.fixture
def bucket(server, name):
    s3 = server.client("s3")
    s3.create_bucket(Bucket=name)
    yield s3
    for found in s3.list_objects_v2(Bucket=name).get("Contents", []):
        s3.delete_object(Bucket=name, Key=found["Key"])
    s3.delete_bucket(Bucket=name)


def test_what_is_given_up_goes_to_a_bucket_with_the_functions_rights(world, bucket):
    destination = {"OnFailure": {"Destination": f"arn:aws:s3:::{world.name}"}}
    made = world.map(BatchSize=1, MaximumRetryAttempts=1, DestinationConfig=destination)
    assert made["DestinationConfig"] == destination
    world.put("poison", "fine")

    def problem():
        result = world.functions.get_event_source_mapping(UUID=made["UUID"])["LastProcessingResult"]
        return "destination" in result and result
    assert "AccessDenied" in wait_until(problem, "the refusal of the bucket")
    assert world.bodies("DONE") == []  # nothing is passed over that nobody was told of

    write = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{world.name}/*"}
    world.allow(LOGS, READS, write)
    wait_until(lambda: world.bodies("DONE") == ["fine"], "the next record")
    [kept] = bucket.list_objects_v2(Bucket=world.name)["Contents"]
    day = time.strftime("%Y/%m/%d", time.gmtime())
    assert kept["Key"].startswith(f"aws/lambda/{made['UUID']}/shardId-000000000000/{day}/{day.replace('/', '-')}T")
    document = json.loads(bucket.get_object(Bucket=world.name, Key=kept["Key"])["Body"].read())
    assert document["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert document["requestContext"]["approximateInvokeCount"] == 2
    assert document["requestContext"]["functionArn"].endswith(world.name)
    assert document["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST",
                                           "functionError": "Unhandled"}
    assert document["KinesisBatchInfo"]["streamArn"] == world.stream
    assert document["KinesisBatchInfo"]["batchSize"] == 1
    [record] = json.loads(document["payload"])["Records"]
    assert base64.b64decode(record["kinesis"]["data"]) == b"poison"


def test_other_destinations_are_refused_by_name(world):
    def refused(arn):
        return world.refusal(DestinationConfig={"OnFailure": {"Destination": arn}})
    for service in ("sqs", "sns"):
        assert "OnFailure.Destination is not supported" in refused(f"arn:aws:{service}:us-east-1:000000000000:x")
    assert "OnFailure.Destination has to be" in refused("arn:aws:lambda:us-east-1:000000000000:function:x")


def test_a_tumbling_window_carries_its_state(world):
    made = world.map(TumblingWindowInSeconds=3, BatchSize=2)
    assert made["TumblingWindowInSeconds"] == 3
    world.put(*"abcde")

    def counted():
        ends = [call for call in world.said("GOT") if call["isFinalInvokeForWindow"]]
        return sum(call["state"]["n"] for call in ends) == 5 and ends
    ends = wait_until(counted, "the window's end")
    assert world.bodies() == list("abcde")
    for call in ends:
        assert call["bodies"] == [] and call["shardId"] == "shardId-000000000000"
        assert call["eventSourceARN"] == world.stream and not call["isWindowTerminatedEarly"]
        assert call["window"]["start"] < call["window"]["end"]


def test_a_consumer_is_a_source_with_its_own_permission(world):
    consumer = world.kinesis.register_stream_consumer(
        StreamARN=world.stream, ConsumerName="reader")["Consumer"]["ConsumerARN"]
    assert "SubscribeToShard" in world.refusal(consumer)  # reading the stream is not enough
    subscribe = {"Effect": "Allow", "Action": "kinesis:SubscribeToShard", "Resource": [consumer, consumer + "0"]}
    lists = {"Effect": "Allow", "Action": ["kinesis:ListShards", "kinesis:DescribeStreamSummary"],
             "Resource": world.stream}
    world.allow(LOGS, subscribe, lists)
    assert "Consumer not found" in world.refusal(consumer + "0")
    made = world.map(consumer)
    assert made["EventSourceArn"] == consumer
    world.put("a")
    wait_until(lambda: world.bodies("DONE") == ["a"], "the record")
    assert world.said("GOT")[0]["arns"] == [consumer]
