"""Whether what concurrent clients did to one key, and were answered, could have happened one after the other.

A search after Wing and Gong: an operation may come next if no other that is left was answered before it was called.
"""
import dataclasses
import typing


@dataclasses.dataclass
class Operation:
    kind: str  # get, put, add, put_if_absent, delete_if
    argument: int = 0
    answer: typing.Optional[int] = None  # get, put: what was there; add: what is there now
    applied: bool = True  # conditional ones: whether the condition held
    called: float = 0
    answered: float = float("inf")


IMPOSSIBLE = object()


def step(operation, held):
    """What the key holds afterwards, or IMPOSSIBLE if it could not have answered so."""
    if operation.kind == "get":
        return held if operation.answer == held else IMPOSSIBLE
    if operation.kind == "put":
        return operation.argument if operation.answer == held else IMPOSSIBLE
    if operation.kind == "add":
        after = (held or 0) + operation.argument
        return after if operation.answer == after else IMPOSSIBLE
    if operation.kind == "put_if_absent":
        if operation.applied != (held is None):
            return IMPOSSIBLE
        return operation.argument if operation.applied else held
    if operation.applied != (held == operation.argument):
        return IMPOSSIBLE
    return None if operation.applied else held


def linearizable(history):
    history = sorted(history, key=lambda operation: operation.called)
    tried = set()
    waiting = [(0, frozenset(), None)]  # the first that is left, those behind it that are done, what the key holds
    while waiting:
        first, done, held = waiting.pop()
        while first in done:
            done, first = done - {first}, first + 1
        if first == len(history):
            return True
        if (first, done, held) in tried:
            continue
        tried.add((first, done, held))
        earliest = float("inf")
        for at in range(first, len(history)):
            operation = history[at]
            if operation.called > earliest:
                break
            if at in done:
                continue
            earliest = min(earliest, operation.answered)
            after = step(operation, held)
            if after is not IMPOSSIBLE:
                waiting.append((first, done | {at}, after))
    return False
