#!/usr/bin/env python3
"""Makes C++ from src/api/<service>.api: structures, operations, errors and their shape tables.

    tools/generate_api.py SERVICE.api OUTPUT_FOLDER

Writes OUTPUT_FOLDER/api/<service>/{types,operations,errors}.h and OUTPUT_FOLDER/<service>_shapes.cc.
The table format is described in docs/formats/api-tables.md.
"""
import dataclasses
import pathlib
import re
import sys

KEYWORDS = set(
    "and asm auto bool break case catch char class const continue default delete do double else enum "
    "explicit export extern false float for friend goto if inline int long mutable namespace new "
    "not operator or private protected public register return short signed sizeof static struct "
    "switch template this throw true try typedef typename union unsigned using virtual void volatile "
    "while xor concept requires import module".split())
SCALARS = {
    "boolean": "bool", "integer": "std::int32_t", "long": "std::int64_t", "float": "double",
    "double": "double", "string": "std::string", "enum": "std::string", "blob": "std::string",
    "timestamp": "base::Timestamp", "character": "std::string",
}
KINDS = {
    "boolean": "kBoolean", "integer": "kInteger", "long": "kLong", "float": "kFloat",
    "double": "kDouble", "string": "kString", "enum": "kString", "blob": "kBlob",
    "timestamp": "kTimestamp", "character": "kString", "list": "kList", "map": "kMap",
    "structure": "kStructure", "error": "kStructure", "union": "kUnion",
}
TIMES = {"iso8601": "kIso8601", "rfc822": "kHttpDate", "unixTimestamp": "kEpochSeconds"}
LOCATIONS = {"header": "kHeader", "headers": "kHeaders", "query": "kQuery", "uri": "kUri"}


def snake(name):
    name = name.replace("-", "_").replace(".", "_")
    name = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name)
    name = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower()
    return name + "_" if name in KEYWORDS else name


def text(value):
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


@dataclasses.dataclass
class Member:
    name: str
    type: str
    required: bool
    flags: dict

    @property
    def field(self):
        return snake(self.name)


@dataclasses.dataclass
class Type:
    kind: str
    name: str
    low: str = ""
    high: str = ""
    flags: dict = dataclasses.field(default_factory=dict)
    pattern: str = ""
    values: list = dataclasses.field(default_factory=list)
    members: list = dataclasses.field(default_factory=list)
    element: str = ""
    key: str = ""
    code: str = ""
    status: str = ""

    @property
    def is_structure(self):
        return self.kind in ("structure", "error", "union")


