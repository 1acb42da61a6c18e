"""Closed by default: what is not signed, not known or not allowed is refused in AWS's words."""
import datetime
import json
import urllib.error
import urllib.request

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest
from botocore.exceptions import ClientError


def refused(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    error = caught.value.response
    return error["Error"]["Code"], error["ResponseMetadata"]["HTTPStatusCode"]


def signed(server, body=b"{}", target="Kinesis_20131202.ListStreams", service="kinesis"):
    request = botocore.awsrequest.AWSRequest(
        method="POST", url=server.endpoint + "/", data=body,
        headers={"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": target})
    credentials = botocore.credentials.Credentials(server.environment["AWS_ACCESS_KEY_ID"],
                                                   server.environment["AWS_SECRET_ACCESS_KEY"])
    botocore.auth.SigV4Auth(credentials, service, "us-east-1").add_auth(request)
    return request


def send(server, headers, body=b"{}"):
    request = urllib.request.Request(server.endpoint + "/", data=body, headers=dict(headers), method="POST")
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_root_is_who_it_says(server):
    identity = server.client("sts").get_caller_identity()
    assert identity["Arn"] == "arn:aws:iam::000000000000:root"
    assert identity["Account"] == "000000000000"


def test_wrong_secret_is_refused(server):
    kinesis = server.client("kinesis", secret="wrong" * 8)
    assert refused(kinesis.list_streams) == ("InvalidSignatureException", 400)
    assert refused(server.client("sts", secret="w" * 40).get_caller_identity) == ("SignatureDoesNotMatch", 403)


def test_unknown_key_is_refused(server):
    key = "AKIA" + "X" * 16
    assert refused(server.client("kinesis", key=key).list_streams) == ("UnrecognizedClientException", 400)
    assert refused(server.client("iam", key=key).list_users) == ("InvalidClientTokenId", 403)


def test_wrong_session_token_is_refused(server):
    kinesis = server.client("kinesis", token="AAAA")
    assert refused(kinesis.list_streams)[0] in ("UnrecognizedClientException", "InvalidSignatureException")


def test_time_and_scope_are_looked_at_before_the_key(server):
    def told(date, scope):
        return send(server, {"X-Amz-Date": date, "X-Amz-Target": "DynamoDB_20120810.DescribeEndpoints", "Content-Type":
                             "application/x-amz-json-1.0", "Authorization": "AWS4-HMAC-SHA256 Credential=nobody/" + scope +
                             "/aws4_request, SignedHeaders=host;x-amz-date, Signature=123"})

    old = told("20170101T010101Z", "2/3/4")
    assert "InvalidSignatureException" in str(old) and "Signature expired: 20170101T010101Z" in str(old)
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    assert "Date in Credential scope does not match" in str(told(now, "2/us-east-1/dynamodb"))
    assert "UnrecognizedClientException" in str(told(now, now[:8] + "/us-east-1/dynamodb"))


def test_missing_signature_is_refused(server):
    status, body = send(server, {"X-Amz-Target": "Kinesis_20131202.ListStreams",
                                 "Content-Type": "application/x-amz-json-1.1"})
    assert status == 400
    assert json.loads(body)["__type"].endswith("MissingAuthenticationTokenException")


def test_altered_body_is_refused(server):
    request = signed(server)
    status, _ = send(server, request.headers.items())
    assert status == 200
    status, body = send(server, request.headers.items(), body=b'{"Limit":1}')
    assert status == 400
    assert json.loads(body)["__type"].endswith("InvalidSignatureException")


def test_replayed_date_is_refused(server, monkeypatch):
    past = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=20)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: past.replace(tzinfo=None))
    status, body = send(server, signed(server).headers.items())
    assert status == 400
    answer = json.loads(body)
    assert answer["__type"].endswith("InvalidSignatureException")
    assert "Signature expired" in answer["message"]


def test_another_services_signature_is_refused(server):
    status, body = send(server, signed(server, service="dynamodb").headers.items())
    assert status == 400
    assert "service" in json.loads(body)["message"]


def test_an_unknown_operation_says_so(server):
    status, body = send(server, signed(server, target="Kinesis_20131202.MakeTea").headers.items())
    assert status == 400
    assert json.loads(body)["__type"].endswith("UnknownOperationException")
