"""A function that leaves a trace of each record in a table, and fails on request.

It signs its own requests: an SDK takes longer to load than the rest of it to run. Its effects are lists
in one table: item "MODE/KEY" has the numbers of the records with that partition key in the order in
which they were processed, again and again where they came again.
"""
import io
import json
import pathlib
import zipfile

TRUST = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"},
                        "Action": "sts:AssumeRole"}]}
RIGHTS = {"Statement": [{"Effect": "Allow", "Resource": "*", "Action": [
    "logs:*", "kinesis:Get*", "kinesis:List*", "kinesis:Describe*", "dynamodb:UpdateItem", "dynamodb:PutItem",
    "s3:PutObject"]}]}

CODE = '''
import base64, datetime, hashlib, hmac, http.client, json, os, random

HOST = os.environ["AWS_ENDPOINT_URL"].split("//")[1]
MODE, TABLE = os.environ["MODE"], os.environ["TABLE"]
FAILS = float(os.environ.get("FAILS", "0"))
connection = http.client.HTTPConnection(HOST, timeout=20)


def mac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def dynamodb(operation, request):
    body = json.dumps(request)
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    scope = f"{now[:8]}/us-east-1/dynamodb/aws4_request"
    headers = {"host": HOST, "x-amz-date": now, "x-amz-security-token": os.environ["AWS_SESSION_TOKEN"],
               "x-amz-target": f"DynamoDB_20120810.{operation}"}
    names = ";".join(sorted(headers))
    canonical = "POST\\n/\\n\\n" + "".join(f"{n}:{headers[n]}\\n" for n in sorted(headers)) + \\
        f"\\n{names}\\n" + hashlib.sha256(body.encode()).hexdigest()
    to_sign = f"AWS4-HMAC-SHA256\\n{now}\\n{scope}\\n" + hashlib.sha256(canonical.encode()).hexdigest()
    key = ("AWS4" + os.environ["AWS_SECRET_ACCESS_KEY"]).encode()
    for part in scope.split("/"):
        key = mac(key, part)
    headers["authorization"] = (f"AWS4-HMAC-SHA256 Credential={os.environ['AWS_ACCESS_KEY_ID']}/{scope}, "
                                f"SignedHeaders={names}, Signature={mac(key, to_sign).hex()}")
    headers["content-type"] = "application/x-amz-json-1.0"
    try:
        connection.request("POST", "/", body, headers)
        answer = connection.getresponse()
        text = answer.read()
    except Exception:
        connection.close()
        raise
    if answer.status != 200:
        raise RuntimeError(f"{answer.status} {text}")


def append(key, numbers):
    dynamodb("UpdateItem", {
        "TableName": TABLE, "Key": {"id": {"S": f"{MODE}/{key}"}},
        "UpdateExpression": "SET seen = list_append(if_not_exists(seen, :none), :new)",
        "ExpressionAttributeValues": {":none": {"L": []}, ":new": {"L": [{"N": str(n)} for n in numbers]}}})


def window(event):
    state = event["state"].get("seen", []) if event["state"] else []
    if random.random() < FAILS:
        raise RuntimeError("by chance")
    for record in event["Records"]:
        state.append(json.loads(base64.b64decode(record["kinesis"]["data"])))
    if event["isFinalInvokeForWindow"] and state:
        first = f"{state[0]['k']}-{state[0]['n']}"
        dynamodb("PutItem", {"TableName": TABLE, "Item": {
            "id": {"S": f"{MODE}/{event['shardId']}/{event['window']['start']}/{first}"},
            "state": {"S": json.dumps(state)}}})
    return {"state": {"seen": state}}


def handler(event, context):
    if "window" in event:
        return window(event)
    for record in event["Records"]:
        body = json.loads(base64.b64decode(record["kinesis"]["data"]))
        if MODE == "bisect" and body.get("poison"):
            raise RuntimeError(f"poison {body['n']}")
        if random.random() < FAILS:
            if MODE == "items":
                return {"batchItemFailures": [{"itemIdentifier": record["kinesis"]["sequenceNumber"]}]}
            raise RuntimeError("by chance")
        append(body["k"], [body["n"]])
    return {"batchItemFailures": []}
'''


def package(code=CODE):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("code.py", code)
    return made.getvalue()


def make_role(server, name):
    iam = server.client("iam")
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps(RIGHTS))
    return role


def make_table(server, name):
    server.client("dynamodb").create_table(
        TableName=name, BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}])


def make_function(server, name, role, environment, timeout=30, **more):
    functions = server.client("lambda")
    functions.create_function(FunctionName=name, Runtime="python3.12", Handler="code.handler", Role=role,
                              Timeout=timeout, Code={"ZipFile": package()},
                              Environment={"Variables": environment}, **more)
    functions.get_waiter("function_active_v2").wait(FunctionName=name)


def read_all(server, table):
    """Every item's list of numbers, or its state, by id."""
    found = {}
    for page in server.client("dynamodb").get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
        for item in page["Items"]:
            found[item["id"]["S"]] = ([int(n["N"]) for n in item["seen"]["L"]] if "seen" in item
                                      else json.loads(item["state"]["S"]))
    return found


def descendants(pid):
    """The processes below one: functions, and what keeps them."""
    children = {}
    for folder in pathlib.Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                parent = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except OSError:
                continue
            children.setdefault(parent, []).append(int(folder.name))
    found, look = [], [pid]
    while look:
        own = children.get(look.pop(), [])
        found += own
        look += own
    return found
