"""Functions written against AWS's own interfaces and events, with their jars in the package."""
import base64
import json

import pytest
import urllib3
from support.functions import Functions, files_of
from support.java import BUILT
from support.stack import wait_until

READS = {"Effect": "Allow", "Action": ["kinesis:Get*", "kinesis:List*", "kinesis:Describe*", "dynamodb:Get*",
                                       "dynamodb:List*", "dynamodb:Describe*", "dynamodb:PutItem"], "Resource": "*"}
LAMBDA = ("aws-lambda-java-", "joda-time")
SDK = ("dynamodb", "apache-client", "httpcore", "httpclient", "commons-", "sdk-core", "aws-core", "auth", "regions",
       "identity-spi", "http-", "json-utils", "metrics-spi", "utils", "profiles", "protocol-core", "endpoints-spi",
       "aws-json-protocol", "third-party-jackson", "reactive-streams", "slf4j-", "annotations", "checksums",
       "retries", "arns")


def jars(*prefixes):
    paths = (BUILT / "classpath").read_text().strip().split(":")
    named = {path.rsplit("/", 1)[1]: path for path in paths}
    return {f"lib/{name}": open(path, "rb").read() for name, path in named.items() if name.startswith(prefixes)}


@pytest.fixture
def functions(server, name):
    made = Functions(server, name)
    made.allow(READS)
    yield made
    made.close()


@pytest.fixture
def deploy(functions, name):
    def deploy(handler, *prefixes, **settings):
        files = files_of(BUILT / "classes/millrace/functions", "millrace/functions/") | jars(*LAMBDA, *prefixes)
        functions.create(name, files, runtime="java21", handler=f"millrace.functions.{handler}",
                         **{"MemorySize": 512} | settings)
        functions.lambda_.get_waiter("function_active_v2").wait(FunctionName=name)
    return deploy


@pytest.fixture
def table(dynamodb, name):
    made = dynamodb.create_table(
        TableName=name, KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}], BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"})["TableDescription"]
    dynamodb.get_waiter("table_exists").wait(TableName=name)
    yield made
    dynamodb.delete_table(TableName=name)


@pytest.fixture
def mapped(functions, name):
    made = []

    def mapped(arn, **settings):
        made.append(functions.lambda_.create_event_source_mapping(
            FunctionName=name, EventSourceArn=arn, StartingPosition="TRIM_HORIZON", **settings))

    yield mapped
    for mapping in made:
        functions.lambda_.delete_event_source_mapping(UUID=mapping["UUID"])


def test_records_of_a_stream_reach_a_table_with_awss_sdk(functions, deploy, name, kinesis, dynamodb, stream, table, mapped):
    deploy("Count", *SDK, Timeout=60, MemorySize=1024, Environment={"Variables": {"TABLE": name}})
    for text in ("one", "two", "bad", "three"):
        kinesis.put_record(StreamName=name, PartitionKey="k-" + text, Data=text.encode())
    mapped(stream["StreamARN"], MaximumRetryAttempts=1, FunctionResponseTypes=["ReportBatchItemFailures"])

    def rows():
        return {item["id"]["S"]: item for item in dynamodb.scan(TableName=name)["Items"]}
    wait_until(lambda: len(rows()) == 3, "three rows", 90)
    got = rows()
    assert set(got) == {"one", "two", "three"} and got["two"]["key"] == {"S": "k-two"}
    assert got["one"]["source"] == {"S": stream["StreamARN"]}
    assert abs(int(got["one"]["arrived"]["N"]) / 1000 - stream["StreamCreationTimestamp"].timestamp()) < 120


def test_changes_of_a_table_as_awss_event(functions, deploy, name, dynamodb, table, mapped):
    deploy("Changes::of")
    mapped(table["LatestStreamArn"])
    dynamodb.put_item(TableName=name, Item={
        "id": {"S": "a"}, "n": {"N": "7"}, "tags": {"SS": ["x", "y"]}, "deep": {"M": {"list": {"L": [{"BOOL": True}]}}}})
    wait_until(lambda: functions.printed(name, "SAW"), "the change", 60)
    said, = functions.printed(name, "SAW")
    words = said.split(" ")
    assert words[:7] == ["INSERT", "a", "7", "[x,", "y]", "true", words[6]] and words[7] == "NEW_AND_OLD_IMAGES"
    assert int(words[6]) > 1_700_000_000_000


def test_the_context(functions, deploy, name):
    deploy("Tell", Timeout=30)
    client = {"client": {"app_title": "app"}, "custom": {"a": "b"}, "env": {"c": "d"}}
    answer = functions.lambda_.invoke(
        FunctionName=name, Payload=b"7", LogType="Tail",
        ClientContext=base64.b64encode(json.dumps(client).encode()).decode())
    told = json.loads(answer["Payload"].read())
    event, function, version, arn, request, group, stream, memory, left, said, identity = told.split("|")
    assert (event, function, version, memory, group) == ("7", name, "$LATEST", "512", f"/aws/lambda/{name}")
    assert arn.endswith(f":function:{name}") and request == answer["ResponseMetadata"]["RequestId"]
    assert "[$LATEST]" in stream and 0 < int(left) <= 30_000
    assert said == "{a=b} {c=d} app" and identity == "null"
    assert "first\nsecond\n" in base64.b64decode(answer["LogResult"]).decode()


def test_a_function_url_with_awss_event_and_response(server, functions, deploy, name):
    deploy("Web")
    functions.lambda_.add_permission(FunctionName=name, StatementId="s", Action="lambda:InvokeFunctionUrl",
                                     Principal="*", FunctionUrlAuthType="NONE")
    functions.lambda_.add_permission(FunctionName=name, StatementId="t", Action="lambda:InvokeFunction",
                                     Principal="*", InvokedViaFunctionUrl=True)
    url = functions.lambda_.create_function_url_config(FunctionName=name, AuthType="NONE")["FunctionUrl"]
    host = url.split("//")[1].strip("/")
    answer = urllib3.PoolManager().request("GET", server.endpoint + "/path?q=42",
                                           headers={"host": host, "user-agent": "me"})
    assert (answer.status, answer.data) == (203, b"GET /path 42")
    assert answer.headers["x-agent"] == "me"
