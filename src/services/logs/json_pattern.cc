// JSON patterns: { ($.a.b[0] = "x*" || $.n >= 3) && $.c NOT EXISTS }. They match events that are
// JSON objects or arrays as a whole. "&&" binds before "||". A field that is not there fulfils
// nothing but NOT EXISTS.
#include <array>
#include <boost/json.hpp>
#include <charconv>
#include <optional>
#include <variant>
#include <vector>

#include "services/logs/filter_pattern.h"
#include "services/logs/pattern_scanner.h"

namespace services::logs {
namespace {

namespace json = boost::json;

using Step = std::variant<std::string, std::size_t>;
enum class Test { kNotExists, kExists, kIsNull, kIsTrue, kIsFalse };

struct Condition {
  std::vector<Step> selector;
  std::variant<Test, Comparison> what;
};

struct Expression {
  enum class Kind { kCondition, kAll, kAny };
  Kind kind = Kind::kCondition;
  Condition condition;
  std::vector<Expression> parts;
};

const json::value* select(const json::value& root, const std::vector<Step>& selector) {
  const json::value* at = &root;
  for (const Step& step : selector) {
    if (const auto* name = std::get_if<std::string>(&step)) {
      const json::object* object = at->if_object();
      at = object == nullptr ? nullptr : object->if_contains(*name);
    } else {
      const json::array* array = at->if_array();
      at = array == nullptr ? nullptr : array->if_contains(std::get<std::size_t>(step));
    }
    if (at == nullptr) return nullptr;
  }
  return at;
}

bool compare_with(const Comparison& comparison, const json::value& value) {
  if (const json::string* text = value.if_string())
    return comparison.holds(std::string_view(*text));
  if (const bool* truth = value.if_bool())
    return comparison.holds(std::string_view(*truth ? "true" : "false"));
  if (!value.is_number()) return false;
  if (comparison.number) return comparison.holds(value.to_number<double>());
  return comparison.holds(std::string_view(json::serialize(value)));
}

bool holds(const Condition& condition, const json::value& root) {
  const json::value* value = select(root, condition.selector);
  if (const auto* comparison = std::get_if<Comparison>(&condition.what))
    return value != nullptr && compare_with(*comparison, *value);
  switch (std::get<Test>(condition.what)) {
    case Test::kNotExists: return value == nullptr;
    case Test::kExists: return value != nullptr;
    case Test::kIsNull: return value != nullptr && value->is_null();
    case Test::kIsTrue: return value != nullptr && value->is_bool() && value->get_bool();
    case Test::kIsFalse: return value != nullptr && value->is_bool() && !value->get_bool();
  }
  return false;
}

// As deep as the pattern's parentheses.
bool holds(const Expression& expression, const json::value& root) {
  if (expression.kind == Expression::Kind::kCondition) return holds(expression.condition, root);
  const bool any = expression.kind == Expression::Kind::kAny;
  for (const Expression& part : expression.parts)
    if (holds(part, root) == any) return any;
  return !any;
}

class JsonPattern final : public PatternForm {
 public:
  explicit JsonPattern(Expression expression) : expression_(std::move(expression)) {}

  bool matches(std::string_view message) const override {
    message = trim_space(message);
    if (!message.starts_with('{') && !message.starts_with('[')) return false;
    std::array<unsigned char, 4096> room;
    json::monotonic_resource memory(room.data(), room.size());
    boost::system::error_code failure;
    const json::value root = json::parse(message, failure, &memory);
    return !failure && holds(expression_, root);
  }

 private:
  Expression expression_;
};

class Parser {
 public:
  explicit Parser(std::string_view text) : scanner_(text) {}

  base::Result<Expression> parse() {
    if (!scanner_.take("{")) return invalid_pattern();
    ASSIGN_OR_RETURN(Expression expression, any(0));
    if (!scanner_.take("}")) return invalid_pattern();
    scanner_.skip_space();
    if (!scanner_.at_end()) return invalid_pattern();
    return expression;
  }

 private:
  base::Result<Expression> any(std::size_t depth) {
    Expression either{.kind = Expression::Kind::kAny};
    do {
      ASSIGN_OR_RETURN(Expression part, all(depth));
      either.parts.push_back(std::move(part));
    } while (scanner_.take("||"));
    return either;
  }

  base::Result<Expression> all(std::size_t depth) {
    Expression both{.kind = Expression::Kind::kAll};
    do {
      ASSIGN_OR_RETURN(Expression part, one(depth));
      both.parts.push_back(std::move(part));
    } while (scanner_.take("&&"));
    return both;
  }

  base::Result<Expression> one(std::size_t depth) {
    if (scanner_.take("(")) {
      if (depth == kDepthMax) return invalid_pattern();
      ASSIGN_OR_RETURN(Expression inner, any(depth + 1));
      if (!scanner_.take(")")) return invalid_pattern();
      return inner;
    }
    Expression expression;
    ASSIGN_OR_RETURN(expression.condition.selector, selector());
    ASSIGN_OR_RETURN(expression.condition.what, what());
    return expression;
  }

  base::Result<std::vector<Step>> selector() {
    std::vector<Step> steps;
    if (!scanner_.take("$")) return invalid_pattern();
    for (;;) {
      if (scanner_.peek() == '.') {
        scanner_.next();
        auto name = scanner_.word(" \t\r\n.[]=!<>()&|{}\"");
        if (!name || name->empty()) return invalid_pattern();
        steps.emplace_back(*std::move(name));
      } else if (scanner_.peek() == '[') {
        scanner_.next();
        ASSIGN_OR_RETURN(Step step, bracketed());
        steps.push_back(std::move(step));
      } else {
        return steps;
      }
    }
  }

  // [3] or ["a name"] or ['a name'], after the bracket.
  base::Result<Step> bracketed() {
    scanner_.skip_space();
    Step step;
    if (scanner_.peek() == '"') {
      auto name = scanner_.quoted();
      if (!name) return invalid_pattern();
      step = *std::move(name);
    } else if (scanner_.peek() == '\'') {
      scanner_.next();
      auto name = scanner_.word("'");
      if (!scanner_.take("'")) return invalid_pattern();
      step = *std::move(name);
    } else {
      const auto digits = scanner_.word(" ]");
      std::size_t index = 0;
      const char* const end = digits->data() + digits->size();
      const auto [at, failure] = std::from_chars(digits->data(), end, index);
      if (failure != std::errc() || at != end) return invalid_pattern();
      step = index;
    }
    if (!scanner_.take("]")) return invalid_pattern();
    return step;
  }

  base::Result<std::variant<Test, Comparison>> what() {
    if (scanner_.take("IS")) {
      if (scanner_.take("NULL")) return Test::kIsNull;
      if (scanner_.take("TRUE")) return Test::kIsTrue;
      if (scanner_.take("FALSE")) return Test::kIsFalse;
      return invalid_pattern();
    }
    if (scanner_.take("NOT")) {
      if (scanner_.take("EXISTS")) return Test::kNotExists;
      return invalid_pattern();
    }
    if (scanner_.take("EXISTS")) return Test::kExists;
    ASSIGN_OR_RETURN(Comparison comparison, scan_comparison(scanner_, " \t\r\n()&|{}=!<>\""));
    return comparison;
  }

  PatternScanner scanner_;
};

}  // namespace

base::Result<PatternPtr> parse_json_pattern(std::string_view text) {
  ASSIGN_OR_RETURN(Expression expression, Parser(text).parse());
  return std::make_shared<const JsonPattern>(std::move(expression));
}

}  // namespace services::logs
