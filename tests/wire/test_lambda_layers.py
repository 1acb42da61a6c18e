"""Layers: published, found, shared, and laid under functions at /opt."""
import io
import json
import zipfile

import pytest
from botocore.exceptions import ClientError
from support.functions import Functions, package

INVALID = "InvalidParameterValueException"


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


def publish(functions, layer, files, **settings):
    return functions.lambda_.publish_layer_version(
        LayerName=layer, Content={"ZipFile": package(files)}, **settings)


def without(answer, *names):
    return {k: v for k, v in answer.items() if k not in ("ResponseMetadata", *names)}


def test_versions_are_published_found_listed_and_deleted(functions, name):
    api = functions.lambda_
    about = {"Description": "d", "LicenseInfo": "MIT", "CompatibleRuntimes": ["python3.12"],
             "CompatibleArchitectures": ["x86_64"]}
    one = publish(functions, name, {"python/a.py": "A = 1"}, **about)
    two = publish(functions, name, {"python/a.py": "A = 2"}, **about)
    assert (one["Version"], two["Version"]) == (1, 2)
    assert one["LayerArn"].endswith(f":layer:{name}") and one["LayerVersionArn"] == one["LayerArn"] + ":1"
    assert without(one, "Content", "CreatedDate", "LayerArn", "LayerVersionArn", "Version") == about
    assert one["Content"]["CodeSize"] > 0 and one["Content"]["CodeSha256"]
    assert without(api.get_layer_version(LayerName=name, VersionNumber=1)) == without(one)
    assert without(api.get_layer_version_by_arn(Arn=two["LayerVersionArn"])) == without(two)
    assert without(api.get_layer_version(LayerName=two["LayerArn"], VersionNumber=2)) == without(two)
    versions = api.list_layer_versions(LayerName=name)["LayerVersions"]
    assert versions == [without(each, "Content", "LayerArn") for each in (two, one)]
    page = api.list_layer_versions(LayerName=name, MaxItems=1)
    assert [v["Version"] for v in page["LayerVersions"]] == [2]
    rest = api.list_layer_versions(LayerName=name, Marker=page["NextMarker"])
    assert [v["Version"] for v in rest["LayerVersions"]] == [1] and "NextMarker" not in rest
    listed = [layer for layer in api.list_layers()["Layers"] if layer["LayerName"] == name]
    assert listed == [{"LayerName": name, "LayerArn": one["LayerArn"], "LatestMatchingVersion": versions[0]}]
    assert name not in [each["LayerName"] for each in api.list_layers(CompatibleRuntime="nodejs20.x")["Layers"]]

    gone = ("ResourceNotFoundException", "The resource you requested does not exist.")
    assert refusal(api.get_layer_version, LayerName=name, VersionNumber=3) == gone
    assert refusal(api.get_layer_version, LayerName=name + "x", VersionNumber=1) == gone
    assert refusal(api.get_layer_version, LayerName=name, VersionNumber=0) == (
        INVALID, "Layer Version Cannot be less than 1")
    for number in (1, 2, 2):
        api.delete_layer_version(LayerName=name, VersionNumber=number)
    assert refusal(api.get_layer_version, LayerName=name, VersionNumber=2) == gone
    assert api.list_layer_versions(LayerName=name)["LayerVersions"] == []
    assert publish(functions, name, {"a": "1"})["Version"] == 3
    api.delete_layer_version(LayerName=name, VersionNumber=3)


def test_a_version_has_a_policy(functions, name):
    api = functions.lambda_
    arn = publish(functions, name, {"a": "1"})["LayerVersionArn"]
    one = {"LayerName": name, "VersionNumber": 1}
    assert refusal(api.get_layer_version_policy, **one) == (
        "ResourceNotFoundException", "No policy is associated with the given resource.")
    grant = one | {"StatementId": "s1", "Action": "lambda:GetLayerVersion", "Principal": "*"}
    added = api.add_layer_version_permission(**grant)
    statement = {"Sid": "s1", "Effect": "Allow", "Principal": "*", "Action": "lambda:GetLayerVersion",
                 "Resource": arn}
    assert json.loads(added["Statement"]) == statement
    policy = api.get_layer_version_policy(**one)
    assert policy["RevisionId"] == added["RevisionId"]
    assert json.loads(policy["Policy"]) == {"Version": "2012-10-17", "Id": "default", "Statement": [statement]}
    assert refusal(api.add_layer_version_permission, **grant) == (
        "ResourceConflictException", "The statement id (s1) provided already exists. Please provide a new "
                                     "statement id, or remove the existing statement.")
    stale = refusal(api.add_layer_version_permission, **grant | {"StatementId": "s2", "RevisionId": "x"})
    assert stale == ("PreconditionFailedException", "The Revision Id provided does not match the latest Revision "
                     "Id. Call the GetLayerPolicy API to retrieve the latest Revision Id")
    assert refusal(api.remove_layer_version_permission, **one, StatementId="s9") == (
        "ResourceNotFoundException", "Statement s9 is not found in resource policy.")
    assert refusal(api.get_layer_version_policy, LayerName=name, VersionNumber=2) == (
        "ResourceNotFoundException", f"Layer version {arn[:-1]}2 does not exist.")
    api.remove_layer_version_permission(**one, StatementId="s1")
    assert refusal(api.get_layer_version_policy, **one)[0] == "ResourceNotFoundException"
    api.delete_layer_version(**one)


