"""The Kinesis Client Library's leases: a table that its workers make, renew, hand over and take from the dead.
`./dev java`."""
import time

import pytest
from support.records import first_sightings, hear_records, numbers, put

SHARDS = [f"shardId-{i:012}" for i in range(4)]
STEP = 100  # records between one happening and the next
KEYS = 20
WAIT_SECONDS = 120
BEGINNING = "TRIM_HORIZON"


@pytest.fixture
def stream(kinesis, name):
    kinesis.create_stream(StreamName=name, ShardCount=len(SHARDS))
    yield kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
    kinesis.delete_stream(StreamName=name, EnforceConsumerDeletion=True)


class Leases:
    """The table, which has the application's name."""

    def __init__(self, server, table):
        self.dynamodb = server.client("dynamodb")
        self.streams = server.client("dynamodbstreams")
        self.table = table

    def describe(self):
        return self.dynamodb.describe_table(TableName=self.table)["Table"]

    def of_kind(self, kind):
        items = self.dynamodb.scan(TableName=self.table, ConsistentRead=True)["Items"]
        return {item["leaseKey"]["S"]: item for item in items if item["entityType"]["S"] == kind}

    def owners(self):
        """The shards of each worker, but for those that one hands over to another."""
        told = {}
        for shard, lease in self.of_kind("LEASE").items():
            if "checkpointOwner" not in lease:
                told.setdefault(lease.get("leaseOwner", {}).get("S"), set()).add(shard)
        return told

    def shards_of(self, worker):
        """The same, as the index says."""
        found = self.dynamodb.query(TableName=self.table, IndexName="LeaseOwnerToLeaseKeyIndex",
                                    KeyConditionExpression="leaseOwner = :worker",
                                    ExpressionAttributeValues={":worker": {"S": worker}})["Items"]
        return {item["leaseKey"]["S"] for item in found}

    def wait_for(self, enough, meanwhile):
        deadline = time.monotonic() + WAIT_SECONDS
        while not enough(self.owners()):
            assert time.monotonic() < deadline, self.owners()
            meanwhile()
            time.sleep(0.1)

    def follow(self):
        self.dynamodb.update_table(TableName=self.table, StreamSpecification={
            "StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"})

    def changes(self):
        """Each change of a lease since follow(): its key, and both images. A lease's changes are in order."""
        arn = self.describe()["LatestStreamArn"]
        for shard in self.streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
            iterator = self.streams.get_shard_iterator(
                StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType=BEGINNING)["ShardIterator"]
            while records := (page := self.streams.get_records(ShardIterator=iterator))["Records"]:
                for record in (r["dynamodb"] for r in records):
                    if record["Keys"]["leaseKey"]["S"] in SHARDS:
                        yield record["Keys"]["leaseKey"]["S"], record.get("OldImage"), record.get("NewImage")
                iterator = page["NextShardIterator"]


def place(checkpoint):
    return -1 if checkpoint == BEGINNING else int(checkpoint)


def check_table(leases):
    """The table that the library makes, with what it was told to ask for besides."""
    table = leases.describe()
    assert table["KeySchema"] == [{"AttributeName": "leaseKey", "KeyType": "HASH"}]
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert table["DeletionProtectionEnabled"]
    index, = table["GlobalSecondaryIndexes"]
    assert index["KeySchema"] == [{"AttributeName": "leaseOwner", "KeyType": "HASH"},
                                  {"AttributeName": "leaseKey", "KeyType": "RANGE"}]
    assert (index["Projection"], index["IndexStatus"]) == ({"ProjectionType": "KEYS_ONLY"}, "ACTIVE")
    backups = leases.dynamodb.describe_continuous_backups(TableName=leases.table)["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    assert leases.dynamodb.list_tags_of_resource(ResourceArn=table["TableArn"])["Tags"] == [
        {"Key": "application", "Value": leases.table}]


def check_items(leases, kinesis, stream):
    """A lease for each shard with its range of hashes, and the library's other things beside them."""
    ranges = {s["ShardId"]: s["HashKeyRange"] for s in kinesis.list_shards(StreamName=stream["StreamName"])["Shards"]}
    held = leases.of_kind("LEASE")
    assert {shard: {"StartingHashKey": lease["startingHashKey"]["S"], "EndingHashKey": lease["endingHashKey"]["S"]}
            for shard, lease in held.items()} == ranges
    assert all(int(lease["leaseCounter"]["N"]) > 0 for lease in held.values())
    version, = leases.of_kind("CLIENT_VERSION_MIGRATION").values()
    assert version["cv"] == {"S": "CLIENT_VERSION_3X"}
    assert set(leases.of_kind("WORKER_METRIC_STATS")) == {"one", "two"}


def check_history(leases):
    """No lease ever goes back: not its counter, not its checkpoint. Answers each shard's checkpoints."""
    checkpoints = {shard: [] for shard in SHARDS}
    for shard, old, new in leases.changes():
        assert old and new, f"the lease of {shard} came or went"
        assert int(old["leaseCounter"]["N"]) <= int(new["leaseCounter"]["N"])
        before, after = old["checkpoint"]["S"], new["checkpoint"]["S"]
        assert place(before) <= place(after)
        if checkpoints[shard]:
            assert checkpoints[shard][-1] == before
        checkpoints[shard].append(after)
    return checkpoints


def test_workers_share_leases_and_take_over_those_of_the_dead(server, java, kinesis, stream):
    name = stream["StreamName"]
    leases = Leases(server, name + "-app")
    written = 0

    def write():
        nonlocal written
        put(kinesis, stream, *range(written, written + STEP), keys=KEYS)
        written += STEP

    workers = {"one": java("Consume", "polling", name, leases.table, "one", tls=False)}
    workers["one"].hear(lambda lines: sum("started" in line for line in lines) == len(SHARDS))
    leases.follow()
    write()
    hear_records(workers["one"], range(written))
    check_table(leases)
    assert leases.owners() == {"one": set(SHARDS)}

    # Leases are dealt by what is read from their shards; where nothing is, there is nothing to deal.
    workers["two"] = java("Consume", "polling", name, leases.table, "two", tls=False)
    leases.wait_for(lambda owners: [len(owners.get(worker, ())) for worker in workers] == [2, 2], write)
    assert leases.owners() == {worker: leases.shards_of(worker) for worker in workers}
    check_items(leases, kinesis, stream)

    leader = leases.of_kind("LEADER")["Leader"]["ownerName"]["S"]
    survivor, = workers.keys() - {leader}
    dead, alive = workers[leader], workers[survivor]
    dead.kill()
    before = written
    write()
    hear_records(alive, range(before, written))
    assert leases.owners() == {survivor: set(SHARDS)}
    assert leases.of_kind("LEADER")["Leader"]["ownerName"]["S"] == survivor
    write()
    hear_records(alive, range(before, written))
    alive.finish()
    assert alive.lines[-1] == {"stopped": True}

    assert set(numbers(dead.lines)) | set(numbers(alive.lines)) == set(range(written))
    for order in first_sightings(alive.lines).values():
        assert order == sorted(order)
    checkpoints = check_history(leases)
    last = {line["shard"]: line["number"] for line in alive.of("record")}
    assert {shard: told[-1] for shard, told in checkpoints.items()} == last
    for line in workers["two"].of("started") + workers["one"].of("started")[len(SHARDS):]:
        assert line["from"] in checkpoints[line["started"]]
