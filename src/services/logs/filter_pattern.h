#pragma once

// FilterPattern: CloudWatch Logs' filter patterns: nothing (every event), terms ("a phrase", ?any,
// -none), JSON patterns `{ $.a = "x" && $.n > 3 }` and space-delimited ones `[host, ..., size>10]`.
// A value: parsed once, asked for each event. Immutable and thread-safe. Regular expressions
// (%...%) are refused. Patterns have at most kPatternMax characters and kDepthMax nested
// parentheses.

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace services::logs {

inline constexpr std::size_t kPatternMax = 1024;
inline constexpr std::size_t kDepthMax = 32;

// One of the forms.
class PatternForm {
 public:
  virtual ~PatternForm() = default;
  virtual bool matches(std::string_view message) const = 0;
};
using PatternPtr = std::shared_ptr<const PatternForm>;

class FilterPattern {
 public:
  // kInvalidArgument: not a pattern; the message is for the caller.
  static base::Result<FilterPattern> parse(std::string_view text);

  bool matches(std::string_view message) const { return !form_ || form_->matches(message); }

 private:
  explicit FilterPattern(PatternPtr form) : form_(std::move(form)) {}

  PatternPtr form_;  // null: everything
};

// The forms' parsers; `text` begins with their bracket and has no space around it.
base::Result<PatternPtr> parse_json_pattern(std::string_view text);
base::Result<PatternPtr> parse_space_pattern(std::string_view text);

}  // namespace services::logs
