#include "services/logs/pattern_scanner.h"

#include <array>
#include <charconv>
#include <utility>

#include "base/check.h"

namespace services::logs {
namespace {

constexpr std::string_view kSpace = " \t\r\n";

template <class T>
bool compare(Operator op, const T& left, const T& right) {
  switch (op) {
    case Operator::kEqual: return left == right;
    case Operator::kNotEqual: return left != right;
    case Operator::kLess: return left < right;
    case Operator::kLessEqual: return left <= right;
    case Operator::kGreater: return left > right;
    case Operator::kGreaterEqual: return left >= right;
  }
  return false;
}

}  // namespace

std::unexpected<base::Error> invalid_pattern() {
  return base::error(base::ErrorCode::kInvalidArgument, "Invalid filter pattern");
}
std::unexpected<base::Error> unsupported_regex() {
  return base::error(base::ErrorCode::kInvalidArgument,
                     "Regular expressions (%...%) in filter patterns are not supported.");
}

std::string_view trim_space(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

char PatternScanner::next() {
  CHECK(!rest_.empty());
  const char c = rest_.front();
  rest_.remove_prefix(1);
  return c;
}

void PatternScanner::skip_space() {
  rest_.remove_prefix(std::min(rest_.find_first_not_of(kSpace), rest_.size()));
}

bool PatternScanner::take(std::string_view word) {
  skip_space();
  if (!rest_.starts_with(word)) return false;
  rest_.remove_prefix(word.size());
  return true;
}

std::optional<std::string> PatternScanner::word(std::string_view stops) {
  const std::string_view found = rest_.substr(0, rest_.find_first_of(stops));
  rest_.remove_prefix(found.size());
  return std::string(found);
}

std::optional<std::string> PatternScanner::quoted() {
  std::string text;
  next();
  while (!at_end()) {
    char c = next();
    if (c == '"') return text;
    if (c == '\\' && !at_end()) c = next();
    text.push_back(c);
  }
  return std::nullopt;
}

bool Comparison::holds(std::string_view value) const {
  if (op == Operator::kEqual || op == Operator::kNotEqual) {
    const auto left = number ? to_number(value) : std::nullopt;
    const bool equal = left ? *left == *number : matches_wildcards(text, value);
    return equal == (op == Operator::kEqual);
  }
  const auto left = to_number(value);
  return left && number && compare(op, *left, *number);
}

bool Comparison::holds(double value) const { return number && compare(op, value, *number); }

base::Result<Comparison> scan_comparison(PatternScanner& scanner, std::string_view stops) {
  // The longer ones first: "<=" begins with "<".
  constexpr std::array<std::pair<std::string_view, Operator>, 6> kOperators = {
      {{"!=", Operator::kNotEqual},
       {"<=", Operator::kLessEqual},
       {">=", Operator::kGreaterEqual},
       {"=", Operator::kEqual},
       {"<", Operator::kLess},
       {">", Operator::kGreater}}};
  Comparison comparison;
  bool found = false;
  for (const auto& [sign, op] : kOperators) {
    if (found || !scanner.take(sign)) continue;
    comparison.op = op;
    found = true;
  }
  if (!found) return invalid_pattern();
  scanner.skip_space();
  if (scanner.peek() == '%') return unsupported_regex();
  const bool is_quoted = scanner.peek() == '"';
  auto value = is_quoted ? scanner.quoted() : scanner.word(stops);
  if (!value || (value->empty() && !is_quoted)) return invalid_pattern();
  comparison.text = *std::move(value);
  if (!is_quoted) comparison.number = to_number(comparison.text);
  const bool ordered = comparison.op != Operator::kEqual && comparison.op != Operator::kNotEqual;
  if (ordered && !comparison.number) return invalid_pattern();
  return comparison;
}

bool matches_wildcards(std::string_view pattern, std::string_view text) {
  const std::size_t star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == text;
  if (!text.starts_with(pattern.substr(0, star))) return false;
  text.remove_prefix(star);
  pattern.remove_prefix(star + 1);
  // Between two stars the leftmost place is as good as any.
  for (std::size_t end = pattern.find('*'); end != std::string_view::npos;
       end = pattern.find('*')) {
    const std::size_t at = text.find(pattern.substr(0, end));
    if (at == std::string_view::npos) return false;
    text.remove_prefix(at + end);
    pattern.remove_prefix(end + 1);
  }
  return text.ends_with(pattern);
}

std::optional<double> to_number(std::string_view text) {
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto [at, failure] = std::from_chars(text.data(), end, value);
  if (failure != std::errc() || at != end || value != value) return std::nullopt;
  return value;
}

}  // namespace services::logs
