"""CloudWatch's metrics through boto3 in each of its three protocols, and through the AWS CLI."""
import datetime
import gzip
import io
import json
import socket
import time
import urllib.error
import urllib.request
import zipfile

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import botocore.httpsession
import pytest
from botocore.exceptions import ClientError

from support.server import Server

VERSION = "2010-08-01"


@pytest.fixture
def metrics(server):
    return server.client("cloudwatch")


def minutes_ago(count):
    return datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=count)


def in_minutes(count):
    return minutes_ago(-count)


def query(space, metric, stat="Sum", identity="m", period=60, **more):
    return {"Id": identity, "MetricStat": {"Metric": {"Namespace": space, "MetricName": metric, **more},
                                           "Period": period, "Stat": stat}}


def signed(server, body, headers, path="/"):
    """What an SDK of another kind or age sends."""
    request = botocore.awsrequest.AWSRequest(method="POST", url=server.endpoint + path, data=body, headers=headers)
    keys = botocore.credentials.Credentials(server.environment["AWS_ACCESS_KEY_ID"],
                                            server.environment["AWS_SECRET_ACCESS_KEY"])
    botocore.auth.SigV4Auth(keys, "monitoring", "us-east-1").add_auth(request)
    return botocore.httpsession.URLLib3Session().send(request.prepare())


