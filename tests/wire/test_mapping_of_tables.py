"""Event source mappings of tables' streams: what a function gets, and when."""
import io
import json
import time
import zipfile

import pytest
from botocore.exceptions import ClientError
from support.logs import messages
from support.stack import wait_until

CODE = """
import json

def handler(event, context):
    print("GOT " + json.dumps(event))
    if any("poison" in r["dynamodb"]["Keys"]["k"]["S"] for r in event["Records"]):
        raise RuntimeError("poison")
    print("DONE " + json.dumps([r["dynamodb"]["Keys"]["k"]["S"] for r in event["Records"]]))
    return {"batchItemFailures": []}
"""
TRUST = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"},
                        "Action": "sts:AssumeRole"}]}
LOGS = {"Effect": "Allow", "Action": "logs:*", "Resource": "*"}
READS = {"Effect": "Allow", "Resource": "*",
         "Action": [f"dynamodb:{name}" for name in
                    ("GetRecords", "GetShardIterator", "DescribeStream", "ListStreams")]}


class World:
    """A table with a stream, a function, its role, and what the function said."""

    def __init__(self, server, name):
        self.name = name
        self.iam, self.dynamodb = server.client("iam"), server.client("dynamodb")
        self.functions, self.logs = server.client("lambda"), server.client("logs")
        role = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
        self.allow(LOGS, READS)
        self.stream = self.dynamodb.create_table(
            TableName=name, BillingMode="PROVISIONED",
            ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
            AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        )["TableDescription"]["LatestStreamArn"]
        package = io.BytesIO()
        with zipfile.ZipFile(package, "w") as archive:
            archive.writestr("code.py", CODE)
        self.functions.create_function(FunctionName=name, Runtime="python3.12", Handler="code.handler",
                                       Role=role, Timeout=30, Code={"ZipFile": package.getvalue()})
        self.functions.get_waiter("function_active_v2").wait(FunctionName=name)

    def allow(self, *statements):
        self.iam.put_role_policy(RoleName=self.name, PolicyName="p",
                                 PolicyDocument=json.dumps({"Statement": list(statements)}))

    def map(self, **settings):
        return self.functions.create_event_source_mapping(
            FunctionName=self.name, **{"EventSourceArn": self.stream, "StartingPosition": "TRIM_HORIZON"} | settings)

    def refusal(self, **settings):
        with pytest.raises(ClientError) as caught:
            self.map(**settings)
        assert caught.value.response["Error"]["Code"] == "InvalidParameterValueException"
        return caught.value.response["Error"]["Message"]

    def put(self, *keys, **more):
        for key in keys:
            self.dynamodb.put_item(TableName=self.name, Item={"k": {"S": key}} | more)

    def said(self, word):
        return [json.loads(line.split(word + " ", 1)[1]) for line in messages(self.logs, self.name, word)]

    def done(self):
        return [key for batch in self.said("DONE") for key in batch]

    def close(self):
        for mapping in self.functions.list_event_source_mappings(FunctionName=self.name)["EventSourceMappings"]:
            self.functions.delete_event_source_mapping(UUID=mapping["UUID"])
        self.functions.delete_function(FunctionName=self.name)
        self.dynamodb.delete_table(TableName=self.name)
        self.iam.delete_role_policy(RoleName=self.name, PolicyName="p")
        self.iam.delete_role(RoleName=self.name)


@pytest.fixture
def world(server, name):
    made = World(server, name)
    yield made
    made.close()


