#!/usr/bin/env python3
"""The whole architecture at work: starts a server, launches the stack of templates/, feeds it tweets
with the test client's keys, shows what happens, and removes everything again.

    ./dev demo [--records N] [--keep]

Ctrl-C at any moment ends the server and removes its folder.
"""
import os
import signal


def ended_early(signum, frame):
    os.write(1, b"\nInterrupted.\n")
    os._exit(130)


# Nothing is running yet, and what follows takes a moment to be read.
for early in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(early, ended_early)

import argparse
import contextlib
import json
import pathlib
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import boto3
import botocore.config
import botocore.exceptions

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build/release"
BINARY = pathlib.Path(os.environ.get("MILLRACE", BUILD / "millrace"))
ZIPS = [BUILD / "functions" / name for name in ("event_processor.zip", "config_helper.zip")]
TEMPLATES = [ROOT / "templates" / name for name in ("stream-processing.yaml", "config-helper.yaml")]

STACK, BUCKET, PREFIX = "lambda-stream-processing", "millrace-demo", "stream-processing"
SEED = 2014
READY_SECONDS = 30
STACK_SECONDS = 180
DRAIN_SECONDS = 120
PROBES = 100          # marked tweets whose way is timed
PROBE_SECONDS = 10    # then a marked tweet counts as lost
PROBE_PAUSE = 0.02    # so that each is on its own, as a visitor's tweet would be
NEWEST = 8


class Failed(Exception):
    pass


def say(text=""):
    print(text, flush=True)


def step(text):
    say(f"\n== {text}")


def number(value):
    return f"{value:,}"


class Interrupts:
    """Makes signals a KeyboardInterrupt. While something is being started they wait, so that what was
    started is always known to whoever has to end it; once the end has begun they are ignored. Those that
    follow one closely are taken for the same: another exception on top would cut short what the first
    one makes happen. A later one counts again, should a destructor have swallowed the first."""
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    same_for = 2.0  # seconds

    def __init__(self):
        self.holding, self.waiting, self.ending = False, False, False
        self.raised_at = None

    def take_over(self):
        for signum in self.signals:
            signal.signal(signum, self.arrived)

    def arrived(self, signum, frame):
        if self.ending:
            return
        if self.holding:
            self.waiting = True
            return
        now = time.monotonic()
        if self.raised_at is not None and now - self.raised_at < self.same_for:
            return
        self.raised_at = now
        raise KeyboardInterrupt

    @contextlib.contextmanager
    def held(self):
        self.holding = True
        try:
            yield
        finally:
            self.holding = False
        if self.waiting:
            self.arrived(None, None)


interrupts = Interrupts()


# --- the server ------------------------------------------------------------------------------------
class Server:
    """A server in a new folder of its own. Its process is in a session of its own, so that Ctrl-C
    reaches this program only, which then ends the server in order."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.gettempdir()) / f"millrace-demo-{os.getpid()}"
        self.data = self.folder / "data"
        self.log_path = self.folder / "server.log"
        self.process = None
        self.environment = {}

    def start(self):
        command = [str(BINARY), "serve", "--data-dir", str(self.data), "--listen", "127.0.0.1:0",
                   "--runtimes-dir", str(ROOT / "build/runtimes")]
        with interrupts.held():
            self.folder.mkdir(mode=0o700)
            with open(self.log_path, "wb") as log:
                self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                                stderr=log, text=True, start_new_session=True)
        watchdog = threading.Timer(READY_SECONDS, self.process.kill)
        watchdog.daemon = True
        watchdog.start()
        line = self.process.stdout.readline()
        watchdog.cancel()
        if "ready at" not in line:
            raise Failed(f"the server did not start:\n{self.log()}")
        say(line.strip())
        exports = subprocess.run([str(BINARY), "env", "--data-dir", str(self.data)], check=True,
                                 capture_output=True, text=True).stdout
        for line in exports.splitlines():
            if line.startswith("export "):
                name, value = line.removeprefix("export ").split("=", 1)
                self.environment[name] = value

    @property
    def endpoint(self):
        return self.environment["AWS_ENDPOINT_URL"]

    @property
    def region(self):
        return self.environment["AWS_REGION"]

    def log(self):
        return self.log_path.read_text(errors="replace")[-4000:]

    def client(self, service, **options):
        """As root."""
        return boto3.client(
            service, endpoint_url=self.endpoint, region_name=self.region,
            aws_access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
            config=botocore.config.Config(retries={"max_attempts": 2}, **options))

    def stop(self):
        """Ends the server and what is left of its session; True if it ended by itself when asked."""
        if self.process is None or self.process.poll() is not None:
            return True
        self.process.terminate()
        try:
            self.process.wait(timeout=15)
            return True
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            return False

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)


# --- the stack -------------------------------------------------------------------------------------
def upload(server):
    step(f"Copying the deployment packages and templates to s3://{BUCKET}/{PREFIX}/")
    s3 = server.client("s3", s3={"addressing_style": "path"})
    s3.create_bucket(Bucket=BUCKET)
    for path in ZIPS + TEMPLATES:
        s3.upload_file(str(path), BUCKET, f"{PREFIX}/{path.name}")
        say(f"   {path.name:<24} {number(path.stat().st_size):>12} bytes")


def follow(cloudformation, stack_id, done, failed, shown):
    """Shows a stack's events as they come, but none of before, until it reaches a state of `done`."""
    began = time.monotonic()
    while True:
        # The state is read first: events that come with it are then seen below.
        status = cloudformation.describe_stacks(StackName=stack_id)["Stacks"][0]["StackStatus"]
        events = [event for page in cloudformation.get_paginator("describe_stack_events")
                  .paginate(StackName=stack_id) for event in page["StackEvents"]]
        for event in reversed(events):
            if event["EventId"] in shown:
                continue
            shown.add(event["EventId"])
            say(f"   {time.monotonic() - began:6.2f} s  {event['ResourceStatus']:<20}"
                f"{event['LogicalResourceId']:<32}{event.get('ResourceStatusReason', '')}")
        if status in done:
            return time.monotonic() - began
        if status in failed or time.monotonic() - began > STACK_SECONDS:
            raise Failed(f"the stack is in {status}")
        time.sleep(0.1)


