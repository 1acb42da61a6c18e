"""What a stream's server was sent and what it acknowledged, and whether it still says so.

Each record's bytes follow from its name, so that one that is there in part shows. A name is
(cycle, writer, request, place): a writer sends its requests one after the other.
"""
import bisect
import hashlib
import threading
import zlib

RING_END = 2**128 - 1


def body(name):
    head = "/".join(map(str, name)) + "|"
    return (head + "." * (zlib.crc32(head.encode()) % 1500) + "!").encode()


def name_of(data):
    name = tuple(map(int, data.split(b"|", 1)[0].split(b"/")))
    assert data == body(name), f"a part of a record: {data[:60]}"
    return name


def hash_of(key):
    return int.from_bytes(hashlib.md5(key.encode()).digest(), "big")


def bounds(shard):
    return int(shard["HashKeyRange"]["StartingHashKey"]), int(shard["HashKeyRange"]["EndingHashKey"])


class Ledger:
    """Thread-safe: writers say what they send before they send it."""

    def __init__(self):
        self.lock = threading.Lock()
        self.sent = {}  # partition key, by name
        self.acknowledged = {}  # (shard, number), by name
        self.refused = set()
        self.closed = set()  # shards that acknowledged calls have closed
        self.seen = {}  # (shard, number, arrival), by name, as it was first read

    def will_send(self, names_and_keys):
        with self.lock:
            self.sent.update(names_and_keys)

    def answered(self, name, answer):
        with self.lock:
            if answer.get("ErrorCode"):
                self.refused.add(name)
            else:
                self.acknowledged[name] = (answer["ShardId"], int(answer["SequenceNumber"]))

    def check(self, shards, found):
        """`found`: records by shard id, as read from the beginning; some or all of the shards."""
        placed = {}
        for shard, records in found.items():
            numbers = [number for number, _, _ in records]
            assert numbers == sorted(set(numbers)), f"{shard} is out of order"
            arrivals = [arrival for _, arrival, _ in records]
            assert arrivals == sorted(arrivals), f"{shard}: arrivals run backwards"
            last = {}  # by writer
            for number, arrival, name in records:
                assert name in self.sent, f"{name} was never sent"
                assert name not in self.refused, f"{name} was refused and is there"
                assert name not in placed, f"{name} is there twice"
                assert last.get(name[1], (-1,)) < name, f"{name} overtook another record of its writer"
                last[name[1]] = name
                placed[name] = (shard, number)
                assert self.seen.setdefault(name, (shard, number, arrival)) == (shard, number, arrival)
        for name, where in self.acknowledged.items():
            if where[0] in found:
                assert placed.get(name) == where, f"{name} was acknowledged at {where}: {placed.get(name)}"
        self.check_requests({shard["ShardId"]: shard for shard in shards}, found)

    def check_requests(self, shards, found):
        """What one request put into a shard is there as a whole, or not at all."""
        requests = {}
        for name, key in self.sent.items():
            requests.setdefault(name[:3], []).append((name, hash_of(key)))
        for shard, records in found.items():
            low, high = bounds(shards[shard])
            there = {name for _, _, name in records}
            for request in {name[:3] for name in there}:
                mine = {name for name, place in requests[request] if low <= place <= high}
                assert mine <= there, f"{request} is in {shard} in part: {sorted(mine - there)}"

    def check_ring(self, shards):
        """The open shards cover the ring once; what was closed stays closed; children come later."""
        by_id = {shard["ShardId"]: shard for shard in shards}
        ends = {s["ShardId"]: s["SequenceNumberRange"].get("EndingSequenceNumber") for s in shards}
        ring = sorted(bounds(by_id[shard]) for shard, end in ends.items() if end is None)
        assert ring[0][0] == 0 and ring[-1][1] == RING_END, ring
        assert all(left[1] + 1 == right[0] for left, right in zip(ring, ring[1:])), ring
        for shard in self.closed:
            assert ends[shard] is not None, f"{shard} was closed and is open again"
        for shard in shards:
            start = int(shard["SequenceNumberRange"]["StartingSequenceNumber"])
            for parent in (shard.get("ParentShardId"), shard.get("AdjacentParentShardId")):
                assert parent is None or int(ends[parent]) < start, f"{shard['ShardId']} before {parent}"


def list_shards(kinesis, stream):
    page = kinesis.list_shards(StreamName=stream)
    shards = page["Shards"]
    while page.get("NextToken"):
        page = kinesis.list_shards(NextToken=page["NextToken"])
        shards += page["Shards"]
    return shards


def iterator(kinesis, stream, shard, kind, **start):
    return kinesis.get_shard_iterator(StreamName=stream, ShardId=shard, ShardIteratorType=kind,
                                      **start)["ShardIterator"]


def read(kinesis, at, limit=10_000):
    """Everything from an iterator on: (number, arrival, name); and the children at a shard's end."""
    records, behind = [], 1
    while at and (behind or page["Records"]):
        page = kinesis.get_records(ShardIterator=at, Limit=limit)
        records += [(int(r["SequenceNumber"]), r["ApproximateArrivalTimestamp"], name_of(r["Data"]))
                    for r in page["Records"]]
        at, behind = page.get("NextShardIterator"), page["MillisBehindLatest"]
    return records, page.get("ChildShards", [])


def check_iterators(kinesis, stream, shard, records, chance):
    """Every kind of iterator leads to its part of what TRIM_HORIZON has."""
    if not records:
        return
    place = chance.randrange(len(records))
    number, arrival, _ = records[place]
    limit = chance.choice((10_000, max(1, len(records) // 3)))
    starts = {
        "AT_SEQUENCE_NUMBER": (place, {"StartingSequenceNumber": str(number)}),
        "AFTER_SEQUENCE_NUMBER": (place + 1, {"StartingSequenceNumber": str(number)}),
        "AT_TIMESTAMP": (bisect.bisect_left(records, arrival, key=lambda r: r[1]), {"Timestamp": arrival}),
    }
    for kind, (first, start) in starts.items():
        there, _ = read(kinesis, iterator(kinesis, stream, shard, kind, **start), limit)
        assert there == records[first:], f"{kind} of {shard} at {place} of {len(records)}"