def test_a_function_gets_changes_in_aws_form(world):
    world.put("a", n={"N": "1"}, b={"B": b"\0\xff"}, l={"L": [{"NULL": True}, {"BOOL": False}]}, s={"SS": ["x"]})
    made = world.map(BatchSize=10, FunctionResponseTypes=["ReportBatchItemFailures"])
    assert made["EventSourceArn"] == world.stream
    wait_until(world.done, "the first change")
    world.dynamodb.delete_item(TableName=world.name, Key={"k": {"S": "a"}})
    wait_until(lambda: len(world.done()) == 2, "the second change")
    insert, remove = [record for event in world.said("GOT") for record in event["Records"]]
    image = {"b": {"B": "AP8="}, "k": {"S": "a"}, "l": {"L": [{"NULL": True}, {"BOOL": False}]}, "n": {"N": "1"},
             "s": {"SS": ["x"]}}
    change = insert.pop("dynamodb")
    assert abs(change.pop("ApproximateCreationDateTime") - time.time()) < 60
    assert len(insert.pop("eventID")) == 32 and len(change.pop("SequenceNumber")) >= 21
    assert change.pop("SizeBytes") > 0
    assert change == {"Keys": {"k": {"S": "a"}}, "NewImage": image, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    assert insert == {"eventName": "INSERT", "eventVersion": "1.1", "eventSource": "aws:dynamodb",
                      "awsRegion": "us-east-1", "eventSourceARN": world.stream}
    assert remove["eventName"] == "REMOVE" and remove["dynamodb"]["OldImage"] == image


def test_filters_see_the_change(world):
    pattern = {"eventName": ["INSERT"], "dynamodb": {"NewImage": {"kind": {"S": ["wanted"]}}}}
    world.map(FilterCriteria={"Filters": [{"Pattern": json.dumps(pattern)}]})
    world.put("a", kind={"S": "other"})
    world.put("a", kind={"S": "wanted"})  # no INSERT
    world.put("b", kind={"S": "wanted"})
    wait_until(lambda: world.done() == ["b"], "the change that is wanted")


def test_latest_begins_with_what_comes(world):
    world.put("before")
    world.map(StartingPosition="LATEST")
    deadline = time.time() + 30
    count = 0
    while not world.done() and time.time() < deadline:
        world.put(f"after{count}")
        count += 1
        time.sleep(0.2)
    assert world.done() and "before" not in world.done()


def test_what_is_given_up_is_told(server, world, name):
    s3 = server.client("s3")
    s3.create_bucket(Bucket=name)
    world.allow(LOGS, READS, {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{name}/*"})
    world.map(BatchSize=1, MaximumRetryAttempts=0,
              DestinationConfig={"OnFailure": {"Destination": f"arn:aws:s3:::{name}"}})
    world.put("poison", "fine")
    wait_until(lambda: world.done() == ["fine"], "the next change")
    [kept] = s3.list_objects_v2(Bucket=name)["Contents"]
    document = json.loads(s3.get_object(Bucket=name, Key=kept["Key"])["Body"].read())
    assert document["DDBStreamBatchInfo"]["streamArn"] == world.stream
    assert document["DDBStreamBatchInfo"]["batchSize"] == 1
    [record] = json.loads(document["payload"])["Records"]
    assert record["dynamodb"]["Keys"] == {"k": {"S": "poison"}}
    s3.delete_object(Bucket=name, Key=kept["Key"])
    s3.delete_bucket(Bucket=name)


def test_the_role_may_read_or_nothing_is_mapped(world):
    world.allow(LOGS, {**READS, "Action": READS["Action"][:3]})
    assert world.refusal() == (
        f"Cannot access stream {world.stream}. Please ensure the role can perform the GetRecords, GetShardIterator, "
        "DescribeStream, and ListStreams Actions on your stream in IAM.")
    world.allow(LOGS, {**READS, "Resource": world.stream})
    assert "only supported" in world.refusal(StartingPosition="AT_TIMESTAMP", StartingPositionTimestamp=0)
    other = world.stream.replace("/" + world.name + "/", "/no/")
    world.allow(LOGS, READS)
    assert world.refusal(EventSourceArn=other) == f"Stream not found: {other}"
    world.map()


def test_a_stack_maps_a_tables_stream(server, world, name):
    stacks = server.client("cloudformation")
    function = world.functions.get_function(FunctionName=name)["Configuration"]["FunctionArn"]
    template = {"Resources": {
        "Table": {"Type": "AWS::DynamoDB::Table", "Properties": {
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
            "StreamSpecification": {"StreamViewType": "KEYS_ONLY"}}},
        "Mapping": {"Type": "AWS::Lambda::EventSourceMapping", "Properties": {
            "FunctionName": function, "EventSourceArn": {"Fn::GetAtt": ["Table", "StreamArn"]},
            "StartingPosition": "TRIM_HORIZON"}}},
        "Outputs": {"Stream": {"Value": {"Fn::GetAtt": ["Table", "StreamArn"]}}, "Table": {"Value": {"Ref": "Table"}}}}
    stacks.create_stack(StackName=name, TemplateBody=json.dumps(template))
    stacks.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    outputs = {o["OutputKey"]: o["OutputValue"] for o in
               stacks.describe_stacks(StackName=name)["Stacks"][0]["Outputs"]}
    world.dynamodb.put_item(TableName=outputs["Table"], Item={"k": {"S": "from the stack"}})
    wait_until(lambda: world.done() == ["from the stack"], "the change")
    assert world.said("GOT")[0]["Records"][0]["eventSourceARN"] == outputs["Stream"]
    stacks.delete_stack(StackName=name)
    stacks.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
