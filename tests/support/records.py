"""Numbered records: put into a stream, and told by the programs of tests/java that read it."""


def put(kinesis, stream, *records, keys=8):
    """Numbered records, dealt to the keys in turn."""
    answer = kinesis.put_records(StreamName=stream["StreamName"], Records=[
        {"Data": f"record {i}".encode(), "PartitionKey": f"key {i % keys}"} for i in records])
    assert answer["FailedRecordCount"] == 0


def numbers(lines):
    return [int(line["record"].split()[1]) for line in lines if "record" in line]


def first_sightings(lines):
    """For each partition key the numbers of its records, in the order in which each was first seen."""
    seen = {}
    for line in lines:
        if "record" in line:
            seen.setdefault(line["key"], {})[numbers([line])[0]] = None
    return {key: list(order) for key, order in seen.items()}


def in_order(count, keys=8):
    return {f"key {key}": list(range(key, count, keys)) for key in range(keys)}


def hear_records(program, wanted):
    program.hear(lambda lines: set(wanted) <= set(numbers(lines)))
