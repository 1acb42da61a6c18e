import base64
import os

import boto3
from common import split

table = boto3.resource("dynamodb").Table(os.environ["TABLE"])


def text_of(record):
    if "kinesis" in record:
        return base64.b64decode(record["kinesis"]["data"]).decode()
    return record["dynamodb"]["NewImage"]["id"]["S"]


def handler(event, context):
    for record in event["Records"]:
        for word in split(text_of(record)):
            table.update_item(Key={"word": word}, UpdateExpression="ADD n :one", ExpressionAttributeValues={":one": 1})
    return {"batchItemFailures": []}