class Model:
    def __init__(self, path):
        self.service, self.operations, self.types = {}, [], {}
        current = None
        for line in path.read_text().splitlines():
            if line.startswith("  "):
                current.members.append(self.member(line.split()))
            else:
                current = self.top(line)
        self.synthesise_empty()
        self.recursive = self.find_recursive()

    @staticmethod
    def flag_map(words):
        flags = {}
        for word in words:
            key, _, value = word.lstrip("@").partition("=")
            flags[key] = value
        return flags

    def member(self, words):
        return Member(words[0].rstrip("!"), words[1], words[0].endswith("!"), self.flag_map(words[2:]))

    def top(self, line):
        head, _, pattern = line.partition(" ~ ")
        head, _, values = head.partition(" = ")
        words = head.split()
        kind, name = words[0], words[1]
        if kind == "service":
            self.service = dict(w.split("=", 1) for w in words[2:]) | {"name": name}
            return None
        if kind == "operation":
            options = dict((w.split("=", 1) + [""])[:2] for w in words[4:])
            self.operations.append({"name": name, "method": words[2], "uri": words[3], **options})
            return None
        made = Type(kind, name, pattern=pattern, values=values.split("|") if values else [])
        rest = words[2:]
        if kind == "list":
            made.element = rest.pop(0)
        elif kind == "map":
            made.key, made.element = rest.pop(0), rest.pop(0)
        elif kind == "error":
            made.code, made.status = rest.pop(0), rest.pop(0)
        for word in [w for w in rest if not w.startswith("@")]:
            low, _, high = word.partition("..")
            made.low, made.high = (str(int(float(b))) if b else "" for b in (low, high))
        made.flags = self.flag_map(w for w in rest if w.startswith("@"))
        self.types[name] = made
        return made

    def synthesise_empty(self):
        for op in self.operations:
            for direction, suffix in (("input", "Input"), ("output", "Output")):
                if direction not in op:
                    op[direction] = op["name"] + suffix
                    self.types.setdefault(op[direction], Type("structure", op[direction]))

    def cpp(self, name):
        t = self.types[name]
        if t.is_structure:
            return self.struct_name(name)
        if t.kind == "list":
            return f"std::vector<{self.cpp(t.element)}>"
        if t.kind == "map":
            made = f"std::map<std::string, {self.cpp(t.element)}>"
            return f"api::Packed<{made}>" if "packed" in t.flags else made
        return SCALARS[t.kind]

    @staticmethod
    def struct_name(name):
        return name[0].upper() + name[1:]

    def direct(self, name):
        """Structures that must be complete before this one: held by value."""
        return [m.type for m in self.types[name].members if self.types[m.type].is_structure]

    def indirect(self, name):
        """Structures reached through lists and maps, which need only be complete in the end."""
        found = []
        for m in self.types[name].members:
            t = self.types[m.type]
            while t.kind in ("list", "map"):
                t = self.types[t.element]
            if t.is_structure:
                found.append(t.name)
        return found

    def find_recursive(self):
        recursive = set()
        for name, t in self.types.items():
            if t.is_structure:
                stack, seen = list(self.direct(name)), set()
                while stack:
                    at = stack.pop()
                    if at == name:
                        recursive.add(name)
                        break
                    if at not in seen:
                        seen.add(at)
                        stack.extend(self.direct(at))
        return recursive

    def ordered(self):
        """Structures so that what one holds by value, and if possible all it holds, stands before."""
        order, state = [], {}

        def visit(name):
            if state.get(name):
                return
            state[name] = 1
            for other in self.direct(name):
                if not (name in self.recursive and other in self.recursive):
                    visit(other)
            for other in self.indirect(name):
                visit(other)
            order.append(name)

        for name in sorted(self.types):
            if self.types[name].is_structure:
                visit(name)
        return order


def slot(model, holder, member):
    inner = model.cpp(member.type)
    if model.types[member.type].is_structure and member.type in model.recursive and holder in model.recursive:
        return f"api::Box<{inner}>"
    return f"std::optional<{inner}>"


def union_struct(model, t):
    name = model.struct_name(t.name)
    out = [f"// Holds at most one of its members.", f"struct {name} {{", "  enum class Member : std::uint8_t {",
           "    kNone,"]
    out += [f"    k{m.name[0].upper() + m.name[1:]}," for m in t.members]
    out += ["  };"]
    alternatives = ", ".join(["std::monostate"] + [model.cpp(m.type) for m in t.members])
    out += [f"  std::variant<{alternatives}> value;",
            "  bool ambiguous = false;  // more than one member was given",
            "  Member member() const { return static_cast<Member>(value.index()); }"]
    for i, m in enumerate(t.members, 1):
        cpp = model.cpp(m.type)
        field = snake(m.name).rstrip("_")
        as_name = m.field
        out += [
            f"  bool is_{field}() const {{ return value.index() == {i}; }}",
            f"  const {cpp}& {as_name}() const {{ return std::get<{i}>(value); }}",
            f"  {cpp}& {as_name}() {{ return std::get<{i}>(value); }}",
            f"  static {name} of_{field}({cpp} v) {{",
            f"    {name} made;",
            f"    made.value.emplace<{i}>(std::move(v));",
            "    return made;",
            "  }",
        ]
    return out + ["};"]


