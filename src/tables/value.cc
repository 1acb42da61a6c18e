#include "tables/value.h"

#include <algorithm>
#include <array>
#include <set>
#include <unordered_set>

#include "base/encoding.h"
#include "tables/number.h"

namespace tables {

namespace {

constexpr std::array<std::string_view, 11> kNames = {"",   "S", "N", "B",    "SS",  "NS",
                                                     "BS", "M", "L", "NULL", "BOOL"};
constexpr std::string_view kInvalid = "One or more parameter values were invalid: ";

// How deep normalise() follows a value before anybody has bounded it: more than AWS takes, far less
// than the stack.
constexpr int kDepthBound = 200;

const std::vector<std::string>& elements(const Value& set) {
  switch (set.member()) {
    case Type::kSS: return set.ss();
    case Type::kNS: return set.ns();
    default: return set.bs();
  }
}

Value make_set(Type type, std::vector<std::string> elements) {
  switch (type) {
    case Type::kSS: return Value::of_ss(std::move(elements));
    case Type::kNS: return Value::of_ns(std::move(elements));
    default: return Value::of_bs(std::move(elements));
  }
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool has_duplicates(const std::vector<std::string>& list) {
  if (list.size() < 2) return false;
  std::unordered_set<std::string_view> seen;
  seen.reserve(list.size());
  return std::any_of(list.begin(), list.end(),
                     [&](const std::string& one) { return !seen.insert(one).second; });
}

std::string joined(const std::vector<std::string>& list, bool binary) {
  std::string text = "[";
  for (const auto& one : list) {
    if (text.size() > 1) text += ", ";
    text += binary ? base::base64(one) : one;
  }
  return text + "]";
}

std::optional<std::string> normalise_set(Value& value) {
  switch (value.member()) {
    case Type::kSS:
      if (value.ss().empty()) return std::string(kInvalid) + "An string set  may not be empty";
      if (has_duplicates(value.ss()))
        return std::string(kInvalid) + "Input collection " + joined(value.ss(), false) +
               " contains duplicates.";
      return std::nullopt;
    case Type::kNS:
      if (value.ns().empty()) return std::string(kInvalid) + "An number set  may not be empty";
      for (auto& number : value.ns()) {
        if (auto wrong = normalise_number(number)) return wrong;
      }
      if (has_duplicates(value.ns())) return "Input collection contains duplicates";
      return std::nullopt;
    default:
      if (value.bs().empty()) return std::string(kInvalid) + "Binary sets should not be empty";
      if (has_duplicates(value.bs()))
        return std::string(kInvalid) + "Input collection " + joined(value.bs(), true) +
               "of type BS contains duplicates.";
      return std::nullopt;
  }
}

std::optional<std::string> normalise_at(Value& value, int depth) {
  if (value.ambiguous && value.is_n()) {
    if (auto wrong = normalise_number(value.n())) return wrong;  // said first
  }
  if (value.ambiguous)
    return "Supplied AttributeValue has more than one datatypes set, must contain exactly one of "
           "the "
           "supported datatypes";
  if (depth > kDepthBound)
    return "Nesting Levels have exceeded supported limits: Attributes in the item have nested "
           "levels beyond supported limit";
  switch (value.member()) {
    case Type::kNone:
      return "Supplied AttributeValue is empty, must contain exactly one of the supported "
             "datatypes";
    case Type::kN: return normalise_number(value.n());
    case Type::kNULL:
      if (value.null()) return std::nullopt;
      return std::string(kInvalid) + "Null attribute value types must have the value of true";
    case Type::kSS:
    case Type::kNS:
    case Type::kBS: return normalise_set(value);
    case Type::kM:
      for (auto& [name, inner] : value.m()) {
        if (auto wrong = normalise_at(inner, depth + 1)) return wrong;
      }
      return std::nullopt;
    case Type::kL:
      for (auto& inner : value.l()) {
        if (auto wrong = normalise_at(inner, depth + 1)) return wrong;
      }
      return std::nullopt;
    case Type::kS:
    case Type::kB:
    case Type::kBOOL: return std::nullopt;
  }
  return std::nullopt;
}

// As storage_overhead(), of the value alone.
std::ptrdiff_t length_bytes(const Value& value) {
  std::ptrdiff_t bytes = 0;
  switch (value.member()) {
    case Type::kS: return text_length_bytes(value.s().size());
    case Type::kN:
    case Type::kB: return 1;
    case Type::kSS:
    case Type::kNS:
    case Type::kBS: return static_cast<std::ptrdiff_t>(elements(value).size()) + 1;
    case Type::kM:
      for (const auto& [name, inner] : value.m()) bytes += storage_overhead(name, inner);
      return bytes;
    case Type::kL:
      for (const auto& inner : value.l()) bytes += length_bytes(inner);
      return bytes;
    case Type::kNULL: return -1;
    case Type::kNone:
    case Type::kBOOL: return 0;
  }
  return bytes;
}

bool deeper_than(const Value& value, int levels) {
  if (!value.is_m() && !value.is_l()) return false;
  if (levels == 0) return true;
  if (value.is_m())
    return std::any_of(value.m().begin(), value.m().end(),
                       [&](const auto& entry) { return deeper_than(entry.second, levels - 1); });
  return std::any_of(value.l().begin(), value.l().end(),
                     [&](const Value& inner) { return deeper_than(inner, levels - 1); });
}

}  // namespace

std::string_view type_name(Type type) { return kNames[static_cast<std::size_t>(type)]; }

std::optional<Type> type_of_name(std::string_view name) {
  for (std::size_t i = 1; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<Type>(i);
  }
  return std::nullopt;
}

// Most numbers come as they are kept: short, without an exponent.
bool is_plain_number(std::string_view text) {
  if (text.empty() || text.size() > 18 || !is_digit(text[0])) return false;
  if (text[0] == '0' && text.size() > 1 && text[1] != '.') return false;
  std::size_t point = 0;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '.' && point == 0) point = i;
    else if (!is_digit(text[i])) return false;
  }
  return point == 0 || (text.back() != '.' && text.back() != '0');
}

