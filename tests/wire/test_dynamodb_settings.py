"""Settings of tables: resource policies, maxima, warm throughput, encryption, insights, global tables."""
import json

import pytest
from botocore.exceptions import ClientError

VIEW = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
KEYS = {"AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}]}
INDEX = {"IndexName": "by-id", "Projection": {"ProjectionType": "ALL"}, "KeySchema": KEYS["KeySchema"]}
INVALID = "One or more parameter values were invalid: "


def error_of(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


@pytest.fixture
def table(dynamodb, name):
    made = dynamodb.create_table(TableName=name, BillingMode="PAY_PER_REQUEST", StreamSpecification=VIEW,
                                 GlobalSecondaryIndexes=[INDEX], **KEYS)["TableDescription"]
    yield {"name": name, "arn": made["TableArn"], "stream": made["LatestStreamArn"]}
    dynamodb.delete_table(TableName=name)


@pytest.fixture
def stranger(server, name):
    """A user whom no policy of his own allows anything, and how to make clients for him."""
    iam = server.client("iam")
    arn = iam.create_user(UserName=name)["User"]["Arn"]
    key = iam.create_access_key(UserName=name)["AccessKey"]

    def client(service):
        return server.client(service, key=key["AccessKeyId"], secret=key["SecretAccessKey"])
    return arn, client


def statement(who, action, resource, effect="Allow"):
    return {"Effect": effect, "Principal": {"AWS": who}, "Action": action, "Resource": resource}


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def test_a_tables_policy_decides_at_once(dynamodb, table, stranger):
    who, client = stranger
    theirs = client("dynamodb")
    key = {"id": {"S": "a"}}
    assert error_of(theirs.get_item, TableName=table["name"], Key=key)[0] == "AccessDeniedException"
    dynamodb.put_resource_policy(ResourceArn=table["arn"], Policy=policy(
        statement(who, ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:BatchGetItem"], table["arn"])))
    theirs.put_item(TableName=table["arn"], Item=key)
    assert theirs.get_item(TableName=table["name"], Key=key)["Item"] == key
    theirs.batch_get_item(RequestItems={table["name"]: {"Keys": [key]}})
    theirs.transact_get_items(TransactItems=[{"Get": {"TableName": table["name"], "Key": key}}])
    denied = error_of(theirs.delete_item, TableName=table["name"], Key=key)
    assert denied[0] == "AccessDeniedException"
    dynamodb.put_resource_policy(ResourceArn=table["arn"], Policy=policy(
        statement(who, "dynamodb:*", table["arn"]), statement(who, "dynamodb:GetItem", table["arn"], "Deny")))
    theirs.delete_item(TableName=table["name"], Key=key)
    assert "with an explicit deny in a resource-based policy" in error_of(
        theirs.get_item, TableName=table["name"], Key=key)[1]
    dynamodb.delete_resource_policy(ResourceArn=table["arn"])
    assert error_of(theirs.delete_item, TableName=table["name"], Key=key)[0] == "AccessDeniedException"


def test_a_policy_reaches_indexes_by_their_arns_and_may_ask_for_keys(dynamodb, table, stranger):
    who, client = stranger
    theirs = client("dynamodb")
    own = statement(who, "dynamodb:GetItem", table["arn"])
    own["Condition"] = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["a"]}}
    dynamodb.put_resource_policy(ResourceArn=table["arn"], Policy=policy(
        statement(who, "dynamodb:Scan", table["arn"] + "/index/*"), own))
    theirs.scan(TableName=table["name"], IndexName="by-id")
    assert error_of(theirs.scan, TableName=table["name"])[0] == "AccessDeniedException"
    theirs.get_item(TableName=table["name"], Key={"id": {"S": "a"}})
    assert error_of(theirs.get_item, TableName=table["name"], Key={"id": {"S": "b"}})[0] == "AccessDeniedException"


def test_a_streams_policy_stands_for_itself(dynamodb, table, stranger):
    who, client = stranger
    theirs = client("dynamodbstreams")
    assert error_of(theirs.describe_stream, StreamArn=table["stream"])[0] == "AccessDeniedException"
    dynamodb.put_resource_policy(ResourceArn=table["stream"], Policy=policy(
        statement(who, ["dynamodb:DescribeStream", "dynamodb:GetShardIterator", "dynamodb:GetRecords"],
                  table["stream"])))
    shard = theirs.describe_stream(StreamArn=table["stream"])["StreamDescription"]["Shards"][0]["ShardId"]
    iterator = theirs.get_shard_iterator(StreamArn=table["stream"], ShardId=shard,
                                         ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    theirs.get_records(ShardIterator=iterator)
    assert error_of(dynamodb.get_resource_policy, ResourceArn=table["arn"])[0] == "PolicyNotFoundException"
    dynamodb.delete_resource_policy(ResourceArn=table["stream"])
    assert error_of(theirs.describe_stream, StreamArn=table["stream"])[0] == "AccessDeniedException"
    old = table["stream"].rsplit("/", 1)[0] + "/2000-01-01T00:00:00.000"
    assert error_of(dynamodb.get_resource_policy, ResourceArn=old) == (
        "ResourceNotFoundException",
        f"Requested resource not found: Stream: 2000-01-01T00:00:00.000 not found for Table: {table['name']}")


def test_revisions_guard_a_policy(dynamodb, table):
    root = "arn:aws:iam::000000000000:root"
    arn, name = table["arn"], table["name"]
    missing = "Resource-based policy not found for the provided ResourceArn: "
    assert error_of(dynamodb.get_resource_policy, ResourceArn=arn) == ("PolicyNotFoundException", missing + arn)
    one, two = (policy(statement(root, action, arn)) for action in ("dynamodb:GetItem", "dynamodb:PutItem"))
    first = dynamodb.put_resource_policy(ResourceArn=arn, Policy=one, ExpectedRevisionId="NO_POLICY")["RevisionId"]
    assert dynamodb.put_resource_policy(ResourceArn=arn, Policy=one)["RevisionId"] == first
    assert error_of(dynamodb.put_resource_policy, ResourceArn=arn, Policy=two, ExpectedRevisionId="NO_POLICY") == (
        "PolicyNotFoundException",
        missing + f"Requested policy update expecting none to be present for table {name}, but a policy exists "
        f"with revision id {first}.")
    second = dynamodb.put_resource_policy(ResourceArn=arn, Policy=two, ExpectedRevisionId=first)["RevisionId"]
    assert second > first
    assert error_of(dynamodb.delete_resource_policy, ResourceArn=arn, ExpectedRevisionId=first) == (
        "PolicyNotFoundException",
        missing + f"Requested update for policy with revision id {first}, but the policy associated to target "
        f"table {name} has revision id {second}.")
    got = dynamodb.get_resource_policy(ResourceArn=arn)
    assert (got["Policy"], got["RevisionId"]) == (two, second)
    assert dynamodb.delete_resource_policy(ResourceArn=arn, ExpectedRevisionId=second)["RevisionId"] == second
    assert "RevisionId" not in dynamodb.delete_resource_policy(ResourceArn=arn)


def test_policies_that_make_no_sense_are_refused(dynamodb, table, stranger):
    who, _ = stranger
    arn = table["arn"]

    def refused(document, **arguments):
        return error_of(dynamodb.put_resource_policy, ResourceArn=arn, Policy=document, **arguments)

    for text, said in [("{", "This policy contains invalid Json"), ("", "This policy contains invalid Json"),
                       ("{}", "Syntax error at position (1,3)"), ("null", "This text appears not to be a policy"),
                       ('{"Version": "2012-10-17", "Statement": []}', "Could not parse the policy: Statement is empty!"),
                       ('{"Version": "2012-10-17", "Statement": [{}]}', "Missing required field Effect")]:
        assert refused(text)[1] == INVALID + "Invalid policy document: " + said
    of_stream = {"Effect": "Deny", "Principal": "*", "Action": ["dynamodb:DescribeStream"], "Resource": "*"}
    assert refused(json.dumps({"Version": "2012-10-17", "Statement": [of_stream]}))[1] == (
        INVALID + 'Invalid policy document: The following action names are invalid: "dynamodb:DescribeStream"')
    assert refused(policy(statement(who, "dynamodb:GetItem", arn)) + " " * 20480) == (
        "ValidationException", INVALID + "Maximum policy size of 20480 bytes exceeded")
    assert refused(policy(statement("*", "dynamodb:*", arn)))[1].startswith(
        "Resource-based policy grants unbounded access")
    shut = policy({"Effect": "Deny", "Principal": "*", "Action": "dynamodb:PutResourcePolicy", "Resource": arn})
    assert refused(shut) == (
        "AccessDeniedException",
        "The new resource policy will not allow you to update the resource policy in the future.")
    dynamodb.put_resource_policy(ResourceArn=arn, Policy=shut, ConfirmRemoveSelfResourceAccess=True)
    assert "explicit deny" in refused(shut)[1]


@pytest.mark.parametrize("arn, text", [
    ("table", "ARNs must start with 'arn:': table"),
    ("{arn}/index/by-id", "Invalid resource arn provided, only table or stream is accepted. Provided resource arn: "
                          "{arn}/index/by-id"),
    ("{arn}/backup/0170", "Provided Arn is not a DynamoDB resource arn: {arn}/backup/0170"),
    ("arn:aws:dynamodb:mars-1:000000000000:table/t", "Invalid resource Arn: arn:aws:dynamodb:mars-1:000000000000:table/t"),
])
def test_other_arns_have_no_policies(dynamodb, table, arn, text):
    assert error_of(dynamodb.get_resource_policy, ResourceArn=arn.format(**table)) == (
        "ValidationException", INVALID + text.format(**table))


def test_policies_come_with_a_table_and_survive_a_kill(own_server, name):
    dynamodb = own_server.client("dynamodb")
    iam = own_server.client("iam")
    who = iam.create_user(UserName=name)["User"]["Arn"]
    key = iam.create_access_key(UserName=name)["AccessKey"]
    document = policy(statement(who, "dynamodb:Scan", f"arn:aws:dynamodb:us-east-1:000000000000:table/{name}"))
    dynamodb.create_table(TableName=name, BillingMode="PAY_PER_REQUEST", ResourcePolicy=document, **KEYS)
    own_server.kill()
    own_server.start()
    theirs = own_server.client("dynamodb", key=key["AccessKeyId"], secret=key["SecretAccessKey"])
    theirs.scan(TableName=name)
    arn = own_server.client("dynamodb").describe_table(TableName=name)["Table"]["TableArn"]
    assert own_server.client("dynamodb").get_resource_policy(ResourceArn=arn)["Policy"] == document


def test_maxima_are_for_on_demand_tables(dynamodb, table, name):
    update, describe = dynamodb.update_table, dynamodb.describe_table
    update(TableName=name, OnDemandThroughput={"MaxReadRequestUnits": 10})
    assert describe(TableName=name)["Table"]["OnDemandThroughput"] == {"MaxReadRequestUnits": 10}
    assert error_of(update, TableName=name, OnDemandThroughput={"MaxWriteRequestUnits": 0}) == (
        "ValidationException",
        INVALID + "Requested MaxWriteRequestUnits for OnDemandThroughput for table is outside of valid range")
    update(TableName=name, GlobalSecondaryIndexUpdates=[
        {"Update": {"IndexName": "by-id", "OnDemandThroughput": {"MaxWriteRequestUnits": 7}}}])
    index = describe(TableName=name)["Table"]["GlobalSecondaryIndexes"][0]
    assert index["OnDemandThroughput"]["MaxWriteRequestUnits"] == 7
    update(TableName=name, OnDemandThroughput={"MaxReadRequestUnits": -1})
    assert "OnDemandThroughput" not in describe(TableName=name)["Table"]
    update(TableName=name, BillingMode="PROVISIONED",
           ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
           GlobalSecondaryIndexUpdates=[{"Update": {
               "IndexName": "by-id", "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}}}])
    assert error_of(update, TableName=name, OnDemandThroughput={"MaxReadRequestUnits": 5})[1] == (
        INVALID + "MaxReadRequestUnits for OnDemandThroughput cannot be specified when the table BillingMode is "
        "PROVISIONED")


def test_warm_throughput_only_grows(dynamodb, table, name):
    dynamodb.update_table(TableName=name, WarmThroughput={"ReadUnitsPerSecond": 15_000})
    warm = dynamodb.describe_table(TableName=name)["Table"]["WarmThroughput"]
    assert warm == {"ReadUnitsPerSecond": 15_000, "WriteUnitsPerSecond": 4_000, "Status": "ACTIVE"}
    assert error_of(dynamodb.update_table, TableName=name, WarmThroughput={"ReadUnitsPerSecond": 14_000})[1] == (
        INVALID + "Requested ReadUnitsPerSecond for WarmThroughput for table is lower than current WarmThroughput, "
        "decreasing WarmThroughput is not supported")
    assert "must be the only operation" in error_of(
        dynamodb.update_table, TableName=name, WarmThroughput={"ReadUnitsPerSecond": 20_000},
        DeletionProtectionEnabled=False)[1]


def test_keys_of_kms_are_kept_and_shown(dynamodb, table, name):
    def change(**specification):
        return dynamodb.update_table(TableName=name, SSESpecification=specification)

    def refused(**specification):
        return error_of(dynamodb.update_table, TableName=name, SSESpecification=specification)[1]

    assert "SSEDescription" not in dynamodb.describe_table(TableName=name)["Table"]
    assert refused(Enabled=False) == INVALID + "Table is already encrypted by default"
    assert refused(Enabled=True, SSEType="AES256") == INVALID + "SSEType AES256 is not supported"
    assert refused(Enabled=True, KMSMasterKeyId="k") == (
        INVALID + "SSEType KMS is required if KMSMasterKeyId is specified")
    assert refused(Enabled=False, SSEType="KMS") == INVALID + "SSEType can not be specified if Enabled is false"
    change(Enabled=True, SSEType="KMS", KMSMasterKeyId="alias/mine")
    assert dynamodb.describe_table(TableName=name)["Table"]["SSEDescription"] == {
        "Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": "arn:aws:kms:us-east-1:000000000000:alias/mine"}
    assert refused(Enabled=True, SSEType="KMS",
                   KMSMasterKeyId="arn:aws:kms:us-east-1:000000000000:alias/mine").startswith(
        INVALID + "Table is already encrypted with given KMSMasterKeyId.")
    change(Enabled=True, SSEType="KMS", KMSMasterKeyId="alias/mine")  # only the ARN itself is the same key
    change(SSEType="KMS")
    change(Enabled=False)
    assert "SSEDescription" not in dynamodb.describe_table(TableName=name)["Table"]


def test_contributor_insights_are_flags(dynamodb, table, name):
    def described(**of):
        answer = dynamodb.describe_contributor_insights(TableName=name, **of)
        return {key: value for key, value in answer.items() if key != "ResponseMetadata"}

    assert described() == {"TableName": name, "ContributorInsightsStatus": "DISABLED"}
    assert dynamodb.list_contributor_insights(TableName=name)["ContributorInsightsSummaries"] == []
    made = dynamodb.update_contributor_insights(TableName=name, ContributorInsightsAction="ENABLE")
    assert (made["ContributorInsightsStatus"], made["ContributorInsightsMode"]) == (
        "ENABLING", "ACCESSED_AND_THROTTLED_KEYS")
    dynamodb.update_contributor_insights(TableName=name, IndexName="by-id", ContributorInsightsAction="ENABLE",
                                         ContributorInsightsMode="THROTTLED_KEYS")
    assert described()["ContributorInsightsStatus"] == "ENABLED"
    assert [rule.split("-")[1] for rule in described()["ContributorInsightsRuleList"]] == ["PKC", "PKT"]
    page = dynamodb.list_contributor_insights(TableName=name, MaxResults=1)
    assert "IndexName" not in page["ContributorInsightsSummaries"][0]
    rest = dynamodb.list_contributor_insights(TableName=name, MaxResults=1, NextToken=page["NextToken"])
    assert rest["ContributorInsightsSummaries"] == [
        {"TableName": name, "IndexName": "by-id", "ContributorInsightsStatus": "ENABLED",
         "ContributorInsightsMode": "THROTTLED_KEYS"}]
    assert "NextToken" not in rest
    listed = dynamodb.list_contributor_insights()["ContributorInsightsSummaries"]
    assert len([one for one in listed if one["TableName"] == name]) == 2
    dynamodb.update_contributor_insights(TableName=name, ContributorInsightsAction="DISABLE")
    assert described()["ContributorInsightsStatus"] == "DISABLED" and "LastUpdateDateTime" in described()
    assert error_of(dynamodb.describe_contributor_insights, TableName=name, IndexName="none")[0] == (
        "ResourceNotFoundException")


def test_there_are_no_global_tables(dynamodb, table, name):
    assert dynamodb.list_global_tables()["GlobalTables"] == []
    missing = ("GlobalTableNotFoundException", f"Global table with name: '{name}' does not exist.")
    assert error_of(dynamodb.describe_global_table, GlobalTableName=name) == (
        missing[0], "Global table not found: " + missing[1])
    assert error_of(dynamodb.describe_global_table_settings, GlobalTableName=name) == missing
    assert error_of(dynamodb.update_global_table_settings, GlobalTableName=name) == missing
    assert "version 2017.11.29 is not supported" in error_of(
        dynamodb.create_global_table, GlobalTableName=name, ReplicationGroup=[{"RegionName": "us-east-1"}])[1]
    for updates, said in [([{"Create": {"RegionName": "us-east-1"}}], INVALID + "DynamoDB global tables version 2017"),
                          ([{"Delete": {"RegionName": "us-east-1"}}], missing[1]),
                          ([{}], "One or more parameter values were invalid")]:
        assert error_of(dynamodb.update_global_table, GlobalTableName=name, ReplicaUpdates=updates)[1].startswith(said)
    for updates, said in [([{}], "There are no actions specified in the Replica Update Action of the request."),
                          ([{"Delete": {"RegionName": "eu-west-1"}}],
                           "Update global table operation failed because one or more replicas were not part of the "
                           "global table. Please retry the request without these replicas: [eu-west-1].")]:
        assert error_of(dynamodb.update_table, TableName=name, ReplicaUpdates=updates)[1] == said
    assert error_of(dynamodb.describe_table_replica_auto_scaling, TableName=name) == (
        "ResourceNotFoundException", f"Global table with name: '{name}' does not exist.")


def test_a_stack_sets_all_of_this(server, dynamodb, name):
    cloudformation = server.client("cloudformation")
    arn = f"arn:aws:dynamodb:us-east-1:000000000000:table/{name}"
    root = {"AWS": "arn:aws:iam::000000000000:root"}

    def template(action, **more):
        document = {"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": root, "Action": action, "Resource": "*"}]}
        return json.dumps({"Resources": {"T": {"Type": "AWS::DynamoDB::Table", "Properties": {
            "TableName": name, "BillingMode": "PAY_PER_REQUEST", **KEYS, "ResourcePolicy": {"PolicyDocument": document},
            "StreamSpecification": {"StreamViewType": "KEYS_ONLY", "ResourcePolicy": {"PolicyDocument": document}},
            **more}}}})

    cloudformation.create_stack(StackName=name, TemplateBody=template(
        "dynamodb:GetItem", WarmThroughput={"ReadUnitsPerSecond": 13000, "WriteUnitsPerSecond": 5000},
        ContributorInsightsSpecification={"Enabled": True}, SSESpecification={"SSEEnabled": True}))
    cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    made = dynamodb.describe_table(TableName=name)["Table"]
    assert made["WarmThroughput"]["WriteUnitsPerSecond"] == 5000 and made["SSEDescription"]["SSEType"] == "KMS"
    assert dynamodb.describe_contributor_insights(TableName=name)["ContributorInsightsStatus"] == "ENABLED"
    for resource in (arn, made["LatestStreamArn"]):
        assert "dynamodb:GetItem" in dynamodb.get_resource_policy(ResourceArn=resource)["Policy"]
    cloudformation.update_stack(StackName=name, TemplateBody=template(
        "dynamodb:PutItem", OnDemandThroughput={"MaxReadRequestUnits": 5}, DeletionProtectionEnabled=False,
        TableClass="STANDARD_INFREQUENT_ACCESS"))
    cloudformation.get_waiter("stack_update_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    assert "dynamodb:PutItem" in dynamodb.get_resource_policy(ResourceArn=arn)["Policy"]
    made = dynamodb.describe_table(TableName=name)["Table"]
    assert made["OnDemandThroughput"]["MaxReadRequestUnits"] == 5
    assert dynamodb.describe_contributor_insights(TableName=name)["ContributorInsightsStatus"] == "DISABLED"
    cloudformation.delete_stack(StackName=name)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig={"Delay": 1})


def test_a_stack_switches_billing_with_its_indexes(server, dynamodb, name):
    cloudformation = server.client("cloudformation")
    units = {"ReadCapacityUnits": 3, "WriteCapacityUnits": 2}

    def template(of_table, of_index):
        index = {"IndexName": "by-v", "KeySchema": [{"AttributeName": "v", "KeyType": "HASH"}],
                 "Projection": {"ProjectionType": "ALL"}} | of_index
        return json.dumps({"Resources": {"T": {"Type": "AWS::DynamoDB::Table", "Properties": {
            "TableName": name, "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": a, "AttributeType": "S"} for a in "kv"],
            "GlobalSecondaryIndexes": [index]} | of_table}}})

    on_demand = template({"BillingMode": "PAY_PER_REQUEST"}, {})
    cloudformation.create_stack(StackName=name, TemplateBody=on_demand)
    cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    # Without a mode a table is a provisioned one.
    for body, reads in (template({"ProvisionedThroughput": units}, {"ProvisionedThroughput": units}), 3), (on_demand, 0):
        cloudformation.update_stack(StackName=name, TemplateBody=body)
        cloudformation.get_waiter("stack_update_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
        made = dynamodb.describe_table(TableName=name)["Table"]
        for one in (made, made["GlobalSecondaryIndexes"][0]):
            assert one["ProvisionedThroughput"]["ReadCapacityUnits"] == reads
    cloudformation.delete_stack(StackName=name)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
