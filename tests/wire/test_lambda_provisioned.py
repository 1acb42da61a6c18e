"""Environments that are kept ready, recursion settings, and both in stacks."""
import concurrent.futures
import json
import time

import pytest
from botocore.exceptions import ClientError
from support.functions import Functions

CODE = """
import os, time
BORN = time.time()
def handler(event, context):
    time.sleep(event.get("sleep", 0))
    return {"kind": os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"], "born": BORN, "version": context.function_version,
            "stream": context.log_stream_name}
"""


@pytest.fixture
def functions(server, name):
    made = Functions(server, name)
    yield made
    made.close()


def refusal(call, **how):
    with pytest.raises(ClientError) as caught:
        call(**how)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def put(functions, name, qualifier, count):
    return functions.lambda_.put_provisioned_concurrency_config(
        FunctionName=name, Qualifier=qualifier, ProvisionedConcurrentExecutions=count)


def settled(functions, name, qualifier, status="READY"):
    for _ in range(400):
        got = functions.lambda_.get_provisioned_concurrency_config(FunctionName=name, Qualifier=qualifier)
        if got["Status"] == status:
            got.pop("ResponseMetadata")
            return got
        time.sleep(0.05)
    raise AssertionError(got)


def invoke(functions, name, qualifier, **event):
    return functions.invoke(name, event, Qualifier=qualifier)


def test_environments_are_there_before_the_first_call(functions, name):
    functions.create(name, CODE)
    version = functions.lambda_.publish_version(FunctionName=name)["Version"]
    answer = put(functions, name, version, 2)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert (answer["Status"], answer["RequestedProvisionedConcurrentExecutions"]) == ("IN_PROGRESS", 2)
    assert answer["AllocatedProvisionedConcurrentExecutions"] == answer["AvailableProvisionedConcurrentExecutions"] == 0
    ready = settled(functions, name, version)
    assert ready.pop("LastModified").endswith("+0000")
    assert ready == {"RequestedProvisionedConcurrentExecutions": 2, "AvailableProvisionedConcurrentExecutions": 2,
                     "AllocatedProvisionedConcurrentExecutions": 2, "Status": "READY"}
    called = time.time()
    first = invoke(functions, name, version)
    assert first["kind"] == "provisioned-concurrency" and first["born"] < called and first["version"] == version
    # Two at a time find one; a third is made for its call.
    with concurrent.futures.ThreadPoolExecutor() as pool:
        kinds = sorted(answer["kind"] for answer in pool.map(
            lambda _: invoke(functions, name, version, sleep=1), range(3)))
    assert kinds == ["on-demand", "provisioned-concurrency", "provisioned-concurrency"]
    # $LATEST runs the same code, and is another matter.
    assert invoke(functions, name, "$LATEST")["kind"] == "on-demand"
    assert invoke(functions, name, "$LATEST")["version"] == "$LATEST"
    listed = functions.lambda_.list_provisioned_concurrency_configs(FunctionName=name)["ProvisionedConcurrencyConfigs"]
    assert [(one["FunctionArn"].rsplit(":", 2)[1:], one["Status"]) for one in listed] == [([name, version], "READY")]


def test_they_follow_their_alias_and_go_with_it(functions, name):
    functions.create(name, CODE)
    one = functions.lambda_.publish_version(FunctionName=name)["Version"]
    functions.lambda_.create_alias(FunctionName=name, Name="live", FunctionVersion=one)
    put(functions, name, "live", 1)
    settled(functions, name, "live")
    assert refusal(put, functions=functions, name=name, qualifier=one, count=1) == (
        "ResourceConflictException", "Version is pointed by a Provisioned Concurrency alias")
    assert invoke(functions, name, "live") | {"born": 0, "stream": 0} == {
        "kind": "provisioned-concurrency", "version": one, "born": 0, "stream": 0}
    functions.lambda_.update_function_configuration(FunctionName=name, Description="next", MemorySize=256)
    two = functions.lambda_.publish_version(FunctionName=name)["Version"]
    functions.lambda_.update_alias(FunctionName=name, Name="live", FunctionVersion=two)
    settled(functions, name, "live")
    moved = invoke(functions, name, "live")
    assert (moved["kind"], moved["version"]) == ("provisioned-concurrency", two)
    assert invoke(functions, name, one)["kind"] == "on-demand"
    functions.lambda_.delete_alias(FunctionName=name, Name="live")
    assert functions.lambda_.list_provisioned_concurrency_configs(
        FunctionName=name)["ProvisionedConcurrencyConfigs"] == []
    assert invoke(functions, name, two)["kind"] == "on-demand"