def launch(server):
    step(f"Launching the stack {STACK} with CAPABILITY_IAM")
    cloudformation = server.client("cloudformation")
    stack_id = cloudformation.create_stack(
        StackName=STACK, Capabilities=["CAPABILITY_IAM"],
        TemplateURL=f"https://s3.amazonaws.com/{BUCKET}/{PREFIX}/stream-processing.yaml",
        Parameters=[{"ParameterKey": "CodeBucket", "ParameterValue": BUCKET},
                    {"ParameterKey": "CodeKeyPrefix", "ParameterValue": PREFIX}])["StackId"]
    follow(cloudformation, stack_id, {"CREATE_COMPLETE"},
           {"CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_COMPLETE"}, set())
    stack = cloudformation.describe_stacks(StackName=stack_id)["Stacks"][0]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    say(f"   the test client's key is {outputs['AccessKeyId']}, its stream {outputs['KinesisStream']}")
    return stack_id, outputs


def functions_of(server, stack_id):
    """The stack's functions, those of its nested stacks too."""
    cloudformation, names = server.client("cloudformation"), []
    for resource in cloudformation.describe_stack_resources(StackName=stack_id)["StackResources"]:
        if resource["ResourceType"] == "AWS::Lambda::Function":
            names.append(resource["PhysicalResourceId"])
        if resource["ResourceType"] == "AWS::CloudFormation::Stack":
            names += functions_of(server, resource["PhysicalResourceId"])
    return names


