#include "client/item_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/encoding.h"

namespace client {
namespace {

namespace d = api::dynamodb;
using base::ErrorCode;

struct Operator {
  std::string_view sign;
  std::string_view form;  // {0} the path, {1} the value
};
// Longer ones first.
constexpr std::array<Operator, 8> kOperators = {{{"!=", "{0} <> {1}"},
                                                 {"<=", "{0} <= {1}"},
                                                 {">=", "{0} >= {1}"},
                                                 {"^=", "begins_with({0}, {1})"},
                                                 {"~=", "contains({0}, {1})"},
                                                 {"=", "{0} = {1}"},
                                                 {"<", "{0} < {1}"},
                                                 {">", "{0} > {1}"}}};

std::string trimmed(std::string_view text) {
  const std::size_t from = text.find_first_not_of(' ');
  if (from == std::string_view::npos) return {};
  return std::string(text.substr(from, text.find_last_not_of(' ') - from + 1));
}

bool is_number(std::string_view text) {
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  const std::size_t e = text.find_first_of("eE");
  std::string_view exponent = e == std::string_view::npos ? "0" : text.substr(e + 1);
  if (exponent.starts_with('-') || exponent.starts_with('+')) exponent.remove_prefix(1);
  const std::string_view digits = text.substr(0, e);
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  return !exponent.empty() && std::ranges::all_of(exponent, is_digit) &&
         std::ranges::count(digits, '.') <= 1 && std::ranges::any_of(digits, is_digit) &&
         std::ranges::all_of(digits, [&](char c) { return c == '.' || is_digit(c); });
}

// "a.b[0]" -> "#n0.#n1[0]"
std::string path(const std::string& text, Words& words) {
  std::string out;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find('.', at), text.size());
    const std::string part = text.substr(at, end - at);
    const std::size_t bracket = std::min(part.find('['), part.size());
    const std::string holder = fmt::format("#n{}", words.names.size());
    words.names[holder] = part.substr(0, bracket);
    out += (out.empty() ? "" : ".") + holder + part.substr(bracket);
    at = end + 1;
  }
  return out;
}

std::string hold(Value value, Words& words) {
  std::string holder = fmt::format(":v{}", words.values.size());
  words.values[holder] = std::move(value);
  return holder;
}

base::Result<std::string> one_filter(const std::string& where, const KeyTypes& types,
                                     Words& words) {
  const std::size_t at = where.find_first_of("=<>^~!", where.starts_with('!') ? 1 : 0);
  if (at == std::string::npos) {
    const bool absent = where.starts_with('!');
    const std::string name = trimmed(where.substr(absent ? 1 : 0));
    if (!name.empty())
      return fmt::format("{}({})", absent ? "attribute_not_exists" : "attribute_exists",
                         path(name, words));
  }
  const std::string name = trimmed(where.substr(0, at));
  for (const Operator& op : kOperators) {
    if (at == std::string::npos || name.empty() || where.compare(at, op.sign.size(), op.sign) != 0)
      continue;
    const std::string text = trimmed(where.substr(at + op.sign.size()));
    auto value = types.contains(name) ? key_value(types, name, text)
                                      : base::Result<Value>(guessed_value(text));
    if (!value) return std::unexpected(std::move(value).error());
    const std::string held = hold(*std::move(value), words);
    return fmt::format(fmt::runtime(op.form), path(name, words), held);
  }
  return base::error(
      ErrorCode::kInvalidArgument,
      "--where wants NAME=VALUE (or != < <= > >=, ^= begins with, ~= contains), NAME "
      "or !NAME, not '" +
          where + "'");
}

}  // namespace

std::vector<std::string> KeyNames::all() const {
  if (range.empty()) return {hash};
  return {hash, range};
}

