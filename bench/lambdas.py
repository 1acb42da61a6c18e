"""./dev bench lambda [PART...]: functions and event source mappings.

visible   one record at a time, put until its item is there, through a warm function; ministack beside it
drain     records a second from a full stream of 4 shards into a table
cold      from sending an Invoke to the first line of the handler, or to the answer, of a new sandbox
invoke    warm no-op over 16 connections
memory    of a warm sandbox
Everything is signed and synced. Clients send prepared, signed bytes where their own time would count.
"""
import base64
import datetime
import hashlib
import hmac
import io
import json
import pathlib
import selectors
import socket
import subprocess
import sys
import tempfile
import time
import zipfile

import boto3
import botocore.config

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "bench")]
import peers  # noqa: E402
from support import effects  # noqa: E402
from support import stack as stacks  # noqa: E402
from support.server import Server  # noqa: E402

REGION = "us-east-1"
RECORDS, WARM_UP = 300, 50
PYTHON = """
import base64, json, os, boto3
dynamodb = boto3.client("dynamodb")

def handler(event, context):
    for record in event["Records"]:
        name = json.loads(base64.b64decode(record["kinesis"]["data"]))["id"]
        dynamodb.put_item(TableName=os.environ["TABLE"], Item={"pk": {"S": name}, "sk": {"S": "0"}})
"""
NODE = """
const AWS = require('aws-sdk');
const dynamodb = new AWS.DynamoDB();
exports.handler = async (event) => {
  const items = event.Records.map(r => JSON.parse(Buffer.from(r.kinesis.data, 'base64')).id)
    .map(id => ({PutRequest: {Item: {pk: {S: id}, sk: {S: '0'}}}}));
  for (let i = 0; i < items.length; i += 25)
    await dynamodb.batchWriteItem({RequestItems: {[process.env.TABLE]: items.slice(i, i + 25)}}).promise();
};
"""
NODE_CLOCK = "exports.handler = async () => ({at: Date.now() / 1000});"
PYTHON_CLOCK = "import time\ndef handler(event, context):\n    return {'at': time.time()}\n"


def zipped(name, code):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr(name, code)
    return made.getvalue()


