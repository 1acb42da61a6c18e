"""kill -9 under load: what was acknowledged is there, once, in order, with its number."""
import concurrent.futures
import os
import random
import threading

from botocore.exceptions import BotoCoreError, ClientError

CYCLES = int(os.environ.get("MILLRACE_CRASH_CYCLES", "25"))
WRITERS = 4


def write(server, stream, writer, cycle, acknowledged, stop):
    kinesis = server.client("kinesis", connect_timeout=2, read_timeout=5)
    count = 0
    while not stop.is_set():
        data = f"{cycle}/{writer}/{count}"
        try:
            answer = kinesis.put_record(StreamName=stream, Data=data.encode(), PartitionKey=str(writer))
        except (BotoCoreError, ClientError):
            return
        acknowledged.append((answer["ShardId"], int(answer["SequenceNumber"]), data))
        count += 1


def read_everything(server, stream):
    kinesis = server.client("kinesis")
    found = {}
    for shard in kinesis.list_shards(StreamName=stream)["Shards"]:
        records, iterator = [], kinesis.get_shard_iterator(
            StreamName=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
        while True:
            page = kinesis.get_records(ShardIterator=iterator)
            records += [(int(r["SequenceNumber"]), r["Data"].decode()) for r in page["Records"]]
            iterator = page["NextShardIterator"]
            if not page["Records"]:
                break
        found[shard["ShardId"]] = records
    return found


def test_acknowledged_records_survive_kill_9(own_server):
    server, stream, acknowledged = own_server, "crash", []
    server.client("kinesis").create_stream(StreamName=stream, ShardCount=2)
    chance = random.Random(1)
    for cycle in range(CYCLES):
        stop, goal = threading.Event(), len(acknowledged) + chance.randrange(5, 120)
        with concurrent.futures.ThreadPoolExecutor(WRITERS) as pool:
            writers = [pool.submit(write, server, stream, w, cycle, acknowledged, stop) for w in range(WRITERS)]
            while len(acknowledged) < goal and not all(w.done() for w in writers):
                stop.wait(0.001)
            server.kill()
            stop.set()
            for writer in writers:
                writer.result()
        server.start()
    assert len(acknowledged) > CYCLES * 5
    found = read_everything(server, stream)
    for shard, records in found.items():
        numbers = [number for number, _ in records]
        assert numbers == sorted(set(numbers)), f"{shard} is out of order"
    everything = {(shard, number): data for shard, records in found.items() for number, data in records}
    for shard, number, data in acknowledged:
        assert everything.get((shard, number)) == data
    texts = [data for records in found.values() for _, data in records]
    assert len(texts) == len(set(texts)), "a record is there twice"
