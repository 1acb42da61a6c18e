"""SAM CLI against the server: it packages, deploys and updates an application; and what the server
makes of serverless templates is what AWS's own translator, which SAM CLI carries, makes of them."""
import json
import os
import shutil
import subprocess

import pytest
from botocore.exceptions import ClientError
from support.server import ROOT
from support.stack import status, wait_until

SAM = ROOT / "build/sam/bin"
APPLICATION = ROOT / "tests/sam"
TRANSLATE = """
import json, sys
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

class Policies:
    def load(self):
        return {}

print(json.dumps(transform(yaml_parse(sys.stdin.read()), json.loads(sys.argv[1]), Policies())))
"""
NESTED = """  Nested:
    Type: AWS::Serverless::Application
    Properties:
      Location: nested.yaml
      Parameters: {Alias: loud-1, Word: !Ref Stage}
Outputs:
  Speaker: {Value: !GetAtt Nested.Outputs.Alias}
"""


class Application:
    """The application's folder, copied to where a test may change it, and SAM CLI in it."""

    def __init__(self, server, name, folder):
        self.name, self.folder = name, folder / "application"
        shutil.copytree(APPLICATION, self.folder)
        self.environment = os.environ | server.environment | {
            "AWS_ENDPOINT_URL": server.endpoint, "SAM_CLI_TELEMETRY": "0", "SAM_CLI_POLL_DELAY": "0.1",
            "HOME": str(folder), "AWS_MAX_ATTEMPTS": "2"}
        self.cloudformation = server.client("cloudformation")
        self.s3 = server.client("s3")
        self.s3.create_bucket(Bucket=name)

    def sam(self, *arguments):
        ran = subprocess.run([SAM / "sam", *arguments], cwd=self.folder, env=self.environment,
                             capture_output=True, text=True)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout + ran.stderr

    def remote(self, *arguments):
        return self.sam("remote", *arguments, "--stack-name", self.name)

    def deploy(self, template, *more):
        said = self.sam("deploy", "--template-file", template, "--stack-name", self.name, "--s3-bucket", self.name,
                        "--capabilities", "CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND", *more)
        outputs = status(self.cloudformation, self.name)["Outputs"]
        return {output["OutputKey"]: output["OutputValue"] for output in outputs}, said


@pytest.fixture
def application(server, name, tmp_path):
    return Application(server, name, tmp_path)


def counts(server, table):
    items = server.client("dynamodb").scan(TableName=table, ConsistentRead=True)["Items"]
    return {item["word"]["S"]: int(item["n"]["N"]) for item in items}


def test_an_application_is_packaged_deployed_and_updated(server, application):
    application.sam("package", "--s3-bucket", application.name, "--output-template-file", "packaged.yaml")
    made, _ = application.deploy("packaged.yaml")
    kinesis, functions = server.client("kinesis"), server.client("lambda")
    assert made["Version"].endswith(":1") and made["Alias"].endswith(":live")
    kinesis.put_record(StreamName=made["Stream"], PartitionKey="k", Data=b"one two two")
    assert "SequenceNumber" in application.remote("invoke", "Words", "--event", "4")
    server.client("dynamodb").put_item(TableName=made["Orders"], Item={"id": {"S": "an order"}})
    wanted = {"one": 1, "two": 2, "4": 1, "an": 1, "order": 1}
    wait_until(lambda: counts(server, made["Table"]) == wanted, "the counts")
    assert "REPORT RequestId" in wait_until(
        lambda: (lines := application.sam("logs", "--name", "Counter", "--stack-name", application.name)) and
        "REPORT" in lines and lines, "the log")
    assert '"told"' in application.remote("invoke", "Teller", "--event", "{}")
    assert functions.get_function_url_config(FunctionName=made["Teller"])["AuthType"] == "AWS_IAM"
    assert functions.get_function_event_invoke_config(FunctionName=made["Teller"])["MaximumRetryAttempts"] == 1

    # New code is a new version behind the same alias; the layer, which did not change, stays. A part is added.
    layer = functions.get_function_configuration(FunctionName=made["Function"])["Layers"]
    code = application.folder / "code/count.py"
    code.write_text(code.read_text().replace("in split(text_of(record))", "in split(text_of(record).upper())"))
    template = application.folder / "template.yaml"
    template.write_text(template.read_text().replace("Outputs:\n", NESTED))
    changed, _ = application.deploy("template.yaml")
    assert changed["Version"].endswith(":2") and changed["Alias"] == made["Alias"]
    assert functions.get_alias(FunctionName=made["Function"], Name="live")["FunctionVersion"] == "2"
    assert functions.get_function_configuration(FunctionName=made["Function"])["Layers"] == layer
    functions.get_function(FunctionName=made["Function"], Qualifier="1")  # retained
    kinesis.put_record(StreamName=made["Stream"], PartitionKey="k", Data=b"three")
    wait_until(lambda: counts(server, made["Table"]) == wanted | {"THREE": 1}, "the new code's counts")

    assert changed["Speaker"].endswith(":loud-1")
    told = functions.invoke(FunctionName=changed["Speaker"], Payload=b"{}")
    assert json.loads(told["Payload"].read()) == "test"

    _, said = application.deploy("template.yaml", "--no-fail-on-empty-changeset")
    assert "No changes to deploy" in said

    # Not by SAM CLI, which works but looks every 30 s whether it is done.
    stack = status(application.cloudformation, application.name)["StackId"]
    application.cloudformation.delete_stack(StackName=application.name)
    wait_until(lambda: status(application.cloudformation, stack)["StackStatus"] == "DELETE_COMPLETE", "its end")
    # What SAM keeps: the versions of the layer, and of the function, which is gone all the same.
    assert functions.get_layer_version_by_arn(Arn=layer[0]["Arn"])["Version"] == 1
    with pytest.raises(ClientError) as gone:
        functions.get_function(FunctionName=made["Function"])
    assert gone.value.response["Error"]["Code"] == "ResourceNotFoundException"


@pytest.mark.parametrize("template", ["template.yaml", "everything.yaml"])
def test_templates_are_translated_as_by_aws(server, name, template):
    text = (APPLICATION / template).read_text()
    for local in ("code/", "layer/"):
        text = text.replace(f"Uri: {local}", f"Uri: s3://bucket/{local}package.zip")
    parameters = {"Stage": "production"}
    ran = subprocess.run([SAM / "python", "-c", TRANSLATE, json.dumps(parameters)], input=text, check=True,
                         capture_output=True, text=True, env=os.environ | {"AWS_DEFAULT_REGION": "us-east-1"})
    cloudformation = server.client("cloudformation")
    cloudformation.create_change_set(
        StackName=name, ChangeSetName="made", ChangeSetType="CREATE", TemplateBody=text,
        Capabilities=["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()])
    made = cloudformation.get_template(StackName=name, ChangeSetName="made", TemplateStage="Processed")["TemplateBody"]
    made = made if isinstance(made, dict) else json.loads(made)
    translated = json.loads(ran.stdout)
    assert made.keys() == translated.keys()
    for section in translated:
        assert as_text(made[section]) == as_text(translated[section])
    cloudformation.delete_stack(StackName=name)


def as_text(value):
    """With scalars as strings, as services take them: whether a number was written as text does not matter."""
    if isinstance(value, dict):
        return {key: as_text(one) for key, one in value.items()}
    return [as_text(one) for one in value] if isinstance(value, list) else str(value)