class Wire:
    """One connection; requests signed with as little work as possible."""

    def __init__(self, endpoint, key, secret):
        self.host, self.key, self.secret = endpoint.split("//")[1], key, secret
        address = self.host.split(":")
        self.socket = socket.create_connection((address[0], int(address[1])))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.keys = {}

    def signing_key(self, day, service):
        if (day, service) not in self.keys:
            key = ("AWS4" + self.secret).encode()
            for part in (day, REGION, service, "aws4_request"):
                key = hmac.new(key, part.encode(), hashlib.sha256).digest()
            self.keys[day, service] = key
        return self.keys[day, service]

    def request(self, service, path, body, target=None):
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        scope = f"{now[:8]}/{REGION}/{service}/aws4_request"
        headers = {"host": self.host, "x-amz-date": now} | ({"x-amz-target": target} if target else {})
        names = ";".join(sorted(headers))
        digest = hashlib.sha256(body).hexdigest()
        canonical = f"POST\n{path}\n\n" + "".join(f"{n}:{headers[n]}\n" for n in sorted(headers)) + f"\n{names}\n{digest}"
        text = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n" + hashlib.sha256(canonical.encode()).hexdigest()
        signature = hmac.new(self.signing_key(now[:8], service), text.encode(), hashlib.sha256).hexdigest()
        headers["authorization"] = (f"AWS4-HMAC-SHA256 Credential={self.key}/{scope}, SignedHeaders={names}, "
                                    f"Signature={signature}")
        headers["content-type"] = "application/x-amz-json-1.0" if service == "dynamodb" else "application/x-amz-json-1.1"
        headers["content-length"] = str(len(body))
        return (f"POST {path} HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in headers.items()) + "\r\n").encode() + body

    def receive(self):
        got = self.socket.recv(1 << 20)
        if not got:
            raise ConnectionError("the server closed the connection")
        self.buffer += got

    def call(self, *what):
        self.socket.sendall(self.request(*what))
        while (answer := cut(self)) is None:
            self.receive()
        status, body = answer
        if status != 200:
            raise RuntimeError(f"{status} {body[:300]}")
        return body


def cut(wire):
    """The first whole answer in the buffer: status and body; taken out."""
    end = wire.buffer.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = wire.buffer[:end].lower()
    at = head.find(b"content-length:")
    if at < 0:
        if b"chunked" in head:
            last = wire.buffer.find(b"0\r\n\r\n", end)
            if last < 0:
                return None
            body, wire.buffer = wire.buffer[end + 4:last], wire.buffer[last + 5:]
            return int(head[9:12]), body
        body, wire.buffer = wire.buffer[end + 4:], b""
        return int(head[9:12]), body
    length = int(head[at + 15:].split(b"\r\n", 1)[0])
    if len(wire.buffer) < end + 4 + length:
        return None
    body, wire.buffer = wire.buffer[end + 4:end + 4 + length], wire.buffer[end + 4 + length:]
    return int(head[9:12]), body


class Target:
    """A server with clients; Millrace or ministack."""

    def __init__(self, endpoint, key, secret):
        self.endpoint, self.key, self.secret = endpoint, key, secret
        self.connect()

    def connect(self):
        """A connection that has been idle for long was closed by the server."""
        self.wire = Wire(self.endpoint, self.key, self.secret)

    def client(self, service):
        return boto3.client(service, endpoint_url=self.endpoint, region_name=REGION, aws_access_key_id=self.key,
                            aws_secret_access_key=self.secret,
                            config=botocore.config.Config(retries={"max_attempts": 0}, read_timeout=300))

    def role(self):
        iam = self.client("iam")
        role = iam.create_role(RoleName="bench", AssumeRolePolicyDocument=json.dumps(effects.TRUST))["Role"]["Arn"]
        iam.put_role_policy(RoleName="bench", PolicyName="p", PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}))
        return role

    def function(self, name, runtime, package, handler="code.handler", **variables):
        client = self.client("lambda")
        client.create_function(FunctionName=name, Runtime=runtime, Handler=handler, Role=self.role_arn, Timeout=60,
                               MemorySize=256, Code={"ZipFile": package}, Environment={"Variables": variables})
        client.get_waiter("function_active_v2").wait(FunctionName=name)

    def table(self, name, first="pk", second="sk"):
        self.client("dynamodb").create_table(
            TableName=name, BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": first, "KeyType": "HASH"}, {"AttributeName": second, "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in (first, second)])

    def stream(self, name, shards=1):
        kinesis = self.client("kinesis")
        kinesis.create_stream(StreamName=name, ShardCount=shards)
        kinesis.get_waiter("stream_exists").wait(StreamName=name)
        return kinesis.describe_stream(StreamName=name)["StreamDescription"]["StreamARN"]

    def map(self, function, stream, **settings):
        return self.client("lambda").create_event_source_mapping(
            FunctionName=function, EventSourceArn=stream, StartingPosition="TRIM_HORIZON", **settings)["UUID"]

    def put_until_visible(self, stream, data, table, key):
        """Milliseconds. A look every half: a client that never rests takes its time from what it measures."""
        put = json.dumps({"StreamName": stream, "PartitionKey": "k", "Data": encode(data)}).encode()
        get = json.dumps({"TableName": table, "Key": key, "ConsistentRead": True}).encode()
        begun = time.perf_counter()
        self.wire.call("kinesis", "/", put, "Kinesis_20131202.PutRecord")
        while b'"Item"' not in self.wire.call("dynamodb", "/", get, "DynamoDB_20120810.GetItem"):
            if time.perf_counter() - begun > 60:
                raise RuntimeError("not visible after 60 s")
            time.sleep(0.0005)
        return (time.perf_counter() - begun) * 1000


def encode(data):
    return base64.b64encode(data).decode()


def on_millrace():
    server = Server().start()
    made = Target(server.endpoint, server.environment["AWS_ACCESS_KEY_ID"], server.environment["AWS_SECRET_ACCESS_KEY"])
    made.server, made.role_arn = server, made.role()
    return made


def processor(target):
    """The C++ event processor as `cpp`, with its tables."""
    dynamodb = target.client("dynamodb")
    dynamodb.create_table(TableName="StreamProcessingRefArchConfig", BillingMode="PAY_PER_REQUEST",
                          KeySchema=[{"AttributeName": "Environment", "KeyType": "HASH"}],
                          AttributeDefinitions=[{"AttributeName": "Environment", "AttributeType": "S"}])
    dynamodb.put_item(TableName="StreamProcessingRefArchConfig",
                      Item={"Environment": {"S": "demo"}, "EventDataTable": {"S": "tweets"}})
    target.table("tweets", "Username", "Timestamp")
    target.function("cpp", "provided.al2023", (stacks.ZIPS / "event_processor.zip").read_bytes(), "bootstrap")


def tweet_key(number):
    at = datetime.datetime(2014, 8, 31) + datetime.timedelta(seconds=number)
    return {"Username": {"S": f"user {number % 7} ✨"}, "Timestamp": {"S": at.strftime("%Y-%m-%dT%H:%M:%S.000Z")}}


