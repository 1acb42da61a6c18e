"""What is malformed is refused in AWS's words, leaves nothing half made, and the server goes on."""
import io
import json
import stat
import struct
import urllib.error
import urllib.request
import zipfile

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest
from botocore.exceptions import ClientError
from support import stack as stacks

DEEP = 20_000


@pytest.fixture(autouse=True)
def the_server_goes_on(server):
    before = server.process.pid
    yield
    assert server.process.poll() is None and server.process.pid == before
    assert server.client("sts").get_caller_identity()["Account"] == "000000000000"


def refused(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def send(server, service, body, method="POST", path="/", **headers):
    """A signed request whose body is whatever is given."""
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    request = botocore.awsrequest.AWSRequest(method=method, url=server.endpoint + path, data=body, headers=headers)
    credentials = botocore.credentials.Credentials(server.environment["AWS_ACCESS_KEY_ID"],
                                                   server.environment["AWS_SECRET_ACCESS_KEY"])
    signer = botocore.auth.S3SigV4Auth if service == "s3" else botocore.auth.SigV4Auth
    signer(credentials, service, "us-east-1").add_auth(request)
    raw = urllib.request.Request(server.endpoint + path, data=body, headers=dict(request.headers), method=method)
    try:
        with urllib.request.urlopen(raw, timeout=20) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


# --- bodies ----------------------------------------------------------------------------------------
BODIES = [b"", b"{", b"[]", b"null", b"7", b'"text"', b'{"StreamName":', b'{"StreamName":}', b'{"StreamName":"x"} more',
          b'{"StreamName":7}', b'{"StreamName":["x"]}', b'{"StreamName":"\xff\xfe"}', b'{"StreamName":"\\ud800"}',
          b'{"StreamName":"x","Limit":1e999}', b'{"StreamName":"x","Limit":"one"}', b'{"Limit":99999999999999999999999}',
          b'{"a":' * DEEP, b"[" * DEEP, b'{"a":' * DEEP + b"1" + b"}" * DEEP, b"\x00" * 100]


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
@pytest.mark.parametrize("service, target, kind", [
    ("kinesis", "Kinesis_20131202.DescribeStream", "application/x-amz-json-1.1"),
    ("dynamodb", "DynamoDB_20120810.DescribeTable", "application/x-amz-json-1.0"),
    ("logs", "Logs_20140328.CreateLogGroup", "application/x-amz-json-1.1")])
def test_a_body_that_is_no_request_is_refused(server, service, target, kind, body):
    status, answer = send(server, service, body, Content_Type=kind, X_Amz_Target=target)
    assert status == 400, answer
    assert json.loads(answer)["__type"].rsplit("#")[-1] in (
        "SerializationException", "ValidationException", "InvalidParameterException", "InvalidArgumentException",
        "ResourceNotFoundException"), answer


CBOR = [b"", b"\xff", b"\xbf", b"\xa1", b"\x9f" * DEEP, b"\xa1\x61a" * DEEP, b"\xbb" + b"\xff" * 8,
        b"\x7b" + b"\xff" * 8, b"\xa1\x6aStreamName\x5b\x00\x00\x00\xff\xff\xff\xff\xff", b"\x80", b"\xc1" * DEEP]


@pytest.mark.parametrize("body", CBOR, ids=range(len(CBOR)))
def test_cbor_that_is_no_request_is_refused(server, body):
    status, answer = send(server, "kinesis", body, Content_Type="application/x-amz-cbor-1.1",
                          X_Amz_Target="Kinesis_20131202.DescribeStream")
    assert status == 400 and answer


QUERIES = [b"", b"Action", b"Action=", b"Action=%", b"Action=%zz&Version=2010-05-08", b"&&&&", b"Action=CreateUser",
           b"Action=CreateUser&Version=2010-05-08&UserName=%ff%fe", b"Action=CreateUser&UserName=a%00b",
           b"Action=CreateUser&Version=2010-05-08&" + b"Tags." * DEEP + b"=x", b"A=1&" * 50_000]


@pytest.mark.parametrize("body", QUERIES, ids=range(len(QUERIES)))
def test_a_form_that_is_no_request_is_refused(server, body):
    status, answer = send(server, "iam", body, Content_Type="application/x-www-form-urlencoded; charset=utf-8")
    assert 400 <= status < 500 and answer


XML = [b"", b"<", b"<Delete>", b"<Delete></Remove>", b"\x00", b"<a>" * DEEP, b"plain text",
       b'<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]><Delete>&b;</Delete>',
       b'<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><Delete><Object><Key>&x;</Key></Object></Delete>']


@pytest.mark.parametrize("body", XML, ids=range(len(XML)))
def test_xml_that_is_no_request_is_refused(server, name, body):
    s3 = server.client("s3")
    s3.create_bucket(Bucket=name)
    try:
        status, answer = send(server, "s3", body, path=f"/{name}?delete=", Content_Type="application/xml")
        assert status == 400 and b"root:" not in answer, answer
    finally:
        s3.delete_bucket(Bucket=name)


# --- templates -------------------------------------------------------------------------------------
TABLE = {"Type": "AWS::DynamoDB::Table", "Properties": {
    "TableName": "made-by-a-bad-template", "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}]}}


def with_table(**others):
    return json.dumps({"Resources": {"Good": TABLE, **others}})


LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 12)) + "Resources: *a11\n"

TEMPLATES = {
    "text": "just text", "broken JSON": '{"Resources":', "broken YAML": "Resources:\n  a: [", "list": "[]",
    "no resources": "{}", "empty resources": '{"Resources": {}}', "resources is text": '{"Resources": "x"}',
    "no type": with_table(Bad={}), "type is a list": with_table(Bad={"Type": []}),
    "unknown type": with_table(Bad={"Type": "AWS::Nobody::Knows"}),
    "unknown property": with_table(Bad={"Type": "AWS::Kinesis::Stream", "Properties": {"Colour": "red"}}),
    "unknown function": with_table(Bad={"Type": "AWS::Kinesis::Stream", "Properties": {"Name": {"Fn::Tea": "x"}}}),
    "unknown reference": with_table(Bad={"Type": "AWS::Kinesis::Stream", "Properties": {"Name": {"Ref": "Nobody"}}}),
    "circle": with_table(A={"Type": "AWS::Kinesis::Stream", "DependsOn": "B"},
                         B={"Type": "AWS::Kinesis::Stream", "DependsOn": "A"}),
    "bad name": with_table(**{"not-alphanumeric": TABLE}), "unknown section": json.dumps({"Resource": {}, "Resources": {}}),
    "too many": json.dumps({"Resources": {f"R{i}": {"Type": "AWS::SNS::Topic"} for i in range(501)}}),
    "billion laughs": LAUGHS, "deep": "[" * DEEP, "deep YAML": "- " * DEEP, "circular alias": "Resources: &a\n  b: *a\n",
}


@pytest.mark.parametrize("template", TEMPLATES.values(), ids=TEMPLATES)
def test_a_malformed_template_makes_nothing(server, name, template):
    cloudformation, tables = server.client("cloudformation"), server.client("dynamodb")
    code, message = "", ""
    try:
        stack_id = cloudformation.create_stack(StackName=name, TemplateBody=template)["StackId"]
    except ClientError as error:
        code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
        assert code == "ValidationError" and message
        assert refused(cloudformation.describe_stacks, StackName=name)[0] == "ValidationError"
    else:  # what only the plan finds fails the stack, with its reason, before anything is made
        ended = stacks.wait_until(lambda: (s := stacks.status(cloudformation, stack_id)) and
                                  not s["StackStatus"].endswith("IN_PROGRESS") and s, "an end")
        assert ended["StackStatus"] in ("CREATE_FAILED", "ROLLBACK_COMPLETE"), ended
        assert stacks.failures(cloudformation, stack_id)
        events = cloudformation.describe_stack_events(StackName=stack_id)["StackEvents"]
        assert {e["PhysicalResourceId"] for e in events if e["ResourceStatus"] == "CREATE_COMPLETE"} == set()
        cloudformation.delete_stack(StackName=name)
    assert "made-by-a-bad-template" not in tables.list_tables()["TableNames"]


# --- packages --------------------------------------------------------------------------------------
def zipped(entries):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry, data in entries:
            archive.writestr(entry, data)
    return made.getvalue()


def link(name, target):
    entry = zipfile.ZipInfo(name)
    entry.create_system, entry.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    return entry, target


def bomb():
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("zeros", "w", force_zip64=True) as inside:
            for _ in range(300):
                inside.write(bytes(1 << 20))
    return made.getvalue()


def lying_bomb():
    """Says of itself that it unpacks to a byte."""
    data = bytearray(bomb())
    central = data.rindex(b"PK\x01\x02")
    data[central + 24:central + 28] = struct.pack("<I", 1)
    return bytes(data)


GOOD = zipped([("index.py", "def handler(event, context): return 1")])
ZIPS = {
    "empty": b"", "no entries": zipped([]), "text": b"no zip", "cut short": GOOD[:-30], "no end": GOOD[:20],
    "up and out": zipped([("index.py", ""), ("../../escaped", "x")]), "absolute": zipped([("/tmp/escaped", "x")]),
    "inside and out": zipped([("a/../../escaped", "x")]), "link out": zipped([link("out", "/etc"), ("out/escaped", "x")]),
    "link up": zipped([link("out", "../..")]), "bomb": bomb(), "bomb that lies": lying_bomb(),
}


@pytest.mark.parametrize("package", ZIPS.values(), ids=ZIPS)
@pytest.mark.parametrize("way", ["inline", "from s3"])
def test_a_malformed_package_makes_no_function(server, name, package, way):
    functions, s3 = server.client("lambda", parameter_validation=False), server.client("s3")
    iam = server.client("iam")
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}))
    code = {"ZipFile": package}
    if way == "from s3":
        s3.create_bucket(Bucket=name)
        s3.put_object(Bucket=name, Key="z", Body=package)
        code = {"S3Bucket": name, "S3Key": "z"}
    try:
        code, message = refused(functions.create_function, FunctionName=name, Runtime="python3.12", Code=code,
                                Handler="index.handler", Role=role["Role"]["Arn"])
        assert code in ("InvalidParameterValueException", "RequestEntityTooLargeException"), message
        assert "unzip" in message.lower() or "empty" in message.lower() or "ize" in message, message
        assert refused(functions.get_function, FunctionName=name)[0] == "ResourceNotFoundException"
        assert not [p for p in server.folder.rglob("*escaped*")]
    finally:
        iam.delete_role(RoleName=name)
        if way == "from s3":
            s3.delete_object(Bucket=name, Key="z")
            s3.delete_bucket(Bucket=name)


