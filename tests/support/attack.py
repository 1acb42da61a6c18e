"""A function that runs what a test sends it, and the world that it attacks: a server and a neighbour."""
import base64
import json
import threading
import time

from support.functions import Functions
from support.server import Server

# Runs what the event says. Helpers for system calls: `call` gives the result or minus the error number.
ATTACKER = '''
import base64, ctypes, errno, http.client, json, os, signal, socket, subprocess, sys, time
libc = ctypes.CDLL(None, use_errno=True)


def call(number, *arguments):
    ctypes.set_errno(0)
    result = libc.syscall(ctypes.c_long(number), *[ctypes.c_void_p(a) if isinstance(a, int) else a for a in arguments])
    return -ctypes.get_errno() if result == -1 else result


def tried(attempt):
    """What came of it: the value, or the error's name."""
    try:
        return attempt()
    except OSError as failure:
        return errno.errorcode.get(failure.errno, str(failure))


def runtime_api(method, path, body=None, port=int(os.environ["AWS_LAMBDA_RUNTIME_API"].split(":")[1])):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request(method, path, body)
    return connection.getresponse().status


def handler(event, context):
    space = dict(globals(), event=event, context=context)
    exec(event["code"], space)
    return space.get("found")
'''
NEIGHBOUR = '''
import os, time, uuid
instance = uuid.uuid4().hex

def handler(event, context):
    if "hide" in event:
        exec(event["hide"], globals())
    time.sleep(event.get("sleep", 0))
    return {"instance": instance, "id": context.aws_request_id}
'''


class World:
    """A server, somebody who attacks, and a neighbour who is asked all the time, by nobody else."""

    def __init__(self):
        self.server = Server().start()
        self.pid = self.server.process.pid
        self.functions = Functions(self.server, "escapes")
        self.api = self.functions.lambda_
        self.create("neighbour", NEIGHBOUR)
        self.instances, self.slowest, self.failures, self.stopping = set(), 0.0, [], threading.Event()
        self.functions.invoke("neighbour", {})
        self.asking = threading.Thread(target=self.keep_asking)
        self.asking.start()

    def create(self, name, code, **settings):
        self.functions.create(name, code, **{"MemorySize": 256, "Timeout": 60} | settings)
        self.api.get_waiter("function_active_v2").wait(FunctionName=name)

    def keep_asking(self):
        api = self.server.client("lambda")
        while not self.stopping.wait(0.05):
            begun = time.monotonic()
            try:
                answer = api.invoke(FunctionName="neighbour", Payload=b"{}")
                self.instances.add(json.loads(answer["Payload"].read())["instance"])
            except Exception as failure:  # noqa: BLE001
                self.failures.append(repr(failure))
            self.slowest = max(self.slowest, time.monotonic() - begun)

    def attack(self, code, name="attacker", **event):
        """What the code left in `found`, or the error that the function ended with."""
        answer = self.api.invoke(FunctionName=name, Payload=json.dumps({"code": code, **event}).encode(), LogType="Tail")
        payload = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            print(base64.b64decode(answer["LogResult"]).decode(errors="replace"))  # pytest shows it with a failure
        return payload if "FunctionError" in answer else {"found": payload}

    def close(self):
        self.stopping.set()
        self.asking.join()
        self.functions.close()
        self.server.remove()


def found(answer):
    assert set(answer) == {"found"}, answer
    return answer["found"]
