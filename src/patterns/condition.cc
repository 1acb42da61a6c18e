#include "patterns/condition.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

namespace patterns {
namespace {

namespace json = boost::json;

std::string lower(std::string_view text) {
  std::string made(text);
  std::ranges::transform(made, made.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return made;
}

bool equal(const json::value& a, const json::value& b) {
  if (!a.is_number() || !b.is_number()) return a == b;
  if (!a.is_double() && !b.is_double()) return a == b;
  return a.to_number<double>() == b.to_number<double>();
}

// Where `piece` begins in `text` at or after `from`; in linear time, whatever they hold.
std::size_t find_piece(std::string_view text, std::string_view piece, std::size_t from) {
  const void* const found =
      ::memmem(text.data() + from, text.size() - from, piece.data(), piece.size());
  if (found == nullptr) return std::string_view::npos;
  return static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
}

// The first piece begins the text, the last one ends it, the others follow each other between.
bool wildcard_matches(const std::vector<std::string>& pieces, std::string_view text) {
  if (pieces.size() == 1) return text == pieces.front();
  if (!text.starts_with(pieces.front())) return false;
  text.remove_prefix(pieces.front().size());
  if (!text.ends_with(pieces.back())) return false;
  text.remove_suffix(pieces.back().size());
  std::size_t at = 0;
  for (std::size_t i = 1; i + 1 < pieces.size(); ++i) {
    const std::size_t found = find_piece(text, pieces[i], at);
    if (found == std::string_view::npos) return false;
    at = found + pieces[i].size();
  }
  return true;
}

bool parse_address(const std::string& text, Network& network) {
  for (const int family : {AF_INET, AF_INET6}) {
    if (::inet_pton(family, text.c_str(), network.address.data()) != 1) continue;
    network.family = family;
    return true;
  }
  return false;
}

bool contains(const Network& network, std::string_view text) {
  Network other;
  if (text.size() > INET6_ADDRSTRLEN || !parse_address(std::string(text), other)) return false;
  if (other.family != network.family) return false;
  const auto bytes = static_cast<std::size_t>(network.bits / 8);
  if (std::memcmp(network.address.data(), other.address.data(), bytes) != 0) return false;
  const int rest = network.bits % 8;
  if (rest == 0) return true;
  const int shift = 8 - rest;
  return network.address[bytes] >> shift == other.address[bytes] >> shift;
}

bool string_holds(const Condition& condition, std::string_view text) {
  std::string folded;
  if (condition.ignore_case) {
    folded = lower(text);
    text = folded;
  }
  switch (condition.kind) {
    case Condition::Kind::kPrefix: return text.starts_with(condition.text);
    case Condition::Kind::kSuffix: return text.ends_with(condition.text);
    case Condition::Kind::kWhole: return text == condition.text;
    case Condition::Kind::kWildcard: return wildcard_matches(condition.pieces, text);
    case Condition::Kind::kCidr: return contains(condition.network, text);
    default: return false;
  }
}

}  // namespace

bool Condition::holds(const json::value& value) const {
  switch (kind) {
    case Kind::kLiteral: return equal(literal, value);
    case Kind::kExists: return true;
    case Kind::kAbsent: return false;
    case Kind::kNumeric: {
      if (!value.is_number()) return false;
      const double number = value.to_number<double>();
      return (low_open ? number > low : number >= low) &&
             (high_open ? number < high : number <= high);
    }
    case Kind::kNothingOf:
      return std::ranges::none_of(others, [&](const Condition& c) { return c.holds(value); });
    default: {
      const json::string* const held = value.if_string();
      return held != nullptr && string_holds(*this, *held);
    }
  }
}

}  // namespace patterns
