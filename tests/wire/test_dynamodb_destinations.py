"""Kinesis streaming destinations of tables through boto3."""
import json
import time

import pytest
from botocore.exceptions import ClientError
from support.stack import wait_until


@pytest.fixture
def stream(kinesis, name):
    kinesis.create_stream(StreamName=name, ShardCount=2)
    yield kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamARN"]
    kinesis.delete_stream(StreamName=name)


@pytest.fixture
def table(dynamodb, name):
    dynamodb.create_table(TableName=name, BillingMode="PAY_PER_REQUEST",
                          AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
                          KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}])
    yield name
    dynamodb.delete_table(TableName=name)


def documents(kinesis, stream):
    found = []
    for shard in kinesis.list_shards(StreamARN=stream)["Shards"]:
        position = kinesis.get_shard_iterator(StreamARN=stream, ShardId=shard["ShardId"],
                                              ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
        found += [json.loads(record["Data"]) for record in kinesis.get_records(ShardIterator=position)["Records"]]
    return found


def error_of(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_changes_reach_the_stream_in_order(dynamodb, kinesis, table, stream):
    dynamodb.put_item(TableName=table, Item={"k": {"S": "before"}})
    made = dynamodb.enable_kinesis_streaming_destination(TableName=table, StreamArn=stream)
    assert made["DestinationStatus"] == "ENABLING" and made["StreamArn"] == stream
    assert dynamodb.describe_kinesis_streaming_destination(TableName=table)["KinesisDataStreamDestinations"] == [
        {"StreamArn": stream, "DestinationStatus": "ACTIVE"}]
    keys = [str(i) for i in range(10)]
    for number in range(5):
        for key in keys:
            dynamodb.put_item(TableName=table, Item={"k": {"S": key}, "n": {"N": str(number)}})
    dynamodb.delete_item(TableName=table, Key={"k": {"S": "0"}})
    found = wait_until(lambda: (lambda all: len(all) >= 51 and all)(documents(kinesis, stream)), "the changes")
    assert len(found) == 51
    for key in keys[1:]:
        assert [c["dynamodb"]["NewImage"]["n"]["N"] for c in found if c["dynamodb"]["Keys"]["k"]["S"] == key] == \
            list("01234")
    one = next(change for change in found if change["dynamodb"]["Keys"]["k"]["S"] == "1")
    assert abs(one["dynamodb"].pop("ApproximateCreationDateTime") / 1000 - time.time()) < 60
    assert len(one.pop("eventID")) == 32
    assert one == {"awsRegion": "us-east-1", "eventName": "INSERT", "userIdentity": None,
                   "recordFormat": "application/json", "tableName": table, "eventSource": "aws:dynamodb",
                   "dynamodb": {"Keys": {"k": {"S": "1"}}, "NewImage": {"k": {"S": "1"}, "n": {"N": "0"}},
                                "SizeBytes": 2 + 2 + 2}}
    assert "LatestStreamArn" not in dynamodb.describe_table(TableName=table)["Table"]


def test_a_destination_is_disabled_and_enabled_again(dynamodb, kinesis, table, stream):
    place = {"TableName": table, "StreamArn": stream}
    state = "Table is not in a valid state to enable Kinesis Streaming Destination: "
    assert error_of(dynamodb.disable_kinesis_streaming_destination, **place) == (
        "ValidationException", state + "KinesisStreamingDestination must be ACTIVE to perform DISABLE operation.")
    assert error_of(dynamodb.enable_kinesis_streaming_destination, TableName=table,
                    StreamArn=stream + "-no")[0] == "ResourceNotFoundException"
    dynamodb.enable_kinesis_streaming_destination(**place)
    assert error_of(dynamodb.enable_kinesis_streaming_destination, **place) == (
        "ValidationException", state + "EnableKinesisStreamingDestination must be DISABLED or ENABLE_FAILED to "
        "perform ENABLE operation.")
    dynamodb.put_item(TableName=table, Item={"k": {"S": "a"}})
    assert dynamodb.disable_kinesis_streaming_destination(**place)["DestinationStatus"] == "DISABLING"
    dynamodb.put_item(TableName=table, Item={"k": {"S": "b"}})
    dynamodb.enable_kinesis_streaming_destination(
        **place, EnableKinesisStreamingConfiguration={"ApproximateCreationDateTimePrecision": "MICROSECOND"})
    dynamodb.put_item(TableName=table, Item={"k": {"S": "c"}})
    found = wait_until(lambda: (lambda all: len(all) >= 2 and all)(documents(kinesis, stream)), "the changes")
    assert sorted(change["dynamodb"]["Keys"]["k"]["S"] for change in found) == ["a", "c"]
    last = next(change["dynamodb"] for change in found if change["dynamodb"]["Keys"]["k"]["S"] == "c")
    assert last["ApproximateCreationDateTimePrecision"] == "MICROSECOND"
    assert abs(last["ApproximateCreationDateTime"] / 1e6 - time.time()) < 60
    updated = dynamodb.update_kinesis_streaming_destination(
        **place, UpdateKinesisStreamingConfiguration={"ApproximateCreationDateTimePrecision": "MILLISECOND"})
    assert updated["DestinationStatus"] == "UPDATING"
    assert dynamodb.describe_kinesis_streaming_destination(TableName=table)["KinesisDataStreamDestinations"] == [
        {"StreamArn": stream, "DestinationStatus": "ACTIVE", "ApproximateCreationDateTimePrecision": "MILLISECOND"}]


def test_what_was_not_forwarded_comes_after_a_restart(own_server, name):
    dynamodb, kinesis = own_server.client("dynamodb"), own_server.client("kinesis")
    kinesis.create_stream(StreamName=name, ShardCount=1)
    arn = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamARN"]
    dynamodb.create_table(TableName=name, BillingMode="PAY_PER_REQUEST",
                          AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
                          KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}])
    dynamodb.enable_kinesis_streaming_destination(TableName=name, StreamArn=arn)
    keys = {str(i) for i in range(40)}
    for key in keys:
        dynamodb.put_item(TableName=name, Item={"k": {"S": key}})
    dynamodb.delete_table(TableName=name)
    own_server.kill()
    own_server.start()

    def all_there():
        return {c["dynamodb"]["Keys"]["k"]["S"] for c in documents(own_server.client("kinesis"), arn)} == keys
    wait_until(all_there, "the changes")