# --- policies --------------------------------------------------------------------------------------
ALLOW = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
POLICIES = {
    "text": "no policy", "cut short": '{"Statement":', "list": "[]", "number": "7", "no statement": "{}",
    "unknown version": json.dumps({"Version": "2020-01-01", "Statement": [ALLOW]}),
    "unknown element": json.dumps({"Statement": [ALLOW | {"Colour": "red"}]}),
    "unknown effect": json.dumps({"Statement": [ALLOW | {"Effect": "Perhaps"}]}),
    "no action": json.dumps({"Statement": [{"Effect": "Allow", "Resource": "*"}]}),
    "both actions": json.dumps({"Statement": [ALLOW | {"NotAction": "s3:*"}]}),
    "unknown operator": json.dumps({"Statement": [ALLOW | {"Condition": {"SortOf": {"aws:username": "x"}}}]}),
    "principal": json.dumps({"Statement": [ALLOW | {"Principal": "*"}]}),
    "deep": '{"Statement":' + "[" * 1000 + "]" * 1000 + "}",
}


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_a_malformed_policy_is_not_kept(server, name, policy):
    iam = server.client("iam")
    iam.create_user(UserName=name)
    try:
        code, message = refused(iam.put_user_policy, UserName=name, PolicyName="p", PolicyDocument=policy)
        assert code == "MalformedPolicyDocument" and message
        assert iam.list_user_policies(UserName=name)["PolicyNames"] == []
        assert refused(iam.create_policy, PolicyName=name, PolicyDocument=policy)[0] == "MalformedPolicyDocument"
    finally:
        iam.delete_user(UserName=name)