def test_python_finds_modules_and_later_layers_cover_earlier_ones(functions, name):
    first = publish(functions, name + "-a", {"python/mine.py": "WHO = 'first'", "python/only.py": "X = 1",
                                             "data/t.txt": "one", "bin/tool": "#!/bin/sh\necho ran\n"})
    second = publish(functions, name + "-b", {"python/mine.py": "WHO = 'second'", "data/u.txt": "two",
                                              "python/lib/python3.12/site-packages/deep.py": "Y = 2"})
    code = ("import mine, only, deep, os, subprocess\n"
            "def handler(event, context):\n"
            "    return [mine.WHO, only.X, deep.Y, sorted(os.listdir('/opt/data')),\n"
            "            subprocess.check_output(['tool'], text=True)]\n")
    made = functions.create(name, code, Layers=[first["LayerVersionArn"], second["LayerVersionArn"]])
    assert made["Layers"] == [{"Arn": layer["LayerVersionArn"], "CodeSize": layer["Content"]["CodeSize"]}
                              for layer in (first, second)]
    assert functions.invoke(name) == ["second", 1, 2, ["t.txt", "u.txt"], "ran\n"]
    # A deleted layer version stays with who uses it, with a restart's unpacking too.
    for layer in (name + "-a", name + "-b"):
        functions.lambda_.delete_layer_version(LayerName=layer, VersionNumber=1)
    functions.lambda_.update_function_configuration(FunctionName=name, MemorySize=256)
    assert functions.invoke(name)[0] == "second"
    assert "Layers" not in functions.lambda_.update_function_configuration(FunctionName=name, Layers=[])


def test_node_finds_modules_in_a_layer(functions, name):
    layer = publish(functions, name, {"nodejs/node_modules/mine/index.js": "exports.who = 'layer';",
                                      "nodejs/node20/node_modules/deep/index.js": "exports.who = 'deep';"})
    functions.create(name, {"index.js": "exports.handler = async () => "
                                        "[require('mine').who, require('deep').who];"},
                     runtime="nodejs20.x", handler="index.handler", Layers=[layer["LayerVersionArn"]])
    assert functions.invoke(name) == ["layer", "deep"]


def test_a_bootstrap_may_come_from_a_layer(functions, name):
    script = ("#!/usr/bin/env python3\n"
              "import http.client, os\n"
              "api = http.client.HTTPConnection(os.environ['AWS_LAMBDA_RUNTIME_API'])\n"
              "while True:\n"
              "    api.request('GET', '/2018-06-01/runtime/invocation/next')\n"
              "    event = api.getresponse(); body = event.read()\n"
              "    where = '/2018-06-01/runtime/invocation/' + event.headers['Lambda-Runtime-Aws-Request-Id']\n"
              "    api.request('POST', where + '/response', body=b'[' + body + b']')\n"
              "    api.getresponse().read()\n")
    layer = publish(functions, name, {"bootstrap": script})
    functions.create(name, {"x": "1"}, runtime="provided.al2023", handler="x", Layers=[layer["LayerVersionArn"]],
                     MemorySize=256)
    assert functions.invoke(name, {"a": 1}) == [{"a": 1}]


def test_layers_have_to_be_right(functions, server, name):
    api = functions.lambda_
    arn = functions.create(name, "def handler(event, context):\n    return 1\n")["FunctionArn"]
    one, two = (publish(functions, name, {"a": "1"})["LayerVersionArn"] for _ in range(2))

    def refused(*layers):
        return refusal(api.update_function_configuration, FunctionName=name, Layers=list(layers))
    assert refused(one, two) == (INVALID, "Two different versions of the same layer are not allowed to be "
                                 f"referenced in the same function. {one} and {two} are versions of the same layer.")
    assert refused(one[:-1] + "9") == (INVALID, f"Layer version {one[:-1]}9 does not exist.")
    assert refused(*[f"{one}{i}" for i in range(6)]) == (INVALID, "Cannot reference more than 5 layers.")
    region = arn.split(":")[3]
    assert refused(one.replace(region, "eu-west-3")) == (
        INVALID, f"Layers are not in the same region as the function. Layers are expected to be in region {region}.")
    functions.iam.create_user(UserName=name)
    functions.iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps(
        {"Statement": [{"Effect": "Allow", "Action": "lambda:UpdateFunctionConfiguration", "Resource": "*"}]}))
    key = functions.iam.create_access_key(UserName=name)["AccessKey"]
    as_user = server.client("lambda", key["AccessKeyId"], key["SecretAccessKey"])
    assert refusal(as_user.update_function_configuration, FunctionName=name, Layers=[one])[0] == \
        "AccessDeniedException"
    functions.iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps(
        {"Statement": [{"Effect": "Allow", "Action": ["lambda:UpdateFunctionConfiguration",
                                                      "lambda:GetLayerVersion"], "Resource": "*"}]}))
    assert as_user.update_function_configuration(FunctionName=name, Layers=[one])["Layers"][0]["Arn"] == one
    functions.iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    functions.iam.delete_user_policy(UserName=name, PolicyName="p")
    functions.iam.delete_user(UserName=name)


def test_code_and_layers_together_have_a_limit(functions, name):
    big = io.BytesIO()
    with zipfile.ZipFile(big, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(150 << 20))
    layers = [functions.lambda_.publish_layer_version(
        LayerName=f"{name}-{i}", Content={"ZipFile": big.getvalue()})["LayerVersionArn"] for i in range(2)]
    functions.create(name, "def handler(event, context):\n    return 1\n", Layers=layers[:1])
    code, message = refusal(functions.lambda_.update_function_configuration, FunctionName=name, Layers=layers)
    assert code == INVALID and message.startswith(
        "Function code combined with layers exceeds the maximum allowed size of 262144000 bytes. The actual size is")
    for i in range(2):
        functions.lambda_.delete_layer_version(LayerName=f"{name}-{i}", VersionNumber=1)