def line(what, times, aim):
    times = sorted(times)
    print(f"{what:44} p50 {times[len(times) // 2]:8.1f} ms   p99 {times[len(times) * 99 // 100]:8.1f} ms   aim {aim}",
          flush=True)


# --- visible ---------------------------------------------------------------------------------------
def visible_scripts(target, what, count, aim):
    target.table("items")
    for name, runtime, package in (("python", "python3.12", zipped("code.py", PYTHON)),
                                   ("node", "nodejs20.x", zipped("code.js", NODE))):
        try:
            target.function(name, runtime, package, TABLE="items", AWS_NODEJS_CONNECTION_REUSE_ENABLED="1")
            target.map(name, target.stream(name))
            times = []
            for n in range(count + count // 6):
                item = f"{name}-{n}"
                times.append(target.put_until_visible(name, json.dumps({"id": item}).encode(), "items",
                                                      {"pk": {"S": item}, "sk": {"S": "0"}}))
            line(f"put to visible, {what}, {name}", times[count // 6:], aim)
        except Exception as failure:
            print(f"put to visible, {what}, {name}: cannot: {str(failure)[:200]}", flush=True)
            target.connect()


def visible(with_peer=True):
    target = on_millrace()
    processor(target)
    target.map("cpp", target.stream("cpp"))
    times = [target.put_until_visible("cpp", stacks.tweet(n), "tweets", tweet_key(n)) for n in range(RECORDS + WARM_UP)]
    line("put to visible, millrace, C++", times[WARM_UP:], "4 / 15")
    visible_scripts(target, "millrace", RECORDS, "8 / -")
    target.server.remove()
    if not with_peer or not (peers.FOLDER / "python/bin/ministack").exists():
        print("ministack is not installed (./dev bench kinesis installs it)")
        return
    with peers.running("ministack", 0) as (_, endpoint, key, secret):
        other = Target(endpoint, key, secret)
        other.role_arn = other.role()
        visible_scripts(other, "ministack", 24, "-")


# --- drain -----------------------------------------------------------------------------------------
def behind(target, uuid):
    body = target.wire.call("millrace", "/", json.dumps({"UUID": uuid}).encode(), "Millrace_20261123.DescribeMapping")
    return sum(shard["LagRecords"] for shard in json.loads(body)["Shards"])


def drain_one(target, name, records, data, aim, **settings):
    stream = target.stream(name + "-full", 4)
    uuid = target.map(name, stream, Enabled=False, **settings)
    for at in range(0, records, 500):
        body = json.dumps({"StreamName": name + "-full", "Records": [
            {"Data": encode(data(n)), "PartitionKey": str(n)} for n in range(at, at + 500)]}).encode()
        target.wire.call("kinesis", "/", body, "Kinesis_20131202.PutRecords")
    target.client("lambda").invoke(FunctionName=name, Payload=b'{"Records":[]}')
    begun = time.perf_counter()
    target.client("lambda").update_event_source_mapping(UUID=uuid, Enabled=True)
    while behind(target, uuid):
        time.sleep(0.02)
    took = time.perf_counter() - begun
    print(f"drained, {name}, 4 shards {settings}: {records / took:10,.0f} records/s ({records} in {took:.1f} s)   "
          f"aim {aim}", flush=True)


def drain():
    target = on_millrace()
    processor(target)
    drain_one(target, "cpp", 100_000, stacks.tweet, "20,000", BatchSize=500)
    target.table("items")
    target.function("node", "nodejs20.x", zipped("code.js", NODE), TABLE="items",
                    AWS_NODEJS_CONNECTION_REUSE_ENABLED="1")
    drain_one(target, "node", 20_000, lambda n: json.dumps({"id": f"d{n}"}).encode(), "3,000", BatchSize=500)
    target.server.remove()


# --- cold ------------------------------------------------------------------------------------------
def cold():
    target = on_millrace()
    processor(target)
    functions = target.client("lambda")
    target.function("node", "nodejs20.x", zipped("code.js", NODE_CLOCK))
    target.function("python", "python3.12", zipped("code.py", PYTHON_CLOCK))
    for name, what, aim in (("cpp", "the answer to no records", "15"), ("python", "the handler", "120"),
                            ("node", "the handler", "120")):
        times = []
        for n in range(16):
            functions.update_function_configuration(FunctionName=name, Environment={"Variables": {"ROUND": str(n)}})
            time.sleep(0.1)
            begun, clock = time.perf_counter(), time.time()
            body = target.wire.call("lambda", f"/2015-03-31/functions/{name}/invocations", b'{"Records":[]}')
            took = (time.perf_counter() - begun) * 1000
            times.append(took if name == "cpp" else (json.loads(body)["at"] - clock) * 1000)
        line(f"cold start, {name}, to {what}", times[1:], aim)
    target.server.remove()


# --- invoke ----------------------------------------------------------------------------------------
def hammer(target, name, connections, seconds):
    """Invokes a function from so many connections (hammer.cc): requests a second, p50 and p99 in ms."""
    binary, source = ROOT / "build" / "hammer", ROOT / "bench" / "hammer.cc"
    if not binary.exists() or binary.stat().st_mtime < source.stat().st_mtime:
        subprocess.run(["c++", "-O2", "-std=c++20", source, "-o", binary, "-lfmt"], check=True)
    with tempfile.NamedTemporaryFile() as request:
        request.write(target.wire.request("lambda", f"/2015-03-31/functions/{name}/invocations", b'{"Records":[]}'))
        request.flush()
        ran = subprocess.run([binary, target.endpoint.rsplit(":", 1)[1], str(seconds), *[request.name] * connections],
                             check=True, capture_output=True, text=True)
    return [float(word) for word in ran.stdout.split()]


def repeat(target, connections, seconds, make):
    """Requests a second and sorted latencies in ms. A connection sends the signed bytes make(its number, its Wire)
    returned again and again."""
    made, until = {}, time.perf_counter() + seconds

    def again(wire):
        if time.perf_counter() >= until:
            return None
        if wire not in made:
            made[wire] = make(len(made), wire)
        return made[wire]

    return drive(target, connections, again)


def drive(target, connections, following):
    """Requests a second and sorted latencies in ms. Each connection sends the signed bytes that following(its Wire)
    returns, each time that it has the answer, until that is None."""
    wires = [Wire(target.endpoint, target.key, target.secret) for _ in range(connections)]
    selector = selectors.EpollSelector()
    begun, times, open_ones = time.perf_counter(), [], 0

    def send(wire):
        request = following(wire)
        if request is None:
            return False
        wire.sent = time.perf_counter()
        wire.socket.sendall(request)
        return True

    for wire in wires:
        selector.register(wire.socket, selectors.EVENT_READ, wire)
        open_ones += send(wire)
    while open_ones:
        for key, _ in selector.select(1):
            wire = key.data
            wire.receive()
            answer = cut(wire)
            if answer is None:
                continue
            if answer[0] != 200:
                raise RuntimeError(f"{answer[0]} {answer[1][:200]}")
            times.append((time.perf_counter() - wire.sent) * 1000)
            open_ones -= not send(wire)
    took = time.perf_counter() - begun
    for wire in wires:
        wire.socket.close()
    return len(times) / took, sorted(times)


def invoke():
    target = on_millrace()
    processor(target)
    target.function("python", "python3.12", zipped("code.py", PYTHON_CLOCK))
    target.function("node", "nodejs20.x", zipped("code.js", NODE_CLOCK))
    for name, aim in (("cpp", "5,000/s, p50 2 ms"), ("node", "-"), ("python", "-")):
        for connections in (1, 16):
            hammer(target, name, connections, 2)
            rate, p50, p99 = hammer(target, name, connections, 6)
            print(f"invoke, {name}, {connections:2} connections: {rate:8,.0f}/s  p50 {p50:.2f} ms  p99 {p99:.2f} ms   "
                  f"aim {aim if connections == 16 else '-'}", flush=True)
    target.server.remove()


# --- memory ----------------------------------------------------------------------------------------
def proportional_kib(pid):
    try:
        text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return int(next(row for row in text.splitlines() if row.startswith("Pss:")).split()[1])


def memory():
    target = on_millrace()
    pid = target.server.process.pid
    processor(target)
    target.function("python", "python3.12", zipped("code.py", PYTHON_CLOCK))
    target.function("node", "nodejs20.x", zipped("code.js", NODE_CLOCK))
    for name in ("cpp", "python", "node"):
        before, server = set(effects.descendants(pid)), proportional_kib(pid)
        target.wire.call("lambda", f"/2015-03-31/functions/{name}/invocations", b'{"Records":[]}')
        mine = set(effects.descendants(pid)) - before
        own = sum(proportional_kib(each) for each in mine)
        print(f"a warm sandbox, {name}: {own / 1024:6.1f} MiB in {len(mine)} processes (proportional set), "
              f"{(proportional_kib(pid) - server) / 1024:.1f} MiB more in the server", flush=True)
    target.server.remove()


PARTS = {"visible": visible, "drain": drain, "cold": cold, "invoke": invoke, "memory": memory}


def main(names):
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        sys.exit(f"no part named {' '.join(unknown)}: {', '.join(PARTS)}")
    for name in names or PARTS:
        PARTS[name]()


if __name__ == "__main__":
    main(sys.argv[1:])
