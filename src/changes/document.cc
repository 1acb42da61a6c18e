#include "changes/document.h"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "base/encoding.h"

namespace changes {

namespace {

using tables::Type;
using tables::Value;

std::string quoted(std::string_view text) {
  return boost::json::serialize(boost::json::string(text));
}

void append_binary(std::string& out, const std::string& bytes) {
  out += '"';
  base::append_base64(out, bytes);
  out += '"';
}

template <class List, class Append>
void append_list(std::string& out, const List& list, const Append& append) {
  out += '[';
  bool first = true;
  for (const auto& element : list) {
    if (!std::exchange(first, false)) out += ',';
    append(out, element);
  }
  out += ']';
}

void append_text(std::string& out, const std::string& text) { out += quoted(text); }

void append_value(std::string& out, const Value& value) {
  out += R"({")";
  out += tables::type_name(value);
  out += R"(":)";
  switch (value.member()) {
    case Type::kS: append_text(out, value.s()); break;
    case Type::kN: append_text(out, value.n()); break;
    case Type::kB: append_binary(out, value.b()); break;
    case Type::kSS: append_list(out, value.ss(), append_text); break;
    case Type::kNS: append_list(out, value.ns(), append_text); break;
    case Type::kBS: append_list(out, value.bs(), append_binary); break;
    case Type::kM: append_json(out, value.m()); break;
    case Type::kL: append_list(out, value.l(), append_value); break;
    case Type::kNULL: out += "true"; break;
    case Type::kBOOL: out += value.bool_() ? "true" : "false"; break;
    case Type::kNone: out += "null"; break;
  }
  out += '}';
}

void append_images(std::string& out, const Record& record) {
  out += R"(,"Keys":)";
  append_json(out, record.keys);
  if (record.after) {
    out += R"(,"NewImage":)";
    append_json(out, *record.after);
  }
  if (record.before) {
    out += R"(,"OldImage":)";
    append_json(out, *record.before);
  }
}

}  // namespace

void append_json(std::string& out, const tables::Item& item) {
  out += '{';
  bool first = true;
  for (const auto& [name, value] : item) {
    if (!std::exchange(first, false)) out += ',';
    out += quoted(name);
    out += ':';
    append_value(out, value);
  }
  out += '}';
}

std::string event_record(const StreamInfo& stream, std::size_t shard, const Record& record) {
  std::string out = fmt::format(
      R"({{"eventID":"{}","eventName":"{}","eventVersion":"1.1","eventSource":"aws:dynamodb",)"
      R"("awsRegion":{},"dynamodb":{{"ApproximateCreationDateTime":{})",
      stream.event_id(shard, record.position), name_of(record.kind), quoted(stream.region),
      base::to_epoch_ms(record.created) / 1000);
  append_images(out, record);
  out += fmt::format(R"(,"SequenceNumber":"{}","SizeBytes":{},"StreamViewType":"{}"}})",
                     stream.sequence_number(shard, record.position), record.bytes(),
                     tables::name_of(stream.capture.view));
  if (record.expired)
    out += R"(,"userIdentity":{"principalId":"dynamodb.amazonaws.com","type":"Service"})";
  out += fmt::format(R"(,"eventSourceARN":{}}})", quoted(stream.name().arn()));
  return out;
}

std::string feed_document(const StreamInfo& stream, std::size_t shard, const Record& record,
                          bool microseconds) {
  std::string out = fmt::format(
      R"({{"awsRegion":{},"eventID":"{}","eventName":"{}","userIdentity":{},)"
      R"("recordFormat":"application/json","tableName":{},"dynamodb":{{)"
      R"("ApproximateCreationDateTime":{})",
      quoted(stream.region), stream.event_id(shard, record.position), name_of(record.kind),
      record.expired ? R"({"principalId":"dynamodb.amazonaws.com","type":"Service"})" : "null",
      quoted(stream.table), base::to_epoch_ms(record.created) * (microseconds ? 1000 : 1));
  append_images(out, record);
  out += fmt::format(R"(,"SizeBytes":{})", record.bytes());
  if (microseconds) out += R"(,"ApproximateCreationDateTimePrecision":"MICROSECOND")";
  out += R"(},"eventSource":"aws:dynamodb"})";
  return out;
}

}  // namespace changes
