#!/usr/bin/env python3
"""Takes the facts out of AWS's public service models into src/api/*.api.

    tools/import_api.py SERVICE [SERVICE ...]      (needs botocore; run by hand, rarely)

src/api/selection.txt names the operations of each service that Millrace serves or answers for.
What is kept: names, types, required members, bounds, patterns, enumerations, locations, error codes.
What is not: any of AWS's prose.
"""
import gzip
import json
import pathlib
import sys

import botocore

ROOT = pathlib.Path(__file__).resolve().parent.parent
MODELS = pathlib.Path(botocore.__file__).parent / "data"
FOLDERS = {"dynamodbstreams": "dynamodbstreams"}
# Structures of which exactly one member is set, although the older models do not say so.
UNIONS = {("dynamodb", "AttributeValue"), ("dynamodbstreams", "AttributeValue")}
# Maps that their service reads by itself (api/packed.h).
PACKED = {"PutItemInputAttributeMap"}
# What a service checks itself, in words that are not its validator's: shapes without bounds, pattern
# or enumeration; structures without required members; members of a plain string.
OWN_WORDS = {
    "dynamodb": {
        "plain": {
            "TableClass", "TagKeyString", "TagValueString", "BackupArn", "ExportArn", "ImportArn",
        },
        "optional": {"Tag"},
        "strings": {
            ("RestoreTableFromBackupInput", "TargetTableName"),
            ("RestoreTableToPointInTimeInput", "TargetTableName"),
            ("UpdateContributorInsightsInput", "IndexName"),
            ("DescribeContributorInsightsInput", "IndexName"),
            ("DescribeGlobalTableInput", "GlobalTableName"),
            ("DescribeGlobalTableSettingsInput", "GlobalTableName"),
            ("ExportTableToPointInTimeInput", "TableArn"),
            ("DescribeTableInput", "TableName"),
            ("UpdateTableInput", "TableName"),
            ("DeleteTableInput", "TableName"),
            ("DescribeTimeToLiveInput", "TableName"),
            ("UpdateTimeToLiveInput", "TableName"),
            ("DescribeContinuousBackupsInput", "TableName"),
            ("UpdateContinuousBackupsInput", "TableName"),
        },
    }
}
PLAIN = "String"
# Members that AWS insists on although the model does not say so.
REQUIRED = {("dynamodb", "CreateTableInput"): {"AttributeDefinitions", "KeySchema"}}


def own_words(service, what):
    return OWN_WORDS.get(service, {}).get(what, set())


def load(service):
    folder = MODELS / FOLDERS.get(service, service)
    version = sorted(p for p in folder.iterdir() if (p / "service-2.json.gz").exists())[-1]
    with gzip.open(version / "service-2.json.gz") as f:
        return json.load(f)


def selection():
    chosen = {}
    for line in (ROOT / "src/api/selection.txt").read_text().splitlines():
        line = line.split("#")[0].strip()
        if line:
            service, operations = line.split(":", 1)
            chosen.setdefault(service.strip(), []).extend(operations.split())
    return chosen


def member_line(name, member, shape_of, required, payload):
    target = member["shape"]
    shape = shape_of[target]
    flags = []
    location = member.get("location")
    wire = member.get("locationName", shape.get("locationName"))
    if location == "header":
        flags.append(f"@header={wire}")
    elif location == "headers":
        flags.append(f"@headers={wire}")
    elif location == "querystring":
        flags.append(f"@query={wire}")
    elif location == "uri":
        flags.append(f"@uri={wire}")
    elif location == "statusCode":
        flags.append("@status")
    elif wire and wire != name:
        flags.append(f"@name={wire}")
    if member.get("xmlAttribute"):
        flags.append("@attribute")
    if member.get("flattened") or shape.get("flattened"):
        flags.append("@flat")
    if payload == name:
        flags.append("@payload")
    if member.get("streaming") or shape.get("streaming"):
        flags.append("@stream")
    if shape.get("eventstream"):
        flags.append("@events")
    if member.get("idempotencyToken"):
        flags.append("@token")
    if member.get("eventpayload"):
        flags.append("@eventpayload")
    stamp = member.get("timestampFormat", shape.get("timestampFormat"))
    if stamp:
        flags.append(f"@time={stamp}")
    mark = "!" if required else ""
    return " ".join([f"  {name}{mark} {target}"] + flags)


def bounds(shape):
    low, high = shape.get("min"), shape.get("max")
    if low is None and high is None:
        return ""
    return f" {'' if low is None else low}..{'' if high is None else high}"