def test_they_are_there_again_after_a_restart(server, name):
    functions = Functions(server, name)
    functions.create(name, CODE)
    version = functions.lambda_.publish_version(FunctionName=name)["Version"]
    put(functions, name, version, 1)
    before = settled(functions, name, version)
    server.stop()
    server.start()
    assert settled(functions, name, version) == before
    assert invoke(functions, name, version)["kind"] == "provisioned-concurrency"
    functions.lambda_.delete_provisioned_concurrency_config(FunctionName=name, Qualifier=version)
    assert refusal(functions.lambda_.get_provisioned_concurrency_config, FunctionName=name, Qualifier=version) == (
        "ProvisionedConcurrencyConfigNotFoundException", "No Provisioned Concurrency Config found for this function")
    functions.close()


def test_a_function_that_cannot_start_says_so(functions, name):
    functions.create(name, "raise RuntimeError('no')\n")
    version = functions.lambda_.publish_version(FunctionName=name)["Version"]
    put(functions, name, version, 1)
    assert settled(functions, name, version, "FAILED")["StatusReason"] == "FUNCTION_ERROR_INIT_FAILURE"


def test_limits_and_errors(functions, name):
    functions.create(name, CODE)
    api = functions.lambda_
    version = api.publish_version(FunctionName=name)["Version"]
    api.create_alias(FunctionName=name, Name="live", FunctionVersion=version)
    arn = api.get_function_configuration(FunctionName=name)["FunctionArn"]
    for call in (api.get_provisioned_concurrency_config, api.delete_provisioned_concurrency_config):
        assert refusal(call, FunctionName=name, Qualifier="$LATEST") == (
            "InvalidParameterValueException", "The function resource provided must be an alias or a published version.")
        assert refusal(call, FunctionName=name, Qualifier="no") == (
            "ResourceNotFoundException", f"Cannot find alias arn: {arn}:no")
        assert refusal(call, FunctionName=name, Qualifier="10") == (
            "ResourceNotFoundException", f"Function not found: {arn}:10")
    assert refusal(put, functions=functions, name=name, qualifier="$LATEST", count=1) == (
        "InvalidParameterValueException",
        "Provisioned Concurrency Configs cannot be applied to unpublished function versions.")
    assert "greater than account's unreserved concurrency [" in refusal(
        put, functions=functions, name=name, qualifier=version, count=1001)[1]
    assert refusal(put, functions=functions, name=name, qualifier=version, count=950)[1] == (
        "Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its "
        "minimum value of [100].")
    api.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=2)
    assert refusal(put, functions=functions, name=name, qualifier=version, count=3)[1] == (
        "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function")
    put(functions, name, version, 2)
    assert refusal(put, functions=functions, name=name, qualifier="live", count=1) == (
        "ResourceConflictException",
        "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version")
    assert refusal(api.put_function_concurrency, FunctionName=name, ReservedConcurrentExecutions=1)[1] == (
        " ReservedConcurrentExecutions  1 should not be lower than function's total provisioned concurrency [2].")
    assert api.delete_provisioned_concurrency_config(
        FunctionName=name, Qualifier="live")["ResponseMetadata"]["HTTPStatusCode"] == 204