def as_test_client(server, outputs):
    return {"AWS_ACCESS_KEY_ID": outputs["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": outputs["SecretAccessKey"],
            "AWS_REGION": outputs["Region"], "AWS_ENDPOINT_URL": server.endpoint}


def show_closed(server, outputs):
    step("Trying what the test client must not do")
    keys = as_test_client(server, outputs)
    dynamodb = boto3.client("dynamodb", endpoint_url=server.endpoint, region_name=keys["AWS_REGION"],
                            aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
                            aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"])
    try:
        dynamodb.scan(TableName=outputs["EventDataTable"])
    except botocore.exceptions.ClientError as refused:
        say(f"   reading the table: {refused.response['Error']['Code']}")
        return
    raise Failed("the test client's keys could read the table")


# --- the load --------------------------------------------------------------------------------------
def generated(records):
    """The tweets that the feed will make, without putting them: what has to end in the table."""
    done = subprocess.run([str(BINARY), "feed", "--generate", str(records), "--seed", str(SEED),
                           "--print", "--progress", "0"], capture_output=True, check=True)
    tweets = [json.loads(line) for line in done.stdout.splitlines()]
    return len({(tweet["user"]["name"], tweet["created_at"]) for tweet in tweets})


def count_items(dynamodb, table):
    pages = dynamodb.get_paginator("scan").paginate(TableName=table, Select="COUNT")
    return sum(page["Count"] for page in pages)


def batches_done(logs, group):
    """Invocations so far: each writes one REPORT line."""
    with contextlib.suppress(botocore.exceptions.ClientError):
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group,
                                                                 filterPattern="REPORT")
        return sum(len(page["events"]) for page in pages)
    return 0


def put_time_ordered(samples, share):
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def last_figures(text):
    lines = [line for line in text.splitlines() if "records=" in line]
    return dict(word.split("=", 1) for word in lines[-1].split() if "=" in word) if lines else {}


def feed(server, outputs, group, records):
    step(f"Feeding {number(records)} synthetic tweets with the test client's keys")
    expected = generated(records)
    say(f"   {number(expected)} of them differ in user and time: as many items have to come out")
    dynamodb, logs = server.client("dynamodb"), server.client("logs")
    errors = server.folder / "feed.log"
    began = time.monotonic()
    process = None
    try:
        with interrupts.held(), open(errors, "wb") as log:
            process = subprocess.Popen(
                [str(BINARY), "feed", "--generate", str(records), "--seed", str(SEED), "--stream",
                 outputs["KinesisStream"], "--progress", "0.2"], env=as_test_client(server, outputs),
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True,
                start_new_session=True)
        while True:
            ended = process.poll() is not None
            put = last_figures(errors.read_text(errors="replace")).get("records", "0")
            items = count_items(dynamodb, outputs["EventDataTable"])
            say(f"   {time.monotonic() - began:6.2f} s  records in {'all' if ended else put:>8}"
                f"   batches {batches_done(logs, group):>6}   items out {items:>8}")
            if ended and (process.returncode != 0 or items >= expected):
                break
            if time.monotonic() - began > DRAIN_SECONDS:
                raise Failed(f"only {items} of {expected} items are in the table")
            time.sleep(0.5)
        seconds = time.monotonic() - began
    finally:
        if process is not None and process.poll() is None:
            process.kill()
        out = process.communicate()[0] if process is not None else ""
    if process.returncode != 0:
        raise Failed(f"the feed failed:\n{errors.read_text(errors='replace')[-2000:]}")
    if items != expected:
        raise Failed(f"{items} items are in the table instead of {expected}")
    say(f"   {out.strip()}")
    return {"records": records, "items": items, "seconds": seconds,
            "batches": batches_done(logs, group)}


def marked(index):
    return {"id": index, "created_at": "Sun Aug 31 00:29:15 +0000 2014",
            "text": f"marked tweet {index} ✨", "user": {"name": f"probe {index:05}", "screen_name": "probe"}}


def timed(server, outputs):
    """Milliseconds from the call that puts a tweet until it can be read from the table."""
    step(f"Timing {PROBES} marked tweets from put to visible")
    keys = as_test_client(server, outputs)
    kinesis = boto3.client("kinesis", endpoint_url=server.endpoint, region_name=keys["AWS_REGION"],
                           aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
                           aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"])
    dynamodb, samples = server.client("dynamodb"), []
    for index in range(PROBES):
        tweet = marked(index)
        key = {"Username": {"S": tweet["user"]["name"]}, "Timestamp": {"S": "2014-08-31T00:29:15.000Z"}}
        began = time.perf_counter()
        kinesis.put_record(StreamName=outputs["KinesisStream"], PartitionKey="probe",
                           Data=json.dumps(tweet).encode())
        while "Item" not in dynamodb.get_item(TableName=outputs["EventDataTable"], Key=key,
                                              ConsistentRead=True):
            if time.perf_counter() - began > PROBE_SECONDS:
                raise Failed(f"marked tweet {index} is not in the table after {PROBE_SECONDS} s")
        samples.append((time.perf_counter() - began) * 1000)
        time.sleep(PROBE_PAUSE)
    figures = {"p50_ms": statistics.median(samples), "p99_ms": put_time_ordered(samples, 0.99)}
    say(f"   put to visible: p50 {figures['p50_ms']:.1f} ms, p99 {figures['p99_ms']:.1f} ms"
        " (the client's own time included)")
    return figures


def show_newest(server, table):
    step("The newest items of the table")
    pages = server.client("dynamodb").get_paginator("scan").paginate(TableName=table)
    items = [item for page in pages for item in page["Items"]
             if not item["Username"]["S"].startswith("probe ")]
    items.sort(key=lambda item: item["Timestamp"]["S"], reverse=True)
    for item in items[:NEWEST]:
        text = " ".join(item.get("Message", {"S": ""})["S"].split())
        say(f"   {item['Timestamp']['S']}  {item['Username']['S']}: {text[:70]}")


# --- the end ---------------------------------------------------------------------------------------
def clean_up(server, stack_id, outputs, functions):
    step("Cleaning up: the stack, then its functions' log groups, then the bucket")
    cloudformation, logs = server.client("cloudformation"), server.client("logs")
    pages = cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack_id)
    shown = {event["EventId"] for page in pages for event in page["StackEvents"]}
    cloudformation.delete_stack(StackName=stack_id)
    follow(cloudformation, stack_id, {"DELETE_COMPLETE"}, {"DELETE_FAILED"}, shown)
    for function in functions:
        with contextlib.suppress(logs.exceptions.ResourceNotFoundException):
            logs.delete_log_group(logGroupName=f"/aws/lambda/{function}")
            say(f"   deleted the log group /aws/lambda/{function}")
    s3 = server.client("s3", s3={"addressing_style": "path"})
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET):
        for item in page.get("Contents", []):
            s3.delete_object(Bucket=BUCKET, Key=item["Key"])
    s3.delete_bucket(Bucket=BUCKET)


