"""bench/run train: the work from which `./dev dist` learns what to make fast.

Streams, tables, functions and mappings at work, each for a few seconds. What it prints is no measurement: the
server it drives counts as it runs.
"""
import json

import lambdas

CONNECTIONS, SECONDS = 32, 4
KINESIS, DYNAMODB = "Kinesis_20131202", "DynamoDB_20120810"
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def work(target, what, service, operation, body):
    """body(number of the connection): a request as an object."""
    rate, _ = lambdas.repeat(
        target, CONNECTIONS, SECONDS,
        lambda number, wire: wire.request(service, "/", json.dumps(body(number)).encode(), operation))
    print(f"{what:16} {rate:10,.0f}/s", flush=True)


def streams(target):
    name, data = "trained", lambdas.encode((LETTERS * 40)[:1024].encode())
    target.stream(name, 4)
    work(target, "PutRecord", "kinesis", f"{KINESIS}.PutRecord",
         lambda n: {"StreamName": name, "PartitionKey": f"key-{n}", "Data": data})
    work(target, "PutRecords", "kinesis", f"{KINESIS}.PutRecords",
         lambda n: {"StreamName": name, "Records": [{"PartitionKey": f"key-{n}-{i}", "Data": data} for i in range(500)]})
    kinesis = target.client("kinesis")
    iterators = [kinesis.get_shard_iterator(StreamName=name, ShardId=f"shardId-{n:012}",
                                            ShardIteratorType="TRIM_HORIZON")["ShardIterator"] for n in range(4)]
    work(target, "GetRecords", "kinesis", f"{KINESIS}.GetRecords",
         lambda n: {"ShardIterator": iterators[n % 4], "Limit": 1000})


def item(partition, sort):
    return {"pk": {"S": f"partition-{partition}"}, "sk": {"S": f"row-{sort:06}"}, "text": {"S": LETTERS * 6},
            "count": {"N": str(sort * 17)}, "price": {"N": "12.75"}, "tags": {"SS": ["new", "open"]},
            "nested": {"M": {"on": {"BOOL": True}, "list": {"L": [{"N": "1"}, {"S": "two"}]}}}}


def tables(target):
    name = "trained"
    target.table(name)
    key = lambda n: {attribute: item(n, n)[attribute] for attribute in ("pk", "sk")}  # noqa: E731
    work(target, "PutItem", "dynamodb", f"{DYNAMODB}.PutItem", lambda n: {"TableName": name, "Item": item(n, n)})
    work(target, "GetItem", "dynamodb", f"{DYNAMODB}.GetItem", lambda n: {"TableName": name, "Key": key(n)})
    work(target, "UpdateItem", "dynamodb", f"{DYNAMODB}.UpdateItem",
         lambda n: {"TableName": name, "Key": key(n), "UpdateExpression": "ADD #c :one SET price = :p",
                    "ConditionExpression": "attribute_exists(pk)", "ExpressionAttributeNames": {"#c": "count"},
                    "ExpressionAttributeValues": {":one": {"N": "1"}, ":p": {"N": "8"}}})
    for start in (0, 25, 50, 75):
        rows = range(start, start + 25)
        work(target, "BatchWriteItem", "dynamodb", f"{DYNAMODB}.BatchWriteItem",
             lambda n, rows=rows: {"RequestItems": {name: [{"PutRequest": {"Item": item(n, i)}} for i in rows]}})
    work(target, "Query", "dynamodb", f"{DYNAMODB}.Query",
         lambda n: {"TableName": name, "KeyConditionExpression": "pk = :p",
                    "ExpressionAttributeValues": {":p": {"S": f"partition-{n}"}}})


def functions(target):
    target.connect()
    lambdas.processor(target)
    lambdas.drain_one(target, "cpp", 20_000, lambdas.stacks.tweet, "-", BatchSize=500)
    target.map("cpp", target.stream("cpp"))
    for n in range(200):
        target.put_until_visible("cpp", lambdas.stacks.tweet(n), "tweets", lambdas.tweet_key(n))
    rate, *_ = lambdas.hammer(target, "cpp", 16, SECONDS)
    print(f"{'Invoke':16} {rate:10,.0f}/s", flush=True)


def main():
    target = lambdas.on_millrace()
    for part in (streams, tables, functions):
        part(target)
    target.server.remove()