def as_json(server, operation, body):
    return signed(server, json.dumps(body), {
        "Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "GraniteServiceVersion20100801." + operation})


def as_query(server, body, **headers):
    return signed(server, body, {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8", **headers})


def test_what_is_put_can_be_had_as_statistics(metrics, name):
    at = minutes_ago(5).replace(second=7, microsecond=0)
    metrics.put_metric_data(Namespace=name, MetricData=[
        {"MetricName": "n", "Timestamp": at, "Value": float(i), "Unit": "Count"} for i in range(10)])
    answer = metrics.get_metric_statistics(
        Namespace=name, MetricName="n", StartTime=minutes_ago(60), EndTime=in_minutes(1), Period=60,
        Statistics=["Average", "Sum", "Minimum", "Maximum", "SampleCount"])
    assert answer["Label"] == "n"
    assert answer["Datapoints"] == [{
        "Timestamp": at.replace(second=0), "Average": 4.5, "Sum": 45.0, "Minimum": 0.0, "Maximum": 9.0,
        "SampleCount": 10.0, "Unit": "Count"}]
    answer = metrics.get_metric_statistics(
        Namespace=name, MetricName="n", StartTime=minutes_ago(60), EndTime=in_minutes(1), Period=60,
        ExtendedStatistics=["p50", "p100"])
    assert answer["Datapoints"][0]["ExtendedStatistics"] == {"p50": 4.0, "p100": 9.0}


def test_values_with_counts_and_statistic_sets(metrics, name):
    metrics.put_metric_data(Namespace=name, MetricData=[
        {"MetricName": "n", "Values": [1.0, 10.0], "Counts": [9.0, 1.0]}])
    metrics.put_metric_data(Namespace=name, MetricData=[
        {"MetricName": "set", "StatisticValues": {"SampleCount": 4, "Sum": 10, "Minimum": 1, "Maximum": 5}}])
    found = metrics.get_metric_data(
        StartTime=minutes_ago(10), EndTime=in_minutes(1), MetricDataQueries=[
            query(name, "n", "Sum", "sum", 3600), query(name, "n", "p90", "low", 3600),
            query(name, "n", "p99", "high", 3600), query(name, "set", "Average", "average", 3600),
            query(name, "set", "p50", "unknown", 3600)])["MetricDataResults"]
    values = {result["Id"]: result["Values"] for result in found}
    assert values == {"sum": [19.0], "low": [1.0], "high": [10.0], "average": [2.5], "unknown": []}
    assert {r["Label"] for r in found} == {"n Sum", "n p90", "n p99", "set Average", "set p50"}


def test_data_come_newest_first_and_in_pages(metrics, name):
    times = [minutes_ago(i).replace(second=0, microsecond=0) for i in range(2, 9)]
    for i, at in enumerate(times):
        metrics.put_metric_data(Namespace=name, MetricData=[
            {"MetricName": metric, "Timestamp": at, "Value": i} for metric in ("a", "b")])
    wanted = dict(StartTime=minutes_ago(60), EndTime=in_minutes(1),
                  MetricDataQueries=[query(name, "a", identity="a"), query(name, "b", identity="b")])
    whole = metrics.get_metric_data(**wanted)
    assert [r["Values"] for r in whole["MetricDataResults"]] == [[float(i) for i in range(7)]] * 2
    assert whole["MetricDataResults"][0]["Timestamps"] == times
    assert whole["Messages"] == [] and {r["StatusCode"] for r in whole["MetricDataResults"]} == {"Complete"}
    collected = {"a": [], "b": []}
    for page in metrics.get_paginator("get_metric_data").paginate(**wanted, MaxDatapoints=3, ScanBy="TimestampAscending"):
        assert sum(len(r["Values"]) for r in page["MetricDataResults"]) <= 3
        for result in page["MetricDataResults"]:
            collected[result["Id"]] += result["Values"]
    assert collected == {"a": [float(i) for i in reversed(range(7))]} | {"b": [float(i) for i in reversed(range(7))]}


def test_lists_by_name_and_dimension(metrics, name):
    for host in ("one", "two"):
        metrics.put_metric_data(Namespace=name, MetricData=[
            {"MetricName": "load", "Value": 1, "Dimensions": [{"Name": "Zone", "Value": "z"}, {"Name": "Host", "Value": host}]}])
    found = metrics.list_metrics(Namespace=name, Dimensions=[{"Name": "Host", "Value": "two"}, {"Name": "Zone"}])
    assert found["Metrics"] == [{"Namespace": name, "MetricName": "load", "Dimensions": [
        {"Name": "Host", "Value": "two"}, {"Name": "Zone", "Value": "z"}]}]
    assert len(metrics.list_metrics(Namespace=name, RecentlyActive="PT3H")["Metrics"]) == 2
    assert metrics.list_metrics(Namespace=name, MetricName="other")["Metrics"] == []


def test_lists_in_pages_of_500(metrics, name):
    metrics.put_metric_data(Namespace=name, MetricData=[{"MetricName": f"m{i:04}", "Value": 1} for i in range(1000)])
    metrics.put_metric_data(Namespace=name, MetricData=[{"MetricName": "last", "Value": 1}])
    pages = [page["Metrics"] for page in metrics.get_paginator("list_metrics").paginate(Namespace=name)]
    assert [len(page) for page in pages] == [500, 500, 1]
    assert len({m["MetricName"] for page in pages for m in page}) == 1001


def test_units_stand_apart(metrics, name):
    metrics.put_metric_data(Namespace=name, MetricData=[
        {"MetricName": "m", "Value": v, "Unit": unit} for unit, v in (("Seconds", 1), ("Count", 5))])
    window = dict(StartTime=minutes_ago(10), EndTime=in_minutes(1))
    points = metrics.get_metric_statistics(Namespace=name, MetricName="m", Period=3600, Statistics=["Sum"], **window)
    assert {p["Unit"]: p["Sum"] for p in points["Datapoints"]} == {"Seconds": 1.0, "Count": 5.0}
    one = query(name, "m", period=3600)
    one["MetricStat"]["Unit"] = "Seconds"
    assert metrics.get_metric_data(MetricDataQueries=[one], **window)["MetricDataResults"][0]["Values"] == [1.0]
    result = metrics.get_metric_data(MetricDataQueries=[query(name, "m", period=3600)], **window)["MetricDataResults"][0]
    assert result["Values"] == [5.0]
    assert result["Messages"] == [{"Code": "MultipleUnits", "Value": "Multiple units returned: '[Count, Seconds]'"}]


@pytest.mark.parametrize("data, code, text", [
    ({"Value": 1, "Values": [1.0]}, "InvalidParameterCombination",
     "The parameters MetricData.member.1.Value and MetricData.member.1.Values are mutually exclusive and you have specified both."),
    ({"Values": [1.0, 2.0], "Counts": [1.0]}, "InvalidParameterValue",
     "The parameters MetricData.member.1.Values and MetricData.member.1.Counts must be of the same size."),
    ({}, "MissingParameter", "At least one of the parameters must be specified."),
    ({"Value": 1, "Timestamp": datetime.datetime(2020, 1, 1)}, "InvalidParameterValue",
     "The parameter MetricData.member.1.Timestamp must specify a time no more than two weeks in the past."),
])
def test_refused_data(metrics, name, data, code, text):
    with pytest.raises(ClientError) as caught:
        metrics.put_metric_data(Namespace=name, MetricData=[{"MetricName": "m", **data}])
    error = caught.value.response["Error"]
    assert (error["Code"], error["Message"]) == (code, text)
    assert metrics.list_metrics(Namespace=name)["Metrics"] == []


def test_refused_questions(metrics, name):
    window = dict(StartTime=minutes_ago(60 * 24), EndTime=in_minutes(1))
    with pytest.raises(metrics.exceptions.InvalidParameterCombinationException) as caught:
        metrics.get_metric_statistics(Namespace=name, MetricName="m", Period=30, Statistics=["Sum"],
                                      StartTime=minutes_ago(60 * 48), EndTime=minutes_ago(0))
    assert caught.value.response["Error"]["Message"].startswith("You have requested up to 2880 datapoints, which exceeds")
    for wrong in ({"Id": "m", "Expression": "SEARCH('{AWS/Kinesis}', 'Sum')"}, query(name, "m", "tm90"),
                  query(name, "m", identity="Upper")):
        with pytest.raises(ClientError) as caught:
            metrics.get_metric_data(MetricDataQueries=[wrong], **window)
        assert caught.value.response["Error"]["Code"] == "ValidationError"
    with pytest.raises(ClientError) as caught:
        metrics.put_metric_data(Namespace="AWS/Kinesis", MetricData=[{"MetricName": "m", "Value": 1}])
    assert caught.value.response["Error"]["Code"] == "InvalidParameterValue"
    with pytest.raises(ClientError) as caught:
        metrics.describe_alarms()
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert caught.value.response["Error"]["Code"] == "InvalidAction"


def test_json_speaks_too(server, metrics, name):
    assert as_json(server, "PutMetricData", {
        "Namespace": name, "MetricData": [{"MetricName": "j", "Value": 3, "Timestamp": time.time()}]}).status_code == 200
    answer = as_json(server, "GetMetricStatistics", {
        "Namespace": name, "MetricName": "j", "StartTime": time.time() - 600, "EndTime": time.time() + 60, "Period": 60,
        "Statistics": ["Sum"]})
    assert answer.headers["content-type"] == "application/x-amz-json-1.0"
    assert json.loads(answer.text)["Datapoints"][0]["Sum"] == 3.0
    refused = as_json(server, "PutMetricData", {"Namespace": name, "MetricData": [{"MetricName": "j"}]})
    assert refused.status_code == 400
    assert json.loads(refused.text)["__type"] == "MissingRequiredParameterException"
    assert refused.headers["x-amzn-query-error"] == "MissingParameter;Sender"


def test_query_speaks_too_also_compressed(server, metrics, name):
    put = (f"Action=PutMetricData&Version={VERSION}&Namespace={name}&MetricData.member.1.MetricName=q"
           "&MetricData.member.1.Value=2.5&MetricData.member.1.Dimensions.member.1.Name=A"
           "&MetricData.member.1.Dimensions.member.1.Value=b")
    answer = as_query(server, put)
    assert answer.status_code == 200, answer.text
    assert "<PutMetricDataResponse" in answer.text
    answer = as_query(server, gzip.compress(put.encode()), **{"Content-Encoding": "gzip"})
    assert answer.status_code == 200, answer.text
    listed = as_query(server, f"Action=ListMetrics&Version={VERSION}&Namespace={name}")
    assert f"<Namespace>{name}</Namespace><MetricName>q</MetricName>" in listed.text
    point = metrics.get_metric_statistics(
        Namespace=name, MetricName="q", Dimensions=[{"Name": "A", "Value": "b"}], StartTime=minutes_ago(5),
        EndTime=in_minutes(1), Period=3600, Statistics=["Sum"])["Datapoints"][0]
    assert point["Sum"] == 5.0
    refused = as_query(server, put + "&MetricData.member.1.Values.member.1=1")
    assert refused.status_code == 400 and "<Code>InvalidParameterCombination</Code>" in refused.text
    refused = as_query(server, put.replace("2.5", "NaN"))
    assert "The value NaN for parameter MetricData.member.1.Value is invalid." in refused.text
    assert as_query(server, b"no gzip", **{"Content-Encoding": "gzip"}).status_code == 500


def test_sdks_compress_large_puts(server, name):
    # Above 10 KiB, unless told otherwise.
    client = server.client("cloudwatch", request_min_compression_size_bytes=10240)
    sent = []
    client.meta.events.register("before-send.cloudwatch.PutMetricData",
                                lambda request, **_: sent.append(request.headers.get("Content-Encoding")))
    client.put_metric_data(Namespace=name, MetricData=[
        {"MetricName": "many", "Value": i, "Dimensions": [{"Name": "Host", "Value": "h" * 200}]} for i in range(100)])
    assert sent == [b"gzip"] or sent == ["gzip"]
    point = client.get_metric_statistics(
        Namespace=name, MetricName="many", Dimensions=[{"Name": "Host", "Value": "h" * 200}],
        StartTime=minutes_ago(5), EndTime=in_minutes(1), Period=3600, Statistics=["Sum"])["Datapoints"][0]
    assert point["Sum"] == 4950.0


def test_policies_count(server, name):
    iam = server.client("iam")
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps({
        "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Action": "cloudwatch:PutMetricData", "Resource": "*",
            "Condition": {"StringEquals": {"cloudwatch:namespace": name}}}]}))
    theirs = server.client("cloudwatch", key=key["AccessKeyId"], secret=key["SecretAccessKey"])
    theirs.put_metric_data(Namespace=name, MetricData=[{"MetricName": "m", "Value": 1}])
    for call in (lambda: theirs.put_metric_data(Namespace="other", MetricData=[{"MetricName": "m", "Value": 1}]),
                 lambda: theirs.list_metrics()):
        with pytest.raises(ClientError) as caught:
            call()
        assert caught.value.response["Error"]["Code"] == "AccessDenied"


def test_acknowledged_data_survive_a_kill(own_server, name):
    metrics = own_server.client("cloudwatch")
    for i in range(50):
        metrics.put_metric_data(Namespace=name, MetricData=[{"MetricName": "m", "Value": 1}])
    own_server.kill()
    own_server.start()
    points = own_server.client("cloudwatch").get_metric_statistics(
        Namespace=name, MetricName="m", StartTime=minutes_ago(60), EndTime=in_minutes(1), Period=3600,
        Statistics=["Sum"])["Datapoints"]
    assert sum(p["Sum"] for p in points) == 50


def test_the_cli(server, name):
    server.aws("cloudwatch", "put-metric-data", "--namespace", name, "--metric-name", "c", "--value", "4", "--unit", "Bytes")
    found = json.loads(server.aws("cloudwatch", "list-metrics", "--namespace", name, "--output", "json").stdout)
    assert [m["MetricName"] for m in found["Metrics"]] == ["c"]


def test_the_cli_of_version_2(server, name):
    process = server.start_aws2("cloudwatch", "put-metric-data", "--namespace", name, "--metric-name", "c", "--value", "4")
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output
    assert [m["MetricName"] for m in server.client("cloudwatch").list_metrics(Namespace=name)["Metrics"]] == ["c"]


# --- what Millrace measures itself ------------------------------------------------------------------


def figures_of(metrics, space, stat, names, dimensions, until, seconds=30):
    """The last hour's values by metric, once `until` says that they are what was waited for."""
    deadline = time.monotonic() + seconds
    while True:
        found = metrics.get_metric_data(
            StartTime=minutes_ago(60), EndTime=in_minutes(1), MetricDataQueries=[
                query(space, metric, stat, f"m{i}", 86400,
                      Dimensions=[{"Name": k, "Value": v} for k, v in dimensions.items()])
                for i, metric in enumerate(names)])["MetricDataResults"]
        # A day may end meanwhile.
        values = {names[int(r["Id"][1:])]: (max if stat == "Maximum" else sum)(r["Values"]) for r in found if r["Values"]}
        if until(values) or time.monotonic() > deadline:
            return values


STREAM_METRICS = ["IncomingBytes", "IncomingRecords", "PutRecord.Bytes", "PutRecord.Success", "PutRecords.Bytes",
                  "PutRecords.Success", "PutRecords.TotalRecords", "PutRecords.SuccessfulRecords",
                  "PutRecords.FailedRecords", "PutRecords.ThrottledRecords", "WriteProvisionedThroughputExceeded",
                  "GetRecords.Bytes", "GetRecords.Records", "GetRecords.Success", "ReadProvisionedThroughputExceeded"]


@pytest.fixture
def stream(server, name):
    kinesis = server.client("kinesis")
    kinesis.create_stream(StreamName=name, ShardCount=1)
    yield name
    kinesis.delete_stream(StreamName=name, EnforceConsumerDeletion=True)


def test_traffic_of_a_stream_is_counted(server, metrics, stream):
    kinesis = server.client("kinesis")
    for _ in range(3):
        kinesis.put_record(StreamName=stream, PartitionKey="1", Data=b"x" * 9)
    kinesis.put_records(StreamName=stream, Records=[{"PartitionKey": "12", "Data": b"y" * 8}] * 5)
    place = kinesis.get_shard_iterator(StreamName=stream, ShardId="shardId-000000000000",
                                       ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    assert len(kinesis.get_records(ShardIterator=place)["Records"]) == 8
    values = figures_of(metrics, "AWS/Kinesis", "Sum", STREAM_METRICS, {"StreamName": stream},
                        lambda v: "GetRecords.Bytes" in v)
    assert values == {
        "IncomingBytes": 80, "IncomingRecords": 8, "PutRecord.Bytes": 30, "PutRecord.Success": 3, "PutRecords.Bytes": 50,
        "PutRecords.Success": 1, "PutRecords.TotalRecords": 5, "PutRecords.SuccessfulRecords": 5,
        "PutRecords.FailedRecords": 0, "PutRecords.ThrottledRecords": 0, "WriteProvisionedThroughputExceeded": 0,
        "GetRecords.Bytes": 80, "GetRecords.Records": 8, "GetRecords.Success": 1, "ReadProvisionedThroughputExceeded": 0}
    names = ["PutRecord.Latency", "PutRecords.Latency", "GetRecords.Latency", "GetRecords.IteratorAgeMilliseconds"]
    latencies = figures_of(metrics, "AWS/Kinesis", "Maximum", names, {"StreamName": stream}, lambda v: len(v) == 4)
    assert latencies.pop("GetRecords.IteratorAgeMilliseconds") == 0
    assert all(0 < value < 5000 for value in latencies.values()) and len(latencies) == 3


def test_shards_are_measured_where_it_was_asked_for(server, metrics, stream):
    kinesis = server.client("kinesis")
    kinesis.put_record(StreamName=stream, PartitionKey="1", Data=b"before")
    kinesis.enable_enhanced_monitoring(StreamName=stream, ShardLevelMetrics=["IncomingBytes", "OutgoingRecords"])
    kinesis.put_record(StreamName=stream, PartitionKey="1", Data=b"x" * 9)
    place = kinesis.get_shard_iterator(StreamName=stream, ShardId="shardId-000000000000",
                                       ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    kinesis.get_records(ShardIterator=place)
    listed = metrics.list_metrics(Namespace="AWS/Kinesis", Dimensions=[
        {"Name": "StreamName", "Value": stream}, {"Name": "ShardId"}])["Metrics"]
    assert {m["MetricName"] for m in listed} == {"IncomingBytes", "OutgoingRecords"}
    values = figures_of(metrics, "AWS/Kinesis", "Sum", ["IncomingBytes", "OutgoingRecords"],
                        {"StreamName": stream, "ShardId": "shardId-000000000000"}, lambda v: len(v) == 2)
    assert values == {"IncomingBytes": 10, "OutgoingRecords": 2}


def test_throttled_puts_are_counted():
    server = Server(arguments=["--enforce-limits"]).start()
    try:
        kinesis = server.client("kinesis")
        kinesis.create_stream(StreamName="narrow", ShardCount=1)
        failed = 0
        while failed == 0:
            failed = kinesis.put_records(StreamName="narrow", Records=[
                {"PartitionKey": "1", "Data": b"x" * 100_000}] * 20)["FailedRecordCount"]
        names = ["PutRecords.ThrottledRecords", "WriteProvisionedThroughputExceeded"]
        values = figures_of(server.client("cloudwatch"), "AWS/Kinesis", "Sum", names, {"StreamName": "narrow"},
                            lambda v: len(v) == 2)
        assert values == {name: failed for name in names}
    finally:
        server.remove()


HANDLER = """
def handler(event, context):
    if event.get("fail"):
        raise ValueError("as asked")
    return len(event.get("Records", []))
"""


@pytest.fixture
def function(server, name):
    """A Python function that counts records, with a role that may read streams."""
    iam, functions = server.client("iam"), server.client("lambda")
    trust = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps({
        "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["kinesis:*", "logs:*"], "Resource": "*"}]}))
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("main.py", HANDLER)
    functions.create_function(FunctionName=name, Runtime="python3.12", Role=role, Handler="main.handler",
                              Code={"ZipFile": package.getvalue()})
    functions.get_waiter("function_active_v2").wait(FunctionName=name)
    yield name
    functions.delete_function(FunctionName=name)


LAMBDA_METRICS = ["Invocations", "Errors", "Throttles"]


def test_invocations_are_counted(server, metrics, function):
    functions = server.client("lambda")
    for fail in (False, False, True):
        functions.invoke(FunctionName=function, Payload=json.dumps({"fail": fail}))
    values = figures_of(metrics, "AWS/Lambda", "Sum", LAMBDA_METRICS, {"FunctionName": function},
                        lambda v: v.get("Invocations") == 3)
    assert values == {"Invocations": 3, "Errors": 1, "Throttles": 0}
    values = figures_of(metrics, "AWS/Lambda", "Maximum", ["Duration", "ConcurrentExecutions"],
                        {"FunctionName": function}, lambda v: len(v) == 2)
    assert values["ConcurrentExecutions"] == 1 and 0 < values["Duration"] < 3000
    functions.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=0)
    with pytest.raises(functions.exceptions.TooManyRequestsException):
        functions.invoke(FunctionName=function)
    values = figures_of(metrics, "AWS/Lambda", "Sum", LAMBDA_METRICS, {"FunctionName": function},
                        lambda v: v.get("Throttles") == 1)
    assert values == {"Invocations": 3, "Errors": 1, "Throttles": 1}


def test_mappings_tell_the_age_of_records(server, metrics, function, stream):
    kinesis, functions = server.client("kinesis"), server.client("lambda")
    arn = kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]["StreamARN"]
    kinesis.put_record(StreamName=stream, PartitionKey="1", Data=b"x")
    mapping = functions.create_event_source_mapping(
        EventSourceArn=arn, FunctionName=function, StartingPosition="TRIM_HORIZON")["UUID"]
    values = figures_of(metrics, "AWS/Lambda", "Maximum", ["IteratorAge"], {"FunctionName": function}, lambda v: v)
    functions.delete_event_source_mapping(UUID=mapping)
    assert 0 <= values["IteratorAge"] < 30_000


def test_mappings_count_their_events_where_it_was_asked_for(server, metrics, function, stream):
    kinesis, functions = server.client("kinesis"), server.client("lambda")
    arn = kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]["StreamARN"]
    for key in "112":
        kinesis.put_record(StreamName=stream, PartitionKey=key, Data=b"x")
    settings = {"EventSourceArn": arn, "FunctionName": function, "StartingPosition": "TRIM_HORIZON",
                "FilterCriteria": {"Filters": [{"Pattern": json.dumps({"partitionKey": ["1"]})}]}}
    with pytest.raises(functions.exceptions.InvalidParameterValueException, match="Kafka"):
        functions.create_event_source_mapping(**settings, MetricsConfig={"Metrics": ["EventCount", "KafkaMetrics"]})
    made = functions.create_event_source_mapping(**settings, MetricsConfig={"Metrics": ["EventCount"]})
    assert made["MetricsConfig"] == {"Metrics": ["EventCount"]}
    values = figures_of(metrics, "AWS/Lambda", "Sum", ["PolledEventCount", "FilteredOutEventCount", "InvokedEventCount"],
                        {"EventSourceMappingUUID": made["UUID"]}, lambda v: v.get("InvokedEventCount") == 2)
    assert values == {"PolledEventCount": 3, "FilteredOutEventCount": 1, "InvokedEventCount": 2}
    changed = functions.update_event_source_mapping(UUID=made["UUID"], MetricsConfig={"Metrics": []})
    assert "MetricsConfig" not in changed
    functions.delete_event_source_mapping(UUID=made["UUID"])


def test_traffic_of_a_table_is_counted(server, metrics, name):
    tables = server.client("dynamodb")
    tables.create_table(TableName=name, BillingMode="PAY_PER_REQUEST",
                        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
                        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}])
    for i in range(3):
        answer = tables.put_item(TableName=name, Item={"k": {"S": str(i)}})
        assert "ConsumedCapacity" not in answer
    answer = tables.get_item(TableName=name, Key={"k": {"S": "1"}}, ConsistentRead=True, ReturnConsumedCapacity="TOTAL")
    assert answer["ConsumedCapacity"] == {"TableName": name, "CapacityUnits": 1.0}
    assert tables.scan(TableName=name, ReturnConsumedCapacity="NONE").keys() & {"ConsumedCapacity"} == set()
    tables.batch_write_item(RequestItems={name: [{"DeleteRequest": {"Key": {"k": {"S": "0"}}}}]})
    with pytest.raises(tables.exceptions.ConditionalCheckFailedException):
        tables.put_item(TableName=name, Item={"k": {"S": "1"}}, ConditionExpression="attribute_not_exists(k)")
    names = ["ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits", "ConditionalCheckFailedRequests"]
    values = figures_of(metrics, "AWS/DynamoDB", "Sum", names, {"TableName": name}, lambda v: len(v) == 3)
    # The scan pays for the four partitions of a table on demand.
    assert values == {"ConsumedReadCapacityUnits": 3, "ConsumedWriteCapacityUnits": 4,
                      "ConditionalCheckFailedRequests": 1}
    counts = {operation: figures_of(metrics, "AWS/DynamoDB", "SampleCount", ["SuccessfulRequestLatency"],
                                    {"TableName": name, "Operation": operation}, lambda v: v)
              for operation in ("PutItem", "GetItem", "Scan", "BatchWriteItem")}
    assert {k: v["SuccessfulRequestLatency"] for k, v in counts.items()} == {
        "PutItem": 3, "GetItem": 1, "Scan": 1, "BatchWriteItem": 1}
    assert figures_of(metrics, "AWS/DynamoDB", "Sum", ["ReturnedItemCount"], {"TableName": name, "Operation": "Scan"},
                      lambda v: v) == {"ReturnedItemCount": 3}
    tables.delete_table(TableName=name)


