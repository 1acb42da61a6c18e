"""What DynamoDB answers below its operations: content types, sizes, browsers, its health page."""
import http.client
import urllib.parse

import pytest

HOST = "dynamodb.us-east-1.amazonaws.com"


@pytest.fixture
def ask(server):
    where = urllib.parse.urlsplit(server.endpoint)

    def request(method, path="/", body=None, **headers):
        connection = http.client.HTTPConnection(where.hostname, where.port, timeout=30)
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, {"Host": HOST} | names)
        answer = connection.getresponse()
        answer.text = answer.read().decode()
        connection.close()
        return answer

    return request


def test_the_health_page_is_at_the_root_only(ask):
    assert ask("GET").text == f"healthy: {HOST} "
    assert ask("GET", Host="dynamodb.us-east-1.amazonaws.com:4566").text == f"healthy: {HOST}:4566 "
    assert ask("GET", "/index.html").status == 404


def test_answers_are_called_what_the_request_called_itself(ask):
    target = {"X_Amz_Target": "DynamoDB_20120810.ListTables"}
    for sent, wanted in (("application/x-amz-json-1.0", "application/x-amz-json-1.0"),
                         ("application/json", "application/json")):
        answer = ask("POST", body="{}", Content_Type=sent, **target)
        assert answer.headers["Content-Type"] == wanted
        assert "MissingAuthenticationTokenException" in answer.text


def test_heads_and_targets_have_bounds(ask):
    json = {"X_Amz_Target": "DynamoDB_20120810.ListTables", "Content_Type": "application/json"}
    assert "MissingAuthentication" in ask("POST", body="{}", X_One="x" * 8192, **json).text
    large = ask("POST", body="{}", X_One="x" * 8192, X_Two="y" * 8192, **json)
    assert (large.status, large.text) == (400, "")
    assert ask("POST", "/" + "x" * 17000, body="{}", **json).status == 400


def test_browsers_may_read_the_headers(ask):
    preflight = ask("OPTIONS", Origin="http://example.com", Access_Control_Request_Method="POST")
    assert preflight.headers["Access-Control-Allow-Origin"] == "*"
    assert preflight.headers["Access-Control-Allow-Methods"] == "POST"
    assert "x-amzn-RequestId" in preflight.headers["Access-Control-Expose-Headers"]


def test_the_endpoint_is_where_the_server_was_reached(server):
    endpoints = server.client("dynamodb").describe_endpoints()["Endpoints"]
    assert endpoints[0]["Address"] == urllib.parse.urlsplit(server.endpoint).netloc
