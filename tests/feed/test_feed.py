"""millrace feed against sources that break off, keep silent and check signatures, and against a
Kinesis that throttles."""
import collections
import json
import os
import signal
import subprocess
import time

import pytest

from support.server import BINARY

from . import sources

SECRETS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret",
           "AWS_REGION": "eu-west-1", "HOME": "/nonexistent"}


def figures(text):
    line = [line for line in text.splitlines() if line.startswith(("fed ", "failed "))][-1]
    return {name: float(value.removesuffix("/s"))
            for name, value in (word.split("=") for word in line.split()[1:])}


class Feed:
    def __init__(self, kinesis, *arguments, stdin=subprocess.DEVNULL, **environment):
        command = [BINARY, "feed", "--stream", "events", *map(str, arguments)]
        if "--flush-ms" not in command:
            command += ["--flush-ms", "20"]
        self.process = subprocess.Popen(
            command, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=SECRETS | {"AWS_ENDPOINT_URL_KINESIS": kinesis.url} | environment)

    def finish(self, seconds=60):
        out, err = self.process.communicate(timeout=seconds)
        self.errors = err
        return self.process.returncode, out

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.finish()

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


@pytest.fixture
def kinesis():
    with sources.FakeKinesis() as made:
        yield made


def tweets(*numbers, name="ann"):
    return [{"id": n, "text": f"t{n} 😋", "created_at": "Sun Aug 31 00:29:15 +0000 2014",
             "user": {"name": "Ann", "screen_name": name}} for n in numbers]


def lines(items):
    return "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in items)


def ids(kinesis):
    return [item["id"] for item in kinesis.data()]


# --- files, standard input, the generator ------------------------------------------------------
def test_a_file_arrives_in_order_and_unchanged(kinesis, tmp_path):
    text = lines(tweets(*range(1203)))
    (tmp_path / "f").write_text(text)
    with Feed(kinesis, "--file", tmp_path / "f") as feed:
        code, out = feed.finish()
    assert code == 0
    assert [data for data, _ in kinesis.records] == text.splitlines()
    assert {key for _, key in kinesis.records} == {"ann"}
    assert kinesis.sizes == [500, 500, 203]
    assert figures(out)["records"] == 1203


def test_standard_input_is_put_while_it_is_still_open(kinesis):
    with Feed(kinesis, "--file", "-", stdin=subprocess.PIPE) as feed:
        feed.process.stdin.write(lines(tweets(1, 2)) + '{"half')
        feed.process.stdin.flush()
        kinesis.wait_for(2)
        code, out = feed.stop()
    assert code == 0, feed.errors
    assert ids(kinesis) == [1, 2]


def test_malformed_lines_are_counted_and_passed_over(kinesis, tmp_path):
    (tmp_path / "f").write_bytes(b'{"id":1}\nnot json\n\n\xff\xfe\n{"id":2}\n"' + b"x" * 1100000 + b'"\n{"id":3}')
    with Feed(kinesis, "--file", tmp_path / "f") as feed:
        code, out = feed.finish()
    assert code == 0
    assert ids(kinesis) == [1, 2, 3]
    assert figures(out)["malformed"] == 3
    assert "not JSON" in feed.errors and "AWS's limit" in feed.errors


def test_strict_ends_at_the_first_malformed_line_after_putting_what_was_before(kinesis, tmp_path):
    (tmp_path / "f").write_text('{"id":1}\nnot json\n{"id":2}\n')
    with Feed(kinesis, "--file", tmp_path / "f", "--strict") as feed:
        code, out = feed.finish()
    assert code == 1 and "malformed" in feed.errors
    assert ids(kinesis) == [1]


def test_requests_stay_within_five_mebibytes(kinesis, tmp_path):
    (tmp_path / "f").write_text(lines({"id": n, "x": "y" * 700_000} for n in range(15)))
    with Feed(kinesis, "--file", tmp_path / "f", "--flush-ms", 1000) as feed:
        assert feed.finish()[0] == 0
    assert ids(kinesis) == list(range(15))
    assert max(kinesis.sizes) == 7


def test_the_generator_is_reproducible_and_sized_like_tweets(kinesis):
    with Feed(kinesis, "--generate", 300, "--seed", 5) as feed:
        assert feed.finish()[0] == 0
    printed = subprocess.run([BINARY, "feed", "--generate", "300", "--seed", "5", "--print"],
                             capture_output=True, text=True, check=True).stdout
    assert [data for data, _ in kinesis.records] == printed.splitlines()
    sizes = sorted(len(line.encode()) for line in printed.splitlines())
    assert 1000 < sizes[0] and sizes[-1] < 12_000 and sizes[100] > 2000
    people = collections.Counter(json.loads(line)["user"]["name"] for line in printed.splitlines())
    assert people.most_common(1)[0][1] > 1


