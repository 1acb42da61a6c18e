"""Backups, restores and point-in-time recovery through boto3."""
import datetime
import json
import time

import pytest
from botocore.exceptions import ClientError
from support.stack import wait_until


def create(dynamodb, name, **more):
    dynamodb.create_table(**{
        "TableName": name, "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"},
                                 {"AttributeName": "g", "AttributeType": "N"}],
        "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
        "GlobalSecondaryIndexes": [{"IndexName": "by_g", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
                                    "Projection": {"ProjectionType": "ALL"}}]} | more)


@pytest.fixture
def table(dynamodb, name):
    create(dynamodb, name)
    yield name
    delete(dynamodb, name)


def delete(dynamodb, name):
    def gone():
        try:
            dynamodb.delete_table(TableName=name)
        except dynamodb.exceptions.ResourceNotFoundException:
            return True
        except dynamodb.exceptions.ResourceInUseException:
            return False
        return True
    wait_until(gone, "the table to go")


def fill(dynamodb, table, count, start=0):
    for first in range(start, start + count, 25):
        dynamodb.batch_write_item(RequestItems={table: [
            {"PutRequest": {"Item": {"k": {"S": str(i)}, "g": {"N": str(i % 7)}, "v": {"S": "x" * 50}}}}
            for i in range(first, min(first + 25, start + count))]})


def items(dynamodb, table, **more):
    pages = dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=not more, **more)
    return {item["k"]["S"]: item for page in pages for item in page["Items"]}


def available(dynamodb, arn):
    def ready():
        details = dynamodb.describe_backup(BackupArn=arn)["BackupDescription"]["BackupDetails"]
        return details["BackupStatus"] == "AVAILABLE" and details
    return wait_until(ready, "it to be ready")


def active(dynamodb, name):
    def ready():
        shown = dynamodb.describe_table(TableName=name)["Table"]
        return shown["TableStatus"] == "ACTIVE" and shown
    return wait_until(ready, "it to be ready")


