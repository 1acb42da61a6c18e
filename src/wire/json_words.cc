#include "wire/json_words.h"

#include <fmt/format.h>

#include <algorithm>

namespace wire {
namespace {

using api::Kind;

constexpr std::string_view kDynamoPackage = "com.amazonaws.dynamodb.v20120810.";
constexpr std::string_view kCastText =
    "class sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl cannot be cast to class "
    "java.lang.Class (sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl and "
    "java.lang.Class are in module java.base of loader 'bootstrap')";

std::string_view java_name(Kind kind) {
  switch (kind) {
    case Kind::kBoolean: return "Boolean";
    case Kind::kInteger: return "Integer";
    case Kind::kLong: return "Long";
    case Kind::kFloat: return "Float";
    case Kind::kDouble: return "Double";
    case Kind::kBlob: return "Blob";
    case Kind::kTimestamp: return "Date";
    default: return "String";
  }
}

std::string_view token_name(JsonFound found) {
  switch (found) {
    case JsonFound::kTrue: return "TRUE_VALUE";
    case JsonFound::kFalse: return "FALSE_VALUE";
    case JsonFound::kInteger: return "NUMBER_VALUE";
    case JsonFound::kDecimal: return "DECIMAL_VALUE";
    default: return "STRING_VALUE";
  }
}

std::string_view coral_class(JsonFound found) {
  switch (found) {
    case JsonFound::kString: return "class java.lang.String";
    case JsonFound::kTrue:
    case JsonFound::kFalse: return "class java.lang.Boolean";
    default: return "class com.amazon.coral.value.json.numbers.TruncatingBigNumber";
  }
}

bool is_aggregate(Kind kind) {
  return kind == Kind::kList || kind == Kind::kMap || kind == Kind::kStructure ||
         kind == Kind::kUnion;
}

// What Coral's services say of a scalar where an aggregate belongs.
std::string_view expected_text(Kind kind) {
  if (kind == Kind::kList) return "Expected list or null";
  if (kind == Kind::kMap) return "Expected map or null";
  return "Expected null";
}

std::string upper(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return out;
}

std::string coral_text(const JsonMismatch& m, bool modern) {
  if (m.found == JsonFound::kArray) return "Start of list found where not expected";
  if (m.found == JsonFound::kObject) return "Start of structure or map found where not expected.";
  if (is_aggregate(m.wanted.kind)) return std::string(expected_text(m.wanted.kind));
  const std::string_view what = modern ? token_name(m.found) : coral_class(m.found);
  if (m.wanted.kind == Kind::kTimestamp)
    return fmt::format("{} can not be converted to milliseconds since epoch", what);
  if (m.wanted.kind == Kind::kBoolean && m.found == JsonFound::kString && !modern)
    return fmt::format("'{}' can not be converted to an Boolean", upper(m.text));
  const std::string_view name = java_name(m.wanted.kind);
  // Kinesis says "an String", "an Long" and "an Boolean", but "a Blob".
  const bool an = modern ? m.wanted.kind == Kind::kInteger : m.wanted.kind != Kind::kBlob;
  return fmt::format("{} can not be converted to {} {}", what, an ? "an" : "a", name);
}

std::string dynamo_class(const api::Shape& shape) {
  switch (shape.kind) {
    case Kind::kList: return fmt::format("java.util.List<{}>", dynamo_class(*shape.element));
    case Kind::kMap:
      return fmt::format("java.util.Map<java.lang.String, {}>", dynamo_class(*shape.element));
    case Kind::kStructure:
    case Kind::kUnion: return fmt::format("{}{}", kDynamoPackage, shape.name);
    case Kind::kBlob: return "java.nio.ByteBuffer";
    case Kind::kTimestamp: return "java.util.Date";
    default: return fmt::format("java.lang.{}", java_name(shape.kind));
  }
}

std::string dynamo_text(const JsonMismatch& m) {
  const Kind kind = m.wanted.kind;
  if (m.found == JsonFound::kArray) {
    const std::string_view prefix = kind == Kind::kMap ? "" : "class ";
    return fmt::format("Unrecognized collection type {}{}", prefix, dynamo_class(m.wanted));
  }
  if (m.found == JsonFound::kObject) return "Start of structure or map found where not expected";
  if (kind == Kind::kList || kind == Kind::kMap)
    return std::string(m.nested ? kCastText : "Unexpected field type");
  if (kind == Kind::kStructure || kind == Kind::kUnion)
    return m.nested ? "Unexpected value type in payload" : "Unexpected field type";
  if (kind == Kind::kBlob) return "only base-64-encoded strings are convertible to bytes";
  if (kind == Kind::kBoolean && m.found == JsonFound::kString)
    return "Unexpected token received from parser";
  return fmt::format("{} cannot be converted to {}", token_name(m.found), java_name(kind));
}

bool is_base64(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
         c == '/';
}

// The first character that has no place: a foreign one, or padding that is not at the end.
std::string_view stray_character(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool padding = text[i] == '=' && (i + 1 == text.size() || text[i + 1] == '=');
    if (!is_base64(text[i]) && !padding) return text.substr(i, 1);
  }
  return {};
}

}  // namespace

std::string mismatch_text(JsonFlavour flavour, const JsonMismatch& mismatch) {
  switch (flavour) {
    case JsonFlavour::kDynamo: return dynamo_text(mismatch);
    case JsonFlavour::kKinesis: return coral_text(mismatch, false);
    case JsonFlavour::kModern: return coral_text(mismatch, true);
  }
  return {};
}

std::string bad_base64_text(JsonFlavour flavour, std::string_view text) {
  std::string why = "Invalid last non-pad Base64 character dectected";
  if (text.size() % 4 != 0) {
    why = fmt::format("Base64 encoded length is expected a multiple of 4 bytes but found: {}",
                      text.size());
  } else if (flavour != JsonFlavour::kDynamo) {
    const std::string_view stray = stray_character(text);
    if (!stray.empty()) why = fmt::format("Invalid Base64 character: '{}'", stray);
  }
  if (flavour == JsonFlavour::kDynamo) return why;
  return fmt::format("'{}' can not be converted to a Blob: {}", text, why);
}

}  // namespace wire
