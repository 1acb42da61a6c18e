"""Streams of tables through boto3: what a change leaves behind, and how it is read."""
import threading
import time

import pytest
from botocore.exceptions import ClientError
from support.stack import wait_until

VIEWS = ["KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES"]


@pytest.fixture
def streams(server):
    return server.client("dynamodbstreams")


def create(dynamodb, name, view="NEW_AND_OLD_IMAGES", **more):
    settings = {"BillingMode": "PAY_PER_REQUEST"} | more
    if view:
        settings["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": view}
    return dynamodb.create_table(
        TableName=name, AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}], **settings)["TableDescription"].get("LatestStreamArn")


@pytest.fixture
def arn(dynamodb, name):
    yield create(dynamodb, name)
    dynamodb.delete_table(TableName=name)


def read(streams, arn, where="TRIM_HORIZON"):
    """All records, shard by shard, in order."""
    records = []
    for shard in streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
        position = streams.get_shard_iterator(StreamArn=arn, ShardId=shard["ShardId"],
                                              ShardIteratorType=where)["ShardIterator"]
        while position:
            answer = streams.get_records(ShardIterator=position)
            records += answer["Records"]
            if not answer["Records"]:
                break
            position = answer.get("NextShardIterator")
    return records


def error_of(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def shown(record):
    change = record["dynamodb"]
    return record["eventName"], change.get("OldImage"), change.get("NewImage")


def test_a_table_shows_its_stream(dynamodb, streams, name, arn):
    table = dynamodb.describe_table(TableName=name)["Table"]
    assert table["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    assert table["LatestStreamArn"] == arn == f"{table['TableArn']}/stream/{table['LatestStreamLabel']}"
    described = streams.describe_stream(StreamArn=arn)["StreamDescription"]
    assert described["StreamStatus"] == "ENABLED" and described["TableName"] == name
    assert described["KeySchema"] == [{"AttributeName": "k", "KeyType": "HASH"}]
    assert described["StreamLabel"] == table["LatestStreamLabel"] and described["CreationRequestDateTime"]
    assert len(described["Shards"]) == 4  # of a new on-demand table
    assert {"StreamArn": arn, "TableName": name, "StreamLabel": table["LatestStreamLabel"]} in \
        streams.list_streams(TableName=name)["Streams"]


def test_each_change_leaves_one_record_and_no_change_leaves_none(dynamodb, streams, name, arn):
    key = {"k": {"S": "a"}}
    dynamodb.put_item(TableName=name, Item=key | {"n": {"N": "1"}})
    dynamodb.put_item(TableName=name, Item=key | {"n": {"N": "1.0"}})  # the same
    dynamodb.update_item(TableName=name, Key=key, UpdateExpression="SET n = :n",
                         ExpressionAttributeValues={":n": {"N": "1"}})  # the same
    dynamodb.update_item(TableName=name, Key=key, UpdateExpression="ADD n :n",
                         ExpressionAttributeValues={":n": {"N": "1"}})
    dynamodb.delete_item(TableName=name, Key=key)
    dynamodb.delete_item(TableName=name, Key=key)  # nothing is there
    one, two = key | {"n": {"N": "1"}}, key | {"n": {"N": "2"}}
    records = read(streams, arn)
    assert [shown(record) for record in records] == [
        ("INSERT", None, one), ("MODIFY", one, two), ("REMOVE", two, None)]
    numbers = [record["dynamodb"]["SequenceNumber"] for record in records]
    assert numbers == sorted(numbers) and all(len(n) >= 21 and n.isdecimal() for n in numbers)
    assert len({record["eventID"] for record in records}) == 3
    first = records[0]
    assert first["eventVersion"] == "1.1" and first["eventSource"] == "aws:dynamodb"
    assert first["awsRegion"] == "us-east-1" and first["dynamodb"]["Keys"] == key
    assert first["dynamodb"]["SizeBytes"] == 2 + 2 + 3  # k, a; k, a, n, 1
    assert abs(first["dynamodb"]["ApproximateCreationDateTime"].timestamp() - time.time()) < 60
    assert "userIdentity" not in first


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_shows_what_it_names(dynamodb, streams, name, view):
    arn = create(dynamodb, name, view)
    key = {"k": {"S": "a"}}
    dynamodb.put_item(TableName=name, Item=key)
    dynamodb.put_item(TableName=name, Item=key | {"x": {"S": "y"}})
    old, new = key, key | {"x": {"S": "y"}}
    records = read(streams, arn)
    assert [r["dynamodb"]["StreamViewType"] for r in records] == [view] * 2
    with_old, with_new = view in VIEWS[2:], view in (VIEWS[1], VIEWS[3])
    assert shown(records[1]) == ("MODIFY", old if with_old else None, new if with_new else None)
    dynamodb.delete_table(TableName=name)
    assert streams.describe_stream(StreamArn=arn)["StreamDescription"]["StreamStatus"] == "DISABLED"
    assert len(read(streams, arn)) == 2  # readable for a day after the table


def test_batches_and_transactions_are_recorded(dynamodb, streams, name, arn):
    items = [{"k": {"S": str(i)}, "v": {"S": "x" * i}} for i in range(25)]
    dynamodb.batch_write_item(RequestItems={name: [{"PutRequest": {"Item": item}} for item in items]})
    dynamodb.transact_write_items(TransactItems=[
        {"Delete": {"TableName": name, "Key": {"k": {"S": "0"}}}},
        {"Put": {"TableName": name, "Item": items[1]}},  # the same
        {"ConditionCheck": {"TableName": name, "Key": {"k": {"S": "2"}}, "ConditionExpression": "attribute_exists(k)"}},
        {"Update": {"TableName": name, "Key": {"k": {"S": "3"}}, "UpdateExpression": "SET v = :v",
                    "ExpressionAttributeValues": {":v": {"S": "new"}}}}])
    records = read(streams, arn)
    assert sorted(r["dynamodb"]["Keys"]["k"]["S"] for r in records if r["eventName"] == "INSERT") == \
        sorted(str(i) for i in range(25))
    assert sorted((r["eventName"], r["dynamodb"]["Keys"]["k"]["S"]) for r in records if r["eventName"] != "INSERT") == \
        [("MODIFY", "3"), ("REMOVE", "0")]


def test_time_to_live_signs_what_it_removes(dynamodb, streams, name, arn):
    dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": "end"})
    dynamodb.put_item(TableName=name, Item={"k": {"S": "a"}, "end": {"N": str(int(time.time()) - 10)}})
    records = wait_until(lambda: (lambda all: len(all) == 2 and all)(read(streams, arn)), "the item expires", 30)
    assert records[1]["eventName"] == "REMOVE"
    assert records[1]["userIdentity"] == {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}


def test_streams_are_enabled_and_disabled(dynamodb, streams, name):
    create(dynamodb, name, view=None)

    def update(**specification):
        return dynamodb.update_table(TableName=name, StreamSpecification=specification)["TableDescription"]

    def refused(**specification):
        return error_of(dynamodb.update_table, TableName=name, StreamSpecification=specification)

    wrong = "One or more parameter values were invalid: "
    assert refused(StreamEnabled=False) == ("ValidationException", f"Table has no stream to disable: TableName: {name}")
    assert refused(StreamEnabled=True)[1] == wrong + "If stream is being enabled then UpdateViewType is required"
    first = update(StreamEnabled=True, StreamViewType="KEYS_ONLY")["LatestStreamArn"]
    assert refused(StreamEnabled=True, StreamViewType="NEW_IMAGE") == (
        "ValidationException", f"Table already has an enabled stream: TableName: {name}")
    assert refused(StreamEnabled=False, StreamViewType="NEW_IMAGE")[1] == \
        wrong + "If stream is being disabled, then UpdateViewType must not be specified"
    dynamodb.put_item(TableName=name, Item={"k": {"S": "a"}})
    disabled = update(StreamEnabled=False)
    assert "StreamSpecification" not in disabled and disabled["LatestStreamArn"] == first
    dynamodb.put_item(TableName=name, Item={"k": {"S": "b"}})
    described = streams.describe_stream(StreamArn=first)["StreamDescription"]
    assert described["StreamStatus"] == "DISABLED"
    assert all("EndingSequenceNumber" in shard["SequenceNumberRange"] for shard in described["Shards"])
    second = update(StreamEnabled=True, StreamViewType="KEYS_ONLY")["LatestStreamArn"]
    dynamodb.put_item(TableName=name, Item={"k": {"S": "c"}})
    assert first != second
    assert [r["dynamodb"]["Keys"] for r in read(streams, first)] == [{"k": {"S": "a"}}]
    assert [r["dynamodb"]["Keys"] for r in read(streams, second)] == [{"k": {"S": "c"}}]
    assert len(streams.list_streams(TableName=name)["Streams"]) == 2
    dynamodb.delete_table(TableName=name)


def test_a_closed_shard_ends(dynamodb, streams, name):
    arn = create(dynamodb, name, BillingMode="PROVISIONED",
                 ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 1})
    (shard,) = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    latest = streams.get_shard_iterator(StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="LATEST")
    dynamodb.put_item(TableName=name, Item={"k": {"S": "a"}})
    dynamodb.delete_table(TableName=name)
    answer = streams.get_records(ShardIterator=latest["ShardIterator"])
    assert len(answer["Records"]) == 1 and "NextShardIterator" not in answer


def test_iterators_of_all_types(dynamodb, streams, name):
    arn = create(dynamodb, name, BillingMode="PROVISIONED",
                 ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 1})
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]
    for number in range(5):
        dynamodb.put_item(TableName=name, Item={"k": {"S": str(number)}})

    def values(kind, limit=1000, **more):
        position = streams.get_shard_iterator(StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType=kind,
                                              **more)["ShardIterator"]
        assert position.startswith(arn + "|1|")
        answer = streams.get_records(ShardIterator=position, Limit=limit)
        return [r["dynamodb"]["Keys"]["k"]["S"] for r in answer["Records"]]

    assert values("TRIM_HORIZON") == list("01234") and values("LATEST") == []
    assert values("TRIM_HORIZON", limit=2) == list("01")
    numbers = [r["dynamodb"]["SequenceNumber"] for r in read(streams, arn)]
    assert values("AT_SEQUENCE_NUMBER", SequenceNumber=numbers[3]) == list("34")
    assert values("AFTER_SEQUENCE_NUMBER", SequenceNumber=numbers[3]) == ["4"]
    start = shard["SequenceNumberRange"]["StartingSequenceNumber"]
    assert values("AT_SEQUENCE_NUMBER", SequenceNumber=start) == list("01234")
    place = {"StreamArn": arn, "ShardId": shard["ShardId"]}
    assert error_of(streams.get_shard_iterator, **place, ShardIteratorType="AT_SEQUENCE_NUMBER")[0] == \
        "ValidationException"
    assert error_of(streams.get_shard_iterator, **place, ShardIteratorType="LATEST", SequenceNumber=start)[0] == \
        "ValidationException"
    assert error_of(streams.get_shard_iterator, StreamArn=arn, ShardId="shardId-" + "0" * 29,
                    ShardIteratorType="LATEST")[0] == "ResourceNotFoundException"
    assert error_of(streams.get_records, ShardIterator="x")[0] == "ValidationException"
    assert "less than or equal to 1000" in error_of(streams.get_records, ShardIterator="x", Limit=1001)[1]
    dynamodb.delete_table(TableName=name)


