"""The public Powertools as functions use them: their batch processors behind mappings of streams and tables,
idempotency over a table's conditional writes, a logger, and metrics. Node's library is packed with its function, Python's is a layer."""
import concurrent.futures
import datetime
import json

import pytest
from support.functions import Functions, files_of, package
from support.logs import messages
from support.server import ROOT
from support.stack import wait_until

PACKED = ROOT / "build/packed"
READS = {"Effect": "Allow", "Resource": "*",
         "Action": ["kinesis:Get*", "kinesis:List*", "kinesis:Describe*", "dynamodb:GetRecords",
                    "dynamodb:GetShardIterator", "dynamodb:DescribeStream", "dynamodb:ListStreams"]}

# Both digest a record of the body "name-N" at its Nth try.
PYTHON = """
import json, os
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response

SOURCE = os.environ["SOURCE"]
processor = BatchProcessor(event_type=EventType.KinesisDataStreams if SOURCE == "kinesis" else EventType.DynamoDBStreams)
tries = {}

def body_of(record):
    if SOURCE == "kinesis":
        return record.kinesis.data_as_text()
    return record.dynamodb.new_image["body"]

def record_handler(record):
    body = body_of(record)
    tries[body] = tries.get(body, 0) + 1
    print("SAW " + json.dumps({"body": body, "try": tries[body]}))
    if tries[body] < int(body.split("-")[1]):
        raise ValueError("cannot digest " + body)
    print("DID " + json.dumps(body))

def handler(event, context):
    answer = process_partial_response(event=event, record_handler=record_handler, processor=processor, context=context)
    print("FAILED " + json.dumps(len(answer["batchItemFailures"])))
    return answer
"""
NODE = """
import { BatchProcessor, EventType, processPartialResponse } from "@aws-lambda-powertools/batch";

const kinesis = process.env.SOURCE === "kinesis";
const processor = new BatchProcessor(kinesis ? EventType.KinesisDataStreams : EventType.DynamoDBStreams);
const tries = {};

const recordHandler = async record => {
  const body = kinesis ? Buffer.from(record.kinesis.data, "base64").toString() : record.dynamodb.NewImage.body.S;
  tries[body] = (tries[body] ?? 0) + 1;
  console.log("SAW " + JSON.stringify({ body, try: tries[body] }));
  if (tries[body] < Number(body.split("-")[1])) throw new Error("cannot digest " + body);
  console.log("DID " + JSON.stringify(body));
};

export const handler = async (event, context) => {
  const answer = await processPartialResponse(event, recordHandler, processor, { context, processInParallel: false });
  console.log("FAILED " + JSON.stringify(answer.batchItemFailures.length));
  return answer;
};
"""
IDEMPOTENT = """
import os, time, uuid
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer, IdempotencyConfig, idempotent

logger = Logger(service="payments")
metrics = Metrics(namespace=os.environ["TABLE"], service="payments")
store = DynamoDBPersistenceLayer(table_name=os.environ["TABLE"])

@logger.inject_lambda_context
@metrics.log_metrics(capture_cold_start_metric=True)
@idempotent(persistence_store=store, config=IdempotencyConfig(event_key_jmespath="order"))
def handler(event, context):
    time.sleep(event.get("seconds", 0))
    if event.get("fails"):
        raise ValueError("no money")
    logger.info("paid", extra={"order": event["order"]})
    metrics.add_metric(name="Paid", unit=MetricUnit.Count, value=1)
    metrics.add_metric(name="Amount", unit=MetricUnit.Bytes, value=event.get("amount", 0.5))
    return {"receipt": str(uuid.uuid4())}
"""


@pytest.fixture(scope="module")
def layer(server):
    """Powertools for Python, as its authors publish it: a layer."""
    made = server.client("lambda").publish_layer_version(
        LayerName="powertools", Content={"ZipFile": package(files_of(PACKED / "powertools", "python/"))})
    return made["LayerVersionArn"]