def types_header(model):
    ns = model.service["name"]
    out = ["#pragma once", "", f"// Made by tools/generate_api.py from src/api/{ns}.api.", "",
           "#include <cstdint>", "#include <map>", "#include <optional>", "#include <string>",
           "#include <variant>", "#include <vector>", "",
           *(['#include "api/packed.h"'] if any("packed" in t.flags for t in model.types.values()) else []),
           '#include "api/shape.h"',
           '#include "base/clock.h"', "", f"namespace api::{cpp_namespace(ns)} {{", ""]
    ordered = model.ordered()
    out += [f"struct {model.struct_name(n)};" for n in ordered] + [""]
    for name in ordered:
        t = model.types[name]
        if t.kind == "union":
            out += union_struct(model, t)
        else:
            out.append(f"struct {model.struct_name(name)} {{")
            out += [f"  {slot(model, name, m)} {m.field};" for m in t.members]
            out += ["};"]
        out += [f"extern const Shape k{name}Shape;", ""]
    return "\n".join(out + [f"}}  // namespace api::{cpp_namespace(ns)}", ""])


def cpp_namespace(service):
    return service


def operations_header(model):
    ns = model.service["name"]
    out = ["#pragma once", "", f"// Made by tools/generate_api.py from src/api/{ns}.api.", "",
           f'#include "api/{ns}/types.h"', "", f"namespace api::{ns} {{", "",
           "extern const Service kService;", "// Every operation of the service, by name.",
           "std::span<const Operation* const> operations();", "", "namespace op {", ""]
    for op in model.operations:
        out += [f"struct {op['name']} {{",
                f"  using Input = {ns}::{model.struct_name(op['input'])};",
                f"  using Output = {ns}::{model.struct_name(op['output'])};",
                "  static const Operation& info();", "};"]
    return "\n".join(out + ["", "}  // namespace op", f"}}  // namespace api::{ns}", ""])


def errors_header(model):
    ns = model.service["name"]
    out = ["#pragma once", "", f"// Made by tools/generate_api.py from src/api/{ns}.api.", "",
           "#include <string>", "", '#include "api/error.h"', "", f"namespace api::{ns} {{", ""]
    seen = set()
    for name in sorted(model.types):
        t = model.types[name]
        if t.kind != "error":
            continue
        function = snake(re.sub(r"(Exception|Error|Fault)$", "", name) or name)
        if function in seen:
            function = snake(name)
        seen.add(function)
        out += [f"// {t.code}, HTTP {t.status}",
                f"inline Error {function}(std::string message) {{",
                f"  return {{.code = {text(t.code)}, .status = {t.status},"
                " .message = std::move(message), .detail = nullptr};", "}"]
    return "\n".join(out + ["", f"}}  // namespace api::{ns}", ""])


def member_row(model, holder, index, m):
    t = model.types[holder]
    struct = model.struct_name(holder)
    access = (f"AlternativeOf<{struct}, {index + 1}>" if t.kind == "union" else f"MemberOf<&{struct}::{m.field}>")
    wire = m.name
    parts = []
    for flag, location in LOCATIONS.items():
        if flag in m.flags:
            parts.append(f".location = Location::{location}")
            wire = m.flags[flag]
    if "status" in m.flags:
        parts.append(".location = Location::kStatus")
    wire = m.flags.get("name", wire)
    if "time" in m.flags:
        parts.append(f".time_format = TimeFormat::{TIMES[m.flags['time']]}")
    for flag, field in (("flat", "flattened"), ("attribute", "attribute"), ("payload", "payload"),
                        ("stream", "streaming"), ("events", "event_stream"),
                        ("eventpayload", "event_payload"), ("token", "idempotency_token")):
        if flag in m.flags:
            order = ["flattened", "attribute", "payload", "streaming", "event_stream", "event_payload", "idempotency_token"]
            parts.append((order.index(field), f".{field} = true"))
    plain = [p for p in parts if isinstance(p, str)]
    flags = [p[1] for p in sorted(p for p in parts if not isinstance(p, str))]
    required = [".required = true"] if m.required else []
    fields = [f".name = {text(m.name)}", f".wire_name = {text(wire)}", f".shape = &k{m.type}Shape"]
    fields += plain + required + flags
    fields += [f".find = access::{access}::find", f".emplace = access::{access}::emplace"]
    return "    {" + ", ".join(fields) + "},"


