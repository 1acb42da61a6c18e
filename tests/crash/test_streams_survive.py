"""kill -9 under load: what was acknowledged is there, once, in order, with its number.

25 times in the ordinary run; MILLRACE_CRASH_CYCLES says otherwise.
"""
import concurrent.futures
import os
import random
import threading
import time

import pytest
from botocore.exceptions import BotoCoreError

from support.ledger import Ledger, body, bounds, check_iterators, iterator, list_shards, read

CYCLES = int(os.environ.get("MILLRACE_CRASH_CYCLES", "25"))
SEED = int(os.environ.get("MILLRACE_CRASH_SEED", "1"))
WRITERS = 4  # of each kind
SHARDS_MAX = 6
STREAM = "crash"


class Cycle:
    """One life of the server: writers of both kinds, and perhaps a change of the shards."""

    def __init__(self, number, server, kinesis, ledger, seed):
        self.number, self.server, self.kinesis, self.ledger = number, server, kinesis, ledger
        self.chance = random.Random(seed)
        self.stop = threading.Event()
        self.resharding = threading.Event()
        self.killing = False
        self.acknowledged_before = len(ledger.acknowledged)

    def acknowledged(self):
        return len(self.ledger.acknowledged) - self.acknowledged_before

    def put_one(self, chance, writer, request):
        name, key = (self.number, writer, request, 0), str(chance.random())
        self.ledger.will_send({name: key})
        try:
            answer = self.kinesis.put_record(StreamName=STREAM, Data=body(name), PartitionKey=key)
        except self.kinesis.exceptions.ResourceInUseException:  # between a shard and its children
            answer = {"ErrorCode": "ResourceInUseException"}
        self.ledger.answered(name, answer)

    def put_many(self, chance, writer, request):
        count = chance.randrange(2, 40)
        sent = {(self.number, writer, request, place): str(chance.random()) for place in range(count)}
        self.ledger.will_send(sent)
        answer = self.kinesis.put_records(StreamName=STREAM, Records=[
            {"Data": body(name), "PartitionKey": key} for name, key in sent.items()])
        for name, result in zip(sent, answer["Records"]):
            self.ledger.answered(name, result)

    def write(self, writer):
        chance, request = random.Random(f"{self.number}/{writer}"), 0
        put = self.put_one if writer < WRITERS else self.put_many
        while not self.stop.is_set():
            try:
                put(chance, writer, request)
            except BotoCoreError:
                assert self.killing, "a connection broke before its time"
                return
            request += 1

    def reshard(self):
        """One call; what it closed is noted once it is acknowledged."""
        opened = [s for s in list_shards(self.kinesis, STREAM)
                  if "EndingSequenceNumber" not in s["SequenceNumberRange"]]
        opened.sort(key=bounds)
        kinds = ["count"] if len(opened) > 1 else ["split"]
        kinds += ["merge"] * (len(opened) > 1) + ["split"] * (len(opened) < SHARDS_MAX)
        kind = self.chance.choice(kinds)
        self.resharding.set()
        if kind == "split":
            shard = self.chance.choice(opened)
            low, high = bounds(shard)
            self.kinesis.split_shard(StreamName=STREAM, ShardToSplit=shard["ShardId"],
                                     NewStartingHashKey=str(low + (high - low) // 3))
            self.ledger.closed.add(shard["ShardId"])
        elif kind == "merge":
            left = self.chance.randrange(len(opened) - 1)
            pair = [opened[left]["ShardId"], opened[left + 1]["ShardId"]]
            self.kinesis.merge_shards(StreamName=STREAM, ShardToMerge=pair[0], AdjacentShardToMerge=pair[1])
            self.ledger.closed.update(pair)
        else:
            few, many = -(-len(opened) // 2), min(2 * len(opened), SHARDS_MAX)
            self.kinesis.update_shard_count(StreamName=STREAM, ScalingType="UNIFORM_SCALING",
                                            TargetShardCount=self.chance.randint(few, many))

    def reshard_at(self, goal):
        while self.acknowledged() < goal and not self.stop.is_set():
            self.stop.wait(0.001)
        try:
            self.reshard()
        except BotoCoreError:
            assert self.killing, "a connection broke before its time"

    def run(self):
        """Writes until the moment comes, and kills."""
        goal = self.chance.randrange(20, 400)
        lot = self.chance.random()
        with concurrent.futures.ThreadPoolExecutor(2 * WRITERS + 1) as pool:
            tasks = [pool.submit(self.write, writer) for writer in range(2 * WRITERS)]
            if lot < 0.6:
                tasks.append(pool.submit(self.reshard_at, goal // 2))
            while self.acknowledged() < goal and not all(task.done() for task in tasks):
                self.stop.wait(0.001)
            if lot < 0.4:  # in the midst of a change, or just behind it
                self.resharding.wait(5)
                self.stop.wait(self.chance.uniform(0, 0.02))
            self.killing = True
            self.server.kill()
            self.stop.set()
            for task in tasks:
                task.result()


def check_shards(kinesis, shards, latest, chance):
    """`latest`: by shard, an iterator that was made before the cycle, and the last number then."""
    found = {}
    for shard in shards:
        shard_id = shard["ShardId"]
        found[shard_id], children = read(kinesis, iterator(kinesis, STREAM, shard_id, "TRIM_HORIZON"))
        ended = "EndingSequenceNumber" in shard["SequenceNumberRange"]
        assert bool(children) == ended, f"{shard_id}: {children}"
        if ended and found[shard_id]:
            assert found[shard_id][-1][0] <= int(shard["SequenceNumberRange"]["EndingSequenceNumber"])
        check_iterators(kinesis, STREAM, shard_id, found[shard_id], chance)
        if shard_id in latest:
            at, last = latest[shard_id]
            there, _ = read(kinesis, at)
            assert there == [r for r in found[shard_id] if r[0] > last], f"LATEST of {shard_id}"
    return found


def put_behind_latest(kinesis, ledger, shards, cycle):
    """Iterators of the new life's end: they see one record put now, and nothing from before."""
    latest = {}
    opened = [s for s in shards if "EndingSequenceNumber" not in s["SequenceNumberRange"]]
    for place, shard in enumerate(opened):
        shard_id, name = shard["ShardId"], (cycle, 2 * WRITERS, place, 0)
        at, key = iterator(kinesis, STREAM, shard_id, "LATEST"), f"marker {place}"
        # The explicit hash key decides the shard; the ledger's own check is of requests to many.
        ledger.will_send({name: key})
        answer = kinesis.put_record(StreamName=STREAM, Data=body(name), PartitionKey=key,
                                    ExplicitHashKey=str(bounds(shard)[0]))
        ledger.answered(name, answer)
        assert answer["ShardId"] == shard_id
        there, _ = read(kinesis, at)
        assert [(number, found) for number, _, found in there] == [(int(answer["SequenceNumber"]), name)]
        latest[shard_id] = (iterator(kinesis, STREAM, shard_id, "LATEST"), int(answer["SequenceNumber"]))
    return latest


@pytest.mark.timeout(60 + 10 * CYCLES)
def test_acknowledged_records_survive_kill_9(own_server):
    server, ledger, chance = own_server, Ledger(), random.Random(SEED)
    # One client for all lives of the server, which keeps its port.
    kinesis = server.client("kinesis", read_timeout=10, max_pool_connections=2 * WRITERS + 2)
    kinesis.create_stream(StreamName=STREAM, ShardCount=2)
    latest, known, begun, restarts = {}, set(), time.monotonic(), []
    for cycle in range(CYCLES):
        Cycle(cycle, server, kinesis, ledger, chance.random()).run()
        started = time.monotonic()
        server.start()
        restarts.append(time.monotonic() - started)
        shards = list_shards(kinesis, STREAM)
        ledger.check_ring(shards)
        # What ended in an earlier cycle is read again at the end.
        fresh = [shard for shard in shards if shard["ShardId"] in latest or shard["ShardId"] not in known]
        ledger.check(shards, check_shards(kinesis, fresh, latest, chance))
        known = {shard["ShardId"] for shard in shards}
        latest = put_behind_latest(kinesis, ledger, shards, cycle)
    shards = list_shards(kinesis, STREAM)
    ledger.check(shards, check_shards(kinesis, shards, latest, chance))
    assert len(ledger.acknowledged) > CYCLES * 20
    print(f"\n{CYCLES} kills in {time.monotonic() - begun:.0f} s: {len(ledger.sent)} records sent, "
          f"{len(ledger.acknowledged)} acknowledged, {len(ledger.refused)} refused, {len(shards)} shards; "
          f"longest restart {max(restarts) * 1000:.0f} ms")