std::optional<std::string> normalise_number(std::string& text) {
  if (is_plain_number(text)) return std::nullopt;
  const auto number = Number::parse(text);
  if (!number) return number.error();
  text = number->to_string();
  return std::nullopt;
}

std::optional<std::string> normalise(Value& value) { return normalise_at(value, 1); }

std::optional<std::string> normalise(Item& item) {
  for (auto& [name, value] : item) {
    if (name.empty()) return std::string(kInvalid) + std::string(kEmptyName);
    if (auto wrong = normalise(value)) return wrong;
  }
  return std::nullopt;
}

std::size_t number_size(std::string_view text) {
  const auto end = static_cast<int>(text.size());
  int first = -1, last = -1, point = end;  // of the digits but zeros
  for (int at = text.starts_with('-') ? 1 : 0; at < end; ++at) {
    const char c = text[static_cast<std::size_t>(at)];
    if (c == '.') {
      point = std::min(point, at);
    } else if (!is_digit(c)) {
      const auto number = Number::parse(text);
      return number ? static_cast<std::size_t>(number->stored_size()) : text.size();
    } else if (c != '0') {
      if (first < 0) first = at;
      last = at;
    }
  }
  if (first < 0) return 1;
  const int exponent = first < point ? point - first - 1 : point - first;
  const bool split = first < point && point < last;
  const int size = Number::stored_size(last - first + (split ? 0 : 1), exponent);
  return static_cast<std::size_t>(size) + (text.front() == '-' ? 1 : 0);
}

std::ptrdiff_t text_length_bytes(std::size_t size) {
  constexpr std::size_t kShort = 128, kMedium = 16'384;
  if (size < kShort) return 1;
  return size < kMedium ? 2 : 3;
}

std::size_t value_size(const Value& value) {
  std::size_t bytes = 0;
  switch (value.member()) {
    case Type::kNone: return 0;
    case Type::kS: return value.s().size();
    case Type::kN: return number_size(value.n());
    case Type::kB: return value.b().size();
    case Type::kNS:
      for (const auto& one : value.ns()) bytes += number_size(one);
      return bytes;
    case Type::kSS:
    case Type::kBS:
      for (const auto& one : elements(value)) bytes += one.size();
      return bytes;
    case Type::kM:
      bytes = 3;
      for (const auto& [name, inner] : value.m()) bytes += 1 + name.size() + value_size(inner);
      return bytes;
    case Type::kL:
      bytes = 3;
      for (const auto& inner : value.l()) bytes += 1 + value_size(inner);
      return bytes;
    case Type::kNULL:
    case Type::kBOOL: return 1;
  }
  return bytes;
}

std::ptrdiff_t storage_overhead(std::string_view name, const Value& value) {
  return 1 - static_cast<std::ptrdiff_t>(name.size()) + length_bytes(value);
}

std::size_t item_size(const Item& item) {
  std::size_t bytes = 0;
  for (const auto& [name, value] : item) bytes += name.size() + value_size(value);
  return bytes;
}

bool nests_too_deep(const Value& value) { return deeper_than(value, kNestingMax - 1); }

