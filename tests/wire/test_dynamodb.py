"""DynamoDB through boto3 and the AWS CLI."""
import decimal
import threading
import time

import boto3
import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def table(server, dynamodb, name):
    dynamodb.create_table(TableName=name, BillingMode="PAY_PER_REQUEST",
                          AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"},
                                                {"AttributeName": "sk", "AttributeType": "N"}],
                          KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"},
                                     {"AttributeName": "sk", "KeyType": "RANGE"}])
    resource = boto3.resource("dynamodb", endpoint_url=server.endpoint, region_name="us-east-1",
                              aws_access_key_id=server.environment["AWS_ACCESS_KEY_ID"],
                              aws_secret_access_key=server.environment["AWS_SECRET_ACCESS_KEY"])
    yield resource.Table(name)
    dynamodb.delete_table(TableName=name)


def error_of(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return caught.value.response["Error"]


def test_items_come_back_exactly(table):
    item = {"pk": "日本 😋", "sk": 1, "n": decimal.Decimal("12345678901234567890.123456789"), "b": b"\0\xff",
            "l": [1, "two", None, True], "m": {"deep": {"er": [1]}}, "ss": {"a", "b"}, "ns": {1, 2}}
    table.put_item(Item=item)
    got = table.get_item(Key={"pk": "日本 😋", "sk": 1})["Item"]
    assert got["n"] == item["n"] and got["b"].value == b"\0\xff"
    assert got["l"] == item["l"] and got["m"] == item["m"] and got["ss"] == item["ss"]


def test_conditions_hold(table):
    table.put_item(Item={"pk": "a", "sk": 1, "v": 1}, ConditionExpression="attribute_not_exists(pk)")
    error = error_of(table.put_item, Item={"pk": "a", "sk": 1}, ConditionExpression="attribute_not_exists(pk)")
    assert error["Code"] == "ConditionalCheckFailedException"
    assert error["Message"] == "The conditional request failed"


def test_update_creates_the_item_and_answers_what_was_asked(table):
    answer = table.update_item(Key={"pk": "new", "sk": 0}, UpdateExpression="SET #v = :v ADD c :one",
                               ExpressionAttributeNames={"#v": "value"},
                               ExpressionAttributeValues={":v": "x", ":one": 1}, ReturnValues="ALL_NEW")
    assert answer["Attributes"] == {"pk": "new", "sk": 0, "value": "x", "c": 1}


def test_a_counter_is_exact_under_contention(server, table):
    table.put_item(Item={"pk": "count", "sk": 0, "n": 0})

    def add():
        client = server.client("dynamodb")
        for _ in range(25):
            client.update_item(TableName=table.name, Key={"pk": {"S": "count"}, "sk": {"N": "0"}},
                               UpdateExpression="ADD n :one", ExpressionAttributeValues={":one": {"N": "1"}})

    threads = [threading.Thread(target=add) for _ in range(8)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert table.get_item(Key={"pk": "count", "sk": 0}, ConsistentRead=True)["Item"]["n"] == 200


def test_queries_page_in_key_order(table):
    with table.batch_writer() as batch:
        for i in range(60):
            batch.put_item(Item={"pk": "q", "sk": i, "even": i % 2 == 0})
    condition = boto3.dynamodb.conditions.Key("pk").eq("q")
    first = table.query(KeyConditionExpression=condition, Limit=25)
    assert [int(i["sk"]) for i in first["Items"]] == list(range(25))
    rest = table.query(KeyConditionExpression=condition, ExclusiveStartKey=first["LastEvaluatedKey"])
    assert [int(i["sk"]) for i in rest["Items"]] == list(range(25, 60))
    back = table.query(KeyConditionExpression=condition & boto3.dynamodb.conditions.Key("sk").between(10, 12),
                       ScanIndexForward=False)
    assert [int(i["sk"]) for i in back["Items"]] == [12, 11, 10]
    filtered = table.scan(FilterExpression=boto3.dynamodb.conditions.Attr("even").eq(True))
    assert filtered["Count"] == 30 and filtered["ScannedCount"] == 60


def test_batches_answer_unprocessed_items_and_refuse_duplicates(dynamodb, table):
    put = {"PutRequest": {"Item": {"pk": {"S": "x"}, "sk": {"N": "1"}}}}
    assert dynamodb.batch_write_item(RequestItems={table.name: [put]})["UnprocessedItems"] == {}
    error = error_of(dynamodb.batch_write_item, RequestItems={table.name: [put, put]})
    assert error == {"Code": "ValidationException", "Message": "Provided list of item keys contains duplicates"}


def test_transactions_are_all_or_nothing(dynamodb, table):
    put = {"Put": {"TableName": table.name, "Item": {"pk": {"S": "t"}, "sk": {"N": "1"}}}}
    check = {"ConditionCheck": {"TableName": table.name, "Key": {"pk": {"S": "no"}, "sk": {"N": "1"}},
                                "ConditionExpression": "attribute_exists(pk)"}}
    error = error_of(dynamodb.transact_write_items, TransactItems=[put, check])
    assert error["Code"] == "TransactionCanceledException"
    assert "[None, ConditionalCheckFailed]" in error["Message"]
    assert "Item" not in table.get_item(Key={"pk": "t", "sk": 1})


def test_an_empty_value_in_a_key_is_the_whole_transactions_mistake(dynamodb, table):
    key = {"pk": {"S": ""}, "sk": {"N": "1"}}
    for item in ({"Update": {"TableName": table.name, "Key": key, "UpdateExpression": "REMOVE a"}},
                 {"Delete": {"TableName": table.name, "Key": key}},
                 {"ConditionCheck": {"TableName": table.name, "Key": key,
                                     "ConditionExpression": "attribute_exists(pk)"}}):
        error = error_of(dynamodb.transact_write_items, TransactItems=[item])
        assert (error["Code"], error["Message"]) == (
            "ValidationException", "One or more parameter values are not valid. The AttributeValue for a key "
            "attribute cannot contain an empty string value. Key: pk")
    error = error_of(dynamodb.transact_write_items, TransactItems=[{"Put": {"TableName": table.name, "Item": key}}])
    assert error["Code"] == "TransactionCanceledException"


def test_a_count_has_no_projection(table):
    error = error_of(table.scan, Select="COUNT", ProjectionExpression="pk")
    assert error["Message"] == "Cannot specify the ProjectionExpression when choosing to get only the Count"


def test_a_missing_table_is_said_to_be_missing(dynamodb):
    error = error_of(dynamodb.get_item, TableName="missing-table", Key={"pk": {"S": "x"}})
    assert error["Code"] == "ResourceNotFoundException"


def test_the_cli_puts_and_scans(server, table):
    server.aws("dynamodb", "put-item", "--table-name", table.name, "--item",
               '{"pk": {"S": "cli"}, "sk": {"N": "7"}}')
    assert '"cli"' in server.aws("dynamodb", "scan", "--table-name", table.name).stdout
    assert "ACTIVE" in server.aws("dynamodb", "describe-table", "--table-name", table.name).stdout


def test_names_that_are_missing_or_wrong_are_refused_in_awss_words(server, name):
    loose = server.client("dynamodb", parameter_validation=False)

    def said(call, **arguments):
        return error_of(call, **arguments)["Message"]

    missing = "The parameter 'TableName' is required but was not present in the request"
    assert said(loose.describe_table) == said(loose.create_table) == missing
    assert said(loose.batch_get_item, RequestItems={}) == "The requestItems parameter is required for BatchGetItem"
    assert said(loose.query, TableName=name, IndexName="a;").startswith("2 validation errors detected: ")
    keys = {"KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}], "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}]}
    assert said(loose.create_table, TableName="ab", **keys) == (
        "1 validation error detected: Value 'ab' at 'tableName' failed to satisfy constraint: "
        "Member must have length greater than or equal to 3")


def test_times_to_live_may_have_a_fraction(dynamodb, table):
    dynamodb.update_time_to_live(TableName=table.name,
                                 TimeToLiveSpecification={"Enabled": True, "AttributeName": "ends"})
    table.put_item(Item={"pk": "a", "sk": 1, "ends": decimal.Decimal(time.time() - 60).quantize(decimal.Decimal("0.001"))})
    table.put_item(Item={"pk": "a", "sk": 2, "ends": decimal.Decimal(time.time() + 600).quantize(decimal.Decimal("0.001"))})
    deadline = time.monotonic() + 30
    while "Item" in table.get_item(Key={"pk": "a", "sk": 1}) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert [item["sk"] for item in table.scan()["Items"]] == [2]
