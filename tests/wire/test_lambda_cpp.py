"""Functions on Amazon's public C++ runtime, built with it and packed by its own packager, libc and all: one of ours
(tests/aws_lambda_cpp), its example for API Gateway behind a function URL, and the one that the runtime's authors test
it with on AWS, held to what their test expects."""
import base64
import json
import subprocess

import pytest
import urllib3
from support.functions import Functions
from support.server import ROOT
from support.stack import wait_until

INSTALLED = ROOT / "build/aws-lambda-cpp"
READS = {"Effect": "Allow", "Action": ["kinesis:Get*", "kinesis:List*", "kinesis:Describe*"], "Resource": "*"}


@pytest.fixture(scope="module")
def packages():
    """The zip files."""
    made = INSTALLED / "functions"
    for command in (
            ["cmake", "-S", ROOT / "tests/aws_lambda_cpp", "-B", made, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
             "-DCMAKE_CXX_COMPILER=clang++-19", f"-DCMAKE_PREFIX_PATH={INSTALLED / 'runtime'}",
             f"-DPUBLISHED_SOURCE={INSTALLED / 'source'}"],
            ["cmake", "--build", made, "--target", "aws-lambda-package-api-gateway"]):
        subprocess.run(command, check=True, capture_output=True)
    return {name: (made / f"{name}.zip").read_bytes() for name in ("processor", "published", "api-gateway")}


@pytest.fixture
def functions(server, name):
    made = Functions(server, name)
    yield made
    made.close()


@pytest.fixture
def deploy(functions, name, packages):
    def deploy(which, handler, **settings):
        functions.create(name, packages[which], runtime="provided.al2023", handler=handler, **settings)
        functions.lambda_.get_waiter("function_active_v2").wait(FunctionName=name)
    return deploy


def call(functions, payload, **how):
    """The answer, its payload's bytes and, if it was asked for, the log's tail."""
    answer = functions.lambda_.invoke(FunctionName=functions.name, Payload=payload, **how)
    assert answer["StatusCode"] == 200
    tail = base64.b64decode(answer.get("LogResult", "")).decode()
    return answer, answer["Payload"].read(), tail


@pytest.mark.parametrize("payload", [{"barbaz": "Hello, Lambda!"}, {"UnicodeText": "画像は1000語の価値がある"}])
def test_the_published_function_echoes(functions, deploy, payload):
    deploy("published", "echo_success")
    sent = json.dumps(payload, ensure_ascii=False).encode()
    answer, got, _ = call(functions, sent)
    assert "FunctionError" not in answer and got == sent


def test_the_published_function_fails(functions, deploy):
    deploy("published", "echo_failure")
    answer, got, _ = call(functions, b"{}")
    assert answer["FunctionError"] == "Unhandled"
    assert json.loads(got) == {"errorMessage": "Test error message", "errorType": "TestErrorType", "stackTrace": []}


def test_the_published_function_answers_bytes_that_are_no_json(functions, deploy):
    deploy("published", "binary_response")
    answer, got, _ = call(functions, b"{}")
    assert "FunctionError" not in answer
    assert len(got) == 1451 and got.startswith(b"\x89PNG\r\n")


def test_the_published_function_crashes_with_its_trace_in_the_log(functions, deploy):
    deploy("published", "crash_backtrace")
    answer, got, tail = call(functions, b"{}", LogType="Tail")
    assert answer["FunctionError"] == "Unhandled"
    error = json.loads(got)
    assert error["errorType"] == "Runtime.ExitError" and "signal: aborted" in error["errorMessage"]
    assert "barf" in tail and "Stack trace (most recent call last):" in tail
    answer, again, _ = call(functions, b"{}")
    assert json.loads(again)["errorType"] == "Runtime.ExitError"


def test_a_handler_that_is_not_there_fails_at_the_start(functions, deploy):
    deploy("published", "no_such_handler")
    answer, got, tail = call(functions, b"{}", LogType="Tail")
    assert answer["FunctionError"] == "Unhandled"
    assert json.loads(got)["errorType"] == "Runtime.ExitError" and "Handler no_such_handler not found" in tail


