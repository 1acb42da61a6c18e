#include <fmt/format.h>

#include <algorithm>

#include "base/digest.h"
#include "base/encoding.h"
#include "stacks/serverless.h"

namespace stacks::serverless {

namespace {

// As JSON with sorted names and nothing but ASCII: the text that ids are counted from.
void append_text(std::string& out, std::string_view value) {
  out += '"';
  for (std::size_t i = 0; i < value.size();) {
    const auto byte = static_cast<unsigned char>(value[i]);
    if (byte < 0x80) {
      static constexpr std::string_view kShort = "\"\\\b\f\n\r\t";
      static constexpr std::string_view kLetters = "\"\\bfnrt";
      const auto at = kShort.find(value[i++]);
      if (at != std::string_view::npos) (out += '\\') += kLetters[at];
      else if (byte < 0x20) out += fmt::format("\\u{:04x}", byte);
      else out += static_cast<char>(byte);
      continue;
    }
    const int more = byte >= 0xf0 ? 3 : byte >= 0xe0 ? 2 : 1;
    std::uint32_t point = byte & (0x3f >> more);
    for (int k = 1; k <= more && i + k < value.size(); ++k)
      point = (point << 6) | (static_cast<unsigned char>(value[i + k]) & 0x3f);
    i += more + 1;
    if (point < 0x10000) out += fmt::format("\\u{:04x}", point);
    else
      out += fmt::format("\\u{:04x}\\u{:04x}", 0xd800 + ((point - 0x10000) >> 10),
                         0xdc00 + ((point - 0x10000) & 0x3ff));
  }
  out += '"';
}

void append_sorted(std::string& out, const Value& value) {
  if (value.is_object()) {
    std::vector<std::size_t> order(value.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::sort(order.begin(), order.end(),
              [&](std::size_t a, std::size_t b) { return value.keys()[a] < value.keys()[b]; });
    out += '{';
    for (std::size_t i = 0; i < order.size(); ++i) {
      if (i > 0) out += ',';
      append_text(out, value.keys()[order[i]]);
      out += ':';
      append_sorted(out, value.items()[order[i]]);
    }
    out += '}';
  } else if (value.is_list()) {
    out += '[';
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (i > 0) out += ',';
      append_sorted(out, value.items()[i]);
    }
    out += ']';
  } else if (value.is_string()) {
    append_text(out, value.text());
  } else {
    out += to_json(value);
  }
}

}  // namespace

std::unexpected<base::Error> refuse(std::string_view id, std::string_view message) {
  return base::error(
      base::ErrorCode::kInvalidArgument,
      fmt::format("Transform {} failed with: Invalid Serverless Application Specification "
                  "document. Number of errors found: 1. Resource with id [{}] is invalid. {}",
                  kTransform, id, message));
}

Value attribute_of(std::string_view id, std::string_view name) {
  return Value::object({"Fn::GetAtt"}, {Value::list({text(id), text(name)})});
}

Value arn_of(std::string_view service, std::string_view rest, Value variables) {
  const bool global = service == "s3";
  Value pattern = text(fmt::format("arn:${{AWS::Partition}}:{}:{}:{}", service,
                                   global ? ":" : "${AWS::Region}:${AWS::AccountId}", rest));
  if (variables.is_null()) return Value::object({"Fn::Sub"}, {std::move(pattern)});
  return Value::object({"Fn::Sub"}, {Value::list({std::move(pattern), std::move(variables)})});
}

Value allow(Value action, Value resource) {
  return Value::object({"Action", "Effect", "Resource"},
                       {std::move(action), text("Allow"), std::move(resource)});
}

Value tags_of(const Value* tags, bool marked) {
  Value made = Value::list();
  if (marked) made.push(Value::object({"Key", "Value"}, {text("lambda:createdBy"), text("SAM")}));
  for (std::size_t i = 0; tags != nullptr && tags->is_object() && i < tags->size(); ++i)
    made.push(Value::object({"Key", "Value"}, {text(tags->keys()[i]), tags->items()[i]}));
  return made;
}

base::Result<Value> location_of(std::string_view id, std::string_view property,
                                const Value& where) {
  if (where.is_object()) {
    const Value* bucket = where.find("Bucket");
    const Value* key = where.find("Key");
    if (bucket == nullptr || key == nullptr)
      return refuse(
          id, fmt::format("'{}' requires Bucket and Key properties to be specified.", property));
    Value code = Value::object({"S3Bucket", "S3Key"}, {*bucket, *key});
    if (const Value* version = where.find("Version")) code.set("S3ObjectVersion", *version);
    return code;
  }
  std::string_view address = where.text();
  const auto slash = address.find('/', 5);
  if (!address.starts_with("s3://") || slash == std::string_view::npos ||
      slash + 1 == address.size())
    return refuse(id, fmt::format("'{}' is not a valid S3 Uri of the form 's3://bucket/key' with "
                                  "optional versionId query parameter.",
                                  property));
  std::string_view key = address.substr(slash + 1);
  static constexpr std::string_view kVersion = "?versionId=";
  const auto version = key.find(kVersion);
  Value code = Value::object({"S3Bucket", "S3Key"},
                             {text(address.substr(5, slash - 5)), text(key.substr(0, version))});
  if (version != std::string_view::npos)
    code.set("S3ObjectVersion", text(key.substr(version + kVersion.size())));
  return code;
}

std::string digits_of(const Value& content) {
  std::string counted;
  append_sorted(counted, content);
  return base::hex(base::sha1(counted)).substr(0, 10);
}

Value with_parameters(const Value& value, const Parameters& parameters) {
  if (value.is_list()) {
    Value made = Value::list();
    for (const Value& item : value.items()) made.push(with_parameters(item, parameters));
    return made;
  }
  if (!value.is_object()) return value;
  if (const auto found = parameters.find(value.text_of("Ref"));
      value.size() == 1 && found != parameters.end())
    return text(found->second);
  Value made = Value::object();
  for (std::size_t i = 0; i < value.size(); ++i)
    made.set(value.keys()[i], with_parameters(value.items()[i], parameters));
  return made;
}

Value resource_like(const Value& origin, std::string_view type, Value properties) {
  Value made = Value::object({"Type", "Properties"}, {text(type), std::move(properties)});
  for (const char* name : {"Condition", "DeletionPolicy", "UpdateReplacePolicy"})
    if (const Value* attribute = origin.find(name)) made.set(name, *attribute);
  return made;
}

Value merge_globals(const Value& global, const Value& own) {
  if (global.is_list() && own.is_list()) {
    Value joined = global;
    for (const Value& item : own.items()) joined.push(item);
    return joined;
  }
  const auto is_function = [](const Value& value) {
    return value.size() == 1 && (value.keys()[0] == "Ref" || value.keys()[0] == "Condition" ||
                                 value.keys()[0].starts_with("Fn::"));
  };
  if (!global.is_object() || !own.is_object() || is_function(global) || is_function(own))
    return own;
  Value merged = global;
  for (std::size_t i = 0; i < own.size(); ++i) {
    const std::string& name = own.keys()[i];
    const Value* below = global.find(name);
    merged.set(name, below == nullptr ? own.items()[i] : merge_globals(*below, own.items()[i]));
  }
  return merged;
}

}  // namespace stacks::serverless
