"""Concurrent clients of one table: single keys behave as one thing after the other, transactions are seen whole."""
import random
import threading
import time

import pytest
from botocore.exceptions import ClientError

from support.history import Operation, linearizable

CLIENTS = 6
OPERATIONS = 120  # of each client
KEYS = ["a", "b", "c"]
ACCOUNTS = 4
MONEY = 100
TRANSFERS = 60


@pytest.fixture
def table(server, name):
    dynamodb = server.client("dynamodb")
    dynamodb.create_table(TableName=name, BillingMode="PAY_PER_REQUEST",
                          AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
                          KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}])
    yield name
    dynamodb.delete_table(TableName=name)


@pytest.fixture
def seed():
    """A new one each time; shown where the test fails."""
    made = random.randrange(10**6)
    print("seed", made)
    return made


def run_clients(server, work, seed):
    failures = []

    def run(number):
        try:
            work(server.client("dynamodb"), random.Random(seed + number))
        except BaseException as failure:  # noqa: BLE001: told by the test below
            failures.append(failure)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures


def held(item):
    return int(item["v"]["N"]) if item else None


def number(value):
    return {"N": str(value)}


def operate(dynamodb, table, key, operation):
    """Does it, and notes what was answered."""
    where = {"TableName": table, "Key": {"id": {"S": key}}}
    item = {"TableName": table, "Item": {"id": {"S": key}, "v": number(operation.argument)}}
    try:
        if operation.kind == "get":
            operation.answer = held(dynamodb.get_item(**where, ConsistentRead=True).get("Item"))
        elif operation.kind == "put":
            operation.answer = held(dynamodb.put_item(**item, ReturnValues="ALL_OLD").get("Attributes"))
        elif operation.kind == "add":
            operation.answer = held(dynamodb.update_item(
                **where, UpdateExpression="ADD v :d", ReturnValues="ALL_NEW",
                ExpressionAttributeValues={":d": number(operation.argument)})["Attributes"])
        elif operation.kind == "put_if_absent":
            dynamodb.put_item(**item, ConditionExpression="attribute_not_exists(id)")
        else:
            dynamodb.delete_item(**where, ConditionExpression="v = :v",
                                 ExpressionAttributeValues={":v": number(operation.argument)})
    except dynamodb.exceptions.ConditionalCheckFailedException:
        operation.applied = False


def test_single_keys_are_linearizable(server, table, seed):
    histories = {key: [] for key in KEYS}

    def work(dynamodb, chance):
        for _ in range(OPERATIONS):
            key = chance.choice(KEYS)
            operation = Operation(chance.choice(["get", "put", "add", "put_if_absent", "delete_if"]), chance.randrange(4))
            operation.called = time.monotonic()
            operate(dynamodb, table, key, operation)
            operation.answered = time.monotonic()
            histories[key].append(operation)

    run_clients(server, work, seed)
    for key, history in histories.items():
        assert linearizable(history), key


def test_transfers_keep_the_sum_and_are_seen_whole(server, table, seed):
    dynamodb = server.client("dynamodb")
    keys = [{"id": {"S": f"account {i}"}} for i in range(ACCOUNTS)]
    for key in keys:
        dynamodb.put_item(TableName=table, Item=key | {"v": number(MONEY)})

    def audit(dynamodb):
        seen = dynamodb.transact_get_items(TransactItems=[{"Get": {"TableName": table, "Key": key}} for key in keys])
        money = [held(response["Item"]) for response in seen["Responses"]]
        assert sum(money) == ACCOUNTS * MONEY and min(money) >= 0, money

    def change(key, amount, **condition):
        return {"Update": {"TableName": table, "Key": key, "UpdateExpression": "ADD v :d",
                           "ExpressionAttributeValues": {":d": number(amount), **condition.pop("values", {})},
                           **condition}}

    def work(dynamodb, chance):
        for _ in range(TRANSFERS):
            giver, taker = chance.sample(keys, 2)
            amount = chance.randrange(MONEY)
            try:
                dynamodb.transact_write_items(TransactItems=[
                    change(giver, -amount, ConditionExpression="v >= :a", values={":a": number(amount)}),
                    change(taker, amount)])
            except ClientError as refused:
                codes = [reason["Code"] for reason in refused.response["CancellationReasons"]]
                assert codes == ["ConditionalCheckFailed", "None"]
            audit(dynamodb)

    run_clients(server, work, seed)
    audit(dynamodb)


def test_the_checker_tells_good_histories_from_bad_ones():
    put = Operation("put", 1, None, called=0, answered=1)
    assert linearizable([put, Operation("get", answer=1, called=2, answered=3)])
    assert linearizable([put, Operation("get", answer=None, called=0.5, answered=3)])
    assert not linearizable([put, Operation("get", answer=None, called=2, answered=3)])
    assert not linearizable([Operation("add", 1, 1, called=0, answered=3), Operation("add", 1, 1, called=1, answered=2)])
    assert not linearizable([put, Operation("put_if_absent", 2, called=2, answered=3)])