def shape_definition(model, t):
    name = t.name
    out = []
    fields = [f".name = {text(name)}", f".kind = Kind::{KINDS[t.kind]}"]
    if t.low:
        fields.append(f".min = {t.low}")
    if t.high:
        fields.append(f".max = {t.high}")
    if t.pattern:
        fields.append(f".pattern = {text(t.pattern)}")
    if t.values:
        out += [f"constexpr std::string_view k{name}Values[] = {{" + ", ".join(map(text, t.values)) + "};"]
        fields.append(f".enum_values = k{name}Values")
    if "time" in t.flags:
        fields.append(f".time_format = TimeFormat::{TIMES[t.flags['time']]}")
    if t.members:
        out += [f"constexpr Member k{name}Members[] = {{"]
        out += [member_row(model, name, i, m) for i, m in enumerate(t.members)]
        out += ["};"]
        fields.append(f".members = k{name}Members")
    if t.element:
        fields.append(f".element = &k{t.element}Shape")
    if t.key:
        fields.append(f".key = &k{t.key}Shape")
    if t.kind == "list" and "name" in t.flags:
        fields.append(f".element_name = {text(t.flags['name'])}")
    if t.kind == "map":
        fields += [f".{part}_name = {text(t.flags[part])}" for part in ("key", "value") if part in t.flags]
    if "xmlns" in t.flags:
        fields.append(f".xml_namespace = {text(t.flags['xmlns'])}")
    if t.kind == "list":
        fields.append(f".list = &access::kList<{model.cpp(t.element)}>")
    if t.kind == "map":
        access = "kPackedMap" if "packed" in t.flags else "kMap"
        fields.append(f".map = &access::{access}<{model.cpp(t.element)}>")
    if t.kind == "union":
        fields.append(f".set_ambiguous = access::set_ambiguous<{model.struct_name(name)}>")
    return out + [f"constexpr Shape k{name}Shape = {{" + ", ".join(fields) + "};"]


def shapes_source(model):
    s = model.service
    ns = s["name"]
    dash = lambda value: "" if value == "-" else value
    protocol = {"json": "kJson", "rest-json": "kRestJson", "query": "kQuery", "rest-xml": "kRestXml"}[s["protocol"]]
    out = [f"// Made by tools/generate_api.py from src/api/{ns}.api.", '#include "api/access.h"',
           f'#include "api/{ns}/operations.h"', "", f"namespace api::{ns} {{", ""]
    out += [f"extern const Shape k{name}Shape;" for name in model.types] + [""]
    for t in model.types.values():
        out += shape_definition(model, t)
    out += ["const Service kService = {",
            f"    .name = {text(ns)}, .version = {text(s['version'])}, .protocol = Protocol::{protocol},",
            f"    .json_version = {text(dash(s['json']))}, .target = {text(dash(s['target']))},",
            f"    .signing_name = {text(s['signing'])}, .endpoint = {text(s['endpoint'])},",
            f"    .xml_namespace = {text(dash(s['xmlns']))}}};", ""]
    for op in model.operations:
        out += [f"const Operation& op::{op['name']}::info() {{",
                "  static constexpr Operation kInfo = {",
                f"      .service = &kService, .name = {text(op['name'])}, .method = {text(op['method'])},",
                f"      .uri = {text(op['uri'])}, .status = {op.get('status', '200')},",
                f"      .input = &k{op['input']}Shape, .output = &k{op['output']}Shape,",
                f"      .input_name = {text(op.get('inputname', ''))},",
                f"      .input_namespace = {text(op.get('inputxmlns', ''))},",
                f"      .wrapper = {text(op.get('wrapper', ''))}}};",
                "  return kInfo;", "}"]
    out += ["std::span<const Operation* const> operations() {",
            "  static const Operation* const kAll[] = {"]
    out += [f"      &op::{op['name']}::info()," for op in model.operations]
    out += ["  };", "  return kAll;", "}", "", f"}}  // namespace api::{ns}", ""]
    return "\n".join(out)


def main():
    source, target = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    model = Model(source)
    ns = model.service["name"]
    folder = target / "api" / ns
    folder.mkdir(parents=True, exist_ok=True)
    for path, content in ((folder / "types.h", types_header(model)),
                          (folder / "operations.h", operations_header(model)),
                          (folder / "errors.h", errors_header(model)),
                          (target / f"{ns}_shapes.cc", shapes_source(model))):
        if not path.exists() or path.read_text() != content:
            path.write_text(content)


if __name__ == "__main__":
    main()
