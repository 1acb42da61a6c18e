"""A disk that is really full: writing stops with an error that clients try again, reading goes on,
and with room and a restart everything acknowledged is there."""
import pathlib
import subprocess
import tempfile

import pytest
from botocore.exceptions import ClientError

from support.server import Server

STREAM = "full"
RECORD_BYTES = 60_000
RECORDS = 60  # in a request


def mount(folder, options):
    return subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)],
                          capture_output=True, text=True)


@pytest.fixture
def small_disk_server():
    """A server whose data folder is a file system of 100 MiB."""
    server = Server(pathlib.Path(tempfile.mkdtemp(prefix="millrace-full-")))
    server.data.mkdir(mode=0o700)
    mounted = mount(server.data, "size=100m,mode=700")
    if mounted.returncode != 0:
        pytest.skip(f"cannot mount a file system here: {mounted.stderr.strip()}")
    yield server.start()
    server.stop()
    subprocess.run(["umount", str(server.data)], check=True)
    server.remove()


def data_of(number):
    return f"{number}/".encode().ljust(RECORD_BYTES, b".")


def put_until_full(kinesis):
    """Answers what was acknowledged, number by sequence number, and the codes of what was not."""
    acknowledged, refused, number = {}, set(), 0
    while not refused:
        assert number * RECORD_BYTES < 100 << 20, "the disk never filled up"
        numbers = range(number, number + RECORDS)
        answer = kinesis.put_records(StreamName=STREAM, Records=[
            {"Data": data_of(n), "PartitionKey": "k"} for n in numbers])
        for n, result in zip(numbers, answer["Records"]):
            if "ErrorCode" in result:
                refused.add(result["ErrorCode"])
            else:
                acknowledged[result["SequenceNumber"]] = n
        assert answer["FailedRecordCount"] == sum("ErrorCode" in r for r in answer["Records"])
        number += RECORDS
    return acknowledged, refused


def check_readable(kinesis, acknowledged):
    at = kinesis.get_shard_iterator(StreamName=STREAM, ShardId="shardId-000000000000",
                                    ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    left, records = dict(acknowledged), [None]
    while records:
        page = kinesis.get_records(ShardIterator=at)
        at, records = page["NextShardIterator"], page["Records"]
        for record in records:
            number = left.pop(record["SequenceNumber"], None)
            assert number is None or record["Data"] == data_of(number)
    assert not left, f"{len(left)} acknowledged records are gone"


def refusal(call, **arguments):
    with pytest.raises(ClientError) as raised:
        call(**arguments)
    return raised.value.response["Error"]["Code"], raised.value.response["ResponseMetadata"]["HTTPStatusCode"]


def test_a_full_disk_stops_writing_and_not_reading(small_disk_server):
    server = small_disk_server
    kinesis = server.client("kinesis")
    kinesis.create_stream(StreamName=STREAM, ShardCount=1)
    acknowledged, codes = put_until_full(kinesis)
    assert codes == {"InternalFailure"} and len(acknowledged) > 5 * RECORDS
    for _ in range(2):  # it stays so
        put = {"StreamName": STREAM, "Data": b"more", "PartitionKey": "k"}
        assert refusal(kinesis.put_record, **put) == ("InternalFailure", 500)
        assert refusal(kinesis.create_stream, StreamName="more", ShardCount=1) == ("InternalFailure", 500)
    assert kinesis.describe_stream_summary(StreamName=STREAM)["StreamDescriptionSummary"]["OpenShardCount"] == 1
    check_readable(kinesis, acknowledged)
    assert "No space left on device" in server.log_text()

    server.kill()
    remounted = mount(server.data, "remount,size=300m")
    assert remounted.returncode == 0, remounted.stderr
    server.start()
    check_readable(kinesis, acknowledged)
    again = kinesis.put_record(StreamName=STREAM, Data=data_of(-1), PartitionKey="k")["SequenceNumber"]
    assert int(again) > max(map(int, acknowledged))
    check_readable(kinesis, acknowledged | {again: -1})