def test_metrics(functions, name, server):
    functions.create(name, CODE)
    version = functions.lambda_.publish_version(FunctionName=name)["Version"]
    put(functions, name, version, 1)
    settled(functions, name, version)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        list(pool.map(lambda _: invoke(functions, name, version, sleep=0.5), range(2)))
    metrics = {}
    now = time.time()
    for metric, statistic in (("ProvisionedConcurrencyInvocations", "Sum"), ("ProvisionedConcurrentExecutions", "Maximum"),
                              ("ProvisionedConcurrencySpilloverInvocations", "Sum"),
                              ("ProvisionedConcurrencyUtilization", "Maximum")):
        points = server.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/Lambda", MetricName=metric, StartTime=now - 300, EndTime=now + 60, Period=60,
            Statistics=[statistic], Dimensions=[{"Name": "FunctionName", "Value": name}])["Datapoints"]
        metrics[metric] = sum(point[statistic] for point in points) if statistic == "Sum" else max(
            point[statistic] for point in points)
    assert metrics == {"ProvisionedConcurrencyInvocations": 1, "ProvisionedConcurrencySpilloverInvocations": 1,
                       "ProvisionedConcurrentExecutions": 1, "ProvisionedConcurrencyUtilization": 1}


def test_recursion_is_kept(functions, name):
    functions.create(name, CODE)
    api = functions.lambda_
    assert api.get_function_recursion_config(FunctionName=name)["RecursiveLoop"] == "Terminate"
    assert api.put_function_recursion_config(FunctionName=name, RecursiveLoop="Allow")["RecursiveLoop"] == "Allow"
    assert api.get_function_recursion_config(FunctionName=name)["RecursiveLoop"] == "Allow"
    assert refusal(api.put_function_recursion_config, FunctionName=name, RecursiveLoop="InvalidValue") == (
        "ValidationException", "1 validation error detected: Value 'InvalidValue' at 'recursiveLoop' failed to satisfy "
        "constraint: Member must satisfy enum value set: [Terminate, Allow]")