def test_pages_of_streams_and_of_shards(dynamodb, streams, name):
    arns = [create(dynamodb, name + str(i)) for i in range(3)]
    seen, after = [], {}
    while True:
        page = streams.list_streams(Limit=1, **after)
        seen += [stream["StreamArn"] for stream in page["Streams"]]
        if "LastEvaluatedStreamArn" not in page:
            break
        after = {"ExclusiveStartStreamArn": page["LastEvaluatedStreamArn"]}
    assert set(arns) <= set(seen) and len(seen) == len(set(seen))
    whole = streams.describe_stream(StreamArn=arns[0])["StreamDescription"]["Shards"]
    half = streams.describe_stream(StreamArn=arns[0], Limit=2)["StreamDescription"]
    rest = streams.describe_stream(StreamArn=arns[0], ExclusiveStartShardId=half["LastEvaluatedShardId"])
    assert half["Shards"] + rest["StreamDescription"]["Shards"] == whole
    children = {"Type": "CHILD_SHARDS", "ShardId": whole[0]["ShardId"]}
    assert streams.describe_stream(StreamArn=arns[0], ShardFilter=children)["StreamDescription"]["Shards"] == []
    assert error_of(streams.describe_stream, StreamArn=arns[0].replace(name, "no" + name)) == (
        "ResourceNotFoundException",
        f"Requested resource not found: Stream: {arns[0].replace(name, 'no' + name)} not found")
    assert error_of(streams.describe_stream, StreamArn="x" * 40)[0] == "ValidationException"
    for i in range(3):
        dynamodb.delete_table(TableName=name + str(i))


