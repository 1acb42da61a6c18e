// Space-delimited patterns: [host, user, ..., status=4* || status=500, bytes>1000]. An event's
// fields are its words, where "..." and [...] are one. Each column stands for one field and may
// have conditions on it; one "..." stands for any number of fields.
#include <algorithm>
#include <optional>
#include <vector>

#include "services/logs/filter_pattern.h"
#include "services/logs/pattern_scanner.h"

namespace services::logs {
namespace {

constexpr std::string_view kSpace = " \t\r\n";
constexpr std::string_view kValueStops = " \t\r\n,()&|=!<>\"]";

// Conditions joined by "||" of conditions joined by "&&"; none: anything will do.
struct Column {
  std::vector<std::vector<Comparison>> any;

  bool holds(std::string_view field) const {
    if (any.empty()) return true;
    return std::ranges::any_of(any, [&](const std::vector<Comparison>& all) {
      return std::ranges::all_of(all, [&](const Comparison& one) { return one.holds(field); });
    });
  }
};

// Nothing after `most` fields matters to a pattern of fewer columns without "...".
std::vector<std::string_view> fields_of(std::string_view message, std::size_t most) {
  std::vector<std::string_view> fields;
  while (fields.size() < most) {
    message.remove_prefix(std::min(message.find_first_not_of(kSpace), message.size()));
    if (message.empty()) break;
    const char close = message.front() == '"' ? '"' : message.front() == '[' ? ']' : ' ';
    std::size_t end = close == ' ' ? std::string_view::npos : message.find(close, 1);
    const bool wrapped = end != std::string_view::npos;
    if (!wrapped) end = std::min(message.find_first_of(kSpace), message.size());
    fields.push_back(wrapped ? message.substr(1, end - 1) : message.substr(0, end));
    message.remove_prefix(wrapped ? end + 1 : end);
  }
  return fields;
}

class SpacePattern final : public PatternForm {
 public:
  SpacePattern(std::vector<Column> columns, std::optional<std::size_t> gap)
      : columns_(std::move(columns)), gap_(gap) {}

  bool matches(std::string_view message) const override {
    if (columns_.empty()) return true;
    const auto fields = fields_of(message, gap_ ? SIZE_MAX : columns_.size() + 1);
    if (gap_ ? fields.size() < columns_.size() : fields.size() != columns_.size()) return false;
    const std::size_t skipped = fields.size() - columns_.size();
    for (std::size_t i = 0; i < columns_.size(); ++i)
      if (!columns_[i].holds(fields[gap_ && i >= *gap_ ? i + skipped : i])) return false;
    return true;
  }

 private:
  std::vector<Column> columns_;
  std::optional<std::size_t> gap_;  // before which column "..." stands
};

base::Result<Comparison> parse_condition(PatternScanner& scanner, const std::string& column) {
  scanner.skip_space();
  const auto name = scanner.word(kValueStops);
  if (!name || *name != column) return invalid_pattern();
  return scan_comparison(scanner, kValueStops);
}

// name, or name=... && name!=... || ...
base::Result<Column> parse_column(PatternScanner& scanner) {
  Column column;
  PatternScanner ahead = scanner;
  ahead.skip_space();
  const auto name = ahead.word(kValueStops);
  if (!name || name->empty()) return invalid_pattern();
  ahead.skip_space();
  if (ahead.peek() == ',' || ahead.peek() == ']') {
    scanner = ahead;
    return column;
  }
  do {
    auto& all = column.any.emplace_back();
    do {
      ASSIGN_OR_RETURN(Comparison condition, parse_condition(scanner, *name));
      all.push_back(std::move(condition));
    } while (scanner.take("&&"));
  } while (scanner.take("||"));
  return column;
}

}  // namespace

base::Result<PatternPtr> parse_space_pattern(std::string_view text) {
  PatternScanner scanner(text);
  std::vector<Column> columns;
  std::optional<std::size_t> gap;
  scanner.take("[");
  if (!scanner.take("]")) {
    do {
      if (scanner.take("...")) {
        if (gap) return invalid_pattern();
        gap = columns.size();
        continue;
      }
      ASSIGN_OR_RETURN(Column column, parse_column(scanner));
      columns.push_back(std::move(column));
    } while (scanner.take(","));
    if (!scanner.take("]")) return invalid_pattern();
  }
  scanner.skip_space();
  if (!scanner.at_end()) return invalid_pattern();
  return std::make_shared<const SpacePattern>(std::move(columns), gap);
}

}  // namespace services::logs
