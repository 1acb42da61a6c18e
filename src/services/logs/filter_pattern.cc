// Which form a pattern has, and the form of terms.
#include "services/logs/filter_pattern.h"

#include <algorithm>
#include <vector>

#include "services/logs/pattern_scanner.h"

namespace services::logs {
namespace {

class Terms final : public PatternForm {
 public:
  bool matches(std::string_view message) const override {
    const auto found = [&](const std::string& term) {
      return message.find(term) != std::string_view::npos;
    };
    if (!std::ranges::all_of(all_, found) || std::ranges::any_of(none_, found)) return false;
    // Beside terms that must or must not be there, optional ones say nothing.
    if (!all_.empty() || !none_.empty()) return true;
    return std::ranges::any_of(any_, found);
  }

  void add(char sign, std::string term) {
    auto& terms = sign == '?' ? any_ : sign == '-' ? none_ : all_;
    terms.push_back(std::move(term));
  }

 private:
  std::vector<std::string> all_, any_, none_;
};

base::Result<PatternPtr> parse_terms(std::string_view text) {
  PatternScanner scanner(text);
  auto terms = std::make_shared<Terms>();
  while (!scanner.at_end()) {
    char sign = ' ';
    if (scanner.peek() == '?' || scanner.peek() == '-') sign = scanner.next();
    if (scanner.peek() == '%') return unsupported_regex();
    auto term = scanner.peek() == '"' ? scanner.quoted() : scanner.word(" \t\r\n\"");
    if (!term || term->empty()) return invalid_pattern();
    terms->add(sign, *std::move(term));
    scanner.skip_space();
  }
  return terms;
}

}  // namespace

base::Result<FilterPattern> FilterPattern::parse(std::string_view text) {
  if (text.size() > kPatternMax) return invalid_pattern();
  text = trim_space(text);
  if (text.empty()) return FilterPattern(nullptr);
  auto form = text.front() == '{'   ? parse_json_pattern(text)
              : text.front() == '[' ? parse_space_pattern(text)
                                    : parse_terms(text);
  if (!form) return std::unexpected(form.error());
  return FilterPattern(*std::move(form));
}

}  // namespace services::logs
