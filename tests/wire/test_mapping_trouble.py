"""Functions that misbehave behind event source mappings: the shard does what its settings say, others go
on, and what happened stands where a person looks."""
import json
import time

import pytest
from support.logs import messages
from support.stack import wait_until
from test_mapping import World, bucket  # noqa: F401

HEAD = """
import base64, json, os, sys, time

def bodies_of(event):
    bodies = [base64.b64decode(r["kinesis"]["data"]).decode() for r in event["Records"]]
    print("GOT " + json.dumps({"bodies": bodies}))
    return bodies
"""
POISONED = HEAD + """
def handler(event, context):
    bodies = bodies_of(event)
    if "poison" in bodies:
        raise RuntimeError("cannot digest this")
    print("DONE " + json.dumps({"bodies": bodies}))
"""
SILENT = HEAD + """
def handler(event, context):
    bodies = bodies_of(event)
    if "poison" in bodies:
        time.sleep(60)
    print("DONE " + json.dumps({"bodies": bodies}))
"""
GARBLED = HEAD + """
ANSWERS = ["what?", {"batchItemFailures": "all of them"}, {"batchItemFailures": [{"itemIdentifier": "49"}]},
           {"batchItemFailures": [{"itemIdentifier": ""}]}, [1, 2]]

def handler(event, context):
    bodies = bodies_of(event)
    path = "/tmp/answers"
    count = int(open(path).read()) if os.path.exists(path) else 0
    open(path, "w").write(str(count + 1))
    if count < len(ANSWERS):
        return ANSWERS[count]
    print("DONE " + json.dumps({"bodies": bodies}))
    return {"batchItemFailures": []}
"""
STILLBORN = """
import sys
print("no configuration: giving up")
sys.stdout.flush()
import os
os._exit(3)
"""
LEAKING = HEAD + """
kept = []

def handler(event, context):
    bodies = bodies_of(event)
    kept.append(b"x" * (60 << 20))
    print("DONE " + json.dumps({"bodies": bodies}))
"""


@pytest.fixture
def worlds(server, name):
    made = []

    def make(code, **function):
        made.append(World(server, f"{name}{len(made)}", code, **function))
        return made[-1]
    yield make
    for world in made:
        world.close()


def lines(world):
    """Everything that stands in the function's log group."""
    return "".join(messages(world.logs, world.name))


def result_of(world, mapping):
    return world.functions.get_event_source_mapping(UUID=mapping["UUID"])["LastProcessingResult"]


def logged(server, mapping, *words):
    """A line of the server's log about the mapping that has all the words."""
    return [line for line in (server.folder / "server.log").read_text(errors="replace").splitlines()
            if mapping["UUID"] in line and all(word in line for word in words)]


def test_a_poison_record_is_isolated_and_only_it_is_given_up(server, worlds):
    world = worlds(POISONED)
    world.put("a", "b", "poison", "c", "d")
    made = world.map(BatchSize=5, MaximumRetryAttempts=1, BisectBatchOnFunctionError=True)
    wait_until(lambda: sorted(world.bodies("DONE")) == list("abcd"), "all but the poison")
    assert world.bodies("DONE") == list("abcd")
    assert "cannot digest this" in lines(world)
    wait_until(lambda: result_of(world, made) == "OK", "the last result")
    assert logged(server, made, "gave up 1 record", "RetryAttemptsExhausted", "cannot digest this")


def test_without_limits_a_poison_record_blocks_its_shard_and_says_so(server, worlds):
    world = worlds(POISONED)
    world.put("poison")
    made = world.map(BatchSize=1)
    world.put("after")
    wait_until(lambda: len(world.bodies()) >= 3, "some tries")
    assert world.bodies("DONE") == [] and set(world.bodies()) == {"poison"}
    assert result_of(world, made) == "PROBLEM: Function call failed"
    assert logged(server, made, "shardId-000000000000", "attempt 1", "cannot digest this")


def test_a_function_that_never_answers_is_stopped_in_time(server, worlds):
    world = worlds(SILENT, Timeout=1)
    world.put("a", "poison", "b")
    made = world.map(BatchSize=1, MaximumRetryAttempts=1)
    wait_until(lambda: world.bodies("DONE") == ["a", "b"], "the records around it")
    assert world.bodies() == ["a", "poison", "poison", "b"]
    assert lines(world).count("Task timed out after 1.00 seconds") == 2
    assert logged(server, made, "gave up 1 record", "Task timed out after 1.00 seconds")


def test_answers_that_cannot_be_read_are_failures_of_the_whole_batch(server, worlds):
    world = worlds(GARBLED)
    world.put("a", "b")
    made = world.map(BatchSize=2, FunctionResponseTypes=["ReportBatchItemFailures"])
    wait_until(lambda: world.bodies("DONE") == ["a", "b"], "the records")
    assert [call["bodies"] for call in world.said("GOT")] == [["a", "b"]] * 6
    assert logged(server, made, "what?")
    assert result_of(world, made) == "OK"


def test_a_function_that_dies_at_its_start_uses_up_its_tries(server, worlds, bucket):
    world = worlds(STILLBORN)
    world.put("a")
    made = world.map(BatchSize=1, MaximumRetryAttempts=2)
    wait_until(lambda: logged(server, made, "gave up 1 record"), "the end of its tries")
    assert logged(server, made, "gave up 1 record", "exit status 3")
    assert "no configuration: giving up" in lines(world)
    assert "exit status 3" in lines(world)


def test_a_function_that_leaks_memory_is_replaced_and_its_shard_goes_on(server, worlds):
    world = worlds(LEAKING, MemorySize=256)
    made = world.map(BatchSize=1)
    bodies = [str(n) for n in range(10)]
    world.put(*bodies)
    wait_until(lambda: set(world.bodies("DONE")) == set(bodies), "every record")
    assert list(dict.fromkeys(world.bodies("DONE"))) == bodies
    assert any(word in lines(world) for word in ("Runtime.OutOfMemory", "MemoryError", "signal: killed"))
    wait_until(lambda: result_of(world, made) == "OK", "the last result")


def test_troubled_neighbours_slow_nobody_down(worlds):
    """All of them at once, without limits, beside one that works."""
    for code, function in ((POISONED, {}), (SILENT, {"Timeout": 1}), (STILLBORN, {}), (LEAKING, {})):
        troubled = worlds(code, **function)
        troubled.put("poison")
        troubled.map(BatchSize=1)
    world = worlds(POISONED)
    world.map(BatchSize=1)
    world.put("first")
    wait_until(lambda: world.bodies("DONE"), "a warm function")
    slowest = 0
    for n in range(20):
        begun = time.monotonic()
        world.put(str(n))
        wait_until(lambda: str(n) in world.bodies("DONE"), "the record")
        slowest = max(slowest, time.monotonic() - begun)
    assert slowest < 5, json.dumps({"slowest": slowest})
