"""Amazon's public runtime interface client for Python, as a runtime of its own under provided.al2023."""
import json

import pytest
from support.functions import Functions, files_of
from support.server import ROOT

BOOTSTRAP = """#!/bin/sh
exec /usr/bin/python3 -m awslambdaric "$_HANDLER"
"""
CODE = """
import json, logging
logging.getLogger().setLevel("INFO")

def handler(event, context):
    logging.info("handling %s", event)
    if "error" in event:
        raise KeyError(event["error"])
    return {"event": event, "arn": context.invoked_function_arn, "id": context.aws_request_id,
            "memory": context.memory_limit_in_mb, "left": context.get_remaining_time_in_millis(),
            "client": context.client_context and context.client_context.custom}
"""


@pytest.fixture
def functions(server, name):
    made = Functions(server, name)
    files = files_of(ROOT / "build/packed/awslambdaric") | {"bootstrap": BOOTSTRAP, "code.py": CODE}
    made.create(name, files, runtime="provided.al2023", Timeout=9, MemorySize=256)
    made.lambda_.get_waiter("function_active_v2").wait(FunctionName=name)
    yield made
    made.close()


def test_it_serves_calls(functions, name):
    answer = functions.lambda_.invoke(FunctionName=name, Payload='{"ünï": "😋"}'.encode())
    told = json.loads(answer["Payload"].read())
    assert told["event"] == {"ünï": "😋"} and told["arn"].endswith(f":function:{name}")
    assert told["id"] == answer["ResponseMetadata"]["RequestId"] and told["memory"] == "256"
    assert 0 < told["left"] <= 9000
    big = "x" * 5_000_000
    assert functions.invoke(name, {"big": big})["event"] == {"big": big}


def test_its_errors_are_told_with_their_traces(functions, name):
    answer = functions.lambda_.invoke(FunctionName=name, Payload=b'{"error": "lost"}', LogType="Tail")
    assert answer["FunctionError"] == "Unhandled"
    error = json.loads(answer["Payload"].read())
    assert (error["errorType"], error["errorMessage"]) == ("KeyError", "'lost'")
    assert "code.py" in error["stackTrace"][0]
    assert functions.invoke(name, {})["event"] == {}


def test_a_handler_that_cannot_be_imported_is_an_error_of_the_start(functions, name):
    functions.lambda_.update_function_configuration(FunctionName=name, Handler="absent.handler")
    functions.lambda_.get_waiter("function_updated_v2").wait(FunctionName=name)
    answer = functions.lambda_.invoke(FunctionName=name, Payload=b"{}")
    assert answer["FunctionError"] == "Unhandled"
    error = json.loads(answer["Payload"].read())
    assert error["errorType"] == "Runtime.ImportModuleError" and "No module named 'absent'" in error["errorMessage"]
