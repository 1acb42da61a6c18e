"""kill -9 of the server, of functions' processes and of both, while event source mappings retry, bisect,
report item failures, keep windows and run lanes side by side: every record has its effect, in order for
each key, and no checkpoint passes one that has none.

4 times in the ordinary run; MILLRACE_CRASH_CYCLES says otherwise.
"""
import base64
import json
import os
import random
import signal
import threading
import time

from botocore.exceptions import BotoCoreError, ClientError
from support import effects
from support.stack import wait_until

CYCLES = int(os.environ.get("MILLRACE_CRASH_CYCLES", "4"))
SEED = int(os.environ.get("MILLRACE_CRASH_SEED", "1"))
STREAM = TABLE = BUCKET = "mappings-crash"
KEYS = [f"key{i}" for i in range(12)]
SHARDS = 2
MODES = {
    "retry": {"BatchSize": 7},
    "bisect": {"BatchSize": 10, "BisectBatchOnFunctionError": True, "MaximumRetryAttempts": 3,
               "DestinationConfig": {"OnFailure": {"Destination": f"arn:aws:s3:::{BUCKET}"}}},
    "items": {"BatchSize": 10, "FunctionResponseTypes": ["ReportBatchItemFailures"]},
    "lanes": {"BatchSize": 5, "ParallelizationFactor": 4,
              "FilterCriteria": {"Filters": [{"Pattern": json.dumps({"data": {"poison": [{"exists": False}]}})}]}},
    "window": {"BatchSize": 8, "TumblingWindowInSeconds": 2},
}


class Producer(threading.Thread):
    """Puts records, each key's with growing numbers, and remembers which were acknowledged."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server, self.stop = server, threading.Event()
        self.sent = {key: [] for key in KEYS}
        self.acknowledged = {key: [] for key in KEYS}
        self.poison, self.next = set(), 0

    def run(self):
        chance = random.Random(SEED)
        kinesis = self.server.client("kinesis", connect_timeout=1, read_timeout=5)
        while not self.stop.is_set():
            bodies = []
            for _ in range(chance.randrange(1, 8)):
                body = {"k": chance.choice(KEYS), "n": self.next}
                if self.next % 41 == 17:
                    body["poison"] = True
                    self.poison.add(self.next)
                self.next += 1
                self.sent[body["k"]].append(body["n"])
                bodies.append(body)
            try:
                answer = kinesis.put_records(StreamName=STREAM, Records=[
                    {"Data": json.dumps(body).encode(), "PartitionKey": body["k"]} for body in bodies])
            except (BotoCoreError, ClientError):
                self.stop.wait(0.01)  # the server is down; the numbers are not used again
                continue
            for body, result in zip(bodies, answer["Records"]):
                if "SequenceNumber" in result:
                    self.acknowledged[body["k"]].append(body["n"])
            self.stop.wait(0.02)

    def count(self):
        return sum(map(len, self.acknowledged.values()))


def set_up(server):
    role = effects.make_role(server, "mappings-crash")
    effects.make_table(server, TABLE)
    server.client("s3").create_bucket(Bucket=BUCKET)
    kinesis = server.client("kinesis")
    kinesis.create_stream(StreamName=STREAM, ShardCount=SHARDS)
    stream = kinesis.describe_stream_summary(StreamName=STREAM)["StreamDescriptionSummary"]["StreamARN"]
    for mode, settings in MODES.items():
        fails = "0" if mode == "bisect" else "0.02"
        effects.make_function(server, mode, role, {"MODE": mode, "TABLE": TABLE, "FAILS": fails})
        server.client("lambda").create_event_source_mapping(
            FunctionName=mode, EventSourceArn=stream, StartingPosition="TRIM_HORIZON", **settings)


def given_up(server):
    """(number, key) of the records that the failure documents hold."""
    s3, found = server.client("s3"), []
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET):
        for entry in page.get("Contents", []):
            document = json.loads(s3.get_object(Bucket=BUCKET, Key=entry["Key"])["Body"].read())
            for record in json.loads(document["payload"])["Records"]:
                found.append(json.loads(base64.b64decode(record["kinesis"]["data"]))["n"])
    return set(found)


def firsts(numbers):
    return list(dict.fromkeys(numbers))


def windows(found):
    """The records of all windows by key, in the order of the windows."""
    seen = {key: [] for key in KEYS}
    ended = sorted((item for item in found if item.startswith("window/")),
                   key=lambda item: (item.split("/")[2], min(record["n"] for record in found[item])))
    for item in ended:
        for record in found[item]:
            seen[record["k"]].append(record["n"])
    return seen


def missing(server, producer):
    """What has no effect yet, by mode and key."""
    found, lost = effects.read_all(server, TABLE), {}
    in_windows = windows(found)
    reported = given_up(server)
    for mode in MODES:
        for key in KEYS:
            there = set(in_windows[key] if mode == "window" else found.get(f"{mode}/{key}", []))
            if mode == "bisect":
                there |= reported
            away = set(producer.acknowledged[key]) - there
            if mode == "lanes":  # its filter
                away -= producer.poison
            if away:
                lost[f"{mode}/{key}"] = sorted(away)[:5]
    return lost


def check(server, producer):
    found, reported = effects.read_all(server, TABLE), given_up(server)
    in_windows = windows(found)
    for key in KEYS:
        sent = producer.sent[key]
        for mode in MODES:
            seen = in_windows[key] if mode == "window" else found.get(f"{mode}/{key}", [])
            assert set(seen) <= set(sent), f"{mode}/{key}: never sent"
            assert firsts(seen) == sorted(firsts(seen)), f"{mode}/{key} is out of order"
            if mode == "window":  # state and position are kept together: no repeats
                assert len(seen) == len(set(seen)), f"{key} is counted twice in windows"
            if mode in ("bisect", "lanes"):
                assert not set(seen) & producer.poison
    assert reported >= producer.poison & {n for own in producer.acknowledged.values() for n in own}


def test_every_record_has_its_effect_over_kills_of_server_and_functions(own_server):
    server = own_server
    set_up(server)
    producer, chance = Producer(server), random.Random(SEED)
    producer.start()
    killed, begun = 0, time.monotonic()
    for cycle in range(CYCLES):
        goal = producer.count() + chance.randrange(30, 90)
        wait_until(lambda: producer.count() >= goal, "records to go in")
        kind = ("functions", "server", "both")[cycle % 3]
        if kind != "server":
            for pid in effects.descendants(server.process.pid):
                if chance.random() < 0.7:
                    try:
                        os.kill(pid, signal.SIGKILL)
                        killed += 1
                    except ProcessLookupError:
                        pass
        if kind != "functions":
            server.kill()
            server.start()
    producer.stop.set()
    producer.join()
    loaded = time.monotonic() - begun
    try:
        wait_until(lambda: not missing(server, producer), "every effect", seconds=60 + 3 * CYCLES)
    except AssertionError:
        raise AssertionError(f"without effect: {missing(server, producer)}") from None
    check(server, producer)
    print(f"{CYCLES} cycles, {producer.count()} records acknowledged, {killed} processes killed, "
          f"all effects {time.monotonic() - begun - loaded:.1f} s after the last")