TEMPLATE = {
    "Parameters": {"Ready": {"Type": "Number", "Default": 1}, "Text": {"Type": "String", "Default": "one"},
                   "Bucket": {"Type": "String"}},
    "Conditions": {"Some": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Ready"}, 0]}]}},
    "Resources": {
        "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {"Statement": [{
            "Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}}},
        "Layer": {"Type": "AWS::Lambda::LayerVersion", "Properties": {
            "Content": {"S3Bucket": {"Ref": "Bucket"}, "S3Key": "layer.zip"}, "Description": {"Ref": "Text"},
            "CompatibleRuntimes": ["python3.12"], "LicenseInfo": "MIT"}},
        "LayerUse": {"Type": "AWS::Lambda::LayerVersionPermission", "Properties": {
            "LayerVersionArn": {"Ref": "Layer"}, "Action": "lambda:GetLayerVersion", "Principal": "*"}},
        "Function": {"Type": "AWS::Lambda::Function", "Properties": {
            "Runtime": "python3.12", "Handler": "index.handler", "Role": {"Fn::GetAtt": ["Role", "Arn"]},
            "Layers": [{"Ref": "Layer"}], "RecursiveLoop": "Allow",
            "Code": {"ZipFile": "import os, mine\ndef handler(event, context):\n"
                                "    return [mine.WORD, os.environ['AWS_LAMBDA_INITIALIZATION_TYPE']]\n"}}},
        "Version": {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": {"Ref": "Function"}}},
        "Alias": {"Type": "AWS::Lambda::Alias", "Properties": {
            "FunctionName": {"Ref": "Function"}, "Name": "live", "FunctionVersion": {"Fn::GetAtt": ["Version", "Version"]},
            "ProvisionedConcurrencyConfig": {"Fn::If": [
                "Some", {"ProvisionedConcurrentExecutions": {"Ref": "Ready"}}, {"Ref": "AWS::NoValue"}]}}},
        "Url": {"Type": "AWS::Lambda::Url", "Properties": {
            "TargetFunctionArn": {"Ref": "Function"}, "AuthType": "AWS_IAM", "InvokeMode": "RESPONSE_STREAM",
            "Cors": {"AllowOrigins": ["*"], "MaxAge": 10}}},
        "Events": {"Type": "AWS::Lambda::EventInvokeConfig", "Properties": {
            "FunctionName": {"Ref": "Function"}, "Qualifier": "$LATEST", "MaximumRetryAttempts": 1}},
    },
    "Outputs": {"Function": {"Value": {"Ref": "Function"}}, "Layer": {"Value": {"Ref": "Layer"}},
                "LayerArn": {"Value": {"Fn::GetAtt": ["Layer", "LayerVersionArn"]}},
                "Url": {"Value": {"Fn::GetAtt": ["Url", "FunctionUrl"]}}, "UrlOf": {"Value": {"Ref": "Url"}}},
}


def test_a_stack_of_all_parts(server, name):
    from support.functions import package
    s3, stacks, api = server.client("s3"), server.client("cloudformation"), server.client("lambda")
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="layer.zip", Body=package({"python/mine.py": "WORD = 'layer'\n"}))
    where = {"StackName": name, "TemplateBody": json.dumps(TEMPLATE), "Capabilities": ["CAPABILITY_IAM"]}

    def parameters(**values):
        return [{"ParameterKey": key, "ParameterValue": value} for key, value in ({"Bucket": name} | values).items()]

    def outputs():
        return {one["OutputKey"]: one["OutputValue"]
                for one in stacks.describe_stacks(StackName=name)["Stacks"][0]["Outputs"]}

    stacks.create_stack(**where, Parameters=parameters())
    stacks.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    made = outputs()
    function = made["Function"]
    assert made["Layer"] == made["LayerArn"] and made["UrlOf"].endswith(":function:" + function)
    assert json.loads(api.invoke(FunctionName=function, Qualifier="live")["Payload"].read()) == [
        "layer", "provisioned-concurrency"]
    assert api.get_provisioned_concurrency_config(FunctionName=function, Qualifier="live")["Status"] == "READY"
    url = api.get_function_url_config(FunctionName=function)
    assert (url["FunctionUrl"], url["InvokeMode"], url["Cors"]) == (
        made["Url"], "RESPONSE_STREAM", {"AllowOrigins": ["*"], "MaxAge": 10})
    assert api.get_function_event_invoke_config(FunctionName=function)["MaximumRetryAttempts"] == 1
    assert api.get_function_recursion_config(FunctionName=function)["RecursiveLoop"] == "Allow"
    layer = made["Layer"].rsplit(":", 1)
    assert layer[0].endswith(":layer:Layer") and layer[1] == "1"
    assert "lambda:GetLayerVersion" in api.get_layer_version_policy(
        LayerName=layer[0], VersionNumber=int(layer[1]))["Policy"]

    where["TemplateBody"] = where["TemplateBody"].replace('"RESPONSE_STREAM"', '"BUFFERED"').replace(
        '"MaximumRetryAttempts": 1', '"MaximumRetryAttempts": 0')
    stacks.update_stack(**where, Parameters=parameters(Ready="0", Text="two"))
    stacks.get_waiter("stack_update_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    assert api.list_provisioned_concurrency_configs(FunctionName=function)["ProvisionedConcurrencyConfigs"] == []
    assert api.get_function_url_config(FunctionName=function)["InvokeMode"] == "BUFFERED"
    assert api.get_function_event_invoke_config(FunctionName=function)["MaximumRetryAttempts"] == 0
    assert outputs()["Layer"] == layer[0] + ":2"
    assert [one["Version"] for one in api.list_layer_versions(LayerName=layer[0])["LayerVersions"]] == [2]

    stacks.delete_stack(StackName=name)
    stacks.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    assert api.list_layer_versions(LayerName=layer[0])["LayerVersions"] == []
    assert function not in [one["FunctionName"] for one in api.list_functions()["Functions"]]
