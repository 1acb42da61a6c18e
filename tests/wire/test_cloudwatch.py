"""CloudWatch's metrics through boto3 in each of its three protocols, and through the AWS CLI."""
import datetime
import gzip
import json
import time

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import botocore.httpsession
import pytest
from botocore.exceptions import ClientError

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