def write_shape(out, service, name, shapes, errors):
    shape = shapes[name]
    kind = shape["type"]
    if name in own_words(service, "plain"):
        out.append(f"{kind} {name}")
    elif kind == "structure":
        if shape.get("exception") or name in errors:
            error = shape.get("error", {})
            code = error.get("code", name)
            status = error.get("httpStatusCode", 500 if shape.get("fault") else 400)
            out.append(f"error {name} {code} {status}")
        elif shape.get("union") or (service, name) in UNIONS:
            out.append(f"union {name}")
        else:
            out.append(f"structure {name}")
        xml = shape.get("xmlNamespace")
        if xml and not isinstance(xml, str):
            out[-1] += f" @xmlns={xml['uri']}"
        required = set(shape.get("required", []))
        if name in own_words(service, "optional"):
            required = set()
        required |= REQUIRED.get((service, name), set())
        for member, target in shape["members"].items():
            if (name, member) in own_words(service, "strings"):
                target = {**target, "shape": PLAIN}
            out.append(member_line(member, target, shapes, member in required, shape.get("payload")))
    elif kind == "list":
        element = shape["member"]
        line = f"list {name} {element['shape']}{bounds(shape)}"
        if element.get("locationName"):
            line += f" @name={element['locationName']}"
        out.append(line)
    elif kind == "map":
        line = f"map {name} {shape['key']['shape']} {shape['value']['shape']}{bounds(shape)}"
        line += " @packed" if name in PACKED else ""
        for part in ("key", "value"):
            if shape[part].get("locationName"):
                line += f" @{part}={shape[part]['locationName']}"
        out.append(line)
    elif kind == "string" and shape.get("enum"):
        out.append(f"enum {name}{bounds(shape)} = " + "|".join(shape["enum"]))
    else:
        line = f"{kind} {name}{bounds(shape)}"
        if shape.get("timestampFormat"):
            line += f" @time={shape['timestampFormat']}"
        if shape.get("pattern"):
            line += " ~ " + shape["pattern"].replace("\n", "\\n")
        out.append(line)


def reach(shapes, name, seen):
    if name in seen:
        return
    seen.add(name)
    shape = shapes[name]
    for member in shape.get("members", {}).values():
        reach(shapes, member["shape"], seen)
    for part in ("member", "key", "value"):
        if part in shape:
            reach(shapes, shape[part]["shape"], seen)


def extract(service, operations):
    model = load(service)
    meta, shapes = model["metadata"], model["shapes"]
    if operations == ["*"]:
        operations = sorted(model["operations"])
    protocol = meta["protocol"]
    if service == "cloudwatch":
        protocol = "query"
    out = [
        f"service {service} version={meta['apiVersion']} protocol={protocol}"
        f" json={meta.get('jsonVersion', '-')} target={meta.get('targetPrefix', '-')}"
        f" signing={meta.get('signingName', meta['endpointPrefix'])} endpoint={meta['endpointPrefix']}"
        f" xmlns={meta.get('xmlNamespace', '-')}"
    ]
    seen, errors = set(), set()
    for name in operations:
        op = model["operations"][name]
        parts = [f"operation {name} {op['http']['method']} {op['http']['requestUri']}"]
        if "responseCode" in op["http"]:
            parts.append(f"status={op['http']['responseCode']}")
        for direction in ("input", "output"):
            if direction in op:
                parts.append(f"{direction}={op[direction]['shape']}")
                reach(shapes, op[direction]["shape"], seen)
                root = op[direction].get("locationName")
                if root:
                    parts.append(f"{direction}name={root}")
                uri = op[direction].get("xmlNamespace")
                if uri:
                    parts.append(f"{direction}xmlns={uri['uri'] if isinstance(uri, dict) else uri}")
        if op.get("output", {}).get("resultWrapper"):
            parts.append(f"wrapper={op['output']['resultWrapper']}")
        if op.get("requestcompression"):
            parts.append("compressed")
        for error in op.get("errors", []):
            errors.add(error["shape"])
            reach(shapes, error["shape"], seen)
        out.append(" ".join(parts))
    if own_words(service, "strings"):
        seen.add(PLAIN)
    for name in sorted(seen):
        write_shape(out, service, name, shapes, errors)
    return "\n".join(out) + "\n"


def main():
    chosen = selection()
    for service in sys.argv[1:] or chosen:
        (ROOT / f"src/api/{service}.api").write_text(extract(service, chosen[service]))


if __name__ == "__main__":
    main()