bool equal(const Value& a, const Value& b) {
  if (a.member() != b.member()) return false;
  switch (a.member()) {
    case Type::kSS:
    case Type::kNS:
    case Type::kBS: {
      const auto& left = elements(a);
      const auto& right = elements(b);
      if (left.size() != right.size()) return false;
      if (left == right) return true;
      const std::unordered_set<std::string_view> set(left.begin(), left.end());
      return std::all_of(right.begin(), right.end(),
                         [&](const std::string& one) { return set.contains(one); });
    }
    case Type::kM: return equal(a.m(), b.m());
    case Type::kL:
      return std::equal(a.l().begin(), a.l().end(), b.l().begin(), b.l().end(),
                        [](const Value& x, const Value& y) { return equal(x, y); });
    case Type::kS: return a.s() == b.s();
    case Type::kN: return a.n() == b.n();
    case Type::kB: return a.b() == b.b();
    case Type::kBOOL: return a.bool_() == b.bool_();
    case Type::kNULL:
    case Type::kNone: return true;
  }
  return false;
}

bool equal(const Item& a, const Item& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
    return x.first == y.first && equal(x.second, y.second);
  });
}

std::optional<std::strong_ordering> compare(const Value& a, const Value& b) {
  if (a.member() != b.member()) return std::nullopt;
  switch (a.member()) {
    case Type::kS: return a.s().compare(b.s()) <=> 0;
    case Type::kB: return a.b().compare(b.b()) <=> 0;
    case Type::kN: {
      const auto left = Number::parse(a.n());
      const auto right = Number::parse(b.n());
      if (!left || !right) return std::nullopt;
      return *left <=> *right;
    }
    default: return std::nullopt;
  }
}

bool contains(const Value& container, const Value& part) {
  const auto among = [](const std::vector<std::string>& set, const std::string& one) {
    return std::find(set.begin(), set.end(), one) != set.end();
  };
  switch (container.member()) {
    case Type::kS: return part.is_s() && container.s().find(part.s()) != std::string::npos;
    case Type::kB: return part.is_b() && container.b().find(part.b()) != std::string::npos;
    case Type::kSS: return part.is_s() && among(container.ss(), part.s());
    case Type::kNS: return part.is_n() && among(container.ns(), part.n());
    case Type::kBS: return part.is_b() && among(container.bs(), part.b());
    case Type::kL:
      return std::any_of(container.l().begin(), container.l().end(),
                         [&](const Value& inner) { return equal(inner, part); });
    default: return false;
  }
}

std::optional<std::size_t> size_of(const Value& value) {
  switch (value.member()) {
    case Type::kS:
      // UTF-16 units, as AWS counts: one for each code point, two beyond the basic plane.
      {
        std::size_t count = 0;
        for (const char c : value.s()) {
          const auto byte = static_cast<unsigned char>(c);
          count += (byte & 0xC0U) != 0x80U ? (byte >= 0xF0U ? 2U : 1U) : 0U;
        }
        return count;
      }
    case Type::kB: return value.b().size();
    case Type::kSS:
    case Type::kNS:
    case Type::kBS: return elements(value).size();
    case Type::kM: return value.m().size();
    case Type::kL: return value.l().size();
    default: return std::nullopt;
  }
}

Value set_union(const Value& a, const Value& b) {
  std::vector<std::string> all = elements(a);
  const std::unordered_set<std::string_view> have(elements(a).begin(), elements(a).end());
  for (const auto& one : elements(b)) {
    if (!have.contains(one)) all.push_back(one);
  }
  return make_set(a.member(), std::move(all));
}

Value set_difference(const Value& a, const Value& b) {
  const std::unordered_set<std::string_view> gone(elements(b).begin(), elements(b).end());
  std::vector<std::string> left;
  for (const auto& one : elements(a)) {
    if (!gone.contains(one)) left.push_back(one);
  }
  return make_set(a.member(), std::move(left));
}

bool is_set(const Value& value) { return value.is_ss() || value.is_ns() || value.is_bs(); }

std::string describe(const Value& value) {
  const auto shown = [&]() -> std::string {
    switch (value.member()) {
      case Type::kS: return value.s();
      case Type::kN: return value.n();
      case Type::kB: return base::base64(value.b());
      case Type::kSS: return joined(value.ss(), false);
      case Type::kNS: return joined(value.ns(), false);
      case Type::kBS: return joined(value.bs(), true);
      case Type::kNULL: return "true";
      case Type::kBOOL: return value.bool_() ? "true" : "false";
      default: return "";
    }
  };
  return "{" + std::string(type_name(value)) + ":" + shown() + "}";
}

api::Error validation(std::string message) {
  return {.code = "ValidationException", .status = 400, .message = std::move(message)};
}

api::Error invalid_parameter(std::string_view what) {
  return validation(std::string(kInvalid).append(what));
}

std::unexpected<api::Error> refuse(std::string message) {
  return std::unexpected(validation(std::move(message)));
}

}  // namespace tables