class Batches:
    """A stream or table of one shard, and a function that digests its records."""

    def __init__(self, server, name, layer, language, source):
        self.name, self.source = name, source
        self.functions = Functions(server, name)
        self.functions.allow(READS)
        self.dynamodb, self.kinesis = server.client("dynamodb"), server.client("kinesis")
        self.put_count = 0
        if source == "kinesis":
            self.kinesis.create_stream(StreamName=name, ShardCount=1)
            self.arn = self.kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamARN"]
        else:
            self.arn = self.dynamodb.create_table(
                TableName=name, BillingMode="PROVISIONED",
                ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 5},
                AttributeDefinitions=[{"AttributeName": "n", "AttributeType": "N"}],
                KeySchema=[{"AttributeName": "n", "KeyType": "HASH"}],
                StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
            )["TableDescription"]["LatestStreamArn"]
        if language == "python":
            self.functions.create(name, PYTHON, Layers=[layer], Environment={"Variables": {"SOURCE": source}})
        else:
            files = files_of(PACKED / "node") | {"index.mjs": NODE}
            self.functions.create(name, files, runtime="nodejs20.x", handler="index.handler",
                                  Environment={"Variables": {"SOURCE": source}})
        self.functions.lambda_.get_waiter("function_active_v2").wait(FunctionName=name)

    def put(self, *bodies):
        for body in bodies:
            self.put_count += 1
            if self.source == "kinesis":
                self.kinesis.put_record(StreamName=self.name, PartitionKey="k", Data=body.encode())
            else:
                self.dynamodb.put_item(TableName=self.name, Item={"n": {"N": str(self.put_count)}, "body": {"S": body}})

    def map(self, **settings):
        return self.functions.lambda_.create_event_source_mapping(
            FunctionName=self.name, EventSourceArn=self.arn, StartingPosition="TRIM_HORIZON",
            FunctionResponseTypes=["ReportBatchItemFailures"], **settings)

    def said(self, word):
        return self.functions.printed(self.name, word)

    def seen(self):
        return [record["body"] for record in self.said("SAW")]

    def close(self):
        for each in self.functions.lambda_.list_event_source_mappings(FunctionName=self.name)["EventSourceMappings"]:
            self.functions.lambda_.delete_event_source_mapping(UUID=each["UUID"])
        self.functions.close()
        if self.source == "kinesis":
            self.kinesis.delete_stream(StreamName=self.name, EnforceConsumerDeletion=True)
        else:
            self.dynamodb.delete_table(TableName=self.name)


@pytest.fixture(params=["kinesis", "dynamodb"])
def source(request):
    return request.param


@pytest.fixture(params=["python", "node"])
def batches(request, server, name, layer, source):
    made = Batches(server, name, layer, request.param, source)
    yield made
    made.close()


def test_only_records_from_the_first_failed_one_on_come_again(batches):
    batches.put("a-1", "b-2", "c-1", "d-3", "e-1")
    batches.map(BatchSize=10)
    wait_until(lambda: "d-3" in batches.said("DID"), "the last record that fails at first")
    wait_until(lambda: batches.said("DID").count("e-1") == 3, "what stands behind it")
    # The checkpoint is the first failure: what stands before it is over, what stands behind it comes again.
    assert batches.seen() == ["a-1", "b-2", "c-1", "d-3", "e-1", "b-2", "c-1", "d-3", "e-1", "d-3", "e-1"]
    wait_until(lambda: batches.said("FAILED") == [2, 1, 0], "what it answered")
    batches.put("f-1")
    wait_until(lambda: "f-1" in batches.said("DID"), "a record after all that")
    assert batches.seen()[11:] == ["f-1"]


def test_a_batch_that_failed_as_a_whole_is_given_up_after_its_tries(batches):
    batches.put("a-1", "b-1", "poison-99")
    batches.map(BatchSize=10, MaximumRetryAttempts=1)
    wait_until(lambda: batches.seen().count("poison-99") >= 2, "the second try")
    batches.put("c-1")
    wait_until(lambda: "c-1" in batches.said("DID"), "the record behind the poison")
    # What is left of a batch is a batch of its own, with tries of its own. In these nothing was digested: the
    # library raises then, and answers no list.
    assert batches.seen() == ["a-1", "b-1", "poison-99", "poison-99", "poison-99", "c-1"]
    wait_until(lambda: batches.said("FAILED") == [1, 0], "what it answered")


