"""The whole stack under load while the server is killed again and again: every acknowledged record
ends in the table, and the stack still deletes cleanly."""
import os
import random
import threading
import time

from botocore.exceptions import BotoCoreError, ClientError
from support import stack as stacks

KILLS = int(os.environ.get("MILLRACE_CRASH_KILLS", "50"))


class Producer(threading.Thread):
    """Puts tweets, each with a key of its own, and remembers which were acknowledged."""

    def __init__(self, server, outputs):
        super().__init__(daemon=True)
        self.server, self.outputs = server, outputs
        self.acknowledged, self.stop, self.next = [], threading.Event(), 0

    def run(self):
        kinesis = self.server.client("kinesis", key=self.outputs["AccessKeyId"],
                                     secret=self.outputs["SecretAccessKey"], connect_timeout=1, read_timeout=5)
        while not self.stop.is_set():
            numbers = range(self.next, self.next + 10)
            self.next += 10
            try:
                answer = kinesis.put_records(StreamName=self.outputs["KinesisStream"], Records=[
                    {"Data": stacks.tweet(n), "PartitionKey": str(n)} for n in numbers])
            except (BotoCoreError, ClientError):
                self.stop.wait(0.01)  # the server is down; the numbers are not used again
                continue
            self.acknowledged += [n for n, r in zip(numbers, answer["Records"]) if "SequenceNumber" in r]


def timestamps(server, table):
    pages = server.client("dynamodb").get_paginator("scan").paginate(TableName=table, ProjectionExpression="#t",
                                                                     ExpressionAttributeNames={"#t": "Timestamp"})
    return {item["Timestamp"]["S"] for page in pages for item in page["Items"]}


def test_nothing_acknowledged_is_lost_over_many_kills(own_server):
    server = own_server
    outputs, stack_id = stacks.launch(server, "survivor", "packages")
    producer, chance, recovery = Producer(server, outputs), random.Random(7), []
    producer.start()
    for _ in range(KILLS):
        goal = len(producer.acknowledged) + chance.randrange(10, 60)
        stacks.wait_until(lambda: len(producer.acknowledged) >= goal, "records to go in")
        server.kill()
        begun = time.monotonic()
        server.start()
        recovery.append(time.monotonic() - begun)
    producer.stop.set()
    producer.join()
    recovery.sort()
    print(f"{KILLS} kills, {len(producer.acknowledged)} records acknowledged, recovery median "
          f"{recovery[len(recovery) // 2] * 1000:.0f} ms, longest {recovery[-1] * 1000:.0f} ms")
    import datetime
    start = datetime.datetime(2014, 8, 31)
    wanted = {(start + datetime.timedelta(seconds=n)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
              for n in producer.acknowledged}
    stacks.wait_until(lambda: wanted <= timestamps(server, outputs["EventDataTable"]), "every acknowledged record")
    stacks.delete(server, "survivor", stack_id)
    assert server.client("kinesis").list_streams()["StreamNames"] == []
