"""Functions that write their answer: InvokeWithResponseStream, and URLs that pass on what is written."""
import base64
import http.client
import json
import time
import urllib.request

import pytest
from botocore.exceptions import ClientError
from support.functions import Functions

WRITES = """
export const handler = awslambda.streamifyResponse(async (event, stream, context) => {
  if (event.failFirst) throw new TypeError('before a byte');
  stream.setContentType('text/plain');
  for (let i = 0; i < event.n; i++) {
    if (!stream.write('x'.repeat(event.size ?? 1000) + '\\n')) await new Promise((go) => stream.once('drain', go));
  }
  if (event.pause) await new Promise((go) => setTimeout(go, event.pause));
  if (event.fail) throw new Error('half way');
  if (event.exit) process.exit(7);
  stream.end('end ' + context.functionName);
});
"""
PRELUDE = """
export const handler = awslambda.streamifyResponse(async (event, stream) => {
  const prelude = { statusCode: 201, headers: { 'Content-Type': 'text/html', 'X-Mine': '1' }, cookies: ['a=1'] };
  const out = awslambda.HttpResponseStream.from(stream, prelude);
  out.write('<p>');
  await new Promise((go) => setTimeout(go, Number(event.queryStringParameters?.pause ?? 0)));
  if (event.queryStringParameters?.fail) throw new Error('half way');
  out.end('hi');
});
"""
# A runtime of its own, without a library: one chunk, a pause, an error in the trailers or none.
BOOTSTRAP = """#!/usr/bin/python3
import base64, http.client, json, os, time
api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
while True:
    api.request("GET", "/2018-06-01/runtime/invocation/next")
    answer = api.getresponse()
    event = json.loads(answer.read())
    where = "/2018-06-01/runtime/invocation/" + answer.headers["Lambda-Runtime-Aws-Request-Id"] + "/response"
    api.putrequest("POST", where)
    api.putheader("Lambda-Runtime-Function-Response-Mode", "streaming")
    api.putheader("Transfer-Encoding", "chunked")
    api.endheaders()
    api.send(b"5\\r\\nfirst\\r\\n")
    if event.get("cut"):
        api.close()
        api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
        time.sleep(event["cut"])
        continue
    error = base64.b64encode(json.dumps({"errorType": "Mine", "errorMessage": "m" * event.get("long", 1)}).encode())
    trailers = b"Lambda-Runtime-Function-Error-Type: Mine\\r\\nLambda-Runtime-Function-Error-Body: " + error + b"\\r\\n"
    api.send(b"0\\r\\n" + (trailers if event.get("fail") else b"") + b"\\r\\n")
    api._HTTPConnection__state = "Request-sent"
    answer = api.getresponse()
    print("told", answer.status, answer.read().decode(), flush=True)
"""


@pytest.fixture
def functions(server, name):
    made = Functions(server, name)
    yield made
    made.close()


def create(functions, name, code, **settings):
    functions.create(name, {"index.mjs": code}, runtime="nodejs20.x", handler="index.handler", **settings)


def stream(functions, name, event, **how):
    answer = functions.lambda_.invoke_with_response_stream(FunctionName=name, Payload=json.dumps(event), **how)
    events = list(answer["EventStream"])
    assert [list(event)[0] for event in events] == ["PayloadChunk"] * (len(events) - 1) + ["InvokeComplete"]
    return answer, b"".join(event["PayloadChunk"]["Payload"] for event in events[:-1]), events[-1]["InvokeComplete"]


def open_url(functions, name, mode):
    made = functions.lambda_.create_function_url_config(FunctionName=name, AuthType="NONE", InvokeMode=mode)
    assert made["InvokeMode"] == mode
    for statement, action, condition in (("u", "InvokeFunctionUrl", {"FunctionUrlAuthType": "NONE"}),
                                         ("f", "InvokeFunction", {"InvokedViaFunctionUrl": True})):
        functions.lambda_.add_permission(FunctionName=name, StatementId=statement, Action="lambda:" + action,
                                         Principal="*", **condition)
    return made["FunctionUrl"].split("/")[2]


def request(functions, host, path="/"):
    return urllib.request.Request(functions.server.endpoint + path, headers={"Host": host})


def test_what_a_function_writes_comes_in_chunks(functions, name):
    create(functions, name, WRITES)
    answer, body, complete = stream(functions, name, {"n": 300}, LogType="Tail")
    assert answer["StatusCode"] == 200 and answer["ExecutedVersion"] == "$LATEST"
    assert answer["ResponseStreamContentType"] == "application/vnd.amazon.eventstream"
    assert body == (b"x" * 1000 + b"\n") * 300 + f"end {name}".encode()
    assert b"REPORT RequestId" in base64.b64decode(complete["LogResult"]) and "ErrorCode" not in complete
    # Without a stream the same bytes come as the payload.
    assert functions.lambda_.invoke(FunctionName=name, Payload=b'{"n":0}')["Payload"].read() == f"end {name}".encode()


def test_chunks_come_while_the_function_runs(functions, name):
    create(functions, name, WRITES)
    stream(functions, name, {"n": 1})  # warm
    answer = functions.lambda_.invoke_with_response_stream(FunctionName=name, Payload=b'{"n":1,"pause":3000}')
    events = iter(answer["EventStream"])
    assert next(events)["PayloadChunk"]["Payload"].startswith(b"xxx")
    first = time.monotonic()
    assert [list(event)[0] for event in events] == ["PayloadChunk", "InvokeComplete"]
    assert time.monotonic() - first > 0.5  # it was not kept back until the function had ended


