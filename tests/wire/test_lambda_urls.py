"""Function URLs: their settings, who may call them, and what function and client see of each other."""
import base64
import json

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest
import urllib3
from botocore.exceptions import ClientError
from support.functions import Functions

ECHO = """
import json
def handler(event, context):
    return {"statusCode": 200, "body": json.dumps(event), "headers": {"X-Mine": "1"}}
"""
ANSWERS = """
import base64, json
def handler(event, context):
    answer = json.loads(base64.b64decode(event["queryStringParameters"]["answer"]))
    if answer == "raise":
        raise ValueError("no")
    return answer
"""
HTTP = urllib3.PoolManager(retries=False)
FORBIDDEN = {"Message": "Forbidden. For troubleshooting Function URL authorization issues, see: "
                        "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"}


@pytest.fixture
def functions(server, name):
    made = Functions(server, name)
    yield made
    made.close()


def refusal(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


class Url:
    """A URL of AuthType NONE that everybody may call, unless told otherwise."""

    def __init__(self, functions, name, auth_type="NONE", open_to_all=True, **settings):
        self.functions, self.name = functions, name
        self.made = functions.lambda_.create_function_url_config(FunctionName=name, AuthType=auth_type, **settings)
        self.host = self.made["FunctionUrl"].removeprefix("https://").rstrip("/")
        self.id = self.host.split(".")[0]
        if open_to_all:
            self.grant("u", "lambda:InvokeFunctionUrl", FunctionUrlAuthType="NONE")
            self.grant("f", "lambda:InvokeFunction", InvokedViaFunctionUrl=True)

    def grant(self, statement, action, **condition):
        self.functions.lambda_.add_permission(FunctionName=self.name, StatementId=statement, Action=action,
                                              Principal="*", **condition)

    def call(self, method="GET", target="/", headers=None, **more):
        headers = {"Host": self.host} | (headers or {})
        return HTTP.request(method, self.functions.server.endpoint + target, headers=headers, **more)

    def signed(self, method, url, key, body=b"", service="lambda", host=None):
        request = botocore.awsrequest.AWSRequest(method, url, data=body, headers={"Host": host or self.host})
        credentials = botocore.credentials.Credentials(key["AccessKeyId"], key["SecretAccessKey"])
        region = self.host.split(".")[2]
        botocore.auth.SigV4Auth(credentials, service, region).add_auth(request)
        return HTTP.request(method, url, headers=dict(request.headers), body=body)


def test_settings_are_made_shown_changed_and_removed(functions, name):
    api = functions.lambda_
    arn = functions.create(name, ECHO)["FunctionArn"]
    none = ("ResourceNotFoundException", "The resource you requested does not exist.")
    assert refusal(api.get_function_url_config, FunctionName=name) == none
    made = api.create_function_url_config(FunctionName=name, AuthType="NONE")
    region = arn.split(":")[3]
    assert made["FunctionUrl"].endswith(f".lambda-url.{region}.on.aws/") and made["FunctionArn"] == arn
    assert len(made["FunctionUrl"].split("//")[1].split(".")[0]) == 32
    assert refusal(api.create_function_url_config, FunctionName=name, AuthType="NONE") == (
        "ResourceConflictException", f"Failed to create function url config for [functionArn = {arn}]. Error message: "
                                     " FunctionUrlConfig exists for this Lambda function")
    got = api.get_function_url_config(FunctionName=name)
    assert (got["AuthType"], got["InvokeMode"]) == ("NONE", "BUFFERED") and "Cors" not in got
    cors = {"AllowOrigins": ["https://a.example"], "AllowMethods": ["GET"], "MaxAge": 5}
    changed = api.update_function_url_config(FunctionName=name, AuthType="AWS_IAM", Cors=cors)
    assert changed["AuthType"] == "AWS_IAM" and changed["Cors"] == cors
    assert changed["FunctionUrl"] == made["FunctionUrl"]
    assert "Cors" not in api.update_function_url_config(FunctionName=name, Cors={})
    api.publish_version(FunctionName=name)
    api.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    second = api.create_function_url_config(FunctionName=name, Qualifier="live", AuthType="NONE")
    assert second["FunctionArn"] == arn + ":live" and second["FunctionUrl"] != made["FunctionUrl"]
    listed = api.list_function_url_configs(FunctionName=name)["FunctionUrlConfigs"]
    assert [each["FunctionArn"] for each in listed] == [arn, arn + ":live"]
    assert refusal(api.list_function_url_configs, FunctionName=name + "x") == (
        "ResourceNotFoundException", "Function does not exist")
    api.delete_function_url_config(FunctionName=name)
    assert refusal(api.delete_function_url_config, FunctionName=name) == none
    assert refusal(api.create_function_url_config, FunctionName=name, AuthType="NONE",
                   InvokeMode="SIDEWAYS")[0] == "ValidationException"


def test_a_function_sees_the_request_in_format_2(functions, name):
    functions.create(name, ECHO)
    url = Url(functions, name)
    answer = url.call("POST", "/a/b%20c?x=1&x=2&y=%20z", {"Cookie": "k=1; l=2", "X-One": "1", "Content-Type":
                                                          "application/json", "User-Agent": "me"}, body=b'{"a":1}')
    assert answer.status == 200 and answer.headers["X-Mine"] == "1"
    assert answer.headers["Content-Type"] == "application/json"
    event = json.loads(answer.data)
    assert event["version"] == "2.0" and event["routeKey"] == "$default"
    assert event["rawPath"] == "/a/b%20c" and event["rawQueryString"] == "x=1&x=2&y=%20z"
    assert event["queryStringParameters"] == {"x": "1,2", "y": " z"}
    assert event["cookies"] == ["k=1", "l=2"]
    assert event["headers"]["x-one"] == "1" and event["headers"]["host"] == url.host
    assert event["body"] == '{"a":1}' and event["isBase64Encoded"] is False
    context = event["requestContext"]
    assert context["accountId"] == "anonymous" and context["apiId"] == context["domainPrefix"] == url.id
    assert context["domainName"] == url.host and "authorizer" not in context
    assert context["http"] == {"method": "POST", "path": "/a/b%20c", "protocol": "HTTP/1.1",
                               "sourceIp": "127.0.0.1", "userAgent": "me"}
    assert context["stage"] == "$default" and context["timeEpoch"] > 1e12
    assert context["requestId"] == answer.headers["x-amzn-RequestId"]
    binary = json.loads(url.call("PUT", "/", body=b"\x00\xff").data)
    assert binary["isBase64Encoded"] is True and base64.b64decode(binary["body"]) == b"\x00\xff"
    bare = json.loads(url.call().data)
    assert "body" not in bare and "cookies" not in bare and "queryStringParameters" not in bare


def test_a_client_sees_what_the_function_answers(functions, name):
    functions.create(name, ANSWERS)
    url = Url(functions, name)

    def answer(value):
        return url.call(target="/?answer=" + base64.urlsafe_b64encode(json.dumps(value).encode()).decode().replace(
            "-", "%2B").replace("_", "%2F"))
    whole = answer({"statusCode": 201, "headers": {"Content-Type": "text/plain", "X-N": 5}, "body": "hi",
                    "cookies": ["a=1; Path=/", "b=2"]})
    assert (whole.status, whole.data, whole.headers["Content-Type"], whole.headers["X-N"]) == (
        201, b"hi", "text/plain", "5")
    assert whole.headers.getlist("Set-Cookie") == ["a=1; Path=/", "b=2"]
    coded = answer({"statusCode": 200, "isBase64Encoded": True, "body": base64.b64encode(b"\x00\xff").decode()})
    assert coded.data == b"\x00\xff"
    assert answer({"statusCode": 204}).data == b""
    for value, text in (({"hello": "world"}, '{"hello": "world"}'), ([1, True], "[1, true]"), ("hello", "hello"),
                        (3, "3")):
        plain = answer(value)
        assert (plain.status, plain.headers["Content-Type"], plain.data.decode()) == (200, "application/json", text)
    for value in ("raise", {"statusCode": "no"}, {"statusCode": 200, "isBase64Encoded": True, "body": "%"}):
        bad = answer(value)
        assert (bad.status, bad.data) == (502, b"Internal Server Error")


def test_everybody_may_call_only_what_the_policy_opens(functions, name):
    functions.create(name, ECHO)
    url = Url(functions, name, open_to_all=False)
    closed = url.call()
    assert closed.status == 403 and json.loads(closed.data) == FORBIDDEN
    assert closed.headers["x-amzn-ErrorType"] == "AccessDeniedException"
    url.grant("u", "lambda:InvokeFunctionUrl", FunctionUrlAuthType="NONE")
    assert url.call().status == 403
    url.grant("f", "lambda:InvokeFunction", InvokedViaFunctionUrl=True)
    assert url.call().status == 200
    # The second right is good for URLs only.
    functions.lambda_.update_function_url_config(FunctionName=name, AuthType="AWS_IAM")
    assert url.call().status == 403
    functions.lambda_.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    functions.lambda_.update_function_url_config(FunctionName=name, AuthType="NONE")
    assert url.call().status == 429
    missing = url.call(headers={"Host": "a" * 32 + url.host[32:]})
    assert missing.status == 404 and json.loads(missing.data) == {"Message": None}


def test_signed_calls_need_both_rights(functions, server, name):
    functions.create(name, ECHO)
    url = Url(functions, name, "AWS_IAM", open_to_all=False)
    iam = functions.iam
    user = iam.create_user(UserName=name)["User"]
    key = iam.create_access_key(UserName=name)["AccessKey"]

    def allow(*actions):
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps(
            {"Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]}))
    target = server.endpoint + "/x?y=1"
    allow("lambda:InvokeFunctionUrl")
    assert url.signed("GET", target, key).status == 403
    allow("lambda:InvokeFunctionUrl", "lambda:InvokeFunction")
    answer = url.signed("POST", target, key, b"{}")
    assert answer.status == 200, answer.data
    context = json.loads(answer.data)["requestContext"]
    assert context["accountId"] == user["Arn"].split(":")[4]
    assert context["authorizer"]["iam"] == {
        "accessKey": key["AccessKeyId"], "accountId": context["accountId"], "callerId": user["UserId"],
        "cognitoIdentity": None, "principalOrgId": None, "userArn": user["Arn"], "userId": user["UserId"]}
    # By its path too, where no host name leads here.
    place = server.endpoint.removeprefix("http://")
    by_path = url.signed("GET", f"{server.endpoint}/_millrace/url/{url.id}/deep/er?y=1", key, host=place)
    assert by_path.status == 200 and json.loads(by_path.data)["rawPath"] == "/deep/er"
    assert url.signed("GET", target, key, service="s3").status == 403
    assert url.signed("GET", target, key | {"SecretAccessKey": "wrong"}).status == 403
    assert url.call().status == 403
    iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    iam.delete_user_policy(UserName=name, PolicyName="p")
    iam.delete_user(UserName=name)


def test_browsers_of_other_origins_are_told_what_they_may(functions, name):
    functions.create(name, ECHO)
    url = Url(functions, name, Cors={"AllowOrigins": ["https://a.example"], "AllowMethods": ["GET", "POST"],
                                     "AllowHeaders": ["x-one"], "ExposeHeaders": ["x-mine"], "MaxAge": 60,
                                     "AllowCredentials": True})
    ask = {"Origin": "https://a.example", "Access-Control-Request-Method": "POST"}
    allowed = url.call("OPTIONS", headers=ask)
    assert allowed.status == 200 and allowed.data == b""
    said = {k.lower(): v for k, v in allowed.headers.items() if k.lower().startswith("access-control-")}
    assert said == {"access-control-allow-origin": "https://a.example", "access-control-allow-credentials": "true",
                    "access-control-allow-methods": "GET,POST", "access-control-allow-headers": "x-one",
                    "access-control-max-age": "60"}
    for other in (ask | {"Origin": "https://b.example"}, ask | {"Access-Control-Request-Method": "PUT"}):
        assert "Access-Control-Allow-Origin" not in url.call("OPTIONS", headers=other).headers
    answer = url.call(headers={"Origin": "https://a.example"})
    assert answer.headers["Access-Control-Allow-Origin"] == "https://a.example"
    assert answer.headers["Access-Control-Expose-Headers"] == "x-mine"
    assert "Access-Control-Allow-Origin" not in url.call(headers={"Origin": "https://b.example"}).headers


def test_urls_survive_a_restart_and_go_with_their_function(own_server, name):
    functions = Functions(own_server, name)
    functions.create(name, ECHO)
    url = Url(functions, name)
    assert url.call().status == 200
    own_server.kill()
    own_server.start()
    assert url.call().status == 200
    functions.lambda_.delete_function(FunctionName=name)
    assert url.call().status == 404
