import pathlib
import sys
import uuid

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from support.server import Server  # noqa: E402


@pytest.fixture(scope="session")
def server():
    """One server for all tests that do not kill it. Each test uses names of its own."""
    made = Server().start()
    yield made
    made.remove()


@pytest.fixture
def own_server():
    """A server that the test may kill, restart and look into."""
    made = Server().start()
    yield made
    made.remove()


@pytest.fixture
def name():
    return "t" + uuid.uuid4().hex[:12]


@pytest.fixture
def kinesis(server):
    return server.client("kinesis")


@pytest.fixture
def dynamodb(server):
    return server.client("dynamodb")


@pytest.fixture
def iam(server):
    return server.client("iam")


@pytest.fixture
def s3(server):
    return server.client("s3")


@pytest.fixture
def logs(server):
    return server.client("logs")


@pytest.fixture
def stream(kinesis, name):
    """The name of a stream of one shard."""
    kinesis.create_stream(StreamName=name, ShardCount=1)
    yield name
    kinesis.delete_stream(StreamName=name)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    outcome = yield
    report = outcome.get_result()
    server = item.funcargs.get("server") or item.funcargs.get("own_server")
    if report.failed and server is not None:
        report.sections.append(("server log", server.log_text()))
