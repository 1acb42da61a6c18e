#include "client/item_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>

#include "base/encoding.h"
#include "wire/json_codec.h"

namespace client {
namespace {

using Kind = Value::Member;

constexpr std::size_t kCellCharactersMin = 8;

void append_plain(std::string& out, const Value& value);

template <class T, class Append>
void append_array(std::string& out, const std::vector<T>& values, Append append) {
  out += '[';
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i > 0) out += ',';
    append(values[i]);
  }
  out += ']';
}

template <class Append>
void append_object(std::string& out, const Item& item, Append append) {
  out += '{';
  bool first = true;
  for (const auto& [name, value] : item) {
    if (!std::exchange(first, false)) out += ',';
    wire::append_json_string(out, name);
    out += ':';
    append(value);
  }
  out += '}';
}

void append_plain(std::string& out, const Value& value) {
  const auto text = [&out](const std::string& s) { wire::append_json_string(out, s); };
  const auto bytes = [&out](const std::string& b) {
    wire::append_json_string(out, base::base64(b));
  };
  const auto number = [&out](const std::string& n) { out += n; };
  const auto any = [&out](const Value& v) { append_plain(out, v); };
  switch (value.member()) {
    case Kind::kS: return text(value.s());
    case Kind::kN: return number(value.n());
    case Kind::kB: return bytes(value.b());
    case Kind::kSS: return append_array(out, value.ss(), text);
    case Kind::kNS: return append_array(out, value.ns(), number);
    case Kind::kBS: return append_array(out, value.bs(), bytes);
    case Kind::kL: return append_array(out, value.l(), any);
    case Kind::kM: return append_object(out, value.m(), any);
    case Kind::kBOOL: out += value.is_bool() && value.bool_() ? "true" : "false"; return;
    case Kind::kNULL:
    case Kind::kNone: out += "null"; return;
  }
}

std::string cut(const std::string& text, std::size_t characters, const DrawStyle& style) {
  if (characters_of(text) <= characters) return text;
  std::size_t bytes = 0;
  for (std::size_t seen = 0; bytes < text.size(); ++bytes) {
    const bool begins = (static_cast<unsigned char>(text[bytes]) & 0xC0) != 0x80;
    if (begins && seen++ == characters - 1) break;
  }
  return text.substr(0, bytes) + (style.unicode ? "…" : "~");
}

// Keys, then those that most items have, then by name.
std::vector<std::string> names_in_order(const std::vector<Item>& items,
                                        const std::vector<std::string>& keys) {
  std::map<std::string, std::size_t> counts;
  for (const Item& item : items)
    for (const auto& [name, value] : item) ++counts[name];
  std::vector<std::string> names = keys;
  std::vector<std::pair<std::size_t, std::string>> others;
  for (const auto& [name, count] : counts)
    if (std::ranges::find(keys, name) == keys.end()) others.emplace_back(count, name);
  std::ranges::sort(others, [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : a.second < b.second;
  });
  for (auto& [count, name] : others) names.push_back(std::move(name));
  return names;
}

bool all_numbers(const std::vector<Item>& items, const std::string& name) {
  return std::ranges::all_of(items, [&name](const Item& item) {
    const auto at = item.find(name);
    return at == item.end() || at->second.is_n();
  });
}

// A decimal number as its digits without zeros at the ends, and where its point is.
struct Decimal {
  bool negative = false;
  std::string digits;
  long exponent = 0;
  bool operator==(const Decimal&) const = default;
};

Decimal decimal(std::string_view text) {
  Decimal made;
  if (text.starts_with('-')) made.negative = true;
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  const std::size_t e = text.find_first_of("eE");
  if (e != std::string_view::npos)
    made.exponent = std::strtol(std::string(text.substr(e + 1)).c_str(), nullptr, 10);
  bool fraction = false;
  for (const char c : text.substr(0, e)) {
    if (c == '.') fraction = true;
    else made.digits += c;
    if (c != '.' && fraction) --made.exponent;
  }
  made.digits.erase(0, made.digits.find_first_not_of('0'));
  for (; made.digits.ends_with('0'); ++made.exponent) made.digits.pop_back();
  if (made.digits.empty()) return {};
  return made;
}

}  // namespace

