"""Servers for the feed's tests, each on a free port of its own: the live sources that the feed reads
and a Kinesis endpoint that takes only some of what it is given."""
import base64
import contextlib
import hashlib
import hmac
import http.server
import json
import threading
import time
import urllib.parse


def escape(text):
    return urllib.parse.quote(text, safe="-._~")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        self.server.owner.handle(self, b"")

    def do_POST(self):
        self.server.owner.handle(self, self.rfile.read(int(self.headers.get("Content-Length", 0))))

    # --- what the owners answer with -----------------------------------------------------------
    def refuse(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def start_chunks(self, kind):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def chunk(self, data):
        data = data.encode() if isinstance(data, str) else data
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def cut(self):
        """Ends the connection in the middle of the answer."""
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(2)


class Quiet(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # a client that hangs up is what the tests want


class Owner:
    def __init__(self):
        self.requests = []
        self.ended = threading.Event()
        self.server = Quiet(("127.0.0.1", 0), Handler)
        self.server.owner = self
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        self.ended.set()
        self.server.shutdown()
        self.server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.stop()


class Live(Owner):
    """Serves scripts, one for each connection, the last one again and again: a script is a function
    of the handler that writes chunks and returns, or cuts. Afterwards the connection stays silent."""

    def __init__(self, kind, *scripts, check=lambda handler, body: None):
        super().__init__()
        self.kind, self.scripts, self.check = kind, scripts, check

    def handle(self, handler, body):
        number = len(self.requests)
        self.requests.append({"path": handler.path, "headers": dict(handler.headers), "body": body,
                              "at": time.monotonic()})
        wrong = self.check(handler, body)
        if wrong:
            return handler.refuse(401, wrong.encode())
        script = self.scripts[min(number, len(self.scripts) - 1)]
        if isinstance(script, tuple):
            return handler.refuse(script[0], b"not now", **script[1])
        handler.start_chunks(self.kind)
        script(handler)
        if not handler.close_connection:
            self.ended.wait(60)
            handler.cut()


def bearer_check(token):
    def check(handler, body):
        return None if handler.headers.get("Authorization") == f"Bearer {token}" else "bad bearer"
    return check


def oauth1_check(url_of, consumer_secret, token_secret):
    """Computes the signature again, from RFC 5849's words rather than from the feed's code."""
    seen = set()

    def check(handler, body):
        header = handler.headers.get("Authorization", "")
        if not header.startswith("OAuth "):
            return "no OAuth"
        given = dict(part.strip().split("=", 1) for part in header[6:].split(","))
        given = {name: urllib.parse.unquote(value.strip('"')) for name, value in given.items()}
        signature = given.pop("oauth_signature")
        pairs = list(given.items()) + urllib.parse.parse_qsl(body.decode(), keep_blank_values=True)
        joined = "&".join(f"{n}={v}" for n, v in sorted((escape(n), escape(v)) for n, v in pairs))
        text = "&".join([handler.command, escape(url_of()), escape(joined)])
        key = f"{escape(consumer_secret)}&{escape(token_secret)}"
        wanted = base64.b64encode(hmac.new(key.encode(), text.encode(), hashlib.sha1).digest())
        if signature != wanted.decode():
            return "bad signature"
        if given["oauth_nonce"] in seen or abs(int(given["oauth_timestamp"]) - time.time()) > 60:
            return "replayed"
        seen.add(given["oauth_nonce"])
        return None
    return check


class FakeKinesis(Owner):
    """Takes PutRecords. `moods` are answers for the first requests, in order:
    ("refuse", status, code), ("some", function of (index, record) that says True for taken),
    ("vanish",): takes the records and hangs up without an answer, ("slow", seconds)."""

    def __init__(self, *moods):
        super().__init__()
        self.moods = list(moods)
        self.records = []  # (data, partition key), as taken
        self.sizes = []
        self.lock = threading.Lock()

    def data(self):
        return [json.loads(data) for data, _ in self.records]

    def wait_for(self, count, seconds=20):
        end = time.monotonic() + seconds
        while len(self.records) < count:
            assert time.monotonic() < end, f"{len(self.records)} records of {count}"
            time.sleep(0.01)

    def handle(self, handler, body):
        with self.lock:
            self.answer(handler, body)

    def answer(self, handler, body):
        assert handler.headers["X-Amz-Target"] == "Kinesis_20131202.PutRecords"
        assert "AWS4-HMAC-SHA256 Credential=" in handler.headers["Authorization"]
        asked = json.loads(body)
        self.requests.append({"headers": dict(handler.headers), "body": asked})
        self.sizes.append(len(asked["Records"]))
        mood = self.moods.pop(0) if self.moods else ("some", lambda index, record: True)
        if mood[0] == "refuse":
            return handler.refuse(mood[1], json.dumps({"__type": mood[2], "message": "so"}).encode())
        if mood[0] == "slow":
            time.sleep(mood[1])
        taken = mood[1] if mood[0] == "some" else lambda index, record: True
        answers = []
        for index, record in enumerate(asked["Records"]):
            if taken(index, record):
                self.records.append((base64.b64decode(record["Data"]).decode(), record["PartitionKey"]))
                answers.append({"SequenceNumber": str(len(self.records)), "ShardId": "shardId-000000000000"})
            else:
                answers.append({"ErrorCode": "ProvisionedThroughputExceededException",
                                "ErrorMessage": "Rate exceeded for shard"})
        if mood[0] == "vanish":
            return handler.cut()
        failed = sum("ErrorCode" in answer for answer in answers)
        handler.refuse(200, json.dumps({"FailedRecordCount": failed, "Records": answers}).encode(),
                       Content_Type="application/x-amz-json-1.1")