def test_the_published_example_answers_behind_a_url(server, functions, deploy, name):
    deploy("api-gateway", "any")
    url = functions.lambda_.create_function_url_config(FunctionName=name, AuthType="NONE")["FunctionUrl"]
    for action, condition in (("lambda:InvokeFunctionUrl", {"FunctionUrlAuthType": "NONE"}),
                              ("lambda:InvokeFunction", {"InvokedViaFunctionUrl": True})):
        functions.lambda_.add_permission(FunctionName=name, StatementId=action[-3:], Action=action, Principal="*",
                                         **condition)
    http = urllib3.PoolManager(retries=False)
    where = {"Host": url.removeprefix("https://").rstrip("/"), "day": "Friday"}
    answer = http.request("POST", server.endpoint + "/?name=Ada&city=London", headers=where, json={"time": "morning"})
    assert (answer.status, answer.json()) == (200, {"message": "Good morning, Ada of London. Happy Friday!"})
    assert call(functions, b'{"body": 1}')[1] == b'{"message":"Good , "}'


def test_what_a_call_brings_along_reaches_the_handler(functions, deploy, name):
    deploy("processor", "describe", Timeout=7)
    context = base64.b64encode(b'{"custom":{"a":"b"}}').decode()
    answer, got, _ = call(functions, b'{"n": 1}', ClientContext=context)
    told = json.loads(got)
    assert told["payload"] == '{"n": 1}' and json.loads(told["client"]) == {"custom": {"a": "b"}}
    assert told["id"] == answer["ResponseMetadata"]["RequestId"]
    assert told["arn"].endswith(f":function:{name}") and told["trace"].startswith("Root=1-")
    assert 0 < told["left_ms"] <= 7000


def test_an_error_of_the_handler_is_told_in_its_words(functions, deploy):
    deploy("processor", "judge")
    assert call(functions, b'"few"')[1] == b'"short enough"'
    answer, got, _ = call(functions, json.dumps("x" * 60).encode())
    assert answer["FunctionError"] == "Unhandled"
    assert json.loads(got) == {"errorMessage": 'A "payload" of\n62 bytes', "errorType": "TooLong", "stackTrace": []}
    assert call(functions, b'"few"')[1] == b'"short enough"'


def test_a_function_that_outstays_its_time_is_stopped_and_said_so(functions, deploy):
    deploy("processor", "outstay", Timeout=1)
    answer, got, tail = call(functions, b"{}", LogType="Tail")
    assert answer["FunctionError"] == "Unhandled" and "lingering" in tail
    error = json.loads(got)
    assert error["errorType"] == "Sandbox.Timedout"
    assert error["errorMessage"].endswith("Error: Task timed out after 1.00 seconds")


def test_it_processes_a_stream_and_gets_again_only_what_it_failed(server, functions, deploy, name):
    functions.allow(READS)
    deploy("processor", "process")
    kinesis = server.client("kinesis")
    kinesis.create_stream(StreamName=name, ShardCount=1)
    try:
        stream = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamARN"]
        for body in ("a", "b", "bad", "c", "ünïcödé 😋"):
            kinesis.put_record(StreamName=name, PartitionKey="k", Data=body.encode())
        mapping = functions.lambda_.create_event_source_mapping(
            FunctionName=name, EventSourceArn=stream, StartingPosition="TRIM_HORIZON", BatchSize=10,
            FunctionResponseTypes=["ReportBatchItemFailures"])
        done = wait_until(lambda: (calls := functions.printed(name, "DONE")) and
                          any("c" in call["bodies"] for call in calls) and calls, "the records")
        assert [call["bodies"] for call in done if call["bodies"]] == [["a", "b"], ["bad", "c", "ünïcödé 😋"]]
        functions.lambda_.delete_event_source_mapping(UUID=mapping["UUID"])
    finally:
        kinesis.delete_stream(StreamName=name, EnforceConsumerDeletion=True)
