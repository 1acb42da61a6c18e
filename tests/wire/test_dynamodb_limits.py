"""The throughput of tables, limited with --enforce-limits and not without. A large item leaves a debt of minutes, so
nothing here depends on how fast the machine is."""
import datetime

import pytest
from botocore.exceptions import ClientError

from support.server import Server

LARGE = "x" * 390_000  # 381 write units; strongly consistent, 96 read units
TABLE_TEXT = ("The level of configured provisioned throughput for the table was exceeded. Consider increasing your "
              "provisioning level with the UpdateTable API.")
INDEX_TEXT = ("The level of configured provisioned throughput for one or more global secondary indexes of the table was "
              "exceeded. Consider increasing your provisioning level for the under-provisioned global secondary "
              "indexes with the UpdateTable API.")
KEYS = {"AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}]}


@pytest.fixture(scope="module")
def limited():
    made = Server(arguments=["--enforce-limits"]).start()
    yield made
    made.remove()


@pytest.fixture
def dynamodb(limited):
    return limited.client("dynamodb")


def units(read, write):
    return {"ReadCapacityUnits": read, "WriteCapacityUnits": write}


@pytest.fixture
def make(dynamodb, name):
    made = []

    def make(suffix="", **settings):
        settings = settings or {"ProvisionedThroughput": units(1, 1)}
        dynamodb.create_table(TableName=name + suffix, **KEYS, **settings)
        made.append(name + suffix)
        return made[-1]
    yield make
    for table in made:
        dynamodb.delete_table(TableName=table)


def key(text="a"):
    return {"id": {"S": text}}


def drain_writes(dynamodb, table):
    dynamodb.put_item(TableName=table, Item=key() | {"v": {"S": LARGE}})


def refusal(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    response = caught.value.response
    reasons = response.get("ThrottlingReasons") or response.get("throttlingReasons") or []
    return response["Error"]["Code"], response["Error"]["Message"], [reason["reason"] for reason in reasons]


def test_writes_beyond_what_is_provisioned_are_refused_and_reads_are_not(dynamodb, make):
    table = make()
    drain_writes(dynamodb, table)
    refused = ("ProvisionedThroughputExceededException", TABLE_TEXT, ["TableWriteProvisionedThroughputExceeded"])
    assert refusal(dynamodb.put_item, TableName=table, Item=key("b")) == refused
    assert refusal(dynamodb.delete_item, TableName=table, Key=key("b")) == refused
    assert refusal(dynamodb.execute_statement, Statement=f"INSERT INTO \"{table}\" VALUE {{'id': 'b'}}") == refused
    assert len(dynamodb.scan(TableName=table)["Items"]) == 1


def test_reads_beyond_what_is_provisioned_are_refused(dynamodb, make):
    table = make(ProvisionedThroughput=units(1, 100))
    drain_writes(dynamodb, table)
    for _ in range(4):
        dynamodb.get_item(TableName=table, Key=key(), ConsistentRead=True)
    for call, arguments in ((dynamodb.get_item, {"Key": key()}), (dynamodb.scan, {}),
                            (dynamodb.query, {"KeyConditionExpression": "id = :a",
                                              "ExpressionAttributeValues": {":a": {"S": "a"}}})):
        assert refusal(call, TableName=table, **arguments) == (
            "ProvisionedThroughputExceededException", TABLE_TEXT, ["TableReadProvisionedThroughputExceeded"])
    dynamodb.put_item(TableName=table, Item=key("b"))


def test_an_index_that_is_behind_holds_its_table_back(dynamodb, make):
    index = {"IndexName": "by-id", "KeySchema": KEYS["KeySchema"], "Projection": {"ProjectionType": "ALL"},
             "ProvisionedThroughput": units(1, 1)}
    table = make(ProvisionedThroughput=units(1, 1000), GlobalSecondaryIndexes=[index])
    drain_writes(dynamodb, table)
    assert refusal(dynamodb.put_item, TableName=table, Item=key("b")) == (
        "ProvisionedThroughputExceededException", INDEX_TEXT, ["IndexWriteProvisionedThroughputExceeded"])


def test_on_demand_tables_keep_to_their_maxima_and_partitions_to_their_share(dynamodb, make):
    table = make(BillingMode="PAY_PER_REQUEST", OnDemandThroughput={"MaxWriteRequestUnits": 5})
    drain_writes(dynamodb, table)
    code, text, reasons = refusal(dynamodb.put_item, TableName=table, Item=key("b"))
    assert (code, reasons) == ("ThrottlingException", ["TableWriteMaxOnDemandThroughputExceeded"])
    assert text.startswith("Throughput exceeds the maximum OnDemandThroughput configured on table or index")
    dynamodb.get_item(TableName=table, Key=key())


def test_batches_give_back_what_is_held_back(dynamodb, make):
    slow, fast = make("s"), make("f", ProvisionedThroughput=units(1, 1000))
    drain_writes(dynamodb, slow)
    put = {"PutRequest": {"Item": key("n")}}
    remove = {"DeleteRequest": {"Key": key("m")}}
    left = dynamodb.batch_write_item(RequestItems={slow: [put, remove], fast: [put]})["UnprocessedItems"]
    assert left == {slow: [put, remove]}
    assert dynamodb.get_item(TableName=fast, Key=key("n"))["Item"] == key("n")
    assert refusal(dynamodb.batch_write_item, RequestItems={slow: [put]})[0] == "ProvisionedThroughputExceededException"
    for _ in range(4):
        dynamodb.get_item(TableName=slow, Key=key(), ConsistentRead=True)
    wanted = {"Keys": [key()], "ConsistentRead": True}
    answer = dynamodb.batch_get_item(RequestItems={slow: wanted, fast: {"Keys": [key("n")]}})
    assert answer["UnprocessedKeys"] == {slow: wanted} and answer["Responses"][fast] == [key("n")]
    assert refusal(dynamodb.batch_get_item, RequestItems={slow: wanted})[0] == "ProvisionedThroughputExceededException"


def test_transactions_name_who_was_held_back(dynamodb, make):
    slow, fast = make("s"), make("f", BillingMode="PAY_PER_REQUEST", OnDemandThroughput={"MaxWriteRequestUnits": 5})
    puts = [{"Put": {"TableName": table, "Item": key("n")}} for table in (slow, fast)]
    dynamodb.transact_write_items(TransactItems=puts)
    drain_writes(dynamodb, slow)
    with pytest.raises(dynamodb.exceptions.TransactionCanceledException) as caught:
        dynamodb.transact_write_items(TransactItems=puts)
    reasons = caught.value.response["CancellationReasons"]
    assert [reason["Code"] for reason in reasons] == ["ProvisionedThroughputExceeded", "None"]
    assert reasons[0]["Message"] == TABLE_TEXT
    drain_writes(dynamodb, fast)
    with pytest.raises(dynamodb.exceptions.TransactionCanceledException) as caught:
        dynamodb.transact_write_items(TransactItems=puts[::-1])
    assert [reason["Code"] for reason in caught.value.response["CancellationReasons"]] == [
        "ThrottlingError", "ProvisionedThroughputExceeded"]


def test_cloudwatch_tells_what_was_held_back(limited, dynamodb, make):
    table = make()
    drain_writes(dynamodb, table)
    for _ in range(2):
        refusal(dynamodb.put_item, TableName=table, Item=key("b"))
    now = datetime.datetime.now(datetime.timezone.utc)

    def sum_of(metric, **dimensions):
        points = limited.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/DynamoDB", MetricName=metric, Statistics=["Sum"], Period=3600,
            Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
            StartTime=now - datetime.timedelta(hours=1), EndTime=now + datetime.timedelta(hours=1))["Datapoints"]
        return sum(point["Sum"] for point in points)

    assert sum_of("WriteThrottleEvents", TableName=table) == 2
    assert sum_of("ThrottledRequests", TableName=table, Operation="PutItem") == 2


def test_without_the_flag_there_are_no_limits(server, name):
    dynamodb = server.client("dynamodb")
    dynamodb.create_table(TableName=name, ProvisionedThroughput=units(1, 1), **KEYS)
    for _ in range(3):
        drain_writes(dynamodb, name)
    dynamodb.delete_table(TableName=name)
