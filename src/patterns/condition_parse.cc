// What one element of a pattern's list says.
#include <arpa/inet.h>

#include <charconv>
#include <limits>

#include "patterns/condition.h"

namespace patterns {
namespace {

namespace json = boost::json;
using Kind = Condition::Kind;

constexpr double kNumberMax = 5.0e9;  // EventBridge compares numbers up to here
constexpr double kInfinity = std::numeric_limits<double>::infinity();

auto bad(std::string reason) {
  return base::error(base::ErrorCode::kInvalidArgument, std::move(reason));
}

Condition literal_of(const json::value& value) {
  Condition made;
  made.literal = value;
  return made;
}

Condition text_condition(Kind kind, std::string_view text, bool ignore_case) {
  Condition made;
  made.kind = kind;
  made.text = text;
  made.ignore_case = ignore_case;
  if (ignore_case)
    for (char& c : made.text)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return made;
}

base::Result<Condition> wildcard_of(std::string_view text) {
  Condition made;
  made.kind = Kind::kWildcard;
  made.pieces.emplace_back();
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '*') {
      if (i > 0 && made.pieces.size() > 1 && made.pieces.back().empty())
        return bad("Consecutive wildcard characters");
      made.pieces.emplace_back();
    } else if (text[i] == '\\') {
      ++i;
      if (i == text.size() || (text[i] != '*' && text[i] != '\\'))
        return bad("Invalid escape character");
      made.pieces.back() += text[i];
    } else {
      made.pieces.back() += text[i];
    }
  }
  return made;
}

base::Result<Condition> cidr_of(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return bad("Malformed CIDR, one '/' required");
  Condition made;
  made.kind = Kind::kCidr;
  Network& network = made.network;
  const std::string address(text.substr(0, slash));
  for (const int family : {AF_INET, AF_INET6})
    if (network.family == 0 && ::inet_pton(family, address.c_str(), network.address.data()) == 1)
      network.family = family;
  if (network.family == 0) return bad("Malformed CIDR, the address is none");
  const std::string_view bits = text.substr(slash + 1);
  const auto [end, failure] = std::from_chars(bits.data(), bits.data() + bits.size(), network.bits);
  const int most = network.family == AF_INET ? 32 : 128;
  if (failure != std::errc() || end != bits.data() + bits.size() || network.bits < 0 ||
      network.bits > most)
    return bad("Malformed CIDR, mask bits must be an integer in range");
  return made;
}

base::Result<double> bound_of(const json::value& value) {
  if (!value.is_number()) return bad("Value of a numeric match must be numeric");
  const double number = value.to_number<double>();
  if (number < -kNumberMax || number > kNumberMax)
    return bad("Value must be between -5.0E9 and 5.0E9, inclusive");
  return number;
}

base::Result<Condition> numeric_of(const json::value& from) {
  const json::array* const terms = from.if_array();
  if (terms == nullptr) return bad("Value of numeric must be an array.");
  if (terms->size() != 2 && terms->size() != 4) return bad("Bad number of terms in numeric match");
  Condition made;
  made.kind = Kind::kNumeric;
  made.low = -kInfinity;
  made.high = kInfinity;
  for (std::size_t i = 0; i < terms->size(); i += 2) {
    const json::string* const sign = (*terms)[i].if_string();
    if (sign == nullptr) return bad("Invalid member in numeric match");
    ASSIGN_OR_RETURN(const double number, bound_of((*terms)[i + 1]));
    const bool first = i == 0;
    const bool only = terms->size() == 2;
    if (*sign == "=" && only) {
      made.low = made.high = number;
    } else if (first && (*sign == ">" || *sign == ">=")) {
      made.low = number;
      made.low_open = *sign == ">";
    } else if ((!first || only) && (*sign == "<" || *sign == "<=")) {
      made.high = number;
      made.high_open = *sign == "<";
    } else {
      return bad("Unrecognized numeric range operator: " + std::string(*sign));
    }
  }
  if (terms->size() == 4 && made.low >= made.high) return bad("Bottom must be less than top");
  return made;
}