def test_a_stack_makes_and_changes_a_destination(server, dynamodb, kinesis, name):
    stacks = server.client("cloudformation")

    def template(view, destination):
        properties = {
            "BillingMode": "PAY_PER_REQUEST", "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}]}
        if view:
            properties["StreamSpecification"] = {"StreamViewType": view}
        if destination:
            properties["KinesisStreamSpecification"] = {"StreamArn": {"Fn::GetAtt": ["Stream", "Arn"]}}
        return json.dumps({"Resources": {
            "Stream": {"Type": "AWS::Kinesis::Stream", "Properties": {"ShardCount": 1}},
            "Table": {"Type": "AWS::DynamoDB::Table", "Properties": properties}},
            "Outputs": {"Table": {"Value": {"Ref": "Table"}}}})

    def seen():
        table = stacks.describe_stacks(StackName=name)["Stacks"][0]["Outputs"][0]["OutputValue"]
        specification = dynamodb.describe_table(TableName=table)["Table"].get("StreamSpecification", {})
        destinations = dynamodb.describe_kinesis_streaming_destination(TableName=table)
        return (specification.get("StreamViewType"),
                [one["DestinationStatus"] for one in destinations["KinesisDataStreamDestinations"]])

    patience = {"Delay": 1, "MaxAttempts": 60}
    stacks.create_stack(StackName=name, TemplateBody=template("NEW_IMAGE", True))
    stacks.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig=patience)
    assert seen() == ("NEW_IMAGE", ["ACTIVE"])
    for view, destination, expected in (("KEYS_ONLY", True, ("KEYS_ONLY", ["ACTIVE"])),
                                        (None, False, (None, ["DISABLED"])),
                                        ("OLD_IMAGE", True, ("OLD_IMAGE", ["ACTIVE"]))):
        stacks.update_stack(StackName=name, TemplateBody=template(view, destination))
        stacks.get_waiter("stack_update_complete").wait(StackName=name, WaiterConfig=patience)
        assert seen() == expected
    stacks.delete_stack(StackName=name)
    stacks.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig=patience)
