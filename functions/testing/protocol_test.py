"""Drives the built functions the way Lambda does, against local stand-ins for the Runtime API and
DynamoDB (fakes.py), and checks every byte that matters on the wire.

Usage: protocol_test.py --event-processor PATH --config-helper PATH [--tweets FILE] [--cold N]
  --tweets  also puts real tweets (one JSON a line) through the processor
  --cold    only measures N cold starts and prints them
"""

import argparse
import datetime
import json
import os
import shutil
import signal
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import fakes

ARGS = None
NAMES = ["Ada", "前田あゆみ", "Ω≈ç√", "x😋✨", "مرحبا", 'a"b\\c', "e\u0301 \u200d", "line\nbreak"]


def tweet(i, name=None, text=None, second=None):
    """A synthetic tweet; different i give different keys."""
    second = i if second is None else second
    moment = datetime.datetime(2014, 8, 31, tzinfo=datetime.timezone.utc)
    moment += datetime.timedelta(seconds=second)
    return {
        "created_at": moment.strftime("%a %b %d %H:%M:%S +0000 %Y"),
        "id": i,
        "text": f"tweet {i} 😊❤️ \u2028 かわいい" if text is None else text,
        "user": {"name": NAMES[i % len(NAMES)] if name is None else name, "screen_name": f"u{i}"},
        "entities": {"urls": [{"indices": [0, 22]}] * (i % 5)},
    }


def encoded(tweets, ascii_only=True):
    return [json.dumps(t, ensure_ascii=ascii_only).encode() for t in tweets]


def expected_items(tweets):
    items = {}
    for t in tweets:
        moment = datetime.datetime.strptime(t["created_at"], "%a %b %d %H:%M:%S %z %Y")
        stamp = moment.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        name = t["user"]["name"]
        items[name, stamp] = {
            "Username": {"S": name},
            "Timestamp": {"S": stamp},
            "Message": {"S": t["text"]},
        }
    return items


