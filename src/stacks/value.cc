#include "stacks/value.h"

#include <algorithm>

#include "base/check.h"

namespace stacks {

Value Value::boolean(bool value) {
  Value made;
  made.kind_ = Kind::kBool;
  made.text_ = value ? "true" : "false";
  return made;
}

Value Value::number(std::string text) {
  Value made;
  made.kind_ = Kind::kNumber;
  made.text_ = std::move(text);
  return made;
}

Value Value::number(std::int64_t value) { return number(std::to_string(value)); }

Value Value::string(std::string text) {
  Value made;
  made.kind_ = Kind::kString;
  made.text_ = std::move(text);
  return made;
}

Value Value::list(std::vector<Value> items) {
  Value made;
  made.kind_ = Kind::kList;
  made.items_ = std::move(items);
  return made;
}

Value Value::object() {
  Value made;
  made.kind_ = Kind::kObject;
  return made;
}

Value Value::object(std::vector<std::string> keys, std::vector<Value> values) {
  CHECK(keys.size() == values.size());
  Value made = object();
  made.keys_ = std::move(keys);
  made.items_ = std::move(values);
  return made;
}

Value Value::unknown(std::string resource, std::string attribute) {
  Value made;
  made.kind_ = Kind::kUnknown;
  made.keys_ = {std::move(resource), std::move(attribute)};
  return made;
}

Value Value::no_value() {
  Value made;
  made.kind_ = Kind::kNoValue;
  return made;
}

const Value* Value::find(std::string_view key) const {
  if (kind_ != Kind::kObject) return nullptr;
  const auto at = std::find(keys_.begin(), keys_.end(), key);
  return at == keys_.end() ? nullptr : &items_[static_cast<std::size_t>(at - keys_.begin())];
}

Value* Value::find(std::string_view key) {
  return const_cast<Value*>(static_cast<const Value*>(this)->find(key));
}

std::string Value::text_of(std::string_view key, std::string_view otherwise) const {
  const Value* member = find(key);
  return member != nullptr && member->is_scalar() ? member->text_ : std::string(otherwise);
}

void Value::set(std::string key, Value value) {
  if (Value* member = find(key)) {
    *member = std::move(value);
    return;
  }
  kind_ = Kind::kObject;
  keys_.push_back(std::move(key));
  items_.push_back(std::move(value));
}

void Value::erase(std::string_view key) {
  if (kind_ != Kind::kObject) return;
  const auto at = std::find(keys_.begin(), keys_.end(), key);
  if (at == keys_.end()) return;
  items_.erase(items_.begin() + (at - keys_.begin()));
  keys_.erase(at);
}

namespace {

template <class SameScalar>
bool same(const Value& a, const Value& b, const SameScalar& same_scalar) {
  if (a.is_object() && b.is_object()) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i) {
      const Value* other = b.find(a.keys()[i]);
      if (other == nullptr || !same(a.items()[i], *other, same_scalar)) return false;
    }
    return true;
  }
  if (a.is_list() && b.is_list()) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i)
      if (!same(a.items()[i], b.items()[i], same_scalar)) return false;
    return true;
  }
  return same_scalar(a, b);
}

void append_escaped(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out += "\\u00";
          out += kHex[static_cast<unsigned char>(c) >> 4U];
          out += kHex[static_cast<unsigned char>(c) & 15U];
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

void append_json(std::string& out, const Value& value) {
  switch (value.kind()) {
    case Value::Kind::kNull:
    case Value::Kind::kNoValue: out += "null"; break;
    case Value::Kind::kBool:
    case Value::Kind::kNumber: out += value.text(); break;
    case Value::Kind::kString: append_escaped(out, value.text()); break;
    case Value::Kind::kUnknown: out += "\"{{changeSet:KNOWN_AFTER_APPLY}}\""; break;
    case Value::Kind::kList:
      out += '[';
      for (std::size_t i = 0; i < value.size(); ++i) {
        if (i > 0) out += ',';
        append_json(out, value.items()[i]);
      }
      out += ']';
      break;
    case Value::Kind::kObject:
      out += '{';
      for (std::size_t i = 0; i < value.size(); ++i) {
        if (i > 0) out += ',';
        append_escaped(out, value.keys()[i]);
        out += ':';
        append_json(out, value.items()[i]);
      }
      out += '}';
      break;
  }
}

}  // namespace

bool Value::operator==(const Value& other) const {
  return same(*this, other, [](const Value& a, const Value& b) {
    return a.kind_ == b.kind_ && a.text_ == b.text_ && a.keys_ == b.keys_;
  });
}

bool same_to_services(const Value& a, const Value& b) {
  return same(a, b, [](const Value& x, const Value& y) {
    if (x.is_scalar() && y.is_scalar()) return x.text() == y.text();
    return x.kind() == y.kind() && x.keys() == y.keys();
  });
}

bool contains_unknown(const Value& value) {
  if (value.is_unknown()) return true;
  return std::any_of(value.items().begin(), value.items().end(), contains_unknown);
}

std::size_t bytes_of(const Value& value) {
  std::size_t bytes = value.text().size() + 8;
  for (const std::string& key : value.keys()) bytes += key.size() + 4;
  for (const Value& item : value.items()) bytes += bytes_of(item);
  return bytes;
}

Value with_scalars_as_text(const Value& value) {
  if (value.is_scalar()) return Value::string(value.text());
  if (value.is_list()) {
    Value list = Value::list();
    for (const Value& item : value.items()) list.push(with_scalars_as_text(item));
    return list;
  }
  if (value.is_object()) {
    std::vector<Value> values;
    for (const Value& item : value.items()) values.push_back(with_scalars_as_text(item));
    return Value::object(value.keys(), std::move(values));
  }
  return value;
}

std::string to_json(const Value& value) {
  std::string out;
  append_json(out, value);
  return out;
}

TextPosition position_of(std::string_view text, std::size_t offset) {
  TextPosition position;
  for (const char c : text.substr(0, std::min(offset, text.size()))) {
    if (c == '\n') {
      ++position.line;
      position.column = 1;
    } else {
      ++position.column;
    }
  }
  return position;
}

}  // namespace stacks