std::string value_text(const Value& value) {
  switch (value.member()) {
    case Kind::kS: return visible(value.s());
    case Kind::kN: return value.n();
    case Kind::kB: return "base64:" + base::base64(value.b());
    case Kind::kSS: {
      std::vector<std::string> shown;
      for (const std::string& one : value.ss()) shown.push_back(visible(one));
      return fmt::format("{{{}}}", fmt::join(shown, ", "));
    }
    case Kind::kNS: return fmt::format("{{{}}}", fmt::join(value.ns(), ", "));
    default: {
      std::string out;
      append_plain(out, value);
      return visible(out);
    }
  }
}

std::string type_text(const Value& value) {
  switch (value.member()) {
    case Kind::kS: return "string";
    case Kind::kN: return "number";
    case Kind::kB: return "binary";
    case Kind::kSS: return "string set";
    case Kind::kNS: return "number set";
    case Kind::kBS: return "binary set";
    case Kind::kM: return "map";
    case Kind::kL: return "list";
    case Kind::kBOOL: return "boolean";
    case Kind::kNULL: return "null";
    case Kind::kNone: return "";
  }
  return "";
}

std::string items_table(const std::vector<Item>& items, const std::vector<std::string>& keys,
                        const ItemTableStyle& style) {
  const auto names = style.columns.empty() ? names_in_order(items, keys) : style.columns;
  TextTable table;
  table.rows.resize(items.size());
  std::vector<std::string> left_out;
  for (const std::string& name : names) {
    TextTable wider = table;
    wider.columns.push_back({visible(name), all_numbers(items, name)});
    for (std::size_t i = 0; i < items.size(); ++i) {
      const auto at = items[i].find(name);
      const std::string text = at == items[i].end() ? "" : value_text(at->second);
      wider.rows[i].push_back(style.whole ? text : cut(text, kCellCharactersMax, style.draw));
    }
    const bool fits = style.whole || style.draw.characters_max == 0 || table.columns.empty() ||
                      wider.characters() <= style.draw.characters_max;
    if (fits) table = std::move(wider);
    else left_out.push_back(visible(name));
  }
  std::string out = table.draw(style.draw);
  if (!left_out.empty())
    out += fmt::format("Not shown for want of room: {} (--columns, --wide, --json)\n",
                       fmt::join(left_out, ", "));
  return out;
}

std::string item_table(const Item& item, const std::vector<std::string>& keys,
                       const ItemTableStyle& style) {
  TextTable table;
  table.columns = {{"attribute"}, {"type"}, {"value"}};
  for (const std::string& name :
       style.columns.empty() ? names_in_order({item}, keys) : style.columns) {
    const auto at = item.find(name);
    if (at == item.end()) continue;
    table.rows.push_back({visible(name), type_text(at->second), value_text(at->second)});
  }
  const std::size_t width = table.characters();
  if (style.whole || style.draw.characters_max == 0 || width <= style.draw.characters_max)
    return table.draw(style.draw);
  std::size_t widest = 0;
  for (const auto& row : table.rows) widest = std::max(widest, characters_of(row.back()));
  const std::size_t too_much = width - style.draw.characters_max;
  const std::size_t room =
      widest > too_much + kCellCharactersMin ? widest - too_much : kCellCharactersMin;
  for (auto& row : table.rows) row.back() = cut(row.back(), room, style.draw);
  return table.draw(style.draw);
}

std::string plain_json(const Item& item) {
  std::string out;
  append_object(out, item, [&out](const Value& value) { append_plain(out, value); });
  return out;
}

std::string typed_json(const Item& item) {
  std::string out;
  append_object(out, item, [&out](const Value& value) {
    wire::append_json(out, api::dynamodb::kAttributeValueShape, &value);
  });
  return out;
}

bool same_key(const Value& a, const Value& b) {
  if (a.member() != b.member()) return false;
  if (a.is_n()) return decimal(a.n()) == decimal(b.n());
  return a.is_s() ? a.s() == b.s() : a.is_b() && a.b() == b.b();
}

}  // namespace client
