#pragma once

// The words that the forms of filter patterns share: text, quoted text, comparisons. A scanner
// views the pattern, which outlives it.

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace services::logs {

std::unexpected<base::Error> invalid_pattern();
std::unexpected<base::Error> unsupported_regex();
std::string_view trim_space(std::string_view text);

class PatternScanner {
 public:
  explicit PatternScanner(std::string_view text) : rest_(text) {}

  bool at_end() const { return rest_.empty(); }
  char peek() const { return rest_.empty() ? '\0' : rest_.front(); }
  char next();  // not at the end
  void skip_space();
  // Skips space; takes `word` if it is what follows.
  bool take(std::string_view word);
  // All up to one of `stops` or the end; may be empty.
  std::optional<std::string> word(std::string_view stops);
  // "...", in which a backslash takes the next character as it is. nullopt: no end.
  std::optional<std::string> quoted();

 private:
  std::string_view rest_;
};

enum class Operator { kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual };

// The right side of a comparison: text in which '*' stands for anything, or a number.
struct Comparison {
  Operator op = Operator::kEqual;
  std::string text;
  std::optional<double> number;  // if unquoted `text` is one

  bool holds(std::string_view value) const;
  bool holds(double value) const;
};

// The operator and the value that come next; an unquoted value ends at one of `stops`.
base::Result<Comparison> scan_comparison(PatternScanner& scanner, std::string_view stops);

// Does `text` look like `pattern`, where each '*' stands for any characters, or none?
bool matches_wildcards(std::string_view pattern, std::string_view text);
std::optional<double> to_number(std::string_view text);

}  // namespace services::logs