def test_the_rate_is_kept(kinesis):
    with Feed(kinesis, "--generate", 60, "--rate", 40) as feed:
        code, out = feed.finish()
    assert code == 0
    assert figures(out)["seconds"] > 1.2


# --- a Kinesis that does not take everything -----------------------------------------------------
def test_only_what_was_refused_is_sent_again_and_before_anything_newer(tmp_path):
    (tmp_path / "f").write_text(lines(tweets(*range(700))))
    with sources.FakeKinesis(("some", lambda index, record: index % 3 != 1),
                             ("some", lambda index, record: index % 2 == 0)) as kinesis:
        with Feed(kinesis, "--file", tmp_path / "f") as feed:
            code, out = feed.finish()
        assert code == 0
        assert sorted(ids(kinesis)) == list(range(700))
        assert kinesis.sizes == [500, 167, 83, 200]
        assert max(ids(kinesis)[:500]) == 499
        assert figures(out)["retried"] == 167 + 83


def test_ordered_keeps_each_key_in_order_whatever_is_refused(tmp_path):
    items = [item for n in range(40) for item in tweets(n, name="ann") + tweets(n, name="bob")]
    (tmp_path / "f").write_text(lines(items))
    moods = [("some", lambda index, record: index == 1)] * 5
    with sources.FakeKinesis(*moods) as kinesis:
        with Feed(kinesis, "--file", tmp_path / "f", "--ordered") as feed:
            assert feed.finish()[0] == 0
        for name in ("ann", "bob"):
            assert [json.loads(data)["id"] for data, key in kinesis.records if key == name] == list(range(40))


@pytest.mark.parametrize("mood", [("refuse", 400, "ProvisionedThroughputExceededException"),
                                  ("refuse", 500, "InternalFailure"), ("refuse", 503, "x")])
def test_a_throttled_request_is_sent_again(mood, tmp_path):
    (tmp_path / "f").write_text(lines(tweets(1, 2)))
    with sources.FakeKinesis(mood, mood, mood) as kinesis:
        with Feed(kinesis, "--file", tmp_path / "f") as feed:
            assert feed.finish()[0] == 0
        assert ids(kinesis) == [1, 2]
        assert len(kinesis.requests) == 4


def test_an_answer_that_got_lost_may_double_records_but_loses_none(tmp_path):
    (tmp_path / "f").write_text(lines(tweets(1, 2)))
    with sources.FakeKinesis(("vanish",)) as kinesis:
        with Feed(kinesis, "--file", tmp_path / "f") as feed:
            assert feed.finish()[0] == 0
        assert ids(kinesis) == [1, 2, 1, 2]


def test_a_refusal_that_lasts_ends_the_feed_with_its_reason(tmp_path):
    (tmp_path / "f").write_text(lines(tweets(1)))
    with sources.FakeKinesis(("refuse", 400, "AccessDeniedException")) as kinesis:
        with Feed(kinesis, "--file", tmp_path / "f") as feed:
            code, out = feed.finish()
        assert code == 1 and out.startswith("failed ")
        assert "AccessDeniedException: so" in feed.errors


def test_it_gives_up_after_the_time_it_was_given(tmp_path):
    (tmp_path / "f").write_text(lines(tweets(1)))
    with sources.FakeKinesis(*[("refuse", 500, "x")] * 100) as kinesis:
        with Feed(kinesis, "--file", tmp_path / "f", "--give-up-seconds", 1) as feed:
            assert feed.finish()[0] == 1
        assert "gave up on 1 records" in feed.errors


def test_a_slow_stream_holds_the_source_back():
    with sources.FakeKinesis(*[("slow", 0.5)] * 100) as kinesis:
        with Feed(kinesis, "--file", "-", stdin=subprocess.PIPE) as feed:
            os.set_blocking(feed.process.stdin.fileno(), False)
            line, taken, end = lines([{"x": "y" * 60_000}]).encode(), 0, time.monotonic() + 1.5
            while time.monotonic() < end:
                try:
                    taken += os.write(feed.process.stdin.fileno(), line)
                except BlockingIOError:
                    time.sleep(0.01)
            acknowledged = sum(len(data) for data, _ in kinesis.records)
            assert taken - acknowledged < 25 << 20  # two requests waiting, one on its way, some pipe


# --- resume --------------------------------------------------------------------------------------
def test_a_stopped_feed_goes_on_where_it_was(kinesis, tmp_path):
    (tmp_path / "f").write_text(lines(tweets(*range(2000))))
    with Feed(kinesis, "--file", tmp_path / "f", "--resume", tmp_path / "p", "--rate", 500) as feed:
        kinesis.wait_for(100)
        assert feed.stop()[0] == 0
    assert len(kinesis.records) < 2000
    with Feed(kinesis, "--file", tmp_path / "f", "--resume", tmp_path / "p") as feed:
        assert feed.finish()[0] == 0
    assert ids(kinesis) == list(range(2000))
    with Feed(kinesis, "--file", tmp_path / "f", "--resume", tmp_path / "p") as feed:
        assert feed.finish()[0] == 0
    assert len(kinesis.records) == 2000


