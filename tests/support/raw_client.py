"""Kinesis over plain sockets: signed requests whose sending and reading the test has in its hands."""
import json
import socket

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials


def signed_request(server, operation, arguments):
    """The bytes of a request, for any number of connections (signatures hold for minutes)."""
    body = json.dumps(arguments).encode() if isinstance(arguments, dict) else arguments
    headers = {"X-Amz-Target": f"Kinesis_20131202.{operation}", "Content-Type": "application/x-amz-json-1.1"}
    request = AWSRequest("POST", server.endpoint + "/", headers=headers, data=body)
    environment = server.environment
    key = Credentials(environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"])
    SigV4Auth(key, "kinesis", environment["AWS_REGION"]).add_auth(request)
    host = server.endpoint.removeprefix("http://")
    head = ["POST / HTTP/1.1", f"Host: {host}", f"Content-Length: {len(body)}",
            *(f"{name}: {value}" for name, value in request.headers.items())]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def connect(server, receive_bytes=None):
    host, port = server.endpoint.removeprefix("http://").rsplit(":", 1)
    made = socket.socket()
    if receive_bytes:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    made.settimeout(60)
    made.connect((host, int(port)))
    return made


def read_answer(connection):
    """Status and decoded body of one answer with a length."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65536) or _closed()
    head, body = received.split(b"\r\n\r\n", 1)
    lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines[1:])}
    length, pieces, have = int(headers["content-length"]), [body], len(body)
    while have < length:
        pieces.append(connection.recv(1 << 20) or _closed())
        have += len(pieces[-1])
    return int(lines[0].split()[1]), b"".join(pieces)


def _closed():
    raise ConnectionError("the server closed the connection")


def resident_mib(server, peak=False):
    """VmRSS of the process, or VmHWM: the most that it ever was."""
    wanted = "VmHWM" if peak else "VmRSS"
    with open(f"/proc/{server.process.pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(wanted)) / 1024
