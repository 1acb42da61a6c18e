"""Local servers that play what a Lambda function talks to: the Runtime API, DynamoDB, and the
place where a custom resource's answer goes. Each records what it was asked. Nothing sleeps:
who waits for something waits on a queue or a condition."""

import base64
import hashlib
import hmac
import json
import queue
import re
import socket
import threading
import time
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ACCESS_KEY = "AKIDPROTOCOLTEST"
SECRET_KEY = "protocol/test+secret"
SESSION_TOKEN = "session//token=="
REGION = "eu-north-1"
WAIT_S = 60  # an upper bound for a hung test, never waited for when all goes well


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self):
        super().setup()
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.server.owner.connections += 1

    def log_message(self, *_):
        pass

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def answer(self, status, body=b"", headers=()):
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def answer_chunked(self, status, body, headers=()):
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for at in range(0, len(body), 1000):
            piece = body[at : at + 1000]
            self.wfile.write(b"%x;x=y\r\n%s\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\nX-Trailer: 1\r\n\r\n")

    def hang_up(self):
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)


class Server:
    """An HTTP server on a free port of the loopback interface, in its own threads."""

    handler = Handler

    def __init__(self, tls=None):
        self.connections = 0
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), self.handler)
        self.http.daemon_threads = True
        self.http.block_on_close = False
        self.http.owner = self
        self.http.handle_error = lambda *_: None  # a client that hangs up is part of the tests
        if tls is not None:
            self.http.socket = tls.wrap_socket(self.http.socket, server_side=True)
        self.port = self.http.server_address[1]
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.01,))
        self.thread.start()

    def close(self):
        self.http.shutdown()
        self.thread.join()
        self.http.server_close()


class RuntimeApi(Server):
    """Hands out the events that invoke() brings and keeps what the function answers."""

    class handler(Handler):
        prefix = "/2018-06-01/runtime/"

        def do_GET(self):
            assert self.path == self.prefix + "invocation/next", self.path
            owner = self.server.owner
            event = owner.events.get()
            if event is None:
                return self.hang_up()
            headers = [
                ("Lambda-Runtime-Aws-Request-Id", event["id"]),
                ("Lambda-Runtime-Deadline-Ms", str(event["deadline_ms"])),
                ("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:::function:f"),
                ("Lambda-Runtime-Trace-Id", "Root=1-2-3"),
            ]
            answer = self.answer_chunked if event["chunked"] else self.answer
            answer(200, event["payload"], headers)

        def do_POST(self):
            owner = self.server.owner
            body = self.body()
            what = self.path.removeprefix(self.prefix)
            if what == owner.refuse:
                owner.refuse = None
                return self.answer(413)
            owner.answers.put((what, body, dict(self.headers)))
            self.answer(202)

    def __init__(self):
        self.events = queue.Queue()
        self.answers = queue.Queue()
        self.refuse = None  # the next post to this path is refused as too large
        self.count = 0
        super().__init__()

    def invoke(self, payload, limit_s=10.0, chunked=False):
        """One invocation; answers (kind, decoded body), kind being response or error."""
        self.count += 1
        request_id = f"request-{self.count}"
        self.events.put(
            {
                "id": request_id,
                "deadline_ms": int((time.time() + limit_s) * 1000),
                "payload": payload if isinstance(payload, bytes) else json.dumps(payload).encode(),
                "chunked": chunked,
            }
        )
        what, body, _ = self.answers.get(timeout=WAIT_S)
        kind = what.removeprefix(f"invocation/{request_id}/")
        assert kind in ("response", "error"), what
        return kind, json.loads(body)

    def close(self):
        self.events.put(None)
        super().close()


def refusal(status, name, message="no"):
    body = {"__type": "com.amazonaws.dynamodb.v20120810#" + name, "message": message}
    return status, json.dumps(body).encode()


