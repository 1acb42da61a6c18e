"""The whole architecture: our stack, launched, fed through its test client's keys, deleted."""
import pytest
from botocore.exceptions import ClientError
from support import stack as stacks


@pytest.fixture(scope="module")
def launched(request):
    from support.server import Server
    server = Server().start()
    outputs, stack_id = stacks.launch(server, "lambda-stream-processing", "packages")
    yield server, outputs, stack_id
    server.remove()


def client_of(server, outputs, service):
    return server.client(service, key=outputs["AccessKeyId"], secret=outputs["SecretAccessKey"])


def test_every_record_ends_in_the_table(launched):
    server, outputs, _ = launched
    kinesis = client_of(server, outputs, "kinesis")
    for start in range(0, 300, 100):
        answer = kinesis.put_records(StreamName=outputs["KinesisStream"], Records=[
            {"Data": stacks.tweet(i), "PartitionKey": str(i)} for i in range(start, start + 100)])
        assert answer["FailedRecordCount"] == 0
    table = outputs["EventDataTable"]
    stacks.wait_until(lambda: stacks.count_items(server, table) == 300, "300 items")
    item = server.client("dynamodb").get_item(
        TableName=table, Key={"Username": {"S": "user 3 ✨"}, "Timestamp": {"S": "2014-08-31T00:00:03.000Z"}})
    assert item["Item"]["Message"]["S"] == "héllo 😋 日本 3"


def test_the_test_client_may_put_records_and_nothing_else(launched):
    server, outputs, _ = launched

    def refused(call, **arguments):
        with pytest.raises(ClientError) as caught:
            call(**arguments)
        return caught.value.response["Error"]["Code"]

    kinesis = client_of(server, outputs, "kinesis")
    assert refused(kinesis.describe_stream, StreamName=outputs["KinesisStream"]) == "AccessDeniedException"
    assert refused(kinesis.put_record, StreamName="other", Data=b"x", PartitionKey="k") == "AccessDeniedException"
    assert refused(client_of(server, outputs, "dynamodb").scan,
                   TableName=outputs["EventDataTable"]) == "AccessDeniedException"
    assert refused(client_of(server, outputs, "s3").list_buckets) == "AccessDenied"
    assert refused(client_of(server, outputs, "iam").list_users) == "AccessDenied"
    assert refused(client_of(server, outputs, "lambda").list_functions) == "AccessDeniedException"
    assert refused(client_of(server, outputs, "cloudformation").describe_stacks) == "AccessDenied"
    assert refused(client_of(server, outputs, "logs").describe_log_groups) == "AccessDeniedException"


def test_a_malformed_record_does_not_block_its_shard(launched):
    server, outputs, _ = launched
    kinesis = client_of(server, outputs, "kinesis")
    kinesis.put_record(StreamName=outputs["KinesisStream"], Data=b"{not json", PartitionKey="k")
    kinesis.put_record(StreamName=outputs["KinesisStream"], Data=stacks.tweet(5000), PartitionKey="k")
    key = {"Username": {"S": f"user {5000 % 7} ✨"}, "Timestamp": {"S": "2014-08-31T01:23:20.000Z"}}
    dynamodb = server.client("dynamodb")
    stacks.wait_until(lambda: "Item" in dynamodb.get_item(TableName=outputs["EventDataTable"], Key=key),
                      "the record behind the malformed one")


def test_the_functions_lines_are_in_the_log(launched):
    server, _, _ = launched
    logs = server.client("logs")
    groups = [g["logGroupName"] for g in logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/")["logGroups"]]
    group = next(g for g in groups if "DdbEventProcessorFunction" in g)

    def lines():
        return [e["message"] for e in logs.filter_log_events(logGroupName=group)["events"]]

    stacks.wait_until(lambda: any(line.startswith("REPORT RequestId:") for line in lines()), "a REPORT line")
    assert any(line.startswith("START RequestId:") for line in lines())
    shown = server.aws("logs", "filter-log-events", "--log-group-name", group, "--filter-pattern", "REPORT")
    assert "REPORT RequestId:" in shown.stdout


def test_the_stack_shows_what_it_made(launched):
    server, outputs, stack_id = launched
    resources = server.client("cloudformation").describe_stack_resources(StackName=stack_id)["StackResources"]
    assert {r["ResourceStatus"] for r in resources} == {"CREATE_COMPLETE"}
    assert {r["LogicalResourceId"] for r in resources} == {
        "EventStream", "TestClientUser", "TestClientPolicy", "TestClientKeys", "DdbEventProcessorFunction",
        "EventProcessorRole", "DdbEventProcessorSourceMapping", "EventDataTable", "ConfigTable",
        "ConfigHelperStack", "EventDataTableConfig"}
    listed = server.aws("cloudformation", "describe-stacks", "--query", "Stacks[].StackName", "--output", "text").stdout
    assert "lambda-stream-processing" in listed


def test_it_is_deleted_without_a_trace(launched):
    server, outputs, stack_id = launched
    stacks.delete(server, "lambda-stream-processing", stack_id)
    assert server.client("kinesis").list_streams()["StreamNames"] == []
    assert server.client("dynamodb").list_tables()["TableNames"] == []
    assert server.client("lambda").list_functions()["Functions"] == []
    assert server.client("lambda").list_event_source_mappings()["EventSourceMappings"] == []
    assert server.client("iam").list_users()["Users"] == []
    assert server.client("iam").list_roles()["Roles"] == []
    with pytest.raises(ClientError):
        client_of(server, outputs, "sts").get_caller_identity()
    with pytest.raises(ClientError) as caught:
        server.client("cloudformation").describe_stacks(StackName="lambda-stream-processing")
    assert "does not exist" in str(caught.value)
    logs = server.client("logs")
    for group in logs.describe_log_groups()["logGroups"]:
        logs.delete_log_group(logGroupName=group["logGroupName"])
    assert logs.describe_log_groups()["logGroups"] == []


def test_another_region_is_another_world(server, name):
    outputs, stack_id = stacks.launch(server, "s" + name, "b" + name, region="eu-west-1")
    assert outputs["Region"] == "eu-west-1"
    kinesis = server.client("kinesis", region="eu-west-1", key=outputs["AccessKeyId"],
                            secret=outputs["SecretAccessKey"])
    kinesis.put_record(StreamName=outputs["KinesisStream"], Data=stacks.tweet(1), PartitionKey="k")
    stacks.wait_until(lambda: stacks.count_items(server, outputs["EventDataTable"], "eu-west-1") == 1, "the item")
    assert outputs["KinesisStream"] not in server.client("kinesis").list_streams()["StreamNames"]
    stacks.delete(server, "s" + name, stack_id, region="eu-west-1")
