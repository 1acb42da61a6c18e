"""kill -9 under load: a table and its stream agree, and so does the Kinesis stream that it feeds.

10 times in the ordinary run; MILLRACE_CRASH_CYCLES says otherwise.
"""
import concurrent.futures
import json
import os
import random
import threading

from botocore.exceptions import BotoCoreError, ClientError
from support.stack import wait_until

CYCLES = int(os.environ.get("MILLRACE_CRASH_CYCLES", "10"))
SEED = int(os.environ.get("MILLRACE_CRASH_SEED", "1"))
WRITERS = 6
KEYS = 40
TABLES = ["left", "right"]


def create(server, feed):
    dynamodb = server.client("dynamodb")
    for name in TABLES:
        dynamodb.create_table(
            TableName=name, BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"})
    dynamodb.enable_kinesis_streaming_destination(TableName=TABLES[0], StreamArn=feed)
    return {name: dynamodb.describe_table(TableName=name)["Table"]["LatestStreamArn"] for name in TABLES}


class Cycle:
    """One life of the server: writers of all kinds until it is killed."""

    def __init__(self, number, server, acknowledged):
        self.number, self.server, self.acknowledged = number, server, acknowledged
        self.stop = threading.Event()
        self.killing = False
        self.count = 0

    def write_one(self, dynamodb, chance, token):
        table, key = chance.choice(TABLES), {"k": {"S": str(chance.randrange(KEYS))}}
        lot = chance.random()
        if lot < 0.3:
            dynamodb.put_item(TableName=table, Item=key | {"v": {"N": str(chance.randrange(3))}})
        elif lot < 0.5:
            dynamodb.update_item(TableName=table, Key=key, UpdateExpression="ADD c :one",
                                 ExpressionAttributeValues={":one": {"N": "1"}})
        elif lot < 0.6:
            dynamodb.delete_item(TableName=table, Key=key)
        elif lot < 0.8:
            keys = chance.sample(range(KEYS), 10)
            dynamodb.batch_write_item(RequestItems={table: [
                {"PutRequest": {"Item": {"k": {"S": str(k)}, "b": {"S": token}}}} for k in keys]})
        else:  # the same token on both sides, or on none
            try:
                dynamodb.transact_write_items(TransactItems=[
                    {"Put": {"TableName": name, "Item": {"k": {"S": "pair"}, "t": {"S": token}}}}
                    for name in TABLES])
            except dynamodb.exceptions.TransactionCanceledException:
                return
        self.acknowledged.append((table if lot < 0.8 else None, token, lot))

    def write(self, writer):
        dynamodb = self.server.client("dynamodb")
        chance, request = random.Random(f"{SEED}/{self.number}/{writer}"), 0
        while not self.stop.is_set():
            try:
                self.write_one(dynamodb, chance, f"{self.number}/{writer}/{request}")
            except (BotoCoreError, ClientError):
                assert self.killing, "a write failed before its time"
                return
            request += 1
            self.count += 1

    def run(self):
        goal = random.Random(f"{SEED}/{self.number}").randrange(50, 600)
        with concurrent.futures.ThreadPoolExecutor(WRITERS) as pool:
            tasks = [pool.submit(self.write, writer) for writer in range(WRITERS)]
            while self.count < goal and not all(task.done() for task in tasks):
                self.stop.wait(0.001)
            self.killing = True
            self.server.kill()
            self.stop.set()
            for task in tasks:
                task.result()


def read(streams, arn):
    records = []
    for shard in streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
        position = streams.get_shard_iterator(StreamArn=arn, ShardId=shard["ShardId"],
                                              ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
        last = ""
        while position:
            answer = streams.get_records(ShardIterator=position)
            for record in answer["Records"]:
                assert record["dynamodb"]["SequenceNumber"] > last
                last = record["dynamodb"]["SequenceNumber"]
            records += answer["Records"]
            position = answer.get("NextShardIterator") if answer["Records"] else None
    return records


def replay(records):
    """What the records add up to; each has to begin where the one before it ended."""
    items = {}
    for record in records:
        change = record["dynamodb"]
        key = change["Keys"]["k"]["S"]
        assert items.get(key) == change.get("OldImage"), "a record is missing or out of order"
        assert change.get("OldImage") != change.get("NewImage"), "nothing changed"
        if "NewImage" in change:
            items[key] = change["NewImage"]
        else:
            del items[key]
    return items


def scan(dynamodb, table):
    pages = dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    return {item["k"]["S"]: item for page in pages for item in page["Items"]}


def fed(kinesis, stream):
    """The changes that the Kinesis stream holds, once each, in the order in which they first came."""
    seen = {}
    for shard in kinesis.list_shards(StreamName=stream)["Shards"]:
        position = kinesis.get_shard_iterator(StreamName=stream, ShardId=shard["ShardId"],
                                              ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
        while True:
            answer = kinesis.get_records(ShardIterator=position, Limit=10000)
            for record in answer["Records"]:
                change = json.loads(record["Data"])
                seen.setdefault(change["eventID"], change)
            if not answer["Records"]:
                break
            position = answer["NextShardIterator"]
    return list(seen.values())


def test_tables_and_their_streams_agree_after_every_kill(own_server):
    kinesis = own_server.client("kinesis")
    kinesis.create_stream(StreamName="feed", ShardCount=2)
    feed = kinesis.describe_stream_summary(StreamName="feed")["StreamDescriptionSummary"]["StreamARN"]
    arns = create(own_server, feed)
    acknowledged = []
    for number in range(CYCLES):
        Cycle(number, own_server, acknowledged).run()
        own_server.start()
        dynamodb, streams = own_server.client("dynamodb"), own_server.client("dynamodbstreams")
        records = {name: read(streams, arn) for name, arn in arns.items()}
        for name in TABLES:
            assert replay(records[name]) == scan(dynamodb, name)
        # Every acknowledged transaction is in both streams, every other one in both or in none.
        pairs = [{r["dynamodb"]["NewImage"]["t"]["S"] for r in records[name]
                  if r["dynamodb"]["Keys"]["k"]["S"] == "pair"} for name in TABLES]
        assert pairs[0] == pairs[1]
        assert {token for table, token, _ in acknowledged if table is None} <= pairs[0]
        # Every acknowledged batch left its records, as each put a token of its own.
        for name in TABLES:
            tokens = {r["dynamodb"].get("NewImage", {}).get("b", {}).get("S") for r in records[name]}
            assert {token for table, token, lot in acknowledged if table == name and lot >= 0.6} <= tokens
        wanted = {record["eventID"] for record in records[TABLES[0]]}
        changes = wait_until(lambda: (lambda all: len(all) >= len(wanted) and all)(fed(kinesis, "feed")),
                             "the feed catches up")
        assert len(changes) == len(wanted)
        assert replay(changes) == scan(dynamodb, TABLES[0])
