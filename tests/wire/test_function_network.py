"""What a function reaches: AWS's own names lead to this server, over TLS that is verified; nothing else
is there. With SDKs that know no endpoint setting, with bare HTTPS, and with our function in C++."""
import base64
import http.server
import io
import json
import shutil
import socket
import subprocess
import threading
import zipfile

import pytest
from support import stack as stacks
from support.stack import ZIPS

DYNAMODB = "https://dynamodb.us-east-1.amazonaws.com"

NODE = """
const https = require('https'), http = require('http'), net = require('net'), tls = require('tls');
for (const name of Object.keys(process.env)) if (name.startsWith('AWS_ENDPOINT')) delete process.env[name];
const AWS = require('aws-sdk');

const get = (url, options = {}) => new Promise((done) => {
  const request = (url.startsWith('https') ? https : http).request(url, options, (answer) => {
    let body = '';
    const verified = answer.socket.authorized === true;
    answer.on('data', (chunk) => { body += chunk; });
    answer.on('end', () => done({status: answer.statusCode, body, verified}));
  });
  request.on('error', (error) => done({error: error.code || error.message}));
  request.setTimeout(3000, () => request.destroy(new Error('timeout')));
  request.end(options.body);
});
const connect = ([host, port]) => new Promise((done) => {
  const socket = net.connect({host, port, timeout: 3000});
  socket.on('connect', () => { socket.destroy(); done('connected'); });
  socket.on('timeout', () => { socket.destroy(); done('timeout'); });
  socket.on('error', (error) => done(error.code));
});

exports.handler = async (event) => {
  const ask = {method: 'POST', body: '{}', headers: {'Content-Type': 'application/x-amz-json-1.0',
               'X-Amz-Target': 'DynamoDB_20120810.ListTables'}};
  return {
    sdk: (await new AWS.DynamoDB({region: 'us-east-1'}).listTables().promise()).TableNames,
    endpoint: new AWS.DynamoDB({region: 'us-east-1'}).endpoint.href,
    raw: await get(event.url, ask),
    distrusting: await get(event.url, {...ask, ca: tls.rootCertificates}),
    urls: Object.fromEntries(await Promise.all(event.urls.map(async (url) => [url, await get(url)]))),
    ports: await Promise.all(event.ports.map(connect)),
  };
};
"""

PYTHON = """
import os
for name in [name for name in os.environ if name.startswith("AWS_ENDPOINT")]:
    del os.environ[name]
import socket, ssl, urllib.error, urllib.request
import boto3

def get(url, context=None, data=None, headers={}):
    try:
        request = urllib.request.Request(url, data=data, headers=headers)
        with urllib.request.urlopen(request, timeout=3, context=context) as answer:
            return {"status": answer.status, "body": answer.read().decode()}
    except urllib.error.HTTPError as error:
        return {"status": error.code, "body": error.read().decode()}
    except Exception as error:
        return {"error": str(error)}

def connect(address):
    try:
        socket.create_connection(tuple(address), timeout=3).close()
        return "connected"
    except OSError as error:
        return str(error)

def handler(event, context):
    dynamodb = boto3.client("dynamodb", region_name="us-east-1")
    ask = dict(data=b"{}", headers={"Content-Type": "application/x-amz-json-1.0",
                                    "X-Amz-Target": "DynamoDB_20120810.ListTables"})
    checks = ssl.create_default_context()
    raw = get(event["url"], checks, **ask)
    raw["verified"] = checks.verify_mode == ssl.CERT_REQUIRED and checks.check_hostname
    return {
        "sdk": dynamodb.list_tables()["TableNames"],
        "endpoint": dynamodb.meta.endpoint_url,
        "raw": raw,
        "distrusting": get(event["url"], ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), **ask),
        "urls": {url: get(url) for url in event["urls"]},
        "ports": [connect(address) for address in event["ports"]],
    }
"""


class Neighbour(http.server.BaseHTTPRequestHandler):
    """Somebody else's service on this host, on every address that it has."""
    asked = []

    def do_GET(self):
        self.asked.append(self.path)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *arguments):
        pass


@pytest.fixture
def neighbour():
    Neighbour.asked.clear()
    with http.server.ThreadingHTTPServer(("0.0.0.0", 0), Neighbour) as listening:
        threading.Thread(target=listening.serve_forever, args=(0.05,), daemon=True).start()
        yield listening.server_address[1]
        listening.shutdown()
    assert Neighbour.asked == []


@pytest.fixture
def table(server, name):
    dynamodb = server.client("dynamodb")
    dynamodb.create_table(TableName=name, BillingMode="PAY_PER_REQUEST",
                          AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
                          KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}])
    yield name
    dynamodb.delete_table(TableName=name)


def zipped(file, text):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr(file, text)
    return made.getvalue()


