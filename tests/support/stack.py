"""Our stack from templates/, launched as a user would."""
import datetime
import json
import time

from support.server import ROOT

ZIPS = ROOT / "build/release/functions"
PREFIX = "stream-processing"
WAIT_SECONDS = 120


def wait_until(condition, what, seconds=WAIT_SECONDS):
    """Polls a condition of the outside world; a deadline, never a fixed wait."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"waited {seconds} s in vain for {what}")


def upload(server, bucket, region=None):
    s3 = server.client("s3", region=region)
    where = {"CreateBucketConfiguration": {"LocationConstraint": region}} if region else {}
    s3.create_bucket(Bucket=bucket, **where)
    for name in ("event_processor.zip", "config_helper.zip"):
        s3.put_object(Bucket=bucket, Key=f"{PREFIX}/{name}", Body=(ZIPS / name).read_bytes())
    for name in ("stream-processing.yaml", "config-helper.yaml"):
        s3.put_object(Bucket=bucket, Key=f"{PREFIX}/{name}", Body=(ROOT / "templates" / name).read_bytes())


def status(cloudformation, stack):
    return cloudformation.describe_stacks(StackName=stack)["Stacks"][0]


def failures(cloudformation, stack):
    events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
    return [f"{e['LogicalResourceId']} {e['ResourceStatus']}: {e.get('ResourceStatusReason')}"
            for e in events if "FAILED" in e["ResourceStatus"]]


def launch(server, stack, bucket, region=None):
    """Answers the stack's outputs and its id."""
    upload(server, bucket, region)
    cloudformation = server.client("cloudformation", region=region)
    made = cloudformation.create_stack(
        StackName=stack, Capabilities=["CAPABILITY_IAM"],
        TemplateURL=f"https://s3.amazonaws.com/{bucket}/{PREFIX}/stream-processing.yaml",
        Parameters=[{"ParameterKey": "CodeBucket", "ParameterValue": bucket}])
    ended = wait_until(lambda: (s := status(cloudformation, stack)) and
                       not s["StackStatus"].endswith("IN_PROGRESS") and s, f"stack {stack}")
    assert ended["StackStatus"] == "CREATE_COMPLETE", failures(cloudformation, stack)
    outputs = {o["OutputKey"]: o["OutputValue"] for o in ended["Outputs"]}
    return outputs, made["StackId"]


def delete(server, stack, stack_id, region=None):
    cloudformation = server.client("cloudformation", region=region)
    cloudformation.delete_stack(StackName=stack)
    ended = wait_until(lambda: (s := status(cloudformation, stack_id)) and
                       not s["StackStatus"].endswith("IN_PROGRESS") and s, f"{stack} to be gone")
    assert ended["StackStatus"] == "DELETE_COMPLETE", failures(cloudformation, stack_id)


def tweet(number, text="héllo 😋 日本"):
    at = datetime.datetime(2014, 8, 31) + datetime.timedelta(seconds=number)
    return json.dumps({"created_at": at.strftime("%a %b %d %H:%M:%S +0000 %Y"), "id": number,
                       "text": f"{text} {number}", "user": {"name": f"user {number % 7} ✨"}}).encode()


def count_items(server, table, region=None):
    pages = server.client("dynamodb", region=region).get_paginator("scan")
    return sum(page["Count"] for page in pages.paginate(TableName=table, Select="COUNT"))
