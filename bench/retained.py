"""What a stream costs that is kept: ./dev bench retained [GB...]    (0.1, 1 and 10 unless told otherwise)

Loads a stream up to each size in turn. At each: resident memory, the bytes on the disk, the time from
the start of the process to a signed answer with a record in it, after kill -9 and after an orderly
stop, and resident memory then. At the end the stream is deleted, and the disk has to come back.
"""
import base64
import concurrent.futures
import json
import os
import socket
import time

from support.raw_client import connect, read_answer, resident_mib, signed_request
from support.server import Server

SIZES_GB = (0.1, 1, 10)
STREAM = "retained"
SHARDS = 4
LOADERS = 4  # connections
RECORDS, RECORD_BYTES = 500, 10_000  # of a request
SIGNED_SECONDS = 120  # how long a signature is used
SETTLED_SECONDS = 60
NEWEST_BYTES = 300 << 20  # what the newest files may take


def request_bytes(server, loader):
    data = base64.b64encode(os.urandom(RECORD_BYTES)).decode()
    records = [{"PartitionKey": f"{loader}/{n}", "Data": data} for n in range(RECORDS)]
    return signed_request(server, "PutRecords", {"StreamName": STREAM, "Records": records})


def load(server, loader, requests):
    """Puts the same records again and again: what is measured is keeping them, not making them."""
    connection = connect(server)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    signed = None
    for _ in range(requests):
        if signed is None or time.monotonic() - signed > SIGNED_SECONDS:
            request, signed = request_bytes(server, loader), time.monotonic()
        connection.sendall(request)
        status, body = read_answer(connection)
        if status != 200 or b'"FailedRecordCount":0' not in body:
            raise RuntimeError(f"{status}: {body[:200]!r}")
    connection.close()


def disk_bytes(server):
    return sum(p.stat().st_blocks * 512 for p in server.data.rglob("*") if p.is_file())


def ask(server, connection, operation, arguments):
    connection.sendall(signed_request(server, operation, arguments))
    status, body = read_answer(connection)
    assert status == 200, body
    return json.loads(body)


def first_answer(server):
    """Seconds from before the process exists to the oldest record, signed for and read."""
    begun = time.perf_counter()
    server.start()
    connection = connect(server)
    at = ask(server, connection, "GetShardIterator", {
        "StreamName": STREAM, "ShardId": "shardId-000000000000", "ShardIteratorType": "TRIM_HORIZON"})
    assert ask(server, connection, "GetRecords", {"ShardIterator": at["ShardIterator"], "Limit": 1})["Records"]
    connection.close()
    return time.perf_counter() - begun


def deleted(server):
    """Seconds until the disk has given back all but the newest files."""
    begun = time.perf_counter()
    server.client("kinesis").delete_stream(StreamName=STREAM)
    while disk_bytes(server) > NEWEST_BYTES:
        if time.perf_counter() - begun > SETTLED_SECONDS:
            return None
        time.sleep(0.2)
    return time.perf_counter() - begun


def main(sizes):
    server = Server().start()
    server.client("sts").get_caller_identity()
    print(f"idle: {resident_mib(server):.0f} MiB resident")
    server.client("kinesis").create_stream(StreamName=STREAM, ShardCount=SHARDS)
    print("retained   loaded at   resident   on disk    after kill -9       after a stop     resident then")
    loaded = 0
    for size in sizes:
        begun, more = time.perf_counter(), int(size * 1e9) - loaded
        requests = max(1, more // (LOADERS * RECORDS * RECORD_BYTES))
        with concurrent.futures.ThreadPoolExecutor(LOADERS) as pool:
            for done in [pool.submit(load, server, n, requests) for n in range(LOADERS)]:
                done.result()
        loaded += requests * LOADERS * RECORDS * RECORD_BYTES
        rate = more / (time.perf_counter() - begun)
        resident, disk = resident_mib(server), disk_bytes(server)
        server.kill()
        killed = first_answer(server)
        server.stop()
        stopped = first_answer(server)
        print(f"{loaded / 1e9:6.1f} GB {rate / 1e6:7.0f} MB/s {resident:7.0f} MiB {disk / 1e9:6.2f} GB "
              f"{killed * 1000:12.0f} ms {stopped * 1000:15.0f} ms {resident_mib(server):13.0f} MiB", flush=True)
    freed = deleted(server)
    print(f"deleted: {disk_bytes(server) / 1e9:.2f} GB on disk "
          + (f"after {freed:.1f} s" if freed else f"still, after {SETTLED_SECONDS} s"))
    server.stop()
    server.remove()