class Function:
    """A function's process, its output line by line."""

    def __init__(self, path, runtime, environment):
        base = {
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{runtime.port}",
            "AWS_ACCESS_KEY_ID": fakes.ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": fakes.SECRET_KEY,
            "AWS_SESSION_TOKEN": fakes.SESSION_TOKEN,
            "AWS_REGION": fakes.REGION,
        }
        self.process = subprocess.Popen(
            [path],
            stdout=subprocess.PIPE,
            env={k: v for k, v in {**base, **environment}.items() if v is not None},
        )
        self.lines = []
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.lines.append(line.decode().rstrip("\n"))

    def wait(self):
        status = self.process.wait(timeout=fakes.WAIT_S)
        self.reader.join()
        self.process.stdout.close()
        return status

    def stop(self):
        """Ends it and answers all that it printed."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.wait()
        return self.lines


class Case(unittest.TestCase):
    maxDiff = 2000

    def serve(self, server):
        self.addCleanup(server.close)
        return server

    def start(self, path, environment):
        function = Function(path, self.runtime, environment)
        self.addCleanup(function.stop)
        return function

    def setUp(self):
        self.runtime = self.serve(fakes.RuntimeApi())
        self.dynamodb = self.serve(fakes.DynamoDb())
        self.addCleanup(lambda: self.assertEqual(self.dynamodb.problems, []))
        self.endpoint = f"http://127.0.0.1:{self.dynamodb.port}"


class EventProcessor(Case):
    def start_processor(self, **environment):
        return self.start(ARGS.event_processor, {"AWS_ENDPOINT_URL": self.endpoint, **environment})

    def process(self, tweets, **options):
        kind, answer = self.runtime.invoke(fakes.kinesis_event(encoded(tweets)), **options)
        self.assertEqual(kind, "response", answer)
        return answer

    def test_writes_items_exactly_and_reads_its_configuration_once(self):
        self.start_processor()
        tweets = [tweet(i) for i in range(50)]
        for half in (tweets[:25], tweets[25:]):
            answer = self.process(half)
            self.assertEqual((answer["records"], answer["written"]), (25, 25))
        self.assertEqual(self.dynamodb.items, expected_items(tweets))
        self.assertEqual(len(self.dynamodb.of("GetItem")), 1)
        self.assertEqual(self.dynamodb.connections, 1)
        self.assertEqual(self.runtime.connections, 1)

    def test_takes_payloads_in_utf8_and_chunked_events(self):
        self.start_processor()
        tweets = [tweet(i) for i in range(8)]
        event = fakes.kinesis_event(encoded(tweets, ascii_only=False))
        self.assertEqual(self.runtime.invoke(event, chunked=True)[0], "response")
        self.assertEqual(self.dynamodb.items, expected_items(tweets))

    def test_splits_a_large_batch(self):
        self.start_processor()
        tweets = [tweet(i) for i in range(110)]
        answer = self.process(tweets)
        self.assertEqual((answer["written"], answer["calls"]), (110, 5))
        self.assertEqual(self.dynamodb.items, expected_items(tweets))

    def test_of_two_records_with_one_key_the_last_wins(self):
        self.start_processor()
        tweets = [tweet(i) for i in range(30)]
        tweets += [tweet(3, text="newer"), tweet(29, text="also newer")]
        answer = self.process(tweets)
        self.assertEqual((answer["written"], answer["replaced"]), (30, 2))
        self.assertEqual(self.dynamodb.items, expected_items(tweets))

    def test_retries_unprocessed_items(self):
        self.start_processor()
        left = [25, 25, 10, 24, 1]
        script = [lambda body, n=n: self.dynamodb.write(body, unprocessed=n) for n in left]
        self.dynamodb.script = [None] + script
        tweets = [tweet(i) for i in range(60)]
        answer = self.process(tweets)
        self.assertEqual((answer["written"], answer["retried"]), (60, sum(left)))
        self.assertEqual(self.dynamodb.items, expected_items(tweets))

    def test_unprocessed_to_the_end_fails_inside_the_time_limit(self):
        self.start_processor()
        tweets = [tweet(i) for i in range(4)]
        self.dynamodb.script = [None] + [lambda body: self.dynamodb.write(body, 2)] + [
            lambda body: self.dynamodb.write(body, len(body["RequestItems"]["data-table"]))
        ] * 100
        # That it ends before the deadline to the millisecond is shown by the unit tests, which own
        # the clock; here a busy machine must not matter.
        kind, error = self.runtime.invoke(fakes.kinesis_event(encoded(tweets)), limit_s=1.5)
        self.assertEqual((kind, error["errorType"]), ("error", "ItemsNotWritten"))
        self.assertIn("2 of 4 items", error["errorMessage"])
        self.assertEqual(error["stackTrace"], [])
        # The mapping brings the batch again; now it goes well, in the same environment.
        self.dynamodb.script = []
        self.process(tweets)
        self.assertEqual(self.dynamodb.items, expected_items(tweets))

    def test_throttling_faults_and_damage_are_retried(self):
        self.start_processor()
        self.dynamodb.script = [
            lambda _: fakes.refusal(400, "ThrottlingException"),
            "hang up",
            None,
            lambda _: fakes.refusal(400, "ProvisionedThroughputExceededException"),
            lambda _: fakes.refusal(500, "InternalServerError"),
            lambda _: (503, b"<html>busy</html>"),
            self.dynamodb.damaged,
        ]
        tweets = [tweet(i) for i in range(5)]
        self.process(tweets)
        self.assertEqual(self.dynamodb.script, [])
        self.assertEqual(self.dynamodb.items, expected_items(tweets))

    def test_a_closed_idle_connection_is_replaced_at_once(self):
        self.start_processor()
        self.dynamodb.script = [None, "close after"]
        first, second = [tweet(1)], [tweet(2)]
        self.process(first)
        self.process(second)
        self.assertEqual(self.dynamodb.items, expected_items(first + second))

    def test_a_refusal_is_not_retried_and_fails_the_invocation(self):
        self.start_processor()
        self.dynamodb.script = [
            None,
            lambda _: fakes.refusal(400, "AccessDeniedException", "User: x is not authorized"),
        ]
        kind, error = self.runtime.invoke(fakes.kinesis_event(encoded([tweet(1)])))
        self.assertEqual((kind, error["errorType"]), ("error", "AccessDeniedException"))
        self.assertEqual(error["errorMessage"], "User: x is not authorized")
        self.assertEqual(len(self.dynamodb.of("BatchWriteItem")), 1)

    def test_malformed_records_are_logged_and_do_not_hold_up_the_others(self):
        function = self.start_processor()
        good = [tweet(i) for i in range(3)]
        bad = [
            b"",
            b"not json",
            b'{"user": {"name": "x"}, "created_at": "yesterday", "text": ""}',
            b'{"user": {"name": ""}, "created_at": "Sun Aug 31 00:29:15 +0000 2014"}',
            b'{"user": 3, "created_at": "Sun Aug 31 00:29:15 +0000 2014"}',
            b'{"delete": {"status": {"id": 1}}}',
            b"[" * 100_000,
            b'{"text": "\xff\xfe"}',
            "%%%=",
            json.dumps(tweet(9, name="n" * 2049)).encode(),
            json.dumps(tweet(9, text="t" * 410_000)).encode(),
        ]
        payloads = encoded(good)
        payloads[1:1] = bad
        event = fakes.kinesis_event(payloads)
        event["Records"] += [None, {"eventID": "forged\nbatch records=9", "kinesis": {}}]
        kind, answer = self.runtime.invoke(event)
        self.assertEqual(kind, "response", answer)
        count = len(bad) + 2
        self.assertEqual((answer["written"], answer["malformed"]), (3, count))
        self.assertEqual(self.dynamodb.items, expected_items(good))
        lines = function.stop()
        malformed = [line for line in lines if line.startswith("malformed record eventID=")]
        self.assertEqual(len(malformed), count)
        ids = [record["eventID"] for record in event["Records"][1 : 1 + len(bad)]]
        ids += ["-", "forged batch records=9"]
        for line, id in zip(malformed, ids):
            self.assertTrue(line.startswith(f"malformed record eventID={id} reason: "), line)
        summary = [line for line in lines if line.startswith("batch ")]
        self.assertEqual(len(summary), 1)
        self.assertIn(f"records={count + 3} written=3 replaced=0 malformed={count}", summary[0])

    def test_an_all_malformed_batch_needs_no_table(self):
        self.start_processor()
        kind, answer = self.runtime.invoke(fakes.kinesis_event([b"?", b"!"]))
        self.assertEqual((kind, answer["malformed"]), ("response", 2))
        self.assertEqual(self.dynamodb.requests, [])

    def test_half_a_surrogate_pair_becomes_the_replacement_character(self):
        self.start_processor()
        text = '{"user":{"name":"a\\ud83d"},"created_at":"Sun Aug 31 00:29:15 +0000 2014",'
        text += '"text":"\\ude0a \\ud83d\\ude0a \\\\ud83d"}'
        self.runtime.invoke(fakes.kinesis_event([text.encode()]))
        ((key, item),) = self.dynamodb.items.items()
        self.assertEqual(key[0], "a\ufffd")
        self.assertEqual(item["Message"]["S"], "\ufffd \U0001f60a \\ud83d")

    def test_missing_configuration_fails_and_is_read_again(self):
        self.start_processor()
        config, self.dynamodb.config = self.dynamodb.config, None
        event = fakes.kinesis_event(encoded([tweet(1)]))
        kind, error = self.runtime.invoke(event)
        self.assertEqual((kind, error["errorType"]), ("error", "ConfigurationMissing"))
        self.dynamodb.config = {**config, "EventDataTable": {"S": "gone"}}
        kind, error = self.runtime.invoke(event)
        self.assertEqual((kind, error["errorType"]), ("error", "ResourceNotFoundException"))
        self.dynamodb.config = config
        self.process([tweet(1)])
        self.assertEqual(len(self.dynamodb.of("GetItem")), 3)

    def test_what_is_no_kinesis_event_is_a_function_error(self):
        self.start_processor()
        for payload in (b"", b"nonsense", {"Records": 1}, []):
            kind, error = self.runtime.invoke(payload)
            self.assertEqual((kind, error["errorType"]), ("error", "NotAKinesisEvent"))
        self.process([tweet(1)])

    def test_a_response_that_the_runtime_refuses_becomes_an_error(self):
        self.start_processor()
        self.runtime.refuse = "invocation/request-1/response"
        kind, error = self.runtime.invoke(fakes.kinesis_event(encoded([tweet(1)])))
        self.assertEqual((kind, error["errorType"]), ("error", "RuntimeRefusedAnswer"))
        self.process([tweet(2)])

    def test_init_errors_are_reported(self):
        for gap in ("AWS_ACCESS_KEY_ID", "AWS_REGION"):
            function = self.start_processor(**{gap: None})
            what, body, headers = self.runtime.answers.get(timeout=fakes.WAIT_S)
            self.assertEqual(what, "init/error")
            error = json.loads(body)
            self.assertTrue(error["errorType"].startswith("Missing"), error)
            self.assertEqual(headers["Lambda-Runtime-Function-Error-Type"], error["errorType"])
            self.assertEqual(function.wait(), 1)

    def test_real_tweets(self):
        if not ARGS.tweets:
            self.skipTest("no --tweets")
        with open(ARGS.tweets, encoding="utf-8") as file:
            tweets = [json.loads(line) for line in file]
        self.start_processor()
        for at in range(0, len(tweets), 40):
            self.process(tweets[at : at + 40])
        self.assertEqual(self.dynamodb.items, expected_items(tweets))


@unittest.skipUnless(shutil.which("openssl"), "needs the openssl command")
class Tls(Case):
    """The client's trust: its own authority's certificates for the right name, nothing else."""

    def setUp(self):
        super().setUp()
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def certificate(self, name, subject):
        cert, key = (os.path.join(self.folder.name, f"{name}.{kind}") for kind in ("pem", "key"))
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-days", "2", "-subj", "/CN=test", "-addext", f"subjectAltName={subject}",
             "-keyout", key, "-out", cert],
            check=True, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        return cert, context

    def run_against(self, host, subject, trusted, variable="AWS_CA_BUNDLE"):
        cert, context = self.certificate("server", subject)
        other, _ = self.certificate("other", subject)
        server = self.serve(fakes.DynamoDb(context))
        self.start(
            ARGS.event_processor,
            {
                "AWS_ENDPOINT_URL_DYNAMODB": f"https://{host}:{server.port}",
                "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
                variable: cert if trusted else other,
            },
        )
        tweets = [tweet(i) for i in range(30)]
        kind, answer = self.runtime.invoke(fakes.kinesis_event(encoded(tweets)), limit_s=5)
        self.assertEqual(server.problems, [])
        return kind, answer, server.items == expected_items(tweets)

    def test_a_trusted_name(self):
        result = self.run_against("localhost", "DNS:localhost", True)
        self.assertEqual(result[::2], ("response", True))

    def test_a_trusted_address(self):
        result = self.run_against("127.0.0.1", "IP:127.0.0.1", True, "SSL_CERT_FILE")
        self.assertEqual(result[::2], ("response", True))

    def test_another_name_is_refused(self):
        kind, error, written = self.run_against("localhost", "DNS:dynamodb.example", True)
        self.assertEqual((kind, error["errorType"], written), ("error", "CertificateError", False))

    def test_another_authority_is_refused(self):
        kind, error, written = self.run_against("localhost", "DNS:localhost", False)
        self.assertEqual((kind, error["errorType"], written), ("error", "CertificateError", False))


class ConfigHelper(Case):
    def setUp(self):
        super().setUp()
        self.box = self.serve(fakes.AnswerBox())
        self.path = "/bucket/a%2Fb%7Cc?X-Amz-Signature=00ff&X-Amz-Credential=x%2Fy"
        self.function = self.start(
            ARGS.config_helper, {"AWS_ENDPOINT_URL": self.endpoint, "CONFIG_TABLE": "config"}
        )

    def request(self, kind, properties=None, **more):
        return {
            "RequestType": kind,
            "ServiceToken": "arn:aws:lambda:::function:f",
            "ResponseURL": f"http://127.0.0.1:{self.box.port}{self.path}",
            "StackId": "arn:aws:cloudformation:::stack/s/1",
            "RequestId": "unique",
            "LogicalResourceId": "EventDataTableConfig",
            "ResourceType": "Custom::ConfigSetting",
            "ResourceProperties": {
                "ServiceToken": "arn:aws:lambda:::function:f",
                "Environment": "demo",
                "Key": "EventDataTable",
                "Value": "table-1",
            }
            if properties is None
            else properties,
            **more,
        }

    def answer_to(self, request):
        kind, answer = self.runtime.invoke(request, limit_s=30)
        self.assertEqual(kind, "response", answer)
        path, headers, body = self.box.answers.pop()
        self.assertEqual(path, self.path)
        self.assertEqual(headers["Content-Type"], "")
        self.assertEqual(body["StackId"], request["StackId"])
        self.assertEqual(body["RequestId"], "unique")
        self.assertEqual(body["LogicalResourceId"], "EventDataTableConfig")
        self.assertEqual(body["Data"], {})
        return body

    def test_create_update_and_delete(self):
        created = self.answer_to(self.request("Create"))
        self.assertEqual(created["Status"], "SUCCESS")
        id = created["PhysicalResourceId"]
        updated = self.answer_to(self.request("Update", PhysicalResourceId=id))
        self.assertEqual((updated["Status"], updated["PhysicalResourceId"]), ("SUCCESS", id))
        deleted = self.answer_to(self.request("Delete", PhysicalResourceId=id))
        self.assertEqual((deleted["Status"], deleted["PhysicalResourceId"]), ("SUCCESS", id))
        put = {
            "TableName": "config",
            "Key": {"Environment": {"S": "demo"}},
            "ExpressionAttributeNames": {"#key": "EventDataTable"},
            "UpdateExpression": "SET #key = :value",
            "ExpressionAttributeValues": {":value": {"S": "table-1"}},
        }
        remove = {**put, "UpdateExpression": "REMOVE #key"}
        del remove["ExpressionAttributeValues"]
        self.assertEqual(self.dynamodb.of("UpdateItem"), [put, put, remove])

    def test_another_key_is_another_resource(self):
        first = self.answer_to(self.request("Create"))["PhysicalResourceId"]
        properties = {"Environment": "demo", "Key": "Other", "Value": "v"}
        request = self.request("Update", properties, PhysicalResourceId=first)
        self.assertNotEqual(self.answer_to(request)["PhysicalResourceId"], first)

    def test_a_refusal_fails_create_with_its_reason_but_not_delete(self):
        refuse = lambda _: fakes.refusal(400, "ValidationException", "x" * 9000)
        self.dynamodb.script = [refuse, refuse]
        failed = self.answer_to(self.request("Create"))
        self.assertEqual(failed["Status"], "FAILED")
        self.assertTrue(failed["Reason"].startswith("ValidationException: xxx"))
        self.assertLess(len(json.dumps(failed)), 4096)
        self.assertTrue(failed["PhysicalResourceId"])
        deleted = self.answer_to(self.request("Delete", PhysicalResourceId="p"))
        self.assertEqual((deleted["Status"], deleted["PhysicalResourceId"]), ("SUCCESS", "p"))

    def test_missing_properties(self):
        failed = self.answer_to(self.request("Create", {"Environment": "demo"}))
        self.assertEqual(failed["Status"], "FAILED")
        self.assertIn("Key", failed["Reason"])
        request = self.request("Delete", {}, PhysicalResourceId="p")
        self.assertEqual(self.answer_to(request)["Status"], "SUCCESS")
        self.assertEqual(self.dynamodb.requests, [])

    def test_the_answer_is_retried_and_its_url_is_never_logged(self):
        self.box.script = [500, 503]
        self.assertEqual(self.answer_to(self.request("Create"))["Status"], "SUCCESS")
        self.box.script = [403]
        kind, error = self.runtime.invoke(self.request("Create"))
        self.assertEqual((kind, error["errorType"]), ("error", "AnswerRefused"))
        self.assertNotIn("Signature", "".join(self.function.stop()))

    def test_what_is_no_request_is_a_function_error(self):
        for payload in ({}, [], self.request("Explode"), self.request("Create", StackId=3)):
            kind, error = self.runtime.invoke(payload)
            self.assertEqual((kind, error["errorType"]), ("error", "NotACustomResourceRequest"))


def measure_cold_starts(count):
    """From process start to the answer of a first invocation of 25 tweets, and of the second."""
    event = fakes.kinesis_event(encoded([tweet(i) for i in range(25)]))
    first, second = [], []
    for _ in range(count):
        runtime, dynamodb = fakes.RuntimeApi(), fakes.DynamoDb()
        begin = time.perf_counter()
        function = Function(
            ARGS.event_processor, runtime, {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{dynamodb.port}"}
        )
        runtime.invoke(event)
        middle = time.perf_counter()
        runtime.invoke(event)
        first.append((middle - begin) * 1000)
        second.append((time.perf_counter() - middle) * 1000)
        function.stop()
        runtime.close()
        dynamodb.close()
    for name, values in (("cold", first), ("warm", second)):
        print(f"{name}: median {statistics.median(values):.2f} ms, max {max(values):.2f} ms")


def main():
    global ARGS
    parser = argparse.ArgumentParser()
    parser.add_argument("--event-processor", required=True)
    parser.add_argument("--config-helper", required=True)
    parser.add_argument("--tweets")
    parser.add_argument("--cold", type=int, default=0)
    ARGS, rest = parser.parse_known_args()
    if ARGS.cold:
        return measure_cold_starts(ARGS.cold)
    unittest.main(argv=[sys.argv[0], *rest])


if __name__ == "__main__":
    main()