def test_reading_is_authorised(server, dynamodb, streams, name, arn):
    iam = server.client("iam")
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    reader = server.client("dynamodbstreams", key["AccessKeyId"], key["SecretAccessKey"])
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    mine = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="LATEST")["ShardIterator"]
    assert error_of(reader.describe_stream, StreamArn=arn)[0] == "AccessDeniedException"
    assert error_of(reader.get_records, ShardIterator=mine)[0] == "AccessDeniedException"
    assert error_of(reader.list_streams)[0] == "AccessDeniedException"
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=(
        '{"Statement": {"Effect": "Allow", "Action": "dynamodb:GetRecords", "Resource": "%s"}}' % arn))
    assert reader.get_records(ShardIterator=mine)["Records"] == []
    assert error_of(reader.describe_stream, StreamArn=arn)[0] == "AccessDeniedException"


def test_order_holds_for_each_item_under_contention(server, dynamodb, streams, name, arn):
    def count(key):
        client = server.client("dynamodb")
        for _ in range(50):
            client.update_item(TableName=name, Key={"k": {"S": key}}, UpdateExpression="ADD n :one",
                               ExpressionAttributeValues={":one": {"N": "1"}})

    threads = [threading.Thread(target=count, args=(key,)) for key in "aabbccdd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seen = {}
    for record in read(streams, arn):
        image = record["dynamodb"]["NewImage"]
        seen.setdefault(image["k"]["S"], []).append(int(image["n"]["N"]))
    assert seen == {key: list(range(1, 101)) for key in "abcd"}