def error_of(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def recover(dynamodb, table, enabled=True, **more):
    return dynamodb.update_continuous_backups(
        TableName=table,
        PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": enabled} | more)[
            "ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]


def test_a_backup_is_made_described_listed_and_deleted(dynamodb, table):
    fill(dynamodb, table, 60)
    made = dynamodb.create_backup(TableName=table, BackupName="monday")["BackupDetails"]
    assert made["BackupStatus"] == "CREATING" and made["BackupType"] == "USER"
    arn = made["BackupArn"]
    source = dynamodb.describe_table(TableName=table)["Table"]
    assert arn.startswith(source["TableArn"] + "/backup/01")
    details = available(dynamodb, arn)
    assert details["BackupName"] == "monday"
    assert details["BackupSizeBytes"] == source["TableSizeBytes"]
    described = dynamodb.describe_backup(BackupArn=arn)["BackupDescription"]
    assert described["SourceTableDetails"]["ItemCount"] == 60
    assert described["SourceTableDetails"]["TableId"] == source["TableId"]
    assert described["SourceTableDetails"]["KeySchema"] == source["KeySchema"]
    assert described["SourceTableFeatureDetails"]["GlobalSecondaryIndexes"][0]["IndexName"] == "by_g"
    listed = dynamodb.list_backups(TableName=table)["BackupSummaries"]
    assert [one["BackupArn"] for one in listed] == [arn]
    assert listed[0]["BackupStatus"] == "AVAILABLE" and listed[0]["TableName"] == table
    gone = dynamodb.delete_backup(BackupArn=arn)["BackupDescription"]
    assert gone["BackupDetails"]["BackupStatus"] == "DELETED"
    assert error_of(dynamodb.describe_backup, BackupArn=arn) == (
        "BackupNotFoundException", f"Backup not found: {arn}")
    assert error_of(dynamodb.delete_backup, BackupArn=arn)[0] == "BackupNotFoundException"


def test_lists_are_filtered_and_paged(dynamodb, table):
    arns = []
    for number in range(5):
        made = dynamodb.create_backup(TableName=table, BackupName=f"number-{number}")["BackupDetails"]
        available(dynamodb, made["BackupArn"])
        arns.append(made["BackupArn"])
    found, start = [], {}
    while True:
        page = dynamodb.list_backups(TableName=table, Limit=2, **start)
        found += [one["BackupArn"] for one in page["BackupSummaries"]]
        if "LastEvaluatedBackupArn" not in page:
            break
        start = {"ExclusiveStartBackupArn": page["LastEvaluatedBackupArn"]}
    assert found == arns
    yesterday = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=1)
    assert dynamodb.list_backups(TableName=table, TimeRangeUpperBound=yesterday)["BackupSummaries"] == []
    assert len(dynamodb.list_backups(TableName=table, TimeRangeLowerBound=yesterday)["BackupSummaries"]) == 5
    assert dynamodb.list_backups(TableName=table, BackupType="SYSTEM")["BackupSummaries"] == []
    for arn in arns:
        dynamodb.delete_backup(BackupArn=arn)


def test_a_table_comes_back_from_its_backup(dynamodb, name):
    create(dynamodb, name, StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
           Tags=[{"Key": "a", "Value": "b"}])
    fill(dynamodb, name, 500)
    before = items(dynamodb, name)
    arn = dynamodb.create_backup(TableName=name, BackupName="first")["BackupDetails"]["BackupArn"]
    fill(dynamodb, name, 100, start=450)  # while it is taken
    dynamodb.delete_item(TableName=name, Key={"k": {"S": "3"}})
    available(dynamodb, arn)
    delete(dynamodb, name)
    again = name + "-again"
    made = dynamodb.restore_table_from_backup(TargetTableName=again, BackupArn=arn)["TableDescription"]
    assert made["TableStatus"] == "CREATING"
    assert made["RestoreSummary"]["RestoreInProgress"] and made["RestoreSummary"]["SourceBackupArn"] == arn
    shown = active(dynamodb, again)
    assert "RestoreSummary" not in shown  # it goes when the restore is done
    assert "StreamSpecification" not in shown and shown["ItemCount"] == 500
    assert items(dynamodb, again) == before
    assert items(dynamodb, again, IndexName="by_g") == before
    assert dynamodb.list_tags_of_resource(ResourceArn=shown["TableArn"])["Tags"] == []
    # It is a table like any other.
    dynamodb.put_item(TableName=again, Item={"k": {"S": "more"}})
    delete(dynamodb, again)
    dynamodb.delete_backup(BackupArn=arn)


def test_a_restore_may_change_billing_and_leave_out_indexes(dynamodb, table):
    fill(dynamodb, table, 10)
    arn = dynamodb.create_backup(TableName=table, BackupName="first")["BackupDetails"]["BackupArn"]
    available(dynamodb, arn)
    units = {"ReadCapacityUnits": 3, "WriteCapacityUnits": 4}
    dynamodb.restore_table_from_backup(
        TargetTableName=table + "-b", BackupArn=arn, BillingModeOverride="PROVISIONED",
        ProvisionedThroughputOverride=units, GlobalSecondaryIndexOverride=[])
    shown = active(dynamodb, table + "-b")
    assert "GlobalSecondaryIndexes" not in shown
    assert shown["AttributeDefinitions"] == [{"AttributeName": "k", "AttributeType": "S"}]
    assert shown["ProvisionedThroughput"]["WriteCapacityUnits"] == 4
    wrong = [{"IndexName": "by_g", "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
              "Projection": {"ProjectionType": "ALL"}}]
    assert error_of(dynamodb.restore_table_from_backup, TargetTableName=table + "-c", BackupArn=arn,
                    GlobalSecondaryIndexOverride=wrong)[0] == "ValidationException"
    delete(dynamodb, table + "-b")
    dynamodb.delete_backup(BackupArn=arn)


def test_errors_of_backups(dynamodb, table):
    missing = "arn:aws:dynamodb:us-east-1:123456789012:table/x/backup/01489602797149-73d8d5bc"
    assert error_of(dynamodb.create_backup, TableName="absent-table", BackupName="abc") == (
        "TableNotFoundException", "Table not found: absent-table")
    arn = dynamodb.create_backup(TableName=table, BackupName="abc")["BackupDetails"]["BackupArn"]
    missing = arn[:-8] + "00000000"
    assert error_of(dynamodb.restore_table_from_backup, TargetTableName="abc", BackupArn=missing) == (
        "BackupNotFoundException", f"Backup not found: {missing}")
    available(dynamodb, arn)
    assert error_of(dynamodb.restore_table_from_backup, TargetTableName=table, BackupArn=arn) == (
        "TableAlreadyExistsException", f"Table already exists: {table}")
    assert error_of(dynamodb.create_backup, TableName=table, BackupName="a b")[0] == "ValidationException"
    assert error_of(dynamodb.describe_backup, BackupArn=arn.split("/backup/")[0])[1] == "Invalid Backup ARN"
    assert error_of(dynamodb.list_backups, TimeRangeLowerBound=2_000_000_000, TimeRangeUpperBound=1_000_000_000)[1] == (
        "One or more parameter values were invalid: Time range lower bound must be less than or equal to upper bound")
    elsewhere = arn.replace("us-east-1", "eu-west-1")
    assert error_of(dynamodb.list_backups, ExclusiveStartBackupArn=elsewhere)[1] == (
        "Invalid Request: The supplied ExclusiveStartBackupArn does not match the region")
    assert error_of(dynamodb.restore_table_from_backup, TargetTableName=table + "-t", BackupArn=elsewhere)[1] == (
        "Invalid Request: sseSpecificationOverride must be provided for cross-region restores")
    for given, said in [
            ({"BillingModeOverride": "PROVISIONED"},
             "Must override ProvisionedThroughput if BillingMode is overridden to PROVISIONED"),
            ({"ProvisionedThroughputOverride": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}},
             "Cannot override ProvisionedThroughput unless BillingMode is PROVISIONED"),
            ({"OnDemandThroughputOverride": {"MaxReadRequestUnits": 0}},
             "Requested MaxReadRequestUnits for OnDemandThroughput is outside of valid range"),
            ({"GlobalSecondaryIndexOverride": [{
                "IndexName": "other", "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "KEYS_ONLY"}}]},
             "Index other does not match a secondary index that existed in the source table and cannot be created "
             "during the restore operation")]:
        assert error_of(dynamodb.restore_table_from_backup, TargetTableName=table + "-t", BackupArn=arn, **given) == (
            "ValidationException", "Invalid Request: " + said)
    dynamodb.delete_backup(BackupArn=arn)


def test_recovery_is_switched_on_and_off(dynamodb, table):
    def described():
        return dynamodb.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
    assert described() == {"ContinuousBackupsStatus": "ENABLED",
                           "PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": "DISABLED"}}
    began = time.time()
    assert recover(dynamodb, table)["RecoveryPeriodInDays"] == 35
    recovery = described()["PointInTimeRecoveryDescription"]
    assert recovery["PointInTimeRecoveryStatus"] == "ENABLED"
    assert began <= recovery["EarliestRestorableDateTime"].timestamp() <= time.time() + 1
    assert recovery["LatestRestorableDateTime"] >= recovery["EarliestRestorableDateTime"]
    assert recover(dynamodb, table, RecoveryPeriodInDays=3)["RecoveryPeriodInDays"] == 3
    assert recover(dynamodb, table, enabled=False) == {"PointInTimeRecoveryStatus": "DISABLED"}
    assert error_of(dynamodb.restore_table_to_point_in_time, SourceTableName=table, TargetTableName=table + "-x",
                    UseLatestRestorableTime=True) == (
        "PointInTimeRecoveryUnavailableException", f"Point in time recovery is not enabled for table '{table}'")
    assert error_of(dynamodb.describe_continuous_backups, TableName="absent-table") == (
        "TableNotFoundException", "Table not found: absent-table")


def next_second():
    """The whole second that comes next, once it is over."""
    moment = int(time.time()) + 1
    while time.time() < moment + 0.02:
        time.sleep(0.01)
    return moment


def test_a_table_goes_back_to_any_second(dynamodb, table):
    fill(dynamodb, table, 40)
    recover(dynamodb, table)
    past = {}
    for step in range(3):
        dynamodb.delete_item(TableName=table, Key={"k": {"S": str(step)}})
        dynamodb.transact_write_items(TransactItems=[
            {"Put": {"TableName": table, "Item": {"k": {"S": key}, "v": {"N": str(step)}}}}
            for key in ["left", "right"]])
        fill(dynamodb, table, 10, start=100 * step)
        past[next_second()] = items(dynamodb, table)
    for number, (moment, before) in enumerate(past.items()):
        target = f"{table}-{number}"
        made = dynamodb.restore_table_to_point_in_time(
            SourceTableName=table, TargetTableName=target,
            RestoreDateTime=datetime.datetime.fromtimestamp(moment, datetime.timezone.utc))
        assert made["TableDescription"]["RestoreSummary"]["RestoreDateTime"].timestamp() == moment
        active(dynamodb, target)
        assert items(dynamodb, target) == before
        assert items(dynamodb, target, IndexName="by_g").keys() == {k for k, v in before.items() if "g" in v}
        delete(dynamodb, target)
    dynamodb.restore_table_to_point_in_time(SourceTableName=table, TargetTableName=table + "-l",
                                            UseLatestRestorableTime=True)
    active(dynamodb, table + "-l")
    assert items(dynamodb, table + "-l") == items(dynamodb, table)
    delete(dynamodb, table + "-l")


def test_times_outside_the_window_are_refused(dynamodb, table):
    recover(dynamodb, table)
    now = datetime.datetime.now(datetime.timezone.utc)
    for wrong in [now - datetime.timedelta(hours=1), now + datetime.timedelta(hours=1)]:
        assert error_of(dynamodb.restore_table_to_point_in_time, SourceTableName=table,
                        TargetTableName=table + "-x", RestoreDateTime=wrong)[0] == "InvalidRestoreTimeException"
    assert error_of(dynamodb.restore_table_to_point_in_time, SourceTableName="absent-table",
                    TargetTableName=table + "-x", UseLatestRestorableTime=True)[0] == "TableNotFoundException"
    assert error_of(dynamodb.restore_table_to_point_in_time, SourceTableName=table,
                    TargetTableName=table + "-x")[0] == "ValidationException"
    assert error_of(dynamodb.restore_table_to_point_in_time, SourceTableName=table, TargetTableName=table,
                    UseLatestRestorableTime=True)[0] == "TableAlreadyExistsException"


def test_a_deleted_table_with_recovery_leaves_a_system_backup(dynamodb, name):
    create(dynamodb, name)
    recover(dynamodb, name)
    fill(dynamodb, name, 30)
    before = items(dynamodb, name)
    delete(dynamodb, name)
    left = dynamodb.list_backups(TableName=name, BackupType="SYSTEM")["BackupSummaries"]
    assert len(left) == 1 and left[0]["BackupName"] == f"{name}$DeletedTableBackup"
    assert (left[0]["BackupExpiryDateTime"] - left[0]["BackupCreationDateTime"]).days == 35
    dynamodb.restore_table_from_backup(TargetTableName=name, BackupArn=left[0]["BackupArn"])
    active(dynamodb, name)
    assert items(dynamodb, name) == before
    delete(dynamodb, name)
    dynamodb.delete_backup(BackupArn=left[0]["BackupArn"])


def test_permissions_name_backups_and_targets(server, dynamodb, table):
    arn = dynamodb.create_backup(TableName=table, BackupName="abc")["BackupDetails"]["BackupArn"]
    available(dynamodb, arn)
    iam, user = server.client("iam"), "u" + table
    iam.create_user(UserName=user)
    key = iam.create_access_key(UserName=user)["AccessKey"]
    theirs = server.client("dynamodb", key=key["AccessKeyId"], secret=key["SecretAccessKey"])
    assert error_of(theirs.describe_backup, BackupArn=arn)[0] == "AccessDeniedException"

    def allow(statements):
        iam.put_user_policy(UserName=user, PolicyName="p", PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [{"Effect": "Allow"} | one for one in statements]}))
    target = arn.split("/backup/")[0] + "-t"
    allow([{"Action": ["dynamodb:DescribeBackup", "dynamodb:RestoreTableFromBackup"], "Resource": arn}])
    assert theirs.describe_backup(BackupArn=arn)
    code, text = error_of(theirs.restore_table_from_backup, TargetTableName=table + "-t", BackupArn=arn)
    assert code == "AccessDeniedException" and target in text
    allow([{"Action": "dynamodb:RestoreTableFromBackup", "Resource": arn},
           {"Action": "dynamodb:*", "Resource": target}])
    theirs.restore_table_from_backup(TargetTableName=table + "-t", BackupArn=arn)
    active(dynamodb, table + "-t")
    delete(dynamodb, table + "-t")
    dynamodb.delete_backup(BackupArn=arn)


