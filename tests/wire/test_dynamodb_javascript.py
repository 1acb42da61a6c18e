"""DynamoDB through the AWS SDK for JavaScript, version 3."""
import pytest
from support import node
from support.server import Server

SCENARIOS = ["values", "updates", "pages", "batches", "transactions", "conditions", "statements", "changes"]


def secure(server):
    return server.endpoint.replace("http://127.0.0.1", "https://localhost")


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_document_client(server, name, scenario):
    node.run(server, "documents.mjs", scenario, name, endpoint=server.endpoint)


def test_the_document_client_over_tls(server, name):
    node.run(server, "documents.mjs", "values", name, endpoint=secure(server))


@pytest.mark.parametrize("scenario,argument", [
    pytest.param("waiters", "--table-creation-ms=1500", id="waits for tables that are being made"),
    pytest.param("limits", "--enforce-limits", id="tries again what was throttled")])
def test_the_client_of_a_server_like_aws(name, scenario, argument):
    server = Server(arguments=[argument]).start()
    try:
        node.run(server, "documents.mjs", scenario, name, endpoint=server.endpoint)
    finally:
        server.remove()


@pytest.mark.parametrize("mapper", ["electrodb", "dynamoose"])
def test_an_object_mapper(server, name, mapper):
    node.run(server, "mappers.mjs", mapper, name, endpoint=server.endpoint)
