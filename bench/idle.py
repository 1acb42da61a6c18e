"""./dev bench idle: what functions and mappings cost that have nothing to do."""
import pathlib
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "bench")]
from support import effects  # noqa: E402
from support.server import Server  # noqa: E402

REGIONS = ["us-east-1", "eu-west-1"]  # an account may have 500 shards in each
FUNCTIONS = 50  # in each region
STREAMS = 50
SHARDS = 10  # of each stream
WATCH_SECONDS = 30


def usage(pid):
    """Resident KiB, CPU seconds and voluntary context switches of all threads so far."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    rss = int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])
    ticks = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    switches = 0
    for thread in pathlib.Path(f"/proc/{pid}/task").iterdir():
        text = (thread / "status").read_text()
        switches += int(next(line for line in text.splitlines() if line.startswith("voluntary")).split()[1])
    return rss, (int(ticks[11]) + int(ticks[12])) / 100, switches


def watch(pid, seconds):
    before, begun = usage(pid), time.monotonic()
    time.sleep(seconds)
    after, took = usage(pid), time.monotonic() - begun
    return after[0], (after[1] - before[1]) / took * 100, (after[2] - before[2]) / took


def say(what, seen, more=""):
    print(f"{what:52}{seen[0] / 1024:8.1f} MiB{seen[1]:8.2f} % of a core{seen[2]:8.1f} wakes/s  {more}", flush=True)


def main(seconds=WATCH_SECONDS):
    server = Server().start()
    pid = server.process.pid
    empty = watch(pid, 5)
    say("nothing", empty)
    role = effects.make_role(server, "idle")
    for region in REGIONS:
        functions = server.client("lambda", region=region)
        for i in range(FUNCTIONS):
            functions.create_function(FunctionName=f"f{i}", Runtime="python3.12", Handler="code.handler", Role=role,
                                      Code={"ZipFile": effects.package()})
    say(f"{len(REGIONS) * FUNCTIONS} functions", watch(pid, 5))
    shards = len(REGIONS) * STREAMS * SHARDS
    for region in REGIONS:
        kinesis = server.client("kinesis", region=region)
        for i in range(STREAMS):
            kinesis.create_stream(StreamName=f"s{i}", ShardCount=SHARDS)
    streams = watch(pid, 5)
    say(f"and {shards} shards", streams)
    for region in REGIONS:
        kinesis, functions = server.client("kinesis", region=region), server.client("lambda", region=region)
        for i in range(STREAMS):
            arn = kinesis.describe_stream_summary(StreamName=f"s{i}")["StreamDescriptionSummary"]["StreamARN"]
            functions.create_event_source_mapping(FunctionName=f"f{i}", EventSourceArn=arn,
                                                  StartingPosition="LATEST")
    time.sleep(3)
    mapped = watch(pid, seconds)
    say(f"and {len(REGIONS) * STREAMS} mappings on them, for {seconds:.0f} s", mapped,
        f"{(mapped[0] - streams[0]) / shards:.1f} KiB for each mapped shard")
    server.stop()
    server.start()
    time.sleep(5)
    say("the same after a restart", watch(server.process.pid, seconds))
    server.remove()


if __name__ == "__main__":
    main()