class DynamoDb(Server):
    """Tables in memory. `script` holds what the next requests meet instead of a normal answer:
    a function of the request's body, or None for a normal one."""

    class handler(Handler):
        def do_POST(self):
            owner = self.server.owner
            body = self.body()
            operation = self.headers["X-Amz-Target"].removeprefix("DynamoDB_20120810.")
            with owner.lock:
                owner.problems += signature_problems(self, body)
                owner.requests.append((operation, json.loads(body)))
                step = owner.script.pop(0) if owner.script else None
            if step == "hang up":
                return self.hang_up()
            if step == "close after":
                self.close_connection = True  # without saying so in a header
                step = None
            status, answer = (step or owner.normal(operation))(json.loads(body))
            checksum = zlib.crc32(answer)
            if step == owner.damaged:
                checksum ^= 1
            self.answer(status, answer, [("x-amz-crc32", str(checksum))])

    def __init__(self, tls=None):
        self.lock = threading.Lock()
        self.requests = []
        self.problems = []  # signatures that are wrong
        self.script = []
        self.config = {"Environment": {"S": "demo"}, "EventDataTable": {"S": "data-table"}}
        self.items = {}
        super().__init__(tls)

    def of(self, operation):
        return [body for name, body in self.requests if name == operation]

    def normal(self, operation):
        known = {"GetItem": self.get, "BatchWriteItem": self.write, "UpdateItem": self.update}
        return known[operation]

    def get(self, body):
        assert body["TableName"] == "StreamProcessingRefArchConfig"
        assert body["Key"] == {"Environment": {"S": "demo"}}
        return 200, json.dumps({"Item": self.config} if self.config else {}).encode()

    def write(self, body, unprocessed=0):
        """Writes all but the last `unprocessed` items."""
        ((table, puts),) = body["RequestItems"].items()
        if table != "data-table":
            return refusal(400, "ResourceNotFoundException")
        items = [put["PutRequest"]["Item"] for put in puts]
        keys = [(item["Username"]["S"], item["Timestamp"]["S"]) for item in items]
        if len(set(keys)) != len(keys) or not 1 <= len(keys) <= 25:
            return refusal(400, "ValidationException", "duplicates or too many")
        done = len(items) - unprocessed
        with self.lock:
            self.items.update(zip(keys[:done], items[:done]))
        left = {table: puts[done:]} if unprocessed else {}
        return 200, json.dumps({"UnprocessedItems": left}).encode()

    def update(self, body):
        return 200, b"{}"

    def damaged(self, body):
        return 200, json.dumps({"UnprocessedItems": {}}).encode()


class AnswerBox(Server):
    """Where a custom resource's provider puts its answer. `script` as above, with statuses."""

    class handler(Handler):
        def do_PUT(self):
            owner = self.server.owner
            body = self.body()
            status = owner.script.pop(0) if owner.script else 200
            if status == 200:
                owner.answers.append((self.path, dict(self.headers), json.loads(body)))
            self.answer(status)

    def __init__(self, tls=None):
        self.answers = []
        self.script = []
        super().__init__(tls)


def signature_problems(handler, body):
    """Checks the request's Signature Version 4 from AWS's description of it."""
    match = re.fullmatch(
        r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/dynamodb/aws4_request, "
        r"SignedHeaders=([^,]+), Signature=([0-9a-f]{64})",
        handler.headers["Authorization"],
    )
    if not match:
        return ["no readable authorization"]
    access_key, day, region, signed, signature = match.groups()
    names = signed.split(";")
    stamp = handler.headers["X-Amz-Date"]
    canonical = "\n".join(
        ["POST", handler.path, ""]
        + [f"{name}:{handler.headers[name].strip()}" for name in names]
        + ["", signed, hashlib.sha256(body).hexdigest()]
    )
    scope = f"{day}/{region}/dynamodb/aws4_request"
    text = "\n".join(
        ["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()]
    )
    key = b"AWS4" + SECRET_KEY.encode()
    for part in [day, region, "dynamodb", "aws4_request"]:
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    expected = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    problems = []
    if signature != expected:
        problems.append("wrong signature")
    if access_key != ACCESS_KEY or region != REGION or not stamp.startswith(day):
        problems.append("wrong scope")
    if handler.headers["X-Amz-Security-Token"] != SESSION_TOKEN:
        problems.append("wrong session token")
    if not {"host", "x-amz-date", "x-amz-target", "x-amz-security-token"} <= set(names):
        problems.append("a header is not signed")
    return problems


def kinesis_event(payloads):
    """An event as a Kinesis mapping makes it; payloads are bytes, or the base64 text itself."""
    records = []
    for i, payload in enumerate(payloads):
        data = payload if isinstance(payload, str) else base64.b64encode(payload).decode()
        number = str(49590338271490256608559692538361571095921575989136588898 + i)
        records.append(
            {
                "kinesis": {
                    "kinesisSchemaVersion": "1.0",
                    "partitionKey": "key",
                    "sequenceNumber": number,
                    "data": data,
                    "approximateArrivalTimestamp": 1545084650.987,
                },
                "eventSource": "aws:kinesis",
                "eventVersion": "1.0",
                "eventID": "shardId-000000000000:" + number,
                "eventName": "aws:kinesis:record",
                "invokeIdentityArn": "arn:aws:iam::000000000000:role/r",
                "awsRegion": REGION,
                "eventSourceARN": f"arn:aws:kinesis:{REGION}:000000000000:stream/s",
            }
        )
    return {"Records": records}
