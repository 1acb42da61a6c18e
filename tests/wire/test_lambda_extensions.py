"""Extensions: programs of /opt/extensions beside a function, what they are told, and telemetry."""
import json
import pathlib
import time

import pytest
from support.functions import Functions, package
from support.logs import messages

# An extension without a library. Prints what it is told; MODE says how it misbehaves.
EXTENSION = """#!/usr/bin/python3
import http.client, http.server, json, os, sys, threading, time
API, NAME, MODE = os.environ["AWS_LAMBDA_RUNTIME_API"], os.path.basename(sys.argv[0]), os.environ.get("MODE", "")

def call(method, path, body=None, **headers):
    connection = http.client.HTTPConnection(API)
    connection.request(method, path, None if body is None else json.dumps(body), headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    return answer.status, answer.headers, json.loads(text) if text.startswith(("{", '"')) else text

def say(what, **facts):
    print(json.dumps({"ext": NAME, "what": what, **facts}), flush=True)

class Taker(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        events = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if MODE == "refuse" and not getattr(self.server, "refused", False):
            self.server.refused = True
            self.send_response(500)
        else:
            for event in events:
                if "telemetry" not in json.dumps(event["record"]):
                    print("telemetry " + json.dumps(event), flush=True)
            self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *words): pass

time.sleep(float(os.environ.get("SLOW", 0)))
if MODE == "crash-early": sys.exit(3)
status, headers, told = call("POST", "/2020-01-01/extension/register", {"events": ["INVOKE", "SHUTDOWN"]},
                             **{"Lambda-Extension-Name": NAME, "Lambda-Extension-Accept-Feature": "accountId"})
me = {"Lambda-Extension-Identifier": headers["Lambda-Extension-Identifier"]}
say("registered", status=status, told=told)
for path in filter(None, os.environ.get("SUBSCRIBE", "").split(",")):
    threading.Thread(target=http.server.HTTPServer(("sandbox.localdomain", 4243), Taker).serve_forever,
                     daemon=True).start()
    say("subscribed", answer=call("PUT", path, {
        "schemaVersion": "2022-12-13", "types": ["platform", "function", "extension"],
        "buffering": {"maxItems": 1000, "maxBytes": 262144, "timeoutMs": 50},
        "destination": {"protocol": "HTTP", "URI": "http://sandbox.localdomain:4243/x"}}, **me)[::2])
if MODE == "init-error":
    call("POST", "/2020-01-01/extension/init/error", {"errorMessage": "no licence", "errorType": "Extension.Licence"},
         **me, **{"Lambda-Extension-Function-Error-Type": "Extension.Licence"})
    time.sleep(60)
while True:
    status, headers, event = call("GET", "/2020-01-01/extension/event/next", **me)
    if status != 200: break
    say("event", event=event)
    if event["eventType"] == "SHUTDOWN":
        time.sleep(0.2)
        say("over")
        break
    if MODE == "crash": sys.exit(1)
    if MODE == "exit-error":
        call("POST", "/2020-01-01/extension/exit/error", {"errorMessage": "full", "errorType": "Extension.Full"},
             **me, **{"Lambda-Extension-Function-Error-Type": "Extension.Full"})
    time.sleep(float(os.environ.get("AFTER", 0)))
"""
HANDLER = """
import os, time
print("loaded")
def handler(event, context):
    print("handling")
    return {"at": time.time(), "id": context.aws_request_id}
"""


@pytest.fixture
def functions(server, name):
    made = Functions(server, name)
    yield made
    for version in made.lambda_.list_layer_versions(LayerName=name)["LayerVersions"]:
        made.lambda_.delete_layer_version(LayerName=name, VersionNumber=version["Version"])
    made.close()


