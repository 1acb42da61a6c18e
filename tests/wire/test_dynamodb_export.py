"""Exports of tables to buckets and imports from them, through boto3."""
import base64
import csv
import gzip
import hashlib
import io
import json
import time

import pytest
from botocore.exceptions import ClientError
from support.stack import wait_until


@pytest.fixture
def bucket(s3, name):
    s3.create_bucket(Bucket=name + "-bucket")
    yield name + "-bucket"
    for one in s3.list_objects_v2(Bucket=name + "-bucket").get("Contents", []):
        s3.delete_object(Bucket=name + "-bucket", Key=one["Key"])
    s3.delete_bucket(Bucket=name + "-bucket")


CREATION = {"AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}], "BillingMode": "PAY_PER_REQUEST"}

ITEM = {"k": {"S": "all \"kinds\" \\ of\nthings ü €"}, "n": {"N": "-1.5"}, "big": {"N": "1E+100"},
        "b": {"B": b"\x00\xff"}, "ss": {"SS": ["a", "b"]}, "ns": {"NS": ["1", "2.5"]}, "bs": {"BS": [b"x"]},
        "m": {"M": {"in": {"L": [{"BOOL": True}, {"NULL": True}, {"M": {}}]}}}, "e": {"S": ""}}


def plain(item):
    """Comparable: sets have no order."""
    def value(one):
        kind, content = next(iter(one.items()))
        if kind in ("SS", "NS", "BS"):
            return kind, sorted(content)
        if kind == "M":
            return kind, plain(content)
        if kind == "L":
            return kind, [value(inner) for inner in content]
        return kind, content
    return {name: value(one) for name, one in item.items()}


@pytest.fixture
def table(dynamodb, name):
    dynamodb.create_table(TableName=name, **CREATION)
    arn = dynamodb.update_continuous_backups(
        TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}) and \
        dynamodb.describe_table(TableName=name)["Table"]["TableArn"]
    yield arn
    delete(dynamodb, name)


def delete(dynamodb, name):
    def gone():
        try:
            dynamodb.delete_table(TableName=name)
        except dynamodb.exceptions.ResourceInUseException:
            return False
        except dynamodb.exceptions.ResourceNotFoundException:
            pass
        return True
    wait_until(gone, "the table to go")


def items(dynamodb, table):
    pages = dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    return {item["k"]["S"]: item for page in pages for item in page["Items"]}


def exported(dynamodb, arn, status="COMPLETED"):
    def ended():
        shown = dynamodb.describe_export(ExportArn=arn)["ExportDescription"]
        return shown["ExportStatus"] != "IN_PROGRESS" and shown
    shown = wait_until(ended, "the export to end")
    assert shown["ExportStatus"] == status, shown
    return shown


def imported(dynamodb, arn, status="COMPLETED"):
    def ended():
        shown = dynamodb.describe_import(ImportArn=arn)["ImportTableDescription"]
        return shown["ImportStatus"] != "IN_PROGRESS" and shown
    shown = wait_until(ended, "the import to end")
    assert shown["ImportStatus"] == status, shown
    return shown


def body(s3, bucket, key):
    return s3.get_object(Bucket=bucket, Key=key)["Body"].read()


def lines_of(s3, bucket, manifest):
    """The summary, and the lines of all data files; every checksum on the way is right."""
    for name in [manifest, manifest.replace("manifest-summary", "manifest-files")]:
        assert body(s3, bucket, name.replace(".json", ".md5")).decode() == \
            base64.b64encode(hashlib.md5(body(s3, bucket, name)).digest()).decode()
    summary, lines = json.loads(body(s3, bucket, manifest)), []
    for line in body(s3, bucket, summary["manifestFilesS3Key"]).splitlines():
        file = json.loads(line)
        data = body(s3, bucket, file["dataFileS3Key"])
        assert base64.b64decode(file["md5Checksum"]) == hashlib.md5(data).digest()
        assert file["etag"] == hashlib.md5(data).hexdigest()
        found = gzip.decompress(data).decode().splitlines()
        assert len(found) == file["itemCount"]
        lines += found
    assert len(lines) == summary["itemCount"]
    return summary, lines