def test_figures_outlive_an_ordinary_stop(own_server):
    kinesis = own_server.client("kinesis")
    kinesis.create_stream(StreamName="s", ShardCount=1)
    kinesis.put_record(StreamName="s", PartitionKey="1", Data=b"x")
    own_server.stop()
    own_server.start()
    values = figures_of(own_server.client("cloudwatch"), "AWS/Kinesis", "Sum", ["IncomingRecords"], {"StreamName": "s"},
                        lambda v: v)
    assert values == {"IncomingRecords": 1}


# --- the page for Prometheus ------------------------------------------------------------------------


def test_the_page_for_prometheus_is_there_only_where_it_was_asked_for(name):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        page = f"http://127.0.0.1:{free.getsockname()[1]}/metrics"
    server = Server(arguments=["--metrics-listen", page.removeprefix("http://").removesuffix("/metrics")]).start()
    try:
        kinesis = server.client("kinesis")
        kinesis.create_stream(StreamName=name, ShardCount=1)
        kinesis.put_record(StreamName=name, PartitionKey="1", Data=b"x" * 9)
        server.client("cloudwatch").put_metric_data(Namespace="My App", MetricData=[
            {"MetricName": "Load", "Values": [1.5, 2], "Dimensions": [{"Name": "Host", "Value": 'h"1"'}]}])
        with urllib.request.urlopen(page, timeout=30) as answer:
            assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
            lines = answer.read().decode().splitlines()
        where = 'account_id="000000000000",region="us-east-1"'
        assert f'aws_kinesis_incoming_bytes_sum{{{where},unit="Bytes",dimension_StreamName="{name}"}} 10' in lines
        assert "# TYPE aws_kinesis_put_record_latency summary" in lines
        assert f'my_app_load_sum{{{where},unit="None",dimension_Host="h\\"1\\""}} 3.5' in lines
        figures = dict(line.split() for line in lines if line.startswith(("millrace_", "process_")))
        assert float(figures["millrace_http_requests_total"]) >= 4
        assert float(figures["millrace_journal_syncs_total"]) >= 1
        for other in ("/", "/metrics/x"):
            with pytest.raises(urllib.error.HTTPError) as caught:
                urllib.request.urlopen(page.removesuffix("/metrics") + other, timeout=30)
            assert caught.value.code == 404
        # Where requests are signed there is no such page.
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(server.endpoint + "/metrics", timeout=30)
        assert caught.value.code in (403, 404)
    finally:
        server.remove()
