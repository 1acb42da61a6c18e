#pragma once

// Value: a template's tree, and everything that is computed from it. Like JSON, with three
// differences: numbers keep the text they were written with (a template's "1.10" must not become
// "1.1"), members keep their order, and two kinds say what JSON cannot: a value that is known only
// once a resource exists (kUnknown) and the absence that AWS::NoValue stands for (kNoValue).
//
// A plain value type; not thread-safe. Depth is limited where values are parsed (kDepthMax), so
// recursion over a Value is bounded.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace stacks {

class Value {
 public:
  enum class Kind : std::uint8_t {
    kNull,
    kBool,
    kNumber,
    kString,
    kList,
    kObject,
    kUnknown,
    kNoValue
  };

  Value() = default;  // null
  static Value boolean(bool value);
  static Value number(std::string text);  // `text` is a JSON number
  static Value number(std::int64_t value);
  static Value string(std::string text);
  static Value list(std::vector<Value> items = {});
  static Value object();
  // Names and values side by side; no name twice.
  static Value object(std::vector<std::string> keys, std::vector<Value> values);
  // Known once `resource` is made; `attribute` is empty for its Ref.
  static Value unknown(std::string resource, std::string attribute);
  static Value no_value();

  Kind kind() const { return kind_; }
  bool is_null() const { return kind_ == Kind::kNull; }
  bool is_bool() const { return kind_ == Kind::kBool; }
  bool is_number() const { return kind_ == Kind::kNumber; }
  bool is_string() const { return kind_ == Kind::kString; }
  bool is_list() const { return kind_ == Kind::kList; }
  bool is_object() const { return kind_ == Kind::kObject; }
  bool is_unknown() const { return kind_ == Kind::kUnknown; }
  bool is_no_value() const { return kind_ == Kind::kNoValue; }
  // A string, number or boolean: what CloudFormation lets stand for a string.
  bool is_scalar() const { return is_string() || is_number() || is_bool(); }

  // The text of a scalar ("true" for booleans); empty for everything else.
  const std::string& text() const { return text_; }
  bool as_bool() const { return kind_ == Kind::kBool && text_ == "true"; }

  // Elements of a list, values of an object's members.
  const std::vector<Value>& items() const { return items_; }
  std::size_t size() const { return items_.size(); }
  bool empty() const { return items_.empty(); }
  void push(Value item) { items_.push_back(std::move(item)); }

  // An object's names, in order, beside items().
  const std::vector<std::string>& keys() const { return keys_; }
  const Value* find(std::string_view key) const;  // nullptr: not there, or not an object
  Value* find(std::string_view key);
  bool has(std::string_view key) const { return find(key) != nullptr; }
  // The text of a scalar member; `otherwise` if there is none.
  std::string text_of(std::string_view key, std::string_view otherwise = "") const;
  void set(std::string key, Value value);  // replaces a member of that name
  void erase(std::string_view key);

  // Objects are equal whatever the order of their members.
  bool operator==(const Value& other) const;

 private:
  Kind kind_ = Kind::kNull;
  std::string text_;
  std::vector<Value> items_;
  std::vector<std::string> keys_;
};

inline constexpr std::size_t kDepthMax = 100;  // levels of lists and objects

// Equal when scalars count as equal by their text: what a service makes of "1" and 1.
bool same_to_services(const Value& a, const Value& b);
bool contains_unknown(const Value& value);
// Bytes that the value's text takes, roughly: for budgets.
std::size_t bytes_of(const Value& value);
// Every scalar as a string, as custom resources receive them.
Value with_scalars_as_text(const Value& value);

// Compact JSON. What is not known yet is written as CloudFormation's change sets write it.
std::string to_json(const Value& value);

// Where a parser stopped: 1-based.
struct TextPosition {
  std::size_t line = 1;
  std::size_t column = 1;
};
TextPosition position_of(std::string_view text, std::size_t offset);

// JSON (RFC 8259), UTF-8. Of two members with one name the last one counts, as on AWS.
// kInvalidArgument: "JSON not well-formed. (line 1, column 25)".
base::Result<Value> parse_json(std::string_view text, std::size_t depth_max = kDepthMax);

bool is_json_number(std::string_view text);

}  // namespace stacks