@pytest.fixture
def payments(server, name, layer):
    dynamodb = server.client("dynamodb")
    dynamodb.create_table(TableName=name, BillingMode="PAY_PER_REQUEST",
                          AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
                          KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}])
    dynamodb.update_time_to_live(TableName=name,
                                 TimeToLiveSpecification={"Enabled": True, "AttributeName": "expiration"})
    made = Functions(server, name)
    made.allow({"Effect": "Allow", "Resource": f"arn:aws:dynamodb:*:*:table/{name}",
                "Action": [f"dynamodb:{verb}Item" for verb in ("Get", "Put", "Update", "Delete")]})
    made.create(name, IDEMPOTENT, Layers=[layer], Environment={"Variables": {"TABLE": name}})
    made.lambda_.get_waiter("function_active_v2").wait(FunctionName=name)
    yield made
    made.close()
    dynamodb.delete_table(TableName=name)


def logged(functions, message):
    """The lines of the library's logger that say so."""
    pattern = f'{{ $.message = "{message}" }}'
    return [json.loads(line) for line in messages(functions.logs, functions.name, pattern)]


def test_an_idempotent_function_does_its_work_once(payments):
    first = payments.invoke(payments.name, {"order": "1"})
    assert payments.invoke(payments.name, {"order": "1"}) == first
    assert payments.invoke(payments.name, {"order": "2"}) != first
    paid = wait_until(lambda: len(lines := logged(payments, "paid")) >= 2 and lines, "what it logged")
    assert [(line["message"], line["order"], line["cold_start"]) for line in paid] == [
        ("paid", "1", True), ("paid", "2", False)]
    assert all(line["function_name"] == payments.name and line["function_request_id"] for line in paid)


def test_an_idempotent_function_under_way_refuses_its_twin(server, payments):
    def call(event):
        answer = server.client("lambda").invoke(FunctionName=payments.name, Payload=json.dumps(event).encode())
        return json.loads(answer["Payload"].read())
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(call, [{"order": "slow", "seconds": 3}] * 4))
    receipts = [answer for answer in answers if "receipt" in answer]
    refused = [answer["errorType"] for answer in answers if "receipt" not in answer]
    assert len({answer["receipt"] for answer in receipts}) == 1
    assert set(refused) == {"IdempotencyAlreadyInProgressError"}


def test_metrics_that_a_function_logs_are_metrics(server, payments, name):
    for order, amount in (("1", 2), ("1", 2), ("2", 3.5)):
        payments.invoke(payments.name, {"order": order, "amount": amount})
    cloudwatch = server.client("cloudwatch")
    now = datetime.datetime.now(datetime.timezone.utc)

    def statistics(metric, unit, *dimensions):
        points = cloudwatch.get_metric_statistics(
            Namespace=name, MetricName=metric, Unit=unit, Period=3600, Statistics=["Sum", "SampleCount", "Maximum"],
            Dimensions=[{"Name": key, "Value": value} for key, value in (("service", "payments"), *dimensions)],
            StartTime=now - datetime.timedelta(hours=2), EndTime=now + datetime.timedelta(hours=2))["Datapoints"]
        return [sum(point[what] for point in points) for what in ("Sum", "SampleCount")]
    wait_until(lambda: statistics("Paid", "Count") == [2, 2], "what the function counted")
    assert statistics("Amount", "Bytes") == [5.5, 2]
    assert statistics("ColdStart", "Count", ("function_name", payments.name)) == [1, 1]


def test_what_failed_may_be_done_again(payments):
    with pytest.raises(AssertionError, match="no money"):
        payments.invoke(payments.name, {"order": "3", "fails": True})
    assert payments.invoke(payments.name, {"order": "3"})["receipt"]
