"""kill -9 while a table with point-in-time recovery is written to, and while it is restored.

Any second that is chosen gives what had been acknowledged by then, and a restore that was cut off is
finished after the restart. 3 times in the ordinary run; MILLRACE_CRASH_CYCLES says otherwise.
"""
import concurrent.futures
import os
import random
import threading
import time

from botocore.exceptions import BotoCoreError, ClientError
from support.stack import wait_until

CYCLES = min(int(os.environ.get("MILLRACE_CRASH_CYCLES", "3")), 30)
SEED = int(os.environ.get("MILLRACE_CRASH_SEED", "1"))
WRITERS = 4
KEYS = 60  # of each writer


class Writer:
    """Owns its keys, so it knows what they hold; None: nothing."""

    def __init__(self, number):
        self.number, self.items, self.unsure = number, {}, []
        self.chance = random.Random(f"{SEED}/{number}")
        self.count = 0

    def run(self, server, stop, is_killing):
        dynamodb = server.client("dynamodb")
        while not stop.is_set():
            keys = [f"{self.number}/{key}" for key in self.chance.sample(range(KEYS), 3)]
            self.count += 1
            lot, self.unsure = self.chance.random(), keys
            try:
                if lot < 0.25:
                    dynamodb.delete_item(TableName="table", Key={"k": {"S": keys[0]}})
                    self.items.pop(keys[0], None)
                elif lot < 0.6:
                    self.items[keys[0]] = int(dynamodb.update_item(
                        TableName="table", Key={"k": {"S": keys[0]}}, UpdateExpression="ADD v :v",
                        ExpressionAttributeValues={":v": {"N": "1"}},
                        ReturnValues="ALL_NEW")["Attributes"]["v"]["N"])
                else:
                    dynamodb.transact_write_items(TransactItems=[
                        {"Put": {"TableName": "table", "Item": {"k": {"S": key}, "v": {"N": str(self.count)}}}}
                        for key in keys])
                    self.items |= {key: self.count for key in keys}
            except (BotoCoreError, ClientError):
                assert is_killing(), "a write failed before its time"
                return
            self.unsure = []


def items(dynamodb, table):
    pages = dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    return {item["k"]["S"]: int(item["v"]["N"]) for page in pages for item in page["Items"]}


def write_for(server, writers, seconds, kill):
    stop, killing = threading.Event(), threading.Event()
    with concurrent.futures.ThreadPoolExecutor(WRITERS) as pool:
        tasks = [pool.submit(writer.run, server, stop, killing.is_set) for writer in writers]
        time.sleep(seconds)
        killing.set()
        if kill:
            server.kill()
        stop.set()
        for task in tasks:
            task.result()


def quiet_second():
    """A whole second at which nobody writes."""
    moment = int(time.time()) + 1
    while time.time() < moment + 0.02:
        time.sleep(0.01)
    return moment


def settle(dynamodb, writers):
    """What was under way when the server was killed happened, or it did not."""
    for writer in writers:
        for key in writer.unsure:
            item = dynamodb.get_item(TableName="table", Key={"k": {"S": key}}, ConsistentRead=True).get("Item")
            writer.items.pop(key, None)
            if item:
                writer.items[key] = int(item["v"]["N"])
        writer.unsure = []


def active(dynamodb, table):
    wait_until(lambda: dynamodb.describe_table(TableName=table)["Table"]["TableStatus"] == "ACTIVE", table)


def test_every_second_comes_back_after_kills(own_server):
    dynamodb = own_server.client("dynamodb")
    dynamodb.create_table(TableName="table", BillingMode="PAY_PER_REQUEST",
                          AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
                          KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}])
    dynamodb.update_continuous_backups(
        TableName="table", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True})
    writers = [Writer(number) for number in range(WRITERS)]
    chance, past, made = random.Random(SEED), {}, 0

    def now():
        return {key: value for writer in writers for key, value in writer.items.items()}
    for _ in range(CYCLES):
        write_for(own_server, writers, chance.uniform(0.2, 0.8), kill=False)
        past[quiet_second()] = now()
        write_for(own_server, writers, chance.uniform(0.2, 0.8), kill=True)
        own_server.start()
        dynamodb = own_server.client("dynamodb")
        settle(dynamodb, writers)
        assert items(dynamodb, "table") == now()
        for moment in chance.sample(sorted(past), min(2, len(past))):
            made += 1
            dynamodb.restore_table_to_point_in_time(SourceTableName="table", TargetTableName=f"restored-{made}",
                                                    RestoreDateTime=moment)
            if chance.random() < 0.7:
                time.sleep(chance.uniform(0, 0.02))
                own_server.kill()
                own_server.start()
                dynamodb = own_server.client("dynamodb")
            active(dynamodb, f"restored-{made}")
            assert items(dynamodb, f"restored-{made}") == past[moment]
    assert len(past) == CYCLES


def test_a_backup_that_was_cut_off_is_finished(own_server):
    dynamodb = own_server.client("dynamodb")
    dynamodb.create_table(TableName="table", BillingMode="PAY_PER_REQUEST",
                          AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
                          KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}])
    for first in range(0, 2500, 25):
        dynamodb.batch_write_item(RequestItems={"table": [
            {"PutRequest": {"Item": {"k": {"S": str(i)}, "v": {"N": str(i)}}}} for i in range(first, first + 25)]})
    before = items(dynamodb, "table")
    arn = dynamodb.create_backup(TableName="table", BackupName="first")["BackupDetails"]["BackupArn"]
    dynamodb.delete_item(TableName="table", Key={"k": {"S": "7"}})
    own_server.kill()
    own_server.start()
    dynamodb = own_server.client("dynamodb")

    def status():
        return dynamodb.describe_backup(BackupArn=arn)["BackupDescription"]["BackupDetails"]["BackupStatus"]
    wait_until(lambda: status() == "AVAILABLE", "the backup")
    dynamodb.restore_table_from_backup(TargetTableName="again", BackupArn=arn)
    own_server.kill()
    own_server.start()
    dynamodb = own_server.client("dynamodb")
    active(dynamodb, "again")
    assert items(dynamodb, "again") == before
    dynamodb.delete_table(TableName="table")