def test_a_slow_reader_holds_the_function_back_and_loses_nothing(functions, name):
    create(functions, name, WRITES)
    answer = functions.lambda_.invoke_with_response_stream(
        FunctionName=name, Payload=b'{"n":1200,"size":65535}')  # 75 MiB: far over Invoke's limit
    total = 0
    for index, event in enumerate(answer["EventStream"]):
        total += len(event.get("PayloadChunk", {}).get("Payload", b""))
        if index < 5:
            time.sleep(0.2)
    assert total == 1200 * 65536 + len("end " + name)


def test_what_is_written_without_a_stream_has_invokes_limit(functions, name):
    create(functions, name, WRITES)
    answer = functions.lambda_.invoke(FunctionName=name, Payload=b'{"n":120,"size":65535}')
    assert answer["FunctionError"] == "Unhandled"
    assert json.loads(answer["Payload"].read())["errorType"] == "Function.ResponseSizeTooLarge"


def test_errors_end_the_stream(functions, name):
    create(functions, name, WRITES, Timeout=3)
    _, body, complete = stream(functions, name, {"n": 1, "fail": True})
    assert body == b"x" * 1000 + b"\n" and complete["ErrorCode"] == "Unhandled"
    assert json.loads(complete["ErrorDetails"])["errorMessage"] == "half way"
    _, body, complete = stream(functions, name, {"failFirst": True})
    assert body == b"" and json.loads(complete["ErrorDetails"])["errorType"] == "TypeError"
    # The environment is as good as before.
    assert stream(functions, name, {"n": 0})[1] == f"end {name}".encode()
    _, body, complete = stream(functions, name, {"n": 1, "pause": 100, "exit": True})
    assert body == b"x" * 1000 + b"\n"
    assert json.loads(complete["ErrorDetails"])["errorType"] == "Runtime.ExitError"
    _, body, complete = stream(functions, name, {"n": 1, "pause": 30_000})
    assert body == b"x" * 1000 + b"\n"
    assert "Task timed out after 3.00 seconds" in complete["ErrorDetails"]
    with pytest.raises(ClientError) as caught:
        functions.lambda_.invoke_with_response_stream(FunctionName=name + "x")
    assert caught.value.response["Error"]["Code"] == "ResourceNotFoundException"
    functions.lambda_.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    with pytest.raises(functions.lambda_.exceptions.TooManyRequestsException):
        functions.lambda_.invoke_with_response_stream(FunctionName=name)


def test_a_custom_runtime_tells_errors_in_trailers(functions, name):
    functions.create(name, {"bootstrap": BOOTSTRAP}, runtime="provided.al2023", handler="x")
    assert stream(functions, name, {})[1:] == (b"first", {})
    _, body, complete = stream(functions, name, {"fail": True, "long": 20_000})
    assert body == b"first" and complete["ErrorCode"] == "Unhandled"
    assert json.loads(complete["ErrorDetails"]) == {"errorType": "Mine", "errorMessage": "m" * 20_000}
    _, body, complete = stream(functions, name, {"cut": 2})
    assert body == b"first" and "Runtime.TruncatedResponse" in complete["ErrorDetails"]
    assert stream(functions, name, {})[1:] == (b"first", {})


def test_a_caller_who_leaves_does_not_stop_the_function(functions, name):
    create(functions, name, WRITES.replace("stream.end(", "console.log('whole 1'); stream.end("))
    answer = functions.lambda_.invoke_with_response_stream(
        FunctionName=name, Payload=b'{"n":300,"size":65535,"pause":300}')
    next(iter(answer["EventStream"]))
    answer["EventStream"].close()
    for _ in range(100):
        if functions.printed(name, "whole"):
            break
        time.sleep(0.1)
    else:
        raise AssertionError("it did not run to its end")


def test_ordinary_functions_answer_in_a_chunk(functions, name):
    functions.create(name, "def handler(event, context):\n    return event\n")
    assert stream(functions, name, {"a": 1})[1] == b'{"a": 1}'


@pytest.mark.parametrize("mode", ["RESPONSE_STREAM", "BUFFERED"])
def test_a_url_passes_on_status_headers_and_body(functions, name, mode):
    create(functions, name, PRELUDE)
    host = open_url(functions, name, mode)
    with urllib.request.urlopen(request(functions, host)) as answer:
        assert (answer.status, answer.read()) == (201, b"<p>hi")
        assert answer.headers["Content-Type"] == "text/html" and answer.headers["X-Mine"] == "1"
        assert answer.headers["Set-Cookie"] == "a=1"


def test_a_url_passes_on_what_is_written_while_it_is(functions, name):
    create(functions, name, PRELUDE)
    host = open_url(functions, name, "RESPONSE_STREAM")
    urllib.request.urlopen(request(functions, host)).read()  # warm
    with urllib.request.urlopen(request(functions, host, "/?pause=3000")) as answer:
        assert answer.read1(3) == b"<p>"
        first = time.monotonic()
        assert answer.read() == b"hi" and time.monotonic() - first > 0.5
    with urllib.request.urlopen(request(functions, host, "/?fail=1&pause=50")) as answer:
        with pytest.raises(http.client.IncompleteRead):
            answer.read()
    # An ordinary function's answer is passed on as it is.
    changed = functions.lambda_.update_function_url_config(FunctionName=name, InvokeMode="BUFFERED")
    assert changed["InvokeMode"] == "BUFFERED"


def test_a_url_of_a_function_that_answers_at_once(functions, name):
    functions.create(name, "def handler(event, context):\n    return {'statusCode': 201, 'body': 'b'}\n")
    host = open_url(functions, name, "RESPONSE_STREAM")
    with urllib.request.urlopen(request(functions, host)) as answer:
        assert answer.status == 200 and json.loads(answer.read()) == {"statusCode": 201, "body": "b"}
