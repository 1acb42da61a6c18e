"""Kinesis: account settings, warm throughput, resource policies of streams and consumers, tags."""
import json

import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def stream(kinesis, name):
    kinesis.create_stream(StreamName=name, ShardCount=1)
    yield kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamARN"]
    kinesis.delete_stream(StreamName=name, EnforceConsumerDeletion=True)


@pytest.fixture
def stranger(server, name):
    """A user whom no policy of his own allows anything, and his client."""
    iam = server.client("iam")
    arn = iam.create_user(UserName=name)["User"]["Arn"]
    key = iam.create_access_key(UserName=name)["AccessKey"]
    yield arn, server.client("kinesis", key=key["AccessKeyId"], secret=key["SecretAccessKey"])
    iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName=name)


def error_of(call, **arguments):
    with pytest.raises(ClientError) as raised:
        call(**arguments)
    return raised.value.response["Error"]


def allowing(arn, action, resource, effect="Allow"):
    return json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": effect, "Principal": {"AWS": arn}, "Action": action, "Resource": resource}]})


# Codes and rules of what follows are the API reference's; words are only looked at where AWS's are known.


def test_the_commitment_is_kept_over_a_restart_and_cannot_end_at_once(own_server):
    kinesis = own_server.client("kinesis")
    assert kinesis.describe_account_settings()["MinimumThroughputBillingCommitment"] == {"Status": "DISABLED"}
    answer = kinesis.update_account_settings(MinimumThroughputBillingCommitment={"Status": "ENABLED"})
    begun = answer["MinimumThroughputBillingCommitment"]
    assert begun["Status"] == "ENABLED"
    assert (begun["EarliestAllowedEndAt"] - begun["StartedAt"]).total_seconds() == 24 * 3600
    kinesis.update_account_settings(MinimumThroughputBillingCommitment={"Status": "DISABLED"})
    own_server.kill()
    own_server.start()
    kept = own_server.client("kinesis").describe_account_settings()["MinimumThroughputBillingCommitment"]
    assert kept["Status"] == "ENABLED_UNTIL_EARLIEST_ALLOWED_END"
    assert kept["StartedAt"] == begun["StartedAt"]
    elsewhere = own_server.client("kinesis", region="eu-west-1").describe_account_settings()
    assert elsewhere["MinimumThroughputBillingCommitment"] == {"Status": "DISABLED"}


def test_warm_throughput_is_for_on_demand_streams_under_the_commitment(server, name):
    kinesis = server.client("kinesis", region="ap-south-1")
    kinesis.create_stream(StreamName=name, StreamModeDetails={"StreamMode": "ON_DEMAND"})
    kinesis.create_stream(StreamName=name + "p", ShardCount=1)
    error = error_of(kinesis.update_stream_warm_throughput, StreamName=name, WarmThroughputMiBps=50)
    assert error["Code"] == "InvalidArgumentException"
    kinesis.update_account_settings(MinimumThroughputBillingCommitment={"Status": "ENABLED"})
    answer = kinesis.update_stream_warm_throughput(StreamName=name, WarmThroughputMiBps=50)
    assert answer["WarmThroughput"] == {"TargetMiBps": 50, "CurrentMiBps": 50}
    error = error_of(kinesis.update_stream_warm_throughput, StreamName=name + "p", WarmThroughputMiBps=50)
    assert error["Code"] == "InvalidArgumentException"
    error = error_of(kinesis.update_stream_warm_throughput, StreamName=name, WarmThroughputMiBps=10241)
    assert error["Code"] == "LimitExceededException"
    summary = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
    assert summary["WarmThroughput"]["TargetMiBps"] == 50
    kinesis.update_stream_mode(StreamARN=summary["StreamARN"], StreamModeDetails={"StreamMode": "PROVISIONED"})
    summary = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
    assert "WarmThroughput" not in summary
    for each in (name, name + "p"):
        kinesis.delete_stream(StreamName=each)


def test_a_streams_policy_decides_at_once(kinesis, stream, stranger):
    arn, client = stranger
    put = {"StreamARN": stream, "Data": b"x", "PartitionKey": "k"}
    assert error_of(client.put_record, **put)["Code"] == "AccessDeniedException"
    kinesis.put_resource_policy(ResourceARN=stream, Policy=allowing(arn, "kinesis:PutRecord", stream))
    client.put_record(**put)
    kinesis.put_resource_policy(ResourceARN=stream, Policy=allowing(arn, "kinesis:PutRecord", stream, "Deny"))
    assert error_of(client.put_record, **put)["Code"] == "AccessDeniedException"
    kinesis.delete_resource_policy(ResourceARN=stream)
    assert kinesis.get_resource_policy(ResourceARN=stream)["Policy"] == "{}"


def test_consumers_have_policies_of_their_own(kinesis, stream, stranger):
    arn, client = stranger
    made = kinesis.register_stream_consumer(StreamARN=stream, ConsumerName="c")["Consumer"]["ConsumerARN"]
    other = kinesis.register_stream_consumer(StreamARN=stream, ConsumerName="d")["Consumer"]["ConsumerARN"]
    assert error_of(client.describe_stream_consumer, ConsumerARN=made)["Code"] == "AccessDeniedException"
    policy = allowing(arn, "kinesis:DescribeStreamConsumer", made)
    kinesis.put_resource_policy(ResourceARN=made, Policy=policy)
    assert kinesis.get_resource_policy(ResourceARN=made)["Policy"] == policy
    assert kinesis.get_resource_policy(ResourceARN=stream)["Policy"] == "{}"
    assert client.describe_stream_consumer(ConsumerARN=made)["ConsumerDescription"]["ConsumerName"] == "c"
    assert error_of(client.describe_stream_consumer, ConsumerARN=other)["Code"] == "AccessDeniedException"
    kinesis.delete_resource_policy(ResourceARN=made)
    assert error_of(client.describe_stream_consumer, ConsumerARN=made)["Code"] == "AccessDeniedException"
    gone = error_of(kinesis.delete_resource_policy, ResourceARN=made)
    assert gone["Code"] == "ResourceNotFoundException"


def test_tags_take_letters_of_every_script_and_few_signs(kinesis, stream):
    # The words are those that kinesalite's tests recorded on AWS (AddTagsToStream, RemoveTagsFromStream).
    good = {"Ключ_1": "été +-=@./ x", "aws-like:key": "v"}
    kinesis.tag_resource(ResourceARN=stream, Tags=good)
    tags = kinesis.list_tags_for_resource(ResourceARN=stream)["Tags"]
    assert {t["Key"]: t["Value"] for t in tags} == good
    for bad in ("a;b", "a\tb", "a,b"):
        error = error_of(kinesis.tag_resource, ResourceARN=stream, Tags={bad: "v"})
        assert error["Message"].startswith("Some tags contain invalid characters.")
    error = error_of(kinesis.untag_resource, ResourceARN=stream, TagKeys=["100%"])
    assert "because some tags contained illegal characters" in error["Message"]