def create(functions, name, files=None, code=HANDLER, runtime="python3.12", handler="code.handler", **variables):
    layer = functions.lambda_.publish_layer_version(
        LayerName=name, Content={"ZipFile": package(files or {"extensions/mine": EXTENSION})})["LayerVersionArn"]
    functions.create(name, code, runtime=runtime, handler=handler, Layers=[layer],
                     Environment={"Variables": variables})


def printed(functions, name):
    return [line.rstrip("\n") for line in messages(functions.logs, name)]


def said(functions, name, what=None):
    """What the extensions have printed."""
    told = [json.loads(line) for line in printed(functions, name) if line.startswith('{"ext"')]
    return [one for one in told if what in (None, one["what"])]


def eventually(look, seconds=10):
    for _ in range(int(seconds * 20)):
        found = look()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("it did not happen")


def failure(functions, name):
    answer = functions.lambda_.invoke(FunctionName=name)
    assert answer["FunctionError"] == "Unhandled"
    return json.loads(answer["Payload"].read())


def end(functions, name):
    """Lets the warm instances go."""
    functions.lambda_.update_function_configuration(FunctionName=name, Description=str(time.time()), Timeout=21)


def test_an_extension_is_told_of_events_and_of_the_end(functions, name):
    create(functions, name)
    first = functions.invoke(name)
    told = eventually(lambda: said(functions, name, "event"))
    registered = said(functions, name, "registered")[0]
    assert registered["status"] == 200
    assert registered["told"] == {"functionName": name, "functionVersion": "$LATEST", "handler": "code.handler",
                                  "accountId": "000000000000"}
    event = told[0]["event"]
    assert event["eventType"] == "INVOKE" and event["requestId"] == first["id"]
    assert event["invokedFunctionArn"].endswith(":function:" + name)
    assert event["tracing"]["type"] == "X-Amzn-Trace-Id" and event["deadlineMs"] > time.time() * 1000
    assert "EXTENSION\tName: mine\tState: Ready\tEvents: [INVOKE, SHUTDOWN]" in printed(functions, name)
    functions.invoke(name)
    assert len(eventually(lambda: len(said(functions, name, "event")) == 2 and said(functions, name, "event"))) == 2
    end(functions, name)
    eventually(lambda: said(functions, name, "over"))
    over = said(functions, name, "event")[-1]["event"]
    assert over["eventType"] == "SHUTDOWN" and over["shutdownReason"] == "spindown"


def test_the_runtime_starts_after_its_extensions_and_waits_for_them(functions, name):
    create(functions, name, SLOW="0.7", AFTER="1")
    began = time.time()
    first = functions.invoke(name)
    assert first["at"] - began > 0.7
    # The answer does not wait for the extension; the next event does.
    assert time.time() - first["at"] < 0.8
    second = functions.invoke(name)
    assert second["at"] - first["at"] > 0.9
    now = time.time()
    points = functions.server.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Lambda", MetricName="PostRuntimeExtensionsDuration", StartTime=now - 300, EndTime=now + 60,
        Period=60, Statistics=["Maximum"], Dimensions=[{"Name": "FunctionName", "Value": name}])["Datapoints"]
    assert 900 < max(point["Maximum"] for point in points) < 3000
    lines = printed(functions, name)
    assert next(i for i, line in enumerate(lines) if "registered" in line) < lines.index("loaded")


@pytest.mark.parametrize("mode, error, message", [
    ("crash-early", "Extension.Crash", "exit code 3"), ("crash", "Extension.Crash", "exit code 1"),
    ("init-error", "Extension.InitError", "no licence"), ("exit-error", "Extension.ExitError", "full")])
def test_an_extension_that_fails_fails_the_function(functions, name, mode, error, message):
    create(functions, name, code=HANDLER.replace('print("handling")', "time.sleep(1)"), MODE=mode)
    told = failure(functions, name)
    assert told["errorType"] == error and message in told["errorMessage"]