def value_of(json_value):
    """An attribute's value as boto3 shows it: binaries are bytes."""
    kind, content = next(iter(json_value.items()))
    if kind == "B":
        content = base64.b64decode(content)
    elif kind == "BS":
        content = [base64.b64decode(one) for one in content]
    elif kind == "M":
        content = item_of(content)
    elif kind == "L":
        content = [value_of(one) for one in content]
    return {kind: content}


def item_of(json_item):
    return {name: value_of(one) for name, one in json_item.items()}


def error_of(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def next_second():
    moment = int(time.time()) + 1
    while time.time() < moment + 0.02:
        time.sleep(0.01)
    return moment


def test_a_table_is_exported_as_it_was(dynamodb, s3, table, name, bucket):
    dynamodb.put_item(TableName=name, Item=ITEM)
    for number in range(300):
        dynamodb.put_item(TableName=name, Item={"k": {"S": str(number)}, "v": {"S": "x" * 100}})
    moment, before = next_second(), items(dynamodb, name)
    dynamodb.delete_item(TableName=name, Key={"k": {"S": "3"}})
    begun = dynamodb.export_table_to_point_in_time(TableArn=table, S3Bucket=bucket, S3Prefix="here",
                                                   ExportTime=moment)["ExportDescription"]
    assert begun["ExportStatus"] == "IN_PROGRESS" and begun["ExportArn"].startswith(table + "/export/01")
    shown = exported(dynamodb, begun["ExportArn"])
    folder = "here/AWSDynamoDB/" + begun["ExportArn"].split("/")[-1] + "/"
    assert shown["ExportManifest"] == folder + "manifest-summary.json"
    assert shown["ItemCount"] == 301 and shown["ExportFormat"] == "DYNAMODB_JSON"
    summary, lines = lines_of(s3, bucket, shown["ExportManifest"])
    assert summary["exportType"] == "FULL_EXPORT" and summary["tableArn"] == table
    assert body(s3, bucket, folder + "_started") == b""
    found = [item_of(json.loads(line)["Item"]) for line in lines]
    assert {item["k"]["S"]: plain(item) for item in found} == {k: plain(v) for k, v in before.items()}
    listed = dynamodb.list_exports(TableArn=table)["ExportSummaries"]
    assert listed == [{"ExportArn": begun["ExportArn"], "ExportStatus": "COMPLETED", "ExportType": "FULL_EXPORT"}]


def test_what_changed_is_exported(dynamodb, s3, table, name, bucket):
    def put(key, value):
        dynamodb.put_item(TableName=name, Item={"k": {"S": key}, "v": {"N": str(value)}})
    put("stays", 1)
    put("changes", 1)
    put("goes", 1)
    begin = next_second()
    put("changes", 2)
    put("changes", 3)
    put("comes", 4)
    dynamodb.delete_item(TableName=name, Key={"k": {"S": "goes"}})
    end = next_second()
    put("changes", 5)
    order = {"ExportFromTime": begin, "ExportToTime": end}
    arn = dynamodb.export_table_to_point_in_time(
        TableArn=table, S3Bucket=bucket, ExportType="INCREMENTAL_EXPORT",
        IncrementalExportSpecification=order)["ExportDescription"]["ExportArn"]
    shown = exported(dynamodb, arn)
    summary, lines = lines_of(s3, bucket, shown["ExportManifest"])
    assert summary["outputView"] == "NEW_AND_OLD_IMAGES" and summary["exportType"] == "INCREMENTAL_EXPORT"
    found = {line["Keys"]["k"]["S"]: line for line in map(json.loads, lines)}
    assert {key: (one.get("OldImage", {}).get("v"), one.get("NewImage", {}).get("v"))
            for key, one in found.items()} == {
        "changes": ({"N": "1"}, {"N": "3"}), "comes": (None, {"N": "4"}), "goes": ({"N": "1"}, None)}
    micros = int(found["comes"]["Metadata"]["WriteTimestampMicros"]["N"])
    assert begin <= micros / 1e6 <= end
    arn = dynamodb.export_table_to_point_in_time(
        TableArn=table, S3Bucket=bucket, ExportType="INCREMENTAL_EXPORT",
        IncrementalExportSpecification=order | {"ExportViewType": "NEW_IMAGE"})["ExportDescription"]["ExportArn"]
    _, lines = lines_of(s3, bucket, exported(dynamodb, arn)["ExportManifest"])
    assert not any("OldImage" in json.loads(line) for line in lines)


def test_an_export_comes_back_as_a_table(dynamodb, s3, table, name, bucket):
    dynamodb.put_item(TableName=name, Item=ITEM)
    for number in range(50):
        dynamodb.put_item(TableName=name, Item={"k": {"S": str(number)}, "v": {"N": str(number)}})
    before = {k: plain(v) for k, v in items(dynamodb, name).items()}
    for kind in ["DYNAMODB_JSON", "ION"]:
        arn = dynamodb.export_table_to_point_in_time(TableArn=table, S3Bucket=bucket, S3Prefix=kind,
                                                     ExportFormat=kind)["ExportDescription"]["ExportArn"]
        exported(dynamodb, arn)
        target = f"{name}-{kind}"
        begun = dynamodb.import_table(
            S3BucketSource={"S3Bucket": bucket, "S3KeyPrefix": f"{kind}/AWSDynamoDB/{arn.split('/')[-1]}/data/"},
            InputFormat=kind, InputCompressionType="GZIP",
            TableCreationParameters={"TableName": target} | CREATION)["ImportTableDescription"]
        assert begun["ImportStatus"] == "IN_PROGRESS"
        shown = imported(dynamodb, begun["ImportArn"])
        assert (shown["ImportedItemCount"], shown["ProcessedItemCount"], shown["ErrorCount"]) == (51, 51, 0)
        assert shown["ProcessedSizeBytes"] > 0
        assert dynamodb.describe_table(TableName=target)["Table"]["TableStatus"] == "ACTIVE"
        assert {k: plain(v) for k, v in items(dynamodb, target).items()} == before
        listed = dynamodb.list_imports(TableArn=shown["TableArn"])["ImportSummaryList"]
        assert [one["ImportArn"] for one in listed] == [begun["ImportArn"]]
        delete(dynamodb, target)


def test_csv_is_imported_and_what_is_wrong_is_counted(dynamodb, s3, name, bucket):
    text = io.StringIO()
    writer = csv.writer(text)
    rows = [["k", "g", "text"], ["a", "1", "plain"], ["b", "2", "a, \"quoted\"\nfield"], ["", "3", "no key"],
            ["c", "none", "no number"], ["a", "4", "again"]]
    writer.writerows(rows)
    s3.put_object(Bucket=bucket, Key="in/one.csv", Body=text.getvalue())
    s3.put_object(Bucket=bucket, Key="in/two.csv", Body="k,g,text\nd,5,last")
    creation = CREATION | {
        "AttributeDefinitions": CREATION["AttributeDefinitions"] + [{"AttributeName": "g", "AttributeType": "N"}],
        "GlobalSecondaryIndexes": [{"IndexName": "by_g", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
                                    "Projection": {"ProjectionType": "ALL"}}]}
    arn = dynamodb.import_table(
        S3BucketSource={"S3Bucket": bucket, "S3KeyPrefix": "in/"}, InputFormat="CSV",
        TableCreationParameters={"TableName": name} | creation)["ImportTableDescription"]["ImportArn"]
    shown = imported(dynamodb, arn, "FAILED")  # the table stays, with what was right
    assert (shown["ProcessedItemCount"], shown["ImportedItemCount"], shown["ErrorCount"]) == (6, 4, 2)
    assert shown["FailureCode"] == "ItemValidationError"
    found = items(dynamodb, name)
    assert found["b"] == {"k": {"S": "b"}, "g": {"N": "2"}, "text": {"S": "a, \"quoted\"\nfield"}}
    assert found["a"]["text"] == {"S": "again"} and sorted(found) == ["a", "b", "d"]
    assert dynamodb.scan(TableName=name, IndexName="by_g")["Count"] == 3
    delete(dynamodb, name)


def test_csv_takes_its_header_and_delimiter_from_the_request(dynamodb, s3, name, bucket):
    s3.put_object(Bucket=bucket, Key="one", Body=b"a;1\r\nb;2\r\n")
    arn = dynamodb.import_table(
        S3BucketSource={"S3Bucket": bucket}, InputFormat="CSV",
        InputFormatOptions={"Csv": {"Delimiter": ";", "HeaderList": ["k", "v"]}},
        TableCreationParameters={"TableName": name} | CREATION)["ImportTableDescription"]["ImportArn"]
    assert imported(dynamodb, arn)["ImportedItemCount"] == 2
    assert items(dynamodb, name)["b"] == {"k": {"S": "b"}, "v": {"S": "2"}}
    delete(dynamodb, name)


def test_what_cannot_be_read_or_written_fails(server, dynamodb, s3, table, name, bucket):
    arn = dynamodb.export_table_to_point_in_time(
        TableArn=table, S3Bucket="absent-" + bucket)["ExportDescription"]["ExportArn"]
    shown = exported(dynamodb, arn, "FAILED")
    assert (shown["FailureCode"], shown["FailureMessage"]) == (
        "S3NoSuchBucket", "The specified bucket does not exist")
    creation = {"TableName": name + "-i"} | CREATION
    arn = dynamodb.import_table(S3BucketSource={"S3Bucket": "absent-" + bucket}, InputFormat="DYNAMODB_JSON",
                                TableCreationParameters=creation)["ImportTableDescription"]["ImportArn"]
    assert imported(dynamodb, arn, "FAILED")["FailureCode"] == "S3NoSuchBucket"
    assert error_of(dynamodb.describe_table, TableName=name + "-i")[0] == "ResourceNotFoundException"
    s3.put_object(Bucket=bucket, Key="broken.gz", Body=gzip.compress(b"{}" * 1000)[:20])
    arn = dynamodb.import_table(S3BucketSource={"S3Bucket": bucket}, InputFormat="DYNAMODB_JSON",
                                InputCompressionType="GZIP",
                                TableCreationParameters=creation)["ImportTableDescription"]["ImportArn"]
    imported(dynamodb, arn, "FAILED")


def test_the_callers_permissions_count_in_s3(server, dynamodb, s3, table, name, bucket):
    iam, user = server.client("iam"), "u" + name
    iam.create_user(UserName=user)
    key = iam.create_access_key(UserName=user)["AccessKey"]
    theirs = server.client("dynamodb", key=key["AccessKeyId"], secret=key["SecretAccessKey"])

    def allow(*statements):
        iam.put_user_policy(UserName=user, PolicyName="p", PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Action": action, "Resource": resource} for action, resource in statements]}))
    export = {"TableArn": table, "S3Bucket": bucket}
    assert error_of(theirs.export_table_to_point_in_time, **export)[0] == "AccessDeniedException"
    allow(("dynamodb:*", "*"))
    shown = exported(dynamodb, theirs.export_table_to_point_in_time(**export)["ExportDescription"]["ExportArn"],
                     "FAILED")
    assert shown["FailureCode"] == "S3AccessDenied"
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
    allow(("dynamodb:*", "*"), ("s3:PutObject", f"arn:aws:s3:::{bucket}/*"))
    exported(dynamodb, theirs.export_table_to_point_in_time(**export)["ExportDescription"]["ExportArn"])
    order = {"S3BucketSource": {"S3Bucket": bucket, "S3KeyPrefix": "AWSDynamoDB/"}, "InputFormat": "DYNAMODB_JSON",
             "TableCreationParameters": {"TableName": name + "-i"} | CREATION}
    arn = theirs.import_table(**order)["ImportTableDescription"]["ImportArn"]
    assert imported(dynamodb, arn, "FAILED")["FailureCode"] == "S3AccessDenied"


def test_errors_of_exports(dynamodb, table, name, bucket):
    assert error_of(dynamodb.export_table_to_point_in_time, TableArn=table + "-absent", S3Bucket=bucket) == (
        "TableNotFoundException", f"Table not found: {table}-absent")
    assert error_of(dynamodb.export_table_to_point_in_time, TableArn=name, S3Bucket=bucket)[1] == (
        "One or more parameter values were invalid: tableArn is not a valid ARN")
    assert error_of(dynamodb.export_table_to_point_in_time, TableArn=table + "/index/by_g", S3Bucket=bucket)[1] == (
        "Invalid Request: Table ARN is invalid.")
    assert error_of(dynamodb.export_table_to_point_in_time, TableArn=table, S3Bucket=bucket,
                    ExportType="INCREMENTAL_EXPORT", IncrementalExportSpecification={})[1] == (
        "Invalid Request: ExportFromTime must be provided in IncrementalExportSpecification")
    assert error_of(dynamodb.describe_export, ExportArn=table)[1] == "Invalid Export ARN"
    assert error_of(dynamodb.describe_import, ImportArn=table)[1] == "Invalid Import ARN"
    assert error_of(dynamodb.export_table_to_point_in_time, TableArn=table, S3Bucket=bucket,
                    ExportTime=time.time() - 3600)[0] == "InvalidExportTimeException"
    assert error_of(dynamodb.describe_export, ExportArn=table + "/export/01489602797149-73d8d5bc")[0] == \
        "ExportNotFoundException"
    assert error_of(dynamodb.describe_import, ImportArn=table + "/import/01489602797149-73d8d5bc")[0] == \
        "ImportNotFoundException"
    first = dynamodb.export_table_to_point_in_time(TableArn=table, S3Bucket=bucket, ClientToken="token")
    again = dynamodb.export_table_to_point_in_time(TableArn=table, S3Bucket=bucket, ClientToken="token")
    assert first["ExportDescription"]["ExportArn"] == again["ExportDescription"]["ExportArn"]
    assert error_of(dynamodb.export_table_to_point_in_time, TableArn=table, S3Bucket=bucket, S3Prefix="other",
                    ClientToken="token")[0] == "ExportConflictException"
    exported(dynamodb, first["ExportDescription"]["ExportArn"])
    dynamodb.update_continuous_backups(
        TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False})
    assert error_of(dynamodb.export_table_to_point_in_time, TableArn=table, S3Bucket=bucket) == (
        "PointInTimeRecoveryUnavailableException", f"Point in time recovery is not enabled for table '{name}'")
    assert error_of(dynamodb.import_table, S3BucketSource={"S3Bucket": bucket}, InputFormat="CSV",
                    TableCreationParameters={"TableName": name} | CREATION) == (
        "ResourceInUseException", f"Table already exists: {name}")


def test_lists_are_paged(dynamodb, table, name, bucket):
    for _ in range(3):
        arn = dynamodb.export_table_to_point_in_time(TableArn=table, S3Bucket=bucket)["ExportDescription"]["ExportArn"]
        exported(dynamodb, arn)
    page = dynamodb.list_exports(TableArn=table, MaxResults=2)
    rest = dynamodb.list_exports(TableArn=table, MaxResults=2, NextToken=page["NextToken"])
    assert len(page["ExportSummaries"]) == 2 and len(rest["ExportSummaries"]) == 1 and "NextToken" not in rest
    for number in range(3):
        arn = dynamodb.import_table(
            S3BucketSource={"S3Bucket": bucket, "S3KeyPrefix": "nothing/"}, InputFormat="DYNAMODB_JSON",
            TableCreationParameters={"TableName": f"{name}-{number}"} | CREATION)["ImportTableDescription"]["ImportArn"]
        assert imported(dynamodb, arn)["ImportedItemCount"] == 0
        delete(dynamodb, f"{name}-{number}")
    page, found = {}, 0
    while True:
        page = dynamodb.list_imports(PageSize=1, **({"NextToken": page["NextToken"]} if page else {}))
        found += len(page["ImportSummaryList"])
        if "NextToken" not in page:
            break
    assert found >= 3
    assert error_of(dynamodb.list_exports, NextToken="nowhere")[1] == (
        "Invalid Request: Provided nextToken is invalid: nowhere")
    assert error_of(dynamodb.list_imports, NextToken="ab" * 56)[1] == (
        "Invalid Request: Provided nextToken is invalid: " + "ab" * 56)
