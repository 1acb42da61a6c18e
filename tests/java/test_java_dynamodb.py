"""DynamoDB through AWS's SDK for Java: its client, and the enhanced client that maps beans. `./dev java`."""
import json

import pytest

TLS = pytest.mark.parametrize("tls", [pytest.param(False, id="clear"), pytest.param(True, id="tls")])


def test_the_sdk_works_on_a_table(java, name):
    program = java("Tables", name)
    assert program.finish() == [
        {"unprocessed": 0}, {"seen": "1"},
        {"page": ["5", "6", "7", "8"]}, {"page": ["9", "10", "11", "12"]}, {"page": ["13", "14", "15", "16"]},
        {"page": ["17", "18", "19"]},
        {"refused": "The conditional request failed"}, {"cancelled": ["None", "ConditionalCheckFailed"]}]


@TLS
def test_the_enhanced_client_keeps_beans(java, name, tls):
    program = java("Enhanced", name, tls=tls)
    lines = iter(program.finish())
    assert next(lines) == {"global": ["by-owner"], "local": ["by-level"], "billing": "PAY_PER_REQUEST"}

    first = next(lines)
    assert first["same"] and first["id"]
    assert next(lines) == {"put": 1, "writes": 10, "owner": "o"}
    assert next(lines) == {"updated": 2, "writes": 15, "owner": "p"}
    assert next(lines) == {"made": True, "later": True, "id": first["id"]}
    assert next(lines) == {"sparse": 3, "writes": 20, "owner": "p"}
    assert next(lines) == {"room": "attic", "kind": "WET"}
    assert next(lines) == {"bare": 4, "writes": 25, "owner": None}
    assert next(lines) == {"deleted": True, "left": None}

    assert next(lines) == {"late": "The conditional request failed", "status": 400}
    assert next(lines) == {"kept": "2", "writes": "15"}
    assert next(lines) == {"gone": 2, "units": 1.0}

    everything = list(range(60))
    assert next(lines) == {"unprocessed": 0, "turns": everything}
    assert [next(lines) for _ in range(3)] == [
        {"page": [10, 11, 12, 13]}, {"page": [14, 15, 16, 17]}, {"page": [18, 19]}]
    assert next(lines) == {"owned": [49, 51, 53, 55, 57], "last": ["device", "level", "owner", "turn"]}
    assert next(lines) == {"owned": [59], "last": []}
    assert next(lines) == {"leveled": everything[::-1]}
    assert next(lines) == {"leveled": []}  # a page that is full says that there may be more
    assert next(lines) == {"scanned": everything}

    assert next(lines) == {"cancelled": ["None", "ConditionalCheckFailed", "ConditionalCheckFailed"]}
    assert next(lines) == {"old": "1"}
    assert next(lines) == {"versions": [1, 2, None, None]}
    assert json.loads(next(lines)["document"]) == {
        "device": "d", "turn": 1, "words": ["w"], "more": {"a": [1, {"b": None}], "c": True}}
    assert next(lines, None) is None


@TLS
def test_the_enhanced_client_on_netty_does_many_things_at_once(java, name, tls):
    program = java("EnhancedAsync", name, tls=tls)
    assert program.finish() == [
        {"refused": "Requested resource not found"}, {"sizes": [70, 70, 60], "ordered": True}, {"some": 30},
        # A put, and eight writers' five updates each.
        {"version": 41, "writes": 10 + 40 * 5}]
