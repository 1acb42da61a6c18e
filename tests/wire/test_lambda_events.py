"""Asynchronous invocations: their settings, and where the records of them go."""
import datetime
import json
import re

import pytest
from botocore.exceptions import ClientError
from support.functions import Functions
from support.stack import wait_until

FAILS = "def handler(event, context):\n    raise ValueError('no')\n"
WORKS = "def handler(event, context):\n    return {'got': event}\n"
PRINTS = "import json\ndef handler(event, context):\n    print('GOT ' + json.dumps(event))\n"


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


def test_settings_are_put_updated_listed_and_deleted(functions, name):
    api = functions.lambda_
    arn = functions.create(name, WORKS)["FunctionArn"]
    api.publish_version(FunctionName=name)
    none = ("ResourceNotFoundException", f"The function {arn}:$LATEST doesn't have an EventInvokeConfig")
    assert refusal(api.get_function_event_invoke_config, FunctionName=name) == none
    assert refusal(api.update_function_event_invoke_config, FunctionName=name, MaximumRetryAttempts=1) == none
    assert refusal(api.delete_function_event_invoke_config, FunctionName=name) == none
    assert refusal(api.put_function_event_invoke_config, FunctionName=name) == (
        "InvalidParameterValueException", "You must specify at least one of error handling or destination setting.")

    put = api.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=0)
    assert put["FunctionArn"] == arn + ":$LATEST"
    assert put["DestinationConfig"] == {"OnSuccess": {}, "OnFailure": {}}
    assert put["MaximumRetryAttempts"] == 0 and "MaximumEventAgeInSeconds" not in put
    age = datetime.datetime.now(datetime.timezone.utc) - put["LastModified"]
    assert abs(age.total_seconds()) < 60
    put = api.put_function_event_invoke_config(FunctionName=name, MaximumEventAgeInSeconds=60)
    assert put["MaximumEventAgeInSeconds"] == 60 and "MaximumRetryAttempts" not in put
    changed = api.update_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=1)
    assert (changed["MaximumEventAgeInSeconds"], changed["MaximumRetryAttempts"]) == (60, 1)
    got = api.get_function_event_invoke_config(FunctionName=name, Qualifier="$LATEST")
    assert {k: got[k] for k in changed if k != "ResponseMetadata"} == {
        k: v for k, v in changed.items() if k != "ResponseMetadata"}
    api.put_function_event_invoke_config(FunctionName=name, Qualifier="1", MaximumEventAgeInSeconds=120)
    configs = api.list_function_event_invoke_configs(FunctionName=name)["FunctionEventInvokeConfigs"]
    assert sorted(config["FunctionArn"] for config in configs) == [arn + ":$LATEST", arn + ":1"]
    page = api.list_function_event_invoke_configs(FunctionName=name, MaxItems=1)
    rest = api.list_function_event_invoke_configs(FunctionName=name, Marker=page["NextMarker"])
    assert len(page["FunctionEventInvokeConfigs"]) == len(rest["FunctionEventInvokeConfigs"]) == 1
    api.delete_function_event_invoke_config(FunctionName=name)
    assert refusal(api.get_function_event_invoke_config, FunctionName=name) == none


def test_destinations_have_to_be_right(functions, name):
    api = functions.lambda_
    arn = functions.create(name, WORKS)["FunctionArn"]

    def refused(end, destination):
        return refusal(api.put_function_event_invoke_config, FunctionName=name,
                       DestinationConfig={end: {"Destination": destination}})
    invalid = "InvalidParameterValueException"
    assert refused("OnSuccess", arn) == (invalid, "You can't specify the function as a destination for itself.")
    assert refused("OnFailure", arn + "x") == (invalid, f"The destination ARN {arn}x is invalid.")
    iam = arn.replace("lambda", "iam")
    assert refused("OnSuccess", iam) == (
        invalid, "The provided destination config DestinationConfig(onSuccess=OnSuccess(destination="
                 f"{iam}), onFailure=null) is invalid.")
    assert "is invalid." in refused("OnSuccess", "arn:aws:s3:::bucket")[1]
    assert "is invalid." in refused("OnFailure", "arn:aws:kinesis:us-east-1:000000000000:stream/s")[1]
    assert refused("OnFailure", "arn:aws:sqs:us-east-1:000000000000:q") == (
        invalid, "An SQS queue as destination is not supported by Millrace.")
    assert refusal(api.put_function_event_invoke_config, FunctionName=name + "x", MaximumRetryAttempts=1) == (
        "ResourceNotFoundException", "The function doesn't exist.")