# --- tweets ----------------------------------------------------------------------------------------
TWEETS = [b"", b"{", b"null", b"[]", b"7", b'"text"', b"{}", b'{"user": null}', b'{"user": {"name": 7}}', b"\xff\xfe\x00",
          b'{"user": {"name": "a"}, "created_at": "yesterday", "text": "x"}', b"[" * DEEP,
          b'{"user": {"name": ""}, "created_at": "Sun Aug 31 00:29:15 +0000 2014", "text": "x"}',
          b'{"user": {"name": "\\ud800"}, "created_at": "Sun Aug 31 00:29:15 +0000 2014", "text": "x"}',
          b'{"delete": {"status": {"id": 1}}}', json.dumps({"user": {"name": "x" * 3000}, "text": "t",
          "created_at": "Sun Aug 31 00:29:15 +0000 2014"}).encode()]


def test_malformed_tweets_are_passed_over_and_nothing_else_is_lost(server, name):
    outputs, stack_id = stacks.launch(server, "s" + name, "b" + name)
    kinesis = server.client("kinesis", key=outputs["AccessKeyId"], secret=outputs["SecretAccessKey"])
    records = []
    for number, bad in enumerate(TWEETS):
        records += [stacks.tweet(number), bad]
    records.append(stacks.tweet(len(TWEETS)))
    answer = kinesis.put_records(StreamName=outputs["KinesisStream"], Records=[
        {"Data": data, "PartitionKey": "one shard"} for data in records])
    assert answer["FailedRecordCount"] == 0
    good = len(TWEETS) + 1

    def texts():
        pages = server.client("dynamodb").get_paginator("scan").paginate(TableName=outputs["EventDataTable"])
        return [item["Message"]["S"] for page in pages for item in page["Items"] if "héllo" in item["Message"]["S"]]

    stacks.wait_until(lambda: len(texts()) == good, "every good tweet")
    stacks.delete(server, "s" + name, stack_id)