@pytest.fixture
def function(server, name):
    iam, functions = server.client("iam"), server.client("lambda", read_timeout=120)
    trust = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"},
                            "Action": "sts:AssumeRole"}]}
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps(
        {"Statement": [{"Effect": "Allow", "Action": ["dynamodb:*", "logs:*"], "Resource": "*"}]}))

    def make(runtime, handler, package, **environment):
        functions.create_function(FunctionName=name, Runtime=runtime, Handler=handler, Role=role, Timeout=60,
                                  MemorySize=512, Code={"ZipFile": package},
                                  Environment={"Variables": environment})
        functions.get_waiter("function_active_v2").wait(FunctionName=name)

    def invoke(payload):
        answer = functions.invoke(FunctionName=name, Payload=json.dumps(payload), LogType="Tail")
        shown = answer["Payload"].read().decode()
        assert "FunctionError" not in answer, shown + base64.b64decode(answer["LogResult"]).decode()
        return json.loads(shown)

    yield make, invoke
    functions.delete_function(FunctionName=name)
    iam.delete_role_policy(RoleName=name, PolicyName="p")
    iam.delete_role(RoleName=name)


def own_addresses():
    """This host's addresses as others see them; a function must not get there either."""
    found = {"127.0.0.1"}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing; shows the address that leads outside
            found.add(probe.getsockname()[0])
        except OSError:
            pass
    return sorted(found)


@pytest.mark.parametrize("runtime, handler, file, source", [
    ("nodejs20.x", "index.handler", "index.js", NODE),
    ("python3.12", "index.handler", "index.py", PYTHON)])
def test_aws_names_lead_here_and_nothing_else_is_there(server, function, table, neighbour, runtime, handler,
                                                       file, source):
    make, invoke = function
    make(runtime, handler, zipped(file, source))
    urls = ["https://example.com/", "http://example.com/", "http://169.254.169.254/latest/meta-data/",
            "http://metadata.google.internal/", *(f"http://{a}:{neighbour}/" for a in own_addresses())]
    ports = [[address, port] for address in ("169.254.169.254", "192.0.2.1", "1.1.1.1", *own_addresses())
             for port in (22, 53, neighbour)]
    seen = invoke({"url": DYNAMODB + "/", "urls": urls, "ports": ports})

    assert table in seen["sdk"]
    assert seen["endpoint"].rstrip("/") == DYNAMODB
    # Bare and unsigned, the request arrives too: TLS was fine, DynamoDB's own refusal is the answer.
    assert seen["raw"]["verified"] and seen["raw"]["status"] == 400
    assert json.loads(seen["raw"]["body"])["__type"].endswith("MissingAuthenticationTokenException")
    assert "error" in seen["distrusting"], "a client that does not know the authority must not accept it"
    for url, answer in seen["urls"].items():
        assert "error" in answer, f"{url} was reached: {answer}"
    for address, answer in zip(ports, seen["ports"]):
        assert answer != "connected", f"{address} was reached"


def test_the_function_in_cpp_verifies_the_same_name(server, function, table, tmp_path):
    make, invoke = function
    dynamodb, config = server.client("dynamodb"), "StreamProcessingRefArchConfig"
    dynamodb.create_table(TableName=config, BillingMode="PAY_PER_REQUEST",
                          AttributeDefinitions=[{"AttributeName": "Environment", "AttributeType": "S"}],
                          KeySchema=[{"AttributeName": "Environment", "KeyType": "HASH"}])
    items = table + "-items"
    names = ("Username", "Timestamp")
    dynamodb.create_table(TableName=items, BillingMode="PAY_PER_REQUEST",
                          AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in names],
                          KeySchema=[{"AttributeName": n, "KeyType": k} for n, k in zip(names, ("HASH", "RANGE"))])
    dynamodb.put_item(TableName=config, Item={"Environment": {"S": "demo"}, "EventDataTable": {"S": items}})
    event = {"Records": [{"eventID": "shardId-000000000000:1", "eventSource": "aws:kinesis", "kinesis": {
        "data": base64.b64encode(stacks.tweet(1)).decode(), "partitionKey": "k", "sequenceNumber": "1"}}]}
    # A certificate that signed nothing, for a function that trusts only that one.
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=other", "-keyout",
                    tmp_path / "key", "-out", tmp_path / "other.pem"], check=True, capture_output=True)
    shutil.copy(ZIPS / "event_processor.zip", tmp_path / "zip")
    with zipfile.ZipFile(tmp_path / "zip", "a") as archive:
        archive.write(tmp_path / "other.pem", "other.pem")
    package = (tmp_path / "zip").read_bytes()
    try:
        make("provided.al2023", "bootstrap", package, AWS_ENDPOINT_URL_DYNAMODB=DYNAMODB)
        invoke(event)
        assert stacks.count_items(server, items) == 1

        # The same, not trusting the private authority: the certificate is refused.
        functions = server.client("lambda", read_timeout=120)
        functions.update_function_configuration(FunctionName=table, Environment={"Variables": {
            "AWS_ENDPOINT_URL_DYNAMODB": DYNAMODB, "AWS_CA_BUNDLE": "/var/task/other.pem"}})
        functions.get_waiter("function_updated_v2").wait(FunctionName=table)
        answer = functions.invoke(FunctionName=table, Payload=json.dumps(event), LogType="Tail")
        assert "FunctionError" in answer, answer["Payload"].read()
        assert "ertificate" in answer["Payload"].read().decode() + base64.b64decode(answer["LogResult"]).decode()
    finally:
        dynamodb.delete_table(TableName=config)
        dynamodb.delete_table(TableName=items)