def test_a_failed_event_goes_to_a_bucket(functions, server, name):
    s3 = server.client("s3")
    s3.create_bucket(Bucket=name)
    functions.allow({"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{name}/*"})
    arn = functions.create(name, FAILS)["FunctionArn"]
    functions.lambda_.put_function_event_invoke_config(
        FunctionName=name, MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": f"arn:aws:s3:::{name}"}})
    asked = functions.lambda_.invoke(FunctionName=name, InvocationType="Event", Payload=b'{"n":1.50}')
    found = wait_until(lambda: s3.list_objects_v2(Bucket=name).get("Contents"), "the record")
    assert len(found) == 1
    assert re.fullmatch(rf"aws/lambda/async/{name}/\d{{4}}/\d\d/\d\d/\d{{4}}-\d\d-\d\dT\d\d\.\d\d\.\d\d-[0-9a-f-]{{36}}",
                        found[0]["Key"])
    record = json.loads(s3.get_object(Bucket=name, Key=found[0]["Key"])["Body"].read())
    assert record.pop("timestamp").endswith("Z")
    assert record.pop("responsePayload")["errorMessage"] == "no"
    assert record == {
        "version": "1.0",
        "requestContext": {"requestId": asked["ResponseMetadata"]["RequestId"], "functionArn": arn + ":$LATEST",
                           "condition": "RetriesExhausted", "approximateInvokeCount": 1},
        "requestPayload": {"n": 1.5},
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"}}
    s3.delete_object(Bucket=name, Key=found[0]["Key"])
    s3.delete_bucket(Bucket=name)


def test_what_worked_goes_to_another_function(functions, name):
    functions.allow({"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": f"arn:aws:lambda:*:*:function:{name}-sink"})
    sink = functions.create(name + "-sink", PRINTS)["FunctionArn"]
    functions.create(name, WORKS)
    functions.lambda_.put_function_event_invoke_config(
        FunctionName=name, DestinationConfig={"OnSuccess": {"Destination": sink}})
    functions.lambda_.invoke(FunctionName=name, InvocationType="Event", Payload=b'{"n":1}')
    record = wait_until(lambda: functions.printed(name + "-sink", "GOT"), "the record")[0]
    assert record["requestContext"]["condition"] == "Success"
    assert record["requestPayload"] == {"n": 1} and record["responsePayload"] == {"got": {"n": 1}}
    assert record["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST"}


def test_records_survive_a_killed_server(own_server, name):
    functions = Functions(own_server, name)
    s3 = own_server.client("s3")
    s3.create_bucket(Bucket=name)
    functions.create(name, FAILS)  # its role may not write yet: the record waits
    functions.lambda_.put_function_event_invoke_config(
        FunctionName=name, MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": f"arn:aws:s3:::{name}"}})
    functions.lambda_.invoke(FunctionName=name, InvocationType="Event", Payload=b'{"n":1}')
    wait_until(lambda: "/aws/lambda/" + name in [
        group["logGroupName"] for group in functions.logs.describe_log_groups()["logGroups"]], "the attempt")
    own_server.kill()
    own_server.start()
    functions.allow({"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"})
    wait_until(lambda: s3.list_objects_v2(Bucket=name).get("Contents"), "the record")