def test_a_killed_feed_loses_nothing(kinesis, tmp_path):
    (tmp_path / "f").write_text(lines(tweets(*range(1500))))
    for _ in range(3):
        before = len(kinesis.records)
        with Feed(kinesis, "--file", tmp_path / "f", "--resume", tmp_path / "p", "--rate", 1000) as feed:
            kinesis.wait_for(before + 100)
            feed.process.kill()
    with Feed(kinesis, "--file", tmp_path / "f", "--resume", tmp_path / "p") as feed:
        assert feed.finish()[0] == 0
    assert sorted(set(ids(kinesis))) == list(range(1500))


def test_a_position_of_another_file_is_refused(kinesis, tmp_path):
    for name in "fg":
        (tmp_path / name).write_text(lines(tweets(1)))
    with Feed(kinesis, "--file", tmp_path / "f", "--resume", tmp_path / "p") as feed:
        assert feed.finish()[0] == 0
    with Feed(kinesis, "--file", tmp_path / "g", "--resume", tmp_path / "p") as feed:
        assert feed.finish()[0] == 1
    assert "belongs to file:" in feed.errors
    (tmp_path / "f").write_text("")
    with Feed(kinesis, "--file", tmp_path / "f", "--resume", tmp_path / "p") as feed:
        assert feed.finish()[0] == 1
    assert "shorter" in feed.errors


# --- live sources --------------------------------------------------------------------------------
def x_message(number):
    return json.dumps({"data": {"id": str(number), "text": f"hé {number}", "author_id": "7", "lang": "fr",
                                "created_at": "2024-05-01T12:00:00.000Z"},
                       "includes": {"users": [{"id": "7", "name": "Zoé", "username": "zoe"}]}})


def test_x_v2_reconnects_after_a_cut_and_drops_the_half_message(kinesis):
    def first(handler):
        handler.chunk("\r\n")
        handler.chunk(x_message(1)[:50])
        handler.chunk(x_message(1)[50:] + "\r\n\r\n" + x_message(2) + "\r\n" + x_message(99)[:40])
        handler.cut()

    def second(handler):
        handler.chunk('{"errors":[{"title":"operational-disconnect"}]}\r\n' + x_message(3) + "\r\n")

    with sources.Live("application/json", first, second, check=sources.bearer_check("tok")) as live:
        with Feed(kinesis, "--live", "x", "--url", live.url + "/2/tweets/search/stream",
                  X_BEARER_TOKEN="tok") as feed:
            kinesis.wait_for(3)
            code, out = feed.stop()
    assert code == 0, feed.errors
    assert ids(kinesis) == [1, 2, 3]
    assert kinesis.data()[0]["user"] == {"id_str": "7", "name": "Zoé", "screen_name": "zoe"}
    assert kinesis.data()[0]["created_at"] == "Wed May 01 12:00:00 +0000 2024"
    assert kinesis.records[0][1] == "zoe"
    assert figures(out) | {"malformed": 0, "skipped": 1} == figures(out)


def test_a_wrong_token_is_told_and_not_tried_again(kinesis):
    with sources.Live("application/json", check=sources.bearer_check("tok")) as live:
        with Feed(kinesis, "--live", "x", "--url", live.url, X_BEARER_TOKEN="no") as feed:
            assert feed.finish()[0] == 1
        assert len(live.requests) == 1
    assert "HTTP 401 bad bearer" in feed.errors


def test_v1_signs_each_connection_anew(kinesis):
    def first(handler):
        handler.chunk(lines(tweets(1)) + '{"delete":{"status":{"id":5}}}\r\n\r\n')
        handler.cut()

    keys = {"X_CONSUMER_KEY": "ck", "X_CONSUMER_SECRET": "c&s", "X_ACCESS_TOKEN": "at",
            "X_ACCESS_TOKEN_SECRET": "t s"}
    where = {}
    check = sources.oauth1_check(lambda: where["url"], "c&s", "t s")
    second = lambda handler: handler.chunk(lines(tweets(2)))  # noqa: E731
    with sources.Live("application/json", first, second, check=check) as live:
        where["url"] = live.url + "/1.1/statuses/filter.json"
        with Feed(kinesis, "--live", "x-v1", "--url", where["url"], "--track", "yolo & 猫,*", **keys) as feed:
            kinesis.wait_for(2)
            code, out = feed.stop()
        assert len(live.requests) == 2
    assert code == 0, feed.errors
    assert ids(kinesis) == [1, 2]
    assert figures(out)["skipped"] == 1


