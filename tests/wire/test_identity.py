"""IAM and STS through boto3: entities, policies in force at once, sessions."""
import json

import pytest
from botocore.exceptions import ClientError

LAMBDA_TRUST = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]})


def error_of(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return caught.value.response["Error"]


@pytest.fixture
def user(server, iam, name):
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    yield {"name": name, "key": key["AccessKeyId"], "secret": key["SecretAccessKey"]}


def test_a_user_may_do_nothing_until_a_policy_allows_it(server, iam, user):
    kinesis = server.client("kinesis", key=user["key"], secret=user["secret"])
    error = error_of(kinesis.list_streams)
    assert error["Code"] == "AccessDeniedException"
    assert f"user/{user['name']} is not authorized to perform: kinesis:ListStreams" in error["Message"]
    iam.put_user_policy(UserName=user["name"], PolicyName="p", PolicyDocument=json.dumps(
        {"Statement": [{"Effect": "Allow", "Action": "kinesis:ListStreams", "Resource": "*"}]}))
    kinesis.list_streams()
    iam.put_user_policy(UserName=user["name"], PolicyName="no", PolicyDocument=json.dumps(
        {"Statement": [{"Effect": "Deny", "Action": "kinesis:*", "Resource": "*"}]}))
    assert "explicit deny" in error_of(kinesis.list_streams)["Message"]


def test_a_deleted_key_is_refused_at_once(server, iam, user):
    sts = server.client("sts", key=user["key"], secret=user["secret"])
    assert sts.get_caller_identity()["Arn"].endswith("user/" + user["name"])
    iam.delete_access_key(UserName=user["name"], AccessKeyId=user["key"])
    assert error_of(sts.get_caller_identity)["Code"] == "InvalidClientTokenId"


def test_groups_and_managed_policies_count(server, iam, user, name):
    iam.create_group(GroupName="g" + name)
    iam.add_user_to_group(GroupName="g" + name, UserName=user["name"])
    kinesis = server.client("kinesis", key=user["key"], secret=user["secret"])
    error_of(kinesis.list_streams)
    iam.attach_group_policy(GroupName="g" + name,
                            PolicyArn="arn:aws:iam::aws:policy/AmazonKinesisReadOnlyAccess")
    kinesis.list_streams()
    assert error_of(kinesis.create_stream, StreamName=name)["Code"] == "AccessDeniedException"


def test_roles_round_trip_and_answer_as_recorded(iam, name):
    made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=LAMBDA_TRUST)["Role"]
    assert "MaxSessionDuration" not in made and "RoleLastUsed" not in made
    assert made["AssumeRolePolicyDocument"]["Statement"][0]["Action"] == "sts:AssumeRole"
    got = iam.get_role(RoleName=name)["Role"]
    assert got["MaxSessionDuration"] == 3600 and got["RoleLastUsed"] == {}
    error = error_of(iam.create_role, RoleName=name, AssumeRolePolicyDocument=LAMBDA_TRUST)
    assert error["Code"] == "EntityAlreadyExists"
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps(
        {"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}))
    assert error_of(iam.delete_role, RoleName=name)["Code"] == "DeleteConflict"
    iam.delete_role_policy(RoleName=name, PolicyName="p")
    iam.delete_role(RoleName=name)
    assert error_of(iam.get_role, RoleName=name)["Message"] == f"The role with name {name} cannot be found."


def test_malformed_policies_are_refused(iam, user, name):
    for document in ("{", '{"Statement":[]}', '{"Statement":[{"Effect":"Maybe"}]}'):
        error = error_of(iam.put_user_policy, UserName=user["name"], PolicyName="p", PolicyDocument=document)
        assert error["Code"] == "MalformedPolicyDocument"


def test_a_trusted_user_assumes_a_role_and_has_its_rights_only(server, iam, user, name):
    trust = json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::000000000000:user/{user['name']}"},
         "Action": "sts:AssumeRole"}]})
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps(
        {"Statement": {"Effect": "Allow", "Action": "kinesis:ListStreams", "Resource": "*"}}))
    sts = server.client("sts", key=user["key"], secret=user["secret"])
    got = sts.assume_role(RoleArn=arn, RoleSessionName="session")
    keys = got["Credentials"]
    session = {"key": keys["AccessKeyId"], "secret": keys["SecretAccessKey"], "token": keys["SessionToken"]}
    kinesis = server.client("kinesis", **session)
    kinesis.list_streams()
    assert error_of(kinesis.create_stream, StreamName=name)["Code"] == "AccessDeniedException"
    who = server.client("sts", **session).get_caller_identity()
    assert who["Arn"] == f"arn:aws:sts::000000000000:assumed-role/{name}/session"


def test_a_role_that_does_not_trust_refuses(server, iam, user, name):
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=LAMBDA_TRUST)["Role"]["Arn"]
    sts = server.client("sts", key=user["key"], secret=user["secret"])
    assert error_of(sts.assume_role, RoleArn=arn, RoleSessionName="session")["Code"] == "AccessDenied"


def test_the_cli_speaks_iam(server, name):
    server.aws("iam", "create-user", "--user-name", name)
    assert name in server.aws("iam", "list-users").stdout
    server.aws("iam", "delete-user", "--user-name", name)