def test_a_timeout_is_told(functions, name):
    create(functions, name, code=HANDLER.replace('print("handling")', "time.sleep(9)"))
    functions.lambda_.update_function_configuration(FunctionName=name, Timeout=1)
    assert "timed out" in failure(functions, name)["errorMessage"]
    eventually(lambda: said(functions, name, "over"))
    assert said(functions, name, "event")[-1]["event"]["shutdownReason"] == "timeout"


@pytest.mark.parametrize("mode", ["", "refuse"])
def test_telemetry(functions, name, mode):
    create(functions, name, SUBSCRIBE="/2022-07-01/telemetry", MODE=mode)
    request_id = functions.invoke(name)["id"]

    def events():
        return [json.loads(line.split(" ", 1)[1]) for line in printed(functions, name)
                if line.startswith("telemetry ")]

    eventually(lambda: any(event["type"] == "platform.report" for event in events()))
    assert said(functions, name, "subscribed")[0]["answer"] == [200, "OK"]
    by_type = {}
    for event in events():
        by_type.setdefault(event["type"], []).append(event["record"])
    start = by_type["platform.initStart"][0]
    assert start["initializationType"] == "on-demand" and start["phase"] == "init" and start["functionName"] == name
    assert by_type["platform.initRuntimeDone"][0]["status"] == "success"
    assert by_type["platform.initReport"][0]["metrics"]["durationMs"] > 0
    assert by_type["platform.extension"][0] == {"name": "mine", "state": "Ready", "events": ["INVOKE", "SHUTDOWN"]}
    assert by_type["platform.start"][0] == {"requestId": request_id, "version": "$LATEST"}
    done, report = by_type["platform.runtimeDone"][0], by_type["platform.report"][0]
    assert done["requestId"] == report["requestId"] == request_id and done["status"] == report["status"] == "success"
    assert report["metrics"]["memorySizeMB"] == 128 and report["metrics"]["initDurationMs"] > 0
    assert {"loaded\n", "handling\n"} <= set(by_type["function"])
    assert any('"registered"' in line for line in by_type["extension"])
    assert "platform.end" not in by_type


def test_the_older_logs_api(functions, name):
    create(functions, name, SUBSCRIBE="/2020-08-15/logs")
    functions.invoke(name)
    eventually(lambda: any('"platform.end"' in line for line in printed(functions, name)))
    text = "\n".join(printed(functions, name))
    assert '"platform.start"' in text and '"platform.logsSubscription"' in text and "initStart" not in text


def test_a_wrapper_script_starts_the_runtime(functions, name):
    create(functions, name, {"wrap": "#!/bin/sh\nexport WRAPPED=yes\nexec \"$@\"\n"},
           code="import os\ndef handler(event, context):\n    return os.environ.get('WRAPPED')\n",
           AWS_LAMBDA_EXEC_WRAPPER="/opt/wrap")
    assert functions.invoke(name) == "yes"


def test_a_public_extension(functions, name):
    """Sentry's, as it is published: its layer has a script and a program for Node.js."""
    folder = pathlib.Path(__file__).parents[2] / "build" / "extensions" / "sentry"
    files = {"extensions/sentry-extension": (folder / "sentry-extension").read_text(),
             "sentry-extension/index.mjs": (folder / "index.mjs").read_text()}
    # The function sends it an envelope, which it takes and passes on: to us, under a name that leads here.
    code = """
    export const handler = async () => {
      const dsn = 'http://key@localhost:1/42';
      const sent = await fetch('http://localhost:9000/envelope', { method: 'POST', body: JSON.stringify({ dsn }) });
      return [sent.status, await sent.json()];
    };
    """
    create(functions, name, files, code=code, runtime="nodejs20.x", handler="index.handler")
    assert functions.invoke(name) == [200, {}]
    assert functions.invoke(name) == [200, {}]
    eventually(lambda: "EXTENSION\tName: sentry-extension\tState: Ready\tEvents: [INVOKE, SHUTDOWN]"
               in printed(functions, name))
