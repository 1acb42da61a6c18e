"""The names of runtimes, and the versions that they run on here."""
import base64
import subprocess

import pytest
from support.functions import Functions
from support.logs import messages
from support.stack import wait_until

PYTHON = "def handler(event, context):\n    return 1\n"
NODE = "export const handler = async () => 1;"


@pytest.fixture
def functions(server, name):
    made = Functions(server, name)
    yield made
    made.close()


@pytest.mark.parametrize("runtime, handler, code, program", [
    ("python3.8", "code.handler", PYTHON, "/usr/bin/python3"), ("nodejs12.x", "index.handler", NODE, "node")])
def test_the_log_begins_with_the_version_that_runs(server, functions, name, runtime, handler, code, program):
    version = subprocess.check_output([program, "--version"], text=True).split()[-1].lstrip("v")
    functions.create(name, code, runtime, handler)
    answer = functions.lambda_.invoke(FunctionName=name, LogType="Tail")
    assert base64.b64decode(answer["LogResult"]).startswith(b"START RequestId:")

    def lines():
        return messages(functions.logs, name)

    wait_until(lambda: any(line.startswith("REPORT") for line in lines()), "the REPORT line")
    assert lines()[0] == f"INIT_START Runtime Version: {runtime.rstrip('.x0123456789')}:{version}\n"
