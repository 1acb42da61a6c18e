#include "backups/export_text.h"

#include <fmt/format.h>

#include "base/encoding.h"
#include "changes/document.h"
#include "tables/item.h"
#include "tables/record.h"

namespace backups {

namespace {

using tables::Item;
using tables::Type;
using tables::Value;

// Ion's strings escape what JSON's do.
void append_ion_string(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) out += fmt::format("\\x{:02x}", c);
        else out += c;
    }
  }
  out += '"';
}

// A number of Ion's decimal type: with a point or an exponent that is 'd'.
void append_ion_number(std::string& out, std::string_view number) {
  bool decimal = false;
  for (const char c : number) {
    const bool exponent = c == 'E' || c == 'e';
    decimal = decimal || exponent || c == '.';
    out += exponent ? 'd' : c;
  }
  if (!decimal) out += '.';
}

void append_ion_blob(std::string& out, const std::string& bytes) {
  out += "{{";
  base::append_base64(out, bytes);
  out += "}}";
}

template <class List, class Append>
void append_ion_list(std::string& out, std::string_view annotation, const List& list,
                     const Append& append) {
  out += annotation;
  out += '[';
  bool first = true;
  for (const auto& element : list) {
    if (!std::exchange(first, false)) out += ',';
    append(out, element);
  }
  out += ']';
}

void append_ion(std::string& out, const Item& item);

void append_ion_value(std::string& out, const Value& value) {
  switch (value.member()) {
    case Type::kS: append_ion_string(out, value.s()); break;
    case Type::kN: append_ion_number(out, value.n()); break;
    case Type::kB: append_ion_blob(out, value.b()); break;
    case Type::kSS: append_ion_list(out, "$dynamodb_SS::", value.ss(), append_ion_string); break;
    case Type::kNS: append_ion_list(out, "$dynamodb_NS::", value.ns(), append_ion_number); break;
    case Type::kBS: append_ion_list(out, "$dynamodb_BS::", value.bs(), append_ion_blob); break;
    case Type::kM: append_ion(out, value.m()); break;
    case Type::kL: append_ion_list(out, "", value.l(), append_ion_value); break;
    case Type::kBOOL: out += value.bool_() ? "true" : "false"; break;
    case Type::kNULL:
    case Type::kNone: out += "null"; break;
  }
}

// Names are written as strings, which Ion takes for symbols there.
void append_ion(std::string& out, const Item& item) {
  out += '{';
  bool first = true;
  for (const auto& [name, value] : item) {
    if (!std::exchange(first, false)) out += ',';
    append_ion_string(out, name);
    out += ':';
    append_ion_value(out, value);
  }
  out += '}';
}

void append(std::string& out, ExportFormat format, const Item& item) {
  if (format == ExportFormat::kIon) append_ion(out, item);
  else changes::append_json(out, item);
}

}  // namespace

void append_item_line(std::string& out, ExportFormat format, const Item& item) {
  out += format == ExportFormat::kIon ? "$ion_1_0 {Item:" : R"({"Item":)";
  append(out, format, item);
  out += "}\n";
}

void append_change_line(std::string& out, ExportFormat format, const NetChange& change,
                        bool with_old_image) {
  const bool ion = format == ExportFormat::kIon;
  const std::int64_t micros = base::to_epoch_ms(change.time) * 1000;
  out += ion ? fmt::format("$ion_1_0 {{Record:{{Metadata:{{WriteTimestampMicros:{}.}}", micros)
             : fmt::format(R"({{"Metadata":{{"WriteTimestampMicros":{{"N":"{}"}}}})", micros);
  const auto add = [&](std::string_view name, const Item& item) {
    out += ion ? fmt::format(",{}:", name) : fmt::format(R"(,"{}":)", name);
    append(out, format, item);
  };
  add("Keys", change.keys);
  if (with_old_image && change.before) add("OldImage", *change.before);
  if (change.after) add("NewImage", *change.after);
  out += ion ? "}}\n" : "}\n";
}

std::string encode_change(const NetChange& change) {
  tables::ByteWriter out;
  out.varint(static_cast<std::uint64_t>(base::to_epoch_ms(change.time)));
  out.bytes(tables::encode_item(change.keys));
  out.bytes(change.before ? tables::encode_item(*change.before) : "");
  out.bytes(change.after ? tables::encode_item(*change.after) : "");
  return out.take();
}

base::Result<NetChange> decode_change(std::string_view bytes) {
  tables::ByteReader in(bytes);
  NetChange made;
  made.time = base::from_epoch_ms(static_cast<std::int64_t>(in.varint()));
  ASSIGN_OR_RETURN(made.keys, tables::decode_item(in.bytes()));
  for (std::optional<Item>* const image : {&made.before, &made.after}) {
    const std::string_view item = in.bytes();
    if (item.empty()) continue;
    ASSIGN_OR_RETURN(*image, tables::decode_item(item));
  }
  if (in.bad()) return base::error(base::ErrorCode::kCorruption, "a change that is cut");
  return made;
}

}  // namespace backups