// The string matches that stand alone and inside anything-but.
base::Result<Condition> string_match(std::string_view name, const json::value& value) {
  if (name == "prefix" || name == "suffix") {
    const Kind kind = name == "prefix" ? Kind::kPrefix : Kind::kSuffix;
    if (const json::string* const text = value.if_string())
      return text_condition(kind, *text, false);
    const json::object* const inner = value.if_object();
    if (inner == nullptr || inner->size() != 1 || inner->begin()->key() != "equals-ignore-case" ||
        !inner->begin()->value().is_string())
      return bad(std::string(name) + " match pattern must be a string");
    return text_condition(kind, inner->begin()->value().get_string(), true);
  }
  const json::string* const text = value.if_string();
  if (text == nullptr) return bad(std::string(name) + " match pattern must be a string");
  if (name == "equals-ignore-case") return text_condition(Kind::kWhole, *text, true);
  return wildcard_of(*text);
}

// {"anything-but": {"prefix": "a"}}, or a list of such texts.
base::Result<Condition> nothing_like(const json::object& from) {
  if (from.size() != 1) return bad("Only one key allowed in match expression");
  const std::string_view name = from.begin()->key();
  const json::value& value = from.begin()->value();
  if (name != "prefix" && name != "suffix" && name != "equals-ignore-case" && name != "wildcard")
    return bad("Unsupported anything-but pattern: " + std::string(name));
  Condition made;
  made.kind = Kind::kNothingOf;
  const json::array single{value};
  const json::array& all = value.is_array() ? value.get_array() : single;
  if (all.empty()) return bad("Empty arrays are not allowed");
  for (const json::value& each : all) {
    const bool empty = each.is_string() && each.get_string().empty();
    if (empty && (name == "prefix" || name == "suffix"))
      return bad("Null prefix/suffix not allowed");
    ASSIGN_OR_RETURN(Condition one, string_match(name, each));
    made.others.push_back(std::move(one));
  }
  return made;
}

base::Result<Condition> anything_but(const json::value& value) {
  if (const json::object* const inner = value.if_object()) return nothing_like(*inner);
  Condition made;
  made.kind = Kind::kNothingOf;
  const json::array single{value};
  const json::array& all = value.is_array() ? value.get_array() : single;
  if (all.empty()) return bad("Empty arrays are not allowed");
  for (const json::value& each : all) {
    if (!each.is_string() && !each.is_number())
      return bad("Value of anything-but must be an array or single string/number value.");
    if (each.is_string() != all.front().is_string())
      return bad(
          "Inside anything but list, either all values are number or string, mixed type is not "
          "supported");
    made.others.push_back(literal_of(each));
  }
  return made;
}

base::Result<Condition> exists_of(const json::value& value) {
  if (!value.is_bool()) return bad("exists match pattern must be either true or false.");
  Condition made;
  made.kind = value.get_bool() ? Kind::kExists : Kind::kAbsent;
  return made;
}

}  // namespace

base::Result<Condition> parse_condition(const json::value& from) {
  if (from.is_array()) return bad("Match value must be String, number, true, false, or null");
  const json::object* const object = from.if_object();
  if (object == nullptr) return literal_of(from);
  if (object->empty()) return bad("Match expression name not found");
  if (object->size() != 1) return bad("Only one key allowed in match expression");
  const std::string_view name = object->begin()->key();
  const json::value& value = object->begin()->value();
  if (name == "prefix" || name == "suffix" || name == "equals-ignore-case" || name == "wildcard")
    return string_match(name, value);
  if (name == "numeric") return numeric_of(value);
  if (name == "anything-but") return anything_but(value);
  if (name == "exists") return exists_of(value);
  if (name == "exactly" || name == "cidr") {
    if (!value.is_string()) return bad(std::string(name) + " match pattern must be a string");
    if (name == "cidr") return cidr_of(value.get_string());
    return literal_of(value);
  }
  return bad("Unrecognized match type " + std::string(name));
}

}  // namespace patterns
