"""Launching in another region as the README of the architecture says: the packages are copied to a bucket
there, and that bucket is given as a parameter."""
from support import stack as stacks
from support.stack import PREFIX

REGION = "ap-southeast-2"


def test_packages_copied_to_a_bucket_there_launch_the_stack_there(server, name):
    stacks.upload(server, "here" + name)
    here, there = f"s3://here{name}/{PREFIX}/", f"s3://there{name}/{PREFIX}/"
    server.aws("s3", "mb", f"s3://there{name}", "--region", REGION)
    server.aws("s3", "cp", "--recursive", here, there, "--source-region", "us-east-1", "--region", REGION)
    where = server.client("s3").get_bucket_location(Bucket="there" + name)["LocationConstraint"]
    assert where == REGION

    def cloudformation(*arguments):
        return server.aws("cloudformation", *arguments, "--stack-name", name, "--region", REGION).stdout

    cloudformation("create-stack", "--capabilities", "CAPABILITY_IAM", "--parameters",
                   f"ParameterKey=CodeBucket,ParameterValue=there{name}", "--template-url",
                   f"https://s3.{REGION}.amazonaws.com/there{name}/{PREFIX}/stream-processing.yaml")
    client = server.client("cloudformation", region=REGION)
    made = stacks.wait_until(lambda: (s := stacks.status(client, name)) and
                             not s["StackStatus"].endswith("IN_PROGRESS") and s, "the stack")
    assert made["StackStatus"] == "CREATE_COMPLETE", stacks.failures(client, name)
    outputs = {o["OutputKey"]: o["OutputValue"] for o in made["Outputs"]}
    assert f":{REGION}:" in made["StackId"] and outputs["Region"] == REGION

    feed = server.client("kinesis", region=REGION, key=outputs["AccessKeyId"], secret=outputs["SecretAccessKey"])
    feed.put_records(StreamName=outputs["KinesisStream"], Records=[
        {"Data": stacks.tweet(i), "PartitionKey": str(i)} for i in range(50)])
    stacks.wait_until(lambda: stacks.count_items(server, outputs["EventDataTable"], REGION) == 50, "50 items")
    # The first region knows nothing of it.
    for service, call, key in (("kinesis", "list_streams", "StreamNames"), ("dynamodb", "list_tables", "TableNames"),
                               ("lambda", "list_functions", "Functions")):
        found = getattr(server.client(service), call)()[key]
        assert not [one for one in found if name in str(one)]

    cloudformation("delete-stack")
    ended = stacks.wait_until(lambda: (s := stacks.status(client, made["StackId"])) and
                              not s["StackStatus"].endswith("IN_PROGRESS") and s, "its end")
    assert ended["StackStatus"] == "DELETE_COMPLETE", stacks.failures(client, made["StackId"])
    assert outputs["EventDataTable"] not in server.client("dynamodb", region=REGION).list_tables()["TableNames"]
    for bucket in ("here" + name, "there" + name):
        server.aws("s3", "rb", "--force", f"s3://{bucket}")
