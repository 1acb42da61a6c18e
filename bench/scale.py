"""./dev bench scale [ITEMS...]: what PutItem, GetItem and Query cost as a table grows.

Each size is loaded into a table of its own, on a server of its own with the same settings; then keys are drawn
evenly from all of it. The cost of a request is the processor time of the whole server, what it does in the
background for that load included, so it does not matter what else the machine is doing.
"""
import json
import os
import pathlib
import random
import time

import lambdas

SIZES = [100_000, 10_000_000]
CONNECTIONS, REQUESTS, WARM_UP, ROUNDS = 16, 20_000, 4_000, 3
PARTITION, BATCH = 100, 25
TEXT = "abcdefghijklmnopqrstuvwxyz" * 10
DYNAMODB = "DynamoDB_20120810"


def key(n):
    return f'"pk":{{"S":"partition-{n // PARTITION:08}"}},"sk":{{"S":"{n % PARTITION:04}"}}'


def item(n):
    return f'{{{key(n)},"text":{{"S":"{TEXT}"}},"n":{{"N":"{n}"}}}}'


WORKLOADS = {
    "PutItem": lambda n: f'{{"TableName":"scale","Item":{item(n)}}}',
    "GetItem": lambda n: f'{{"TableName":"scale","Key":{{{key(n)}}}}}',
    "Query": lambda n: json.dumps({"TableName": "scale", "KeyConditionExpression": "pk = :p",
                                   "ExpressionAttributeValues": {":p": {"S": f"partition-{n // PARTITION:08}"}}}),
}


def status(pid, field):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in text.splitlines() if line.startswith(field)).split()[1])


def processor_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def run(target, operation, bodies):
    bodies = iter(bodies)

    def following(wire):
        body = next(bodies, None)
        return None if body is None else wire.request("dynamodb", "/", body.encode(), f"{DYNAMODB}.{operation}")

    return lambdas.drive(target, CONNECTIONS, following)


def load(target, items):
    target.table("scale")
    # Not in order: tables do not fill up from one end.
    starts = list(range(0, items, BATCH))
    random.Random(1).shuffle(starts)
    rate, _ = run(target, "BatchWriteItem", (
        '{"RequestItems":{"scale":[' + ",".join(f'{{"PutRequest":{{"Item":{item(n)}}}}}' for n in range(at, at + BATCH)) + "]}}"
        for at in starts))
    print(f"{items:>10,} items loaded at {rate * BATCH:,.0f}/s", flush=True)


def settle(pid):
    """Until the server has nothing more to do for what was loaded."""
    before, now = 0, processor_seconds(pid)
    while now - before > 0.02:
        time.sleep(1)
        before, now = now, processor_seconds(pid)


def measure(items):
    target = lambdas.on_millrace()
    pid = target.server.process.pid
    load(target, items)
    settle(pid)
    drawn, costs = random.Random(2), {}
    for operation, body in WORKLOADS.items():
        count = REQUESTS if operation != "Query" else REQUESTS // 4
        run(target, operation, (body(drawn.randrange(items)) for _ in range(WARM_UP)))
        rounds = []
        for _ in range(ROUNDS):
            before = processor_seconds(pid)
            _, times = run(target, operation, (body(drawn.randrange(items)) for _ in range(count)))
            rounds.append(((processor_seconds(pid) - before) / count * 1e6, times[len(times) // 2]))
        costs[operation], p50 = sorted(rounds)[ROUNDS // 2]
        print(f"{items:>10,} items  {operation:8} {costs[operation]:8.1f} us of processor time   p50 {p50:.2f} ms", flush=True)
    print(f"{items:>10,} items  resident {status(pid, 'VmRSS') / 1024:.0f} MiB, at most "
          f"{status(pid, 'VmHWM') / 1024:.0f} MiB", flush=True)
    target.server.remove()
    return costs


def main(sizes):
    measured = [measure(size) for size in sizes or SIZES]
    for operation in WORKLOADS:
        first, last = measured[0][operation], measured[-1][operation]
        print(f"{operation:8} costs {last / first:.2f} times as much   aim 1.5", flush=True)