def change(number):
    text = json.dumps({"meta": {"id": f"m{number}", "dt": "2024-05-01T12:00:00Z", "domain": "ja.wikipedia.org"},
                       "title": "猫", "comment": f"c{number}", "user": "たま"}, ensure_ascii=False)
    return f'event: message\nid: [{{"offset":{number}}}]\ndata: {text}\n\n'


def test_events_resume_after_the_last_one_acknowledged(kinesis, tmp_path):
    def first(handler):
        whole = (":ok\n\n" + change(1) + change(2) + change(3)).encode()
        for at in range(0, len(whole) - 20, 7):  # cut in the third event, and in characters
            handler.chunk(whole[at:min(at + 7, len(whole) - 20)])
        handler.cut()

    second = lambda handler: handler.chunk(change(3))  # noqa: E731
    third = lambda handler: handler.chunk(change(4))  # noqa: E731
    with sources.Live("text/event-stream", first, second, third) as live:
        arguments = ["--live", "wikimedia", "--url", live.url, "--resume", tmp_path / "p"]
        with Feed(kinesis, *arguments) as feed:
            kinesis.wait_for(3)
            assert feed.stop()[0] == 0
        with Feed(kinesis, *arguments) as feed:
            kinesis.wait_for(4)
            assert feed.stop()[0] == 0
        asked = [request["headers"].get("Last-Event-ID") for request in live.requests]
    assert asked == [None, '[{"offset":2}]', '[{"offset":3}]']
    assert [item["text"] for item in kinesis.data()] == [f"猫: c{n}" for n in (1, 2, 3, 4)]


def test_mastodon_puts_only_new_statuses(kinesis):
    status = json.dumps({"id": "5", "created_at": "2024-05-01T12:00:00.000Z", "content": "<p>hi &amp; bye</p>",
                         "account": {"id": "1", "acct": "me", "display_name": "Me"}})
    script = lambda handler: handler.chunk(  # noqa: E731
        f":thump\n\nevent: delete\ndata: 4\n\nevent: update\ndata: {status}\n\n")
    with sources.Live("text/event-stream", script) as live:
        with Feed(kinesis, "--live", "mastodon", "--url", live.url) as feed:
            kinesis.wait_for(1)
            assert feed.stop()[0] == 0
    assert kinesis.data()[0]["text"] == "hi & bye"


def test_silence_counts_as_a_broken_connection_and_keep_alives_do_not(kinesis):
    def first(handler):
        handler.chunk(lines(tweets(1)))
        for _ in range(8):
            time.sleep(0.1)
            handler.chunk("\n")

    second = lambda handler: handler.chunk(lines(tweets(2)))  # noqa: E731
    with sources.Live("application/x-ndjson", first, second) as live:
        with Feed(kinesis, "--live", "ndjson", "--url", live.url, "--silence-ms", 400) as feed:
            kinesis.wait_for(2)
            assert feed.stop()[0] == 0
        first_at, second_at = (request["at"] for request in live.requests[:2])
    assert second_at - first_at > 1.1
    assert "no sign of life" in feed.errors


def test_a_busy_source_is_asked_again_when_it_says(kinesis):
    script = lambda handler: handler.chunk(lines(tweets(1)))  # noqa: E731
    with sources.Live("application/x-ndjson", (429, {"Retry_After": "1"}), (503, {"Retry_After": "0"}),
                      script) as live:
        with Feed(kinesis, "--live", "ndjson", "--url", live.url) as feed:
            kinesis.wait_for(1)
            assert feed.stop()[0] == 0
        assert live.requests[1]["at"] - live.requests[0]["at"] > 0.9


def test_what_was_read_is_put_before_it_ends(kinesis):
    script = lambda handler: handler.chunk(lines(tweets(*range(30))))  # noqa: E731
    with sources.Live("application/x-ndjson", script) as live:
        with Feed(kinesis, "--live", "ndjson", "--url", live.url, "--rate", 5) as feed:
            kinesis.wait_for(1)
            assert feed.stop()[0] == 0
    assert ids(kinesis) == list(range(30))


# --- the command ---------------------------------------------------------------------------------
@pytest.mark.parametrize("arguments, words", [
    (["--generate", "1"], "name the stream"),
    (["--generate", "1", "--stream", "s"], "name the region"),
    (["--generate", "1", "--stream", "s", "--region", "r"], "no credentials"),
    (["--live", "sse", "--print"], "wants --url"),
    (["--live", "x", "--print"], "X_BEARER_TOKEN"),
])
def test_what_is_missing_is_named(arguments, words):
    done = subprocess.run([BINARY, "feed", *arguments], capture_output=True, text=True, env={})
    assert done.returncode == 2 and words in done.stderr
