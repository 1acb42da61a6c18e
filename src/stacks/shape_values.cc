#include "stacks/shape_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/check.h"
#include "base/clock.h"
#include "base/encoding.h"
#include "base/time_text.h"

namespace stacks {

namespace {

std::string_view type_name(api::Kind kind) {
  switch (kind) {
    case api::Kind::kBoolean: return "Boolean";
    case api::Kind::kInteger:
    case api::Kind::kLong: return "Integer";
    case api::Kind::kFloat:
    case api::Kind::kDouble: return "Number";
    case api::Kind::kString:
    case api::Kind::kBlob:
    case api::Kind::kTimestamp: return "String";
    case api::Kind::kList: return "JSONArray";
    case api::Kind::kMap:
    case api::Kind::kStructure:
    case api::Kind::kUnion: return "JSONObject";
  }
  return "";
}

std::string_view type_name(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::kBool: return "Boolean";
    case Value::Kind::kNumber: return "Integer";
    case Value::Kind::kString: return "String";
    case Value::Kind::kList: return "JSONArray";
    case Value::Kind::kObject: return "JSONObject";
    default: return "Null";
  }
}

std::string wrong_type(const api::Shape& shape, const Value& value, const std::string& path) {
  return fmt::format("{}: expected type: {}, found: {}", path, type_name(shape.kind),
                     type_name(value));
}

std::optional<std::int64_t> integer_of(const Value& value) {
  if (!value.is_string() && !value.is_number()) return std::nullopt;
  const std::string& text = value.text();
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc()) return std::nullopt;
  // "5.0" is an integer to CloudFormation.
  if (*end == '.' &&
      std::all_of(end + 1, text.data() + text.size(), [](char c) { return c == '0'; }))
    return number;
  return end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

std::optional<double> double_of(const Value& value) {
  if (!value.is_string() && !value.is_number()) return std::nullopt;
  const std::string& text = value.text();
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<bool> bool_of(const Value& value) {
  if (value.is_bool()) return value.as_bool();
  if (!value.is_string()) return std::nullopt;
  if (value.text() == "true" || value.text() == "True") return true;
  if (value.text() == "false" || value.text() == "False") return false;
  return std::nullopt;
}

bool same_name(std::string_view a, std::string_view b) {
  const auto lower = [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  };
  return a.size() == b.size() && !a.empty() && lower(a[0]) == lower(b[0]) &&
         a.substr(1) == b.substr(1);
}

const api::Member* find_member(const api::Shape& shape, std::string_view name) {
  for (const api::Member& member : shape.members)
    if (same_name(member.name, name)) return &member;
  return nullptr;
}

// JSON written into a property that the API takes as text (policy documents) is text.
std::string text_for(const Value& value) {
  return value.is_object() || value.is_list() ? to_json(value) : value.text();
}

// What a scalar of this shape cannot be; empty: it can.
bool scalar_fits(const api::Shape& shape, const Value& value) {
  switch (shape.kind) {
    case api::Kind::kBoolean: return bool_of(value).has_value();
    case api::Kind::kInteger:
    case api::Kind::kLong: return integer_of(value).has_value();
    case api::Kind::kFloat:
    case api::Kind::kDouble: return double_of(value).has_value();
    case api::Kind::kString:
    case api::Kind::kBlob: return !value.is_null() && !value.is_unknown();
    case api::Kind::kTimestamp: return value.is_scalar();
    default: return false;
  }
}

}  // namespace

base::Status fill(const api::Shape& shape, void* object, const Value& value, std::string path) {
  const auto refuse = [&](std::string message) {
    return base::error(base::ErrorCode::kInvalidArgument, std::move(message));
  };
  switch (shape.kind) {
    case api::Kind::kStructure:
    case api::Kind::kUnion:
      if (!value.is_object()) return refuse(wrong_type(shape, value, path));
      for (std::size_t i = 0; i < value.size(); ++i) {
        const api::Member* member = find_member(shape, value.keys()[i]);
        if (member == nullptr)
          return refuse(
              fmt::format("{}: extraneous key [{}] is not permitted", path, value.keys()[i]));
        RETURN_IF_ERROR(fill(*member->shape, member->emplace(object), value.items()[i],
                             path + "/" + value.keys()[i]));
      }
      return {};
    case api::Kind::kList:
      if (!value.is_list()) return refuse(wrong_type(shape, value, path));
      for (std::size_t i = 0; i < value.size(); ++i)
        RETURN_IF_ERROR(fill(*shape.element, shape.list->push(object), value.items()[i],
                             fmt::format("{}/{}", path, i)));
      return {};
    case api::Kind::kMap:
      if (!value.is_object()) return refuse(wrong_type(shape, value, path));
      for (std::size_t i = 0; i < value.size(); ++i)
        RETURN_IF_ERROR(fill(*shape.element, shape.map->insert(object, value.keys()[i]),
                             value.items()[i], path + "/" + value.keys()[i]));
      return {};
    default: break;
  }
  if (!scalar_fits(shape, value)) return refuse(wrong_type(shape, value, path));
  switch (shape.kind) {
    case api::Kind::kBoolean: *static_cast<bool*>(object) = *bool_of(value); break;
    case api::Kind::kInteger:
      *static_cast<std::int32_t*>(object) = static_cast<std::int32_t>(
          std::clamp<std::int64_t>(*integer_of(value), INT32_MIN, INT32_MAX));
      break;
    case api::Kind::kLong: *static_cast<std::int64_t*>(object) = *integer_of(value); break;
    case api::Kind::kFloat:
    case api::Kind::kDouble: *static_cast<double*>(object) = *double_of(value); break;
    case api::Kind::kString:
    case api::Kind::kBlob: *static_cast<std::string*>(object) = text_for(value); break;
    case api::Kind::kTimestamp: {
      const auto time = base::parse_iso8601(value.text());
      const auto seconds = double_of(value);
      if (!time && !seconds) return refuse(wrong_type(shape, value, path));
      *static_cast<base::Timestamp*>(object) =
          time ? *time : base::from_epoch_ms(static_cast<std::int64_t>(*seconds * 1000));
      break;
    }
    default: break;
  }
  return {};
}

Value to_value(const api::Shape& shape, const void* object) {
  switch (shape.kind) {
    case api::Kind::kBoolean: return Value::boolean(*static_cast<const bool*>(object));
    case api::Kind::kInteger: return Value::number(*static_cast<const std::int32_t*>(object));
    case api::Kind::kLong: return Value::number(*static_cast<const std::int64_t*>(object));
    case api::Kind::kFloat:
    case api::Kind::kDouble:
      return Value::number(fmt::format("{}", *static_cast<const double*>(object)));
    case api::Kind::kString: return Value::string(*static_cast<const std::string*>(object));
    case api::Kind::kBlob:
      return Value::string(base::base64(*static_cast<const std::string*>(object)));
    case api::Kind::kTimestamp:
      return Value::string(base::iso8601_ms(*static_cast<const base::Timestamp*>(object)));
    case api::Kind::kList: {
      Value list = Value::list();
      for (std::size_t i = 0; i < shape.list->size(object); ++i)
        list.push(to_value(*shape.element, shape.list->at(object, i)));
      return list;
    }
    case api::Kind::kMap: {
      struct Visiting {
        Value made = Value::object();
        const api::Shape* element;
      } visiting{.element = shape.element};
      shape.map->for_each(object, &visiting,
                          [](void* context, const std::string& key, const void* value) {
                            auto& in = *static_cast<Visiting*>(context);
                            in.made.set(key, to_value(*in.element, value));
                          });
      return std::move(visiting.made);
    }
    case api::Kind::kStructure:
    case api::Kind::kUnion: {
      Value made = Value::object();
      for (const api::Member& member : shape.members)
        if (const void* found = member.find(object))
          made.set(std::string(member.name), to_value(*member.shape, found));
      return made;
    }
  }
  return {};
}

void check_against(const api::Shape& shape, const Value& value, const std::string& path,
                   std::vector<std::string>& faults) {
  if (value.is_unknown()) return;
  switch (shape.kind) {
    case api::Kind::kStructure:
    case api::Kind::kUnion:
      if (!value.is_object()) return faults.push_back(wrong_type(shape, value, path));
      for (std::size_t i = 0; i < value.size(); ++i) {
        const api::Member* member = find_member(shape, value.keys()[i]);
        if (member == nullptr)
          faults.push_back(
              fmt::format("{}: extraneous key [{}] is not permitted", path, value.keys()[i]));
        else check_against(*member->shape, value.items()[i], path + "/" + value.keys()[i], faults);
      }
      return;
    case api::Kind::kList:
      if (!value.is_list()) return faults.push_back(wrong_type(shape, value, path));
      for (std::size_t i = 0; i < value.size(); ++i)
        check_against(*shape.element, value.items()[i], fmt::format("{}/{}", path, i), faults);
      return;
    case api::Kind::kMap:
      if (!value.is_object()) return faults.push_back(wrong_type(shape, value, path));
      for (std::size_t i = 0; i < value.size(); ++i)
        check_against(*shape.element, value.items()[i], path + "/" + value.keys()[i], faults);
      return;
    default:
      if (!scalar_fits(shape, value)) faults.push_back(wrong_type(shape, value, path));
  }
}

const api::Shape& member_shape(const api::Shape& structure, std::string_view name) {
  const api::Member* member = find_member(structure, name);
  CHECK(member != nullptr);
  return *member->shape;
}

}  // namespace stacks
