import pytest
from support.java import Program


@pytest.fixture
def java(server):
    """Starts programs, and leaves none running."""
    started = []

    def start(name, *arguments, tls=True):
        started.append(Program(server, name, *arguments, tls=tls))
        return started[-1]

    yield start
    for program in started:
        program.close()


@pytest.fixture
def stream(kinesis, name):
    kinesis.create_stream(StreamName=name, ShardCount=1)
    yield kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
    kinesis.delete_stream(StreamName=name, EnforceConsumerDeletion=True)
