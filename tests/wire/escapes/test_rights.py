"""Others' invocations and others' rights."""
import json
import threading

from support.attack import found, NEIGHBOUR
from support.logs import messages
from support.stack import wait_until


def test_another_functions_invocation_can_be_neither_answered_nor_taken(world, attacker):
    """Its Runtime API is in its own network; the same numbers here lead to the attacker's own."""
    world.create("victim", NEIGHBOUR)
    world.functions.invoke("victim", {})
    answered = {}
    asking = threading.Thread(target=lambda: answered.update(
        world.functions.invoke("victim", {"sleep": 4})))
    asking.start()
    ids = []

    def find_id():
        ids[:] = [line.split()[2] for line in messages(world.functions.logs, "victim", '"START RequestId"')]
        return len(ids) == 2
    wait_until(find_id, "the second invocation in the log", 4)
    result = found(attacker("""
base = "/2018-06-01/runtime/"
found = {}
for name, id in event["ids"].items():
    for end in ("response", "error"):
        found[f"{end} {name}"] = runtime_api("POST", f"{base}invocation/{id}/{end}", '"stolen"')
found["next"] = runtime_api("GET", base + "invocation/next")
found["init error"] = runtime_api("POST", base + "init/error", "{}")
for port in event["ports"]:
    found[f"next at {port}"] = runtime_api("GET", base + "invocation/next", port=port)
    found[f"response at {port}"] = runtime_api("POST", f"{base}invocation/{event['ids']['victim']}/response", "1", port=port)
for address in ("127.0.0.2", "127.1.1.1", "0.0.0.0", "10.0.0.1", "169.254.100.1"):
    def connect():
        socket.create_connection((address, 9001), timeout=1).close()
        return "connected"
    found[address] = tried(connect)
""", ids={"victim": ids[1], "victim before": ids[0], "nobody": "00000000-0000-0000-0000-000000000000",
          "path": "..%2f..%2fx", "long": "x" * 10_000},
        ports=[80, int(world.server.endpoint.rsplit(":", 1)[1])]))
    asking.join()
    assert answered["id"] == ids[1] and "instance" in answered
    assert result.pop("next") == 403 and result.pop("init error") == 403
    reached = {name: status for name, status in result.items() if name.startswith(("response", "error", "next"))}
    assert all(400 <= status < 500 for status in reached.values()), reached
    # 0.0.0.0 is the loopback by another name, and there is its own Runtime API.
    assert {a: r for a, r in result.items() if a not in reached and a != "0.0.0.0" and r == "connected"} == {}


def test_one_invocation_is_answered_once(attacker):
    answer = found(attacker("""
where = f"/2018-06-01/runtime/invocation/{context.aws_request_id}/response"
found = None
print(json.dumps([runtime_api("POST", where, '{"found": 1}'), runtime_api("POST", where, '{"found": 2}')]))
"""))
    assert answer == {"found": 1}
    assert found(attacker("found = 5")) == 5


def test_garbage_for_the_runtime_api_harms_only_its_function(attacker):
    answer = found(attacker("""
import threading
garbage = [b"\\0" * 100000, b"GET " + b"/" * 100000, b"GET / HTTP/1.1\\r\\n" + b"a: b\\r\\n" * 10000,
           b"POST /2018-06-01/runtime/init/error HTTP/1.1\\r\\ncontent-length: 99999999999\\r\\n\\r\\n",
           b"POST / HTTP/1.1\\r\\ntransfer-encoding: chunked\\r\\n\\r\\nffffffffffffffff\\r\\n",
           b"PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n" + os.urandom(100000), b"\\x16\\x03\\x01" + os.urandom(1000),
           b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\\r\\n\\r\\n" * 1000, os.urandom(1 << 20)]
def throw(port, bytes):
    with socket.create_connection(("127.0.0.1", port), timeout=2) as one:
        one.sendall(bytes)
        one.shutdown(socket.SHUT_WR)
        while one.recv(65536):
            pass
for port in (9001, 443, 80):
    for bytes in garbage:
        try:
            throw(port, bytes)
        except OSError:
            pass
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as names:
    for n in range(2000):
        names.sendto(os.urandom(n % 600), ("127.0.0.1", 53))
found = True
"""))
    assert answer is True
    assert found(attacker("found = 6")) == 6


def test_credentials_of_others_cannot_be_made(world, attacker):
    iam = world.server.client("iam")
    trust = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"},
                            "Action": "sts:AssumeRole"}]}
    role = iam.create_role(RoleName="powerful", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName="powerful", PolicyName="p", PolicyDocument=json.dumps(
        {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}))
    try:
        answer = found(attacker("""
import boto3, botocore.exceptions
own = {"aws_access_key_id": os.environ["AWS_ACCESS_KEY_ID"], "aws_secret_access_key": os.environ["AWS_SECRET_ACCESS_KEY"],
       "aws_session_token": os.environ["AWS_SESSION_TOKEN"]}
def ask(service, operation, credentials, **arguments):
    client = boto3.client(service, region_name="us-east-1", **credentials)
    try:
        getattr(client, operation)(**arguments)
        return "allowed"
    except botocore.exceptions.ClientError as error:
        return error.response["Error"]["Code"]
token = own["aws_session_token"]
middle = len(token) // 2
changed = token[:middle] + ("A" if token[middle] != "A" else "B") + token[middle + 1:]
tables = lambda credentials: ask("dynamodb", "list_tables", credentials)
found = {
    "own rights": tables(own),
    "another's key with own secret": tables(own | {"aws_access_key_id": event["root"]}),
    "another's key with own secret, no token": tables(own | {"aws_access_key_id": event["root"], "aws_session_token": None}),
    "own key without its token": tables(own | {"aws_session_token": None}),
    "a changed token": tables(own | {"aws_session_token": changed}),
    "a cut token": tables(own | {"aws_session_token": token[:-8]}),
    "a role that is for others": ask("sts", "assume_role", own, RoleArn=event["role"], RoleSessionName="own"),
    "a policy for itself": ask("iam", "put_role_policy", own, RoleName="escapes", PolicyName="more", PolicyDocument="{}"),
    "a key of its own": ask("iam", "create_access_key", own, UserName="x"),
    "another's code": ask("lambda", "get_function", own, FunctionName="neighbour"),
    "another's end": ask("lambda", "delete_function", own, FunctionName="neighbour"),
    "its operator": ask("lambda", "update_function_configuration", own, FunctionName="attacker", Role=event["role"]),
}
connection = http.client.HTTPConnection(os.environ["AWS_ENDPOINT_URL"].split("//")[1], timeout=10)
connection.request("POST", "/", "{}", {"X-Amz-Target": "DynamoDB_20120810.ListTables",
                                       "Content-Type": "application/x-amz-json-1.0"})
found["unsigned"] = json.loads(connection.getresponse().read())["__type"].rsplit("#")[-1]
""", role=role, root=world.server.environment["AWS_ACCESS_KEY_ID"]))
    finally:
        iam.delete_role_policy(RoleName="powerful", PolicyName="p")
        iam.delete_role(RoleName="powerful")
    assert "allowed" not in answer.values(), answer
    assert answer["own rights"] == answer["a role that is for others"].replace("AccessDenied", "AccessDeniedException")
    assert answer["unsigned"] == "MissingAuthenticationTokenException"