def test_a_stack_switches_recovery_on(server, dynamodb, name):
    formation = server.client("cloudformation")
    template = {"Resources": {"T": {"Type": "AWS::DynamoDB::Table", "Properties": {
        "TableName": name, "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": 7}}}}}
    formation.create_stack(StackName=name, TemplateBody=json.dumps(template))
    formation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 0.2})

    def recovery():
        return dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"][
            "PointInTimeRecoveryDescription"]
    assert recovery()["RecoveryPeriodInDays"] == 7
    del template["Resources"]["T"]["Properties"]["PointInTimeRecoverySpecification"]
    formation.update_stack(StackName=name, TemplateBody=json.dumps(template))
    formation.get_waiter("stack_update_complete").wait(StackName=name, WaiterConfig={"Delay": 0.2})
    assert recovery()["PointInTimeRecoveryStatus"] == "DISABLED"
    formation.delete_stack(StackName=name)
    formation.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig={"Delay": 0.2})


def test_the_command_line_of_aws_takes_it(server, dynamodb, table):
    def aws(*arguments):
        return json.loads(server.aws("dynamodb", *arguments, "--output", "json").stdout)
    aws("update-continuous-backups", "--table-name", table, "--point-in-time-recovery-specification",
        "PointInTimeRecoveryEnabled=true")
    arn = aws("create-backup", "--table-name", table, "--backup-name", "cli")["BackupDetails"]["BackupArn"]
    available(dynamodb, arn)
    assert [one["BackupArn"] for one in aws("list-backups", "--table-name", table)["BackupSummaries"]] == [arn]
    aws("restore-table-from-backup", "--target-table-name", table + "-cli", "--backup-arn", arn)
    active(dynamodb, table + "-cli")
    aws("delete-backup", "--backup-arn", arn)
    delete(dynamodb, table + "-cli")