base::Result<std::optional<KeyNames>> key_names(const d::TableDescription& table,
                                                const std::string& index) {
  std::optional<std::vector<d::KeySchemaElement>> schema;
  if (index.empty()) schema = table.key_schema;
  if (!index.empty() && table.global_secondary_indexes)
    for (const auto& one : *table.global_secondary_indexes)
      if (one.index_name == index) schema = one.key_schema;
  if (!index.empty() && table.local_secondary_indexes)
    for (const auto& one : *table.local_secondary_indexes)
      if (one.index_name == index) schema = one.key_schema;
  if (!schema) return std::optional<KeyNames>();
  KeyNames names;
  for (const auto& element : *schema) {
    std::string& name = element.key_type == "HASH" ? names.hash : names.range;
    if (!name.empty())
      return base::error(
          ErrorCode::kInvalidArgument,
          "index " + index +
              " has keys of several attributes; aws dynamodb query can ask for them");
    name = element.attribute_name.value_or("");
  }
  return std::optional(names);
}

KeyTypes key_types(const d::TableDescription& table) {
  KeyTypes types;
  if (table.attribute_definitions)
    for (const auto& one : *table.attribute_definitions)
      types[one.attribute_name.value_or("")] = one.attribute_type.value_or("");
  return types;
}

base::Result<Value> key_value(const KeyTypes& types, const std::string& name,
                              const std::string& text) {
  const auto at = types.find(name);
  const std::string type = at == types.end() ? "S" : at->second;
  if (type == "N") {
    if (is_number(text)) return Value::of_n(text);
    return base::error(ErrorCode::kInvalidArgument,
                       fmt::format("{} is a number, which '{}' is not", name, text));
  }
  if (type != "B") return Value::of_s(text);
  auto bytes = base::from_base64(text);
  if (!bytes)
    return base::error(ErrorCode::kInvalidArgument,
                       fmt::format("{} is binary: give it in base64, not '{}'", name, text));
  return Value::of_b(*std::move(bytes));
}

Value guessed_value(const std::string& text) {
  if (is_number(text)) return Value::of_n(text);
  if (text == "true" || text == "false") return Value::of_bool(text == "true");
  if (text == "null") return Value::of_null(true);
  if (text.size() >= 2 && text.starts_with('"') && text.ends_with('"'))
    return Value::of_s(text.substr(1, text.size() - 2));
  return Value::of_s(text);
}

base::Result<Words> filter_words(const std::vector<std::string>& wheres, const KeyTypes& types) {
  Words words;
  for (const std::string& where : wheres) {
    auto one = one_filter(where, types, words);
    if (!one) return std::unexpected(std::move(one).error());
    words.expression += (words.expression.empty() ? "" : " AND ") + *one;
  }
  return words;
}

base::Result<Words> key_words(const KeyNames& keys, const KeyTypes& types, const std::string& hash,
                              const RangeWords& range) {
  Words words;
  words.names["#h"] = keys.hash;
  auto hash_value = key_value(types, keys.hash, hash);
  if (!hash_value) return std::unexpected(std::move(hash_value).error());
  words.values[":h"] = *std::move(hash_value);
  words.expression = "#h = :h";
  const auto add = [&](const std::optional<std::string>& text, const std::string& holder,
                       std::string_view form) -> base::Status {
    if (!text) return {};
    if (keys.range.empty())
      return base::error(ErrorCode::kInvalidArgument,
                         "there is no range key: each " + keys.hash + " has one item");
    auto value = key_value(types, keys.range, *text);
    if (!value) return std::unexpected(std::move(value).error());
    words.names["#r"] = keys.range;
    words.values[holder] = *std::move(value);
    words.expression += form;
    return {};
  };
  const bool both = range.from && range.to;
  RETURN_IF_ERROR(add(range.equals, ":e", " AND #r = :e"));
  RETURN_IF_ERROR(add(range.begins, ":b", " AND begins_with(#r, :b)"));
  RETURN_IF_ERROR(
      add(range.from, ":from", both ? " AND #r BETWEEN :from AND :to" : " AND #r >= :from"));
  RETURN_IF_ERROR(add(range.to, ":to", both ? "" : " AND #r <= :to"));
  return words;
}

}  // namespace client