def verify_nothing_left(server, outputs):
    iam = server.client("iam")
    left = {
        "streams": server.client("kinesis").list_streams()["StreamNames"],
        "tables": server.client("dynamodb").list_tables()["TableNames"],
        "functions": [f["FunctionName"] for f in server.client("lambda").list_functions()["Functions"]],
        "mappings": server.client("lambda").list_event_source_mappings()["EventSourceMappings"],
        "users": [user["UserName"] for user in iam.list_users()["Users"]],
        "roles": [role["RoleName"] for role in iam.list_roles()["Roles"]],
        "log groups": [g["logGroupName"] for g in server.client("logs").describe_log_groups()["logGroups"]],
        "buckets": [bucket["Name"] for bucket in server.client("s3").list_buckets()["Buckets"]],
    }
    left = {kind: names for kind, names in left.items() if names}
    if left:
        raise Failed(f"left behind: {left}")
    kinesis = boto3.client("kinesis", endpoint_url=server.endpoint, region_name=server.region,
                           aws_access_key_id=outputs["AccessKeyId"],
                           aws_secret_access_key=outputs["SecretAccessKey"])
    try:
        kinesis.list_streams()
        raise Failed("the deleted key is still good")
    except botocore.exceptions.ClientError as refused:
        say(f"   nothing is left; the test client's key is refused: {refused.response['Error']['Code']}")


def show_how_to_look_around(server, outputs, functions):
    processor = next((f for f in functions if "Processor" in f), functions[0])
    aws, binary = ROOT / "build/venv/bin/aws", shlex.quote(str(BINARY))
    say(f"""
The server is still up. To look around:

  eval "$({binary} env --data-dir {server.data})"
  {aws} cloudformation describe-stack-resources --stack-name {STACK}
  {aws} dynamodb scan --table-name {outputs['EventDataTable']} --max-items 5
  {aws} kinesis describe-stream-summary --stream-name {outputs['KinesisStream']}
  /usr/bin/aws --endpoint-url $AWS_ENDPOINT_URL logs tail /aws/lambda/{processor} --since 1h --follow
  {binary} feed --generate 500 --seed 7 --stream {outputs['KinesisStream']}

To end it and remove its folder:

  kill {server.process.pid}; tail --pid={server.process.pid} -f /dev/null; rm -rf {server.folder}
""")


def demo(server, options):
    step("Starting a server in a new folder")
    server.start()
    upload(server)
    stack_id, outputs = launch(server)
    functions = functions_of(server, stack_id)
    processor = next((f for f in functions if "Processor" in f), functions[0])
    show_closed(server, outputs)
    figures = feed(server, outputs, f"/aws/lambda/{processor}", options.records)
    figures |= timed(server, outputs)
    show_newest(server, outputs["EventDataTable"])
    say("\n{records} records in, {batches} batches, {items} items out in {seconds:.2f} s; "
        "put to visible p50 {p50_ms:.1f} ms, p99 {p99_ms:.1f} ms".format(**figures))
    if options.keep:
        show_how_to_look_around(server, outputs, functions)
        return
    clean_up(server, stack_id, outputs, functions)
    verify_nothing_left(server, outputs)


def missing():
    return [path for path in [BINARY, *ZIPS, *TEMPLATES] if not path.exists()]


def main():
    parser = argparse.ArgumentParser(prog="./dev demo", description="The whole architecture at work.")
    parser.add_argument("--records", type=int, default=2000, help="how many tweets to feed (2000)")
    parser.add_argument("--keep", action="store_true", help="leave the server up and say how to use it")
    options = parser.parse_args()
    if options.records < 1:
        parser.error("--records wants at least 1")
    absent = missing()
    if absent:
        say(f"demo: {', '.join(map(str, absent))}: not there; run ./dev demo, which builds them")
        return 2
    server, kept, code = Server(), False, 1
    try:
        interrupts.take_over()
        demo(server, options)
        kept, code = options.keep, 0
    except KeyboardInterrupt:
        say("\nInterrupted.")
        code = 130
    except (Failed, botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError,
            subprocess.CalledProcessError, OSError) as failure:
        say(f"\ndemo: {failure}")
        if server.process is not None:
            say(f"The end of the server's log:\n{server.log()}")
    finally:
        interrupts.ending = True  # nothing interrupts from here on: what was started has to end
        if not kept:
            in_order = server.stop()
            server.remove()
            say("The server has ended and its folder is gone." if in_order else
                "The server had to be killed; its folder is gone.")
    return code


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:  # once more, while the first was being dealt with
        sys.exit(130)
