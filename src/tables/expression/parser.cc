#include <algorithm>
#include <optional>

#include "tables/expression/lexer.h"
#include "tables/expression/syntax.h"

namespace tables::expression {

namespace {

using Token = expression::Token;
using TokenKind = Token::Kind;
using Kind = Syntax::Kind;

// Nesting beyond this is refused before it can use up the stack. A legal expression nests no deeper
// than its 300 operators, each with a pair of parentheses.
constexpr int kDepthMax = 700;
constexpr std::string_view kRedundantParentheses = "The expression has redundant parentheses;";

// What all grammars share. A parse function answers nullopt after it has set error_.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text), tokens_(tokenize(text)) {}

  std::string take_error() { return std::move(error_); }

 protected:
  const Token& token() const { return tokens_[at_]; }
  bool at(TokenKind kind) const { return token().kind == kind; }
  bool at_keyword(std::string_view upper) const { return is_keyword(token(), upper); }
  void advance() {
    if (at_ + 1 < tokens_.size()) ++at_;
  }
  bool skip(TokenKind kind) {
    if (!at(kind)) return false;
    advance();
    return true;
  }
  bool skip_keyword(std::string_view upper) {
    if (!at_keyword(upper)) return false;
    advance();
    return true;
  }
  // AWS shows the offending token between its neighbours.
  std::nullopt_t unexpected_token() {
    if (!error_.empty()) return std::nullopt;
    const std::size_t from = at_ > 0 ? tokens_[at_ - 1].begin : token().begin;
    const std::size_t to = at_ + 1 < tokens_.size() ? tokens_[at_ + 1].end : token().end;
    std::string_view near = text_.substr(from, to - from);
    // At the end there is no next word, and blanks behind the last one are not shown.
    while (!near.empty() && (near.back() == ' ' || near.back() == '\n' || near.back() == '\t' ||
                             near.back() == '\r'))
      near.remove_suffix(1);
    error_ = "Syntax error; token: \"" + std::string(token().text) + "\", near: \"" +
             std::string(near) + "\"";
    return std::nullopt;
  }
  std::nullopt_t fail(std::string message) {
    if (error_.empty()) error_ = std::move(message);
    return std::nullopt;
  }

  virtual ~Parser() = default;
  virtual bool at_reserved_keyword() const { return false; }

  bool at_path_start() const {
    return at(TokenKind::kName) || (at(TokenKind::kIdentifier) && !at_reserved_keyword());
  }

  std::optional<Syntax> path() {
    if (!at_path_start()) return unexpected_token();
    Syntax node{.kind = Kind::kPath};
    node.steps.push_back({token().text});
    advance();
    if (!path_tail(node)) return std::nullopt;
    return node;
  }

  // The steps behind the first: ".name" and "[1]".
  bool path_tail(Syntax& node) {
    while (true) {
      if (skip(TokenKind::kDot)) {
        if (!at_path_start()) return unexpected_token(), false;
        node.steps.push_back({token().text});
        advance();
      } else if (skip(TokenKind::kOpenBracket)) {
        if (!at(TokenKind::kInteger)) return unexpected_token(), false;
        node.steps.push_back({token().text, true});
        advance();
        if (!skip(TokenKind::kCloseBracket)) return unexpected_token(), false;
      } else {
        return true;
      }
    }
  }

  bool at_call() const {
    return at(TokenKind::kIdentifier) && !at_reserved_keyword() && at_ + 1 < tokens_.size() &&
           tokens_[at_ + 1].kind == TokenKind::kOpen;
  }

  virtual std::optional<Syntax> argument() = 0;

  std::optional<Syntax> call() {
    Syntax node{.kind = Kind::kCall, .text = token().text};
    advance();
    const Deeper deeper(*this);
    if (depth_ > kDepthMax)
      return fail("Invalid function name; function: " + std::string(node.text));
    if (!arguments(node.children)) return std::nullopt;
    return node;
  }

  // "(" one or more arguments ")"
  bool arguments(std::vector<Syntax>& into) {
    if (!skip(TokenKind::kOpen)) return unexpected_token(), false;
    do {
      auto one = argument();
      if (!one) return false;
      into.push_back(*std::move(one));
    } while (skip(TokenKind::kComma));
    if (!skip(TokenKind::kClose)) return unexpected_token(), false;
    return true;
  }

  std::optional<Syntax> value() {
    Syntax node{.kind = Kind::kValue, .text = token().text};
    advance();
    return node;
  }

  struct Deeper {
    explicit Deeper(Parser& parser) : owner(parser) { ++owner.depth_; }
    ~Deeper() { --owner.depth_; }
    Deeper(const Deeper&) = delete;
    Deeper& operator=(const Deeper&) = delete;
    Parser& owner;
  };

  std::string_view text_;
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  std::string error_;
  int depth_ = 0;
};

class ConditionParser final : public Parser {
 public:
  using Parser::Parser;

  std::optional<ConditionSyntax> parse() {
    auto root = disjunction();
    if (!root) return std::nullopt;
    if (!is_condition(*root) || !at(TokenKind::kEnd)) return unexpected_token();
    return ConditionSyntax{*std::move(root), redundant_, operators_};
  }

 private:
  static bool is_condition(const Syntax& node) {
    return node.kind != Kind::kPath && node.kind != Kind::kValue;
  }

  bool at_reserved_keyword() const override {
    return at_keyword("AND") || at_keyword("OR") || at_keyword("NOT") || at_keyword("BETWEEN") ||
           at_keyword("IN");
  }

  // Nodes for conditions and for operands come from the same functions, because a "(" may open
  // either; whoever needs one of the two checks what came.
  std::optional<Syntax> disjunction() { return chain(Kind::kOr, "OR"); }

  std::optional<Syntax> chain(Kind kind, std::string_view keyword) {
    auto left = kind == Kind::kOr ? chain(Kind::kAnd, "AND") : negation();
    if (!left || !at_keyword(keyword)) return left;
    Syntax node{.kind = kind};
    while (true) {
      if (!is_condition(*left)) return unexpected_token();
      node.children.push_back(*std::move(left));
      if (!skip_keyword(keyword)) return node;
      ++operators_;
      left = kind == Kind::kOr ? chain(Kind::kAnd, "AND") : negation();
      if (!left) return std::nullopt;
    }
  }

  std::optional<Syntax> negation() {
    if (!at_keyword("NOT")) return comparison();
    advance();
    ++operators_;
    const Deeper deeper(*this);
    if (depth_ > kDepthMax)
      return fail("The expression contains too many operators; operator count: 301");
    auto inner = negation();
    if (!inner) return std::nullopt;
    if (!is_condition(*inner)) return unexpected_token();
    Syntax node{.kind = Kind::kNot};
    node.children.push_back(*std::move(inner));
    return node;
  }

  bool at_comparator() const {
    return at(TokenKind::kEqual) || at(TokenKind::kNotEqual) || at(TokenKind::kLess) ||
           at(TokenKind::kLessEqual) || at(TokenKind::kGreater) || at(TokenKind::kGreaterEqual);
  }

  std::optional<Syntax> comparison() {
    auto left = primary();
    if (!left || !left->is_operand()) return left;
    Syntax node;
    if (at_comparator()) {
      node = {.kind = Kind::kCompare, .text = token().text};
      advance();
      ++operators_;
      auto right = argument();
      if (!right) return std::nullopt;
      node.children.push_back(*std::move(left));
      node.children.push_back(*std::move(right));
      return node;
    }
    if (skip_keyword("BETWEEN")) {
      ++operators_;
      node.kind = Kind::kBetween;
      auto low = argument();
      if (!low) return std::nullopt;
      if (!skip_keyword("AND")) return unexpected_token();
      auto high = argument();
      if (!high) return std::nullopt;
      node.children.push_back(*std::move(left));
      node.children.push_back(*std::move(low));
      node.children.push_back(*std::move(high));
      return node;
    }
    if (skip_keyword("IN")) {
      ++operators_;
      node.kind = Kind::kIn;
      node.children.push_back(*std::move(left));
      if (!arguments(node.children)) return std::nullopt;
      return node;
    }
    return left;
  }

  // An operand, and nothing else.
  std::optional<Syntax> argument() override {
    const Deeper deeper(*this);
    if (!at(TokenKind::kOpen)) return bare_operand();
    if (depth_ > kDepthMax) return fail(std::string(kRedundantParentheses));
    advance();
    auto inner = argument();
    if (!inner) return std::nullopt;
    return close(*std::move(inner));
  }

  std::optional<Syntax> bare_operand() {
    if (at(TokenKind::kValue)) return value();
    if (at_call()) return call();
    return path();
  }

  std::optional<Syntax> primary() {
    const Deeper deeper(*this);
    if (!at(TokenKind::kOpen)) return bare_operand();
    if (depth_ > kDepthMax) return fail(std::string(kRedundantParentheses));
    advance();
    auto inner = disjunction();
    if (!inner) return std::nullopt;
    return close(*std::move(inner));
  }

  // Behind the content of a parenthesis.
  std::optional<Syntax> close(Syntax inner) {
    if (!skip(TokenKind::kClose)) return unexpected_token();
    if (inner.parenthesised) redundant_ = true;
    inner.parenthesised = true;
    if (inner.kind == Kind::kPath && (at(TokenKind::kDot) || at(TokenKind::kOpenBracket))) {
      inner.parenthesised = false;
      if (!path_tail(inner)) return std::nullopt;
    }
    return inner;
  }

  bool redundant_ = false;
  int operators_ = 0;
};

class UpdateParser final : public Parser {
 public:
  using Parser::Parser;
  using Section = SyntaxAction::Kind;

  std::optional<UpdateSyntax> parse() {
    UpdateSyntax update;
    std::vector<Section> seen;
    do {
      const auto kind = section();
      if (!kind) return unexpected_token();
      advance();
      if (std::find(seen.begin(), seen.end(), *kind) != seen.end())
        update.repeated.push_back(*kind);
      seen.push_back(*kind);
      do {
        auto one = action(*kind);
        if (!one) return std::nullopt;
        update.actions.push_back(*std::move(one));
      } while (skip(TokenKind::kComma));
    } while (!at(TokenKind::kEnd));
    update.operators = operators_;
    return update;
  }

 private:
  bool at_reserved_keyword() const override { return section().has_value(); }

  std::optional<Section> section() const {
    if (at_keyword("SET")) return Section::kSet;
    if (at_keyword("REMOVE")) return Section::kRemove;
    if (at_keyword("ADD")) return Section::kAdd;
    if (at_keyword("DELETE")) return Section::kDelete;
    return std::nullopt;
  }

  std::optional<SyntaxAction> action(Section kind) {
    auto target = path();
    if (!target) return std::nullopt;
    SyntaxAction made{.kind = kind, .path = *std::move(target), .value = {}};
    if (kind == Section::kRemove) return made;
    if (kind == Section::kSet) {
      if (!skip(TokenKind::kEqual)) return unexpected_token();
      auto new_value = set_value();
      if (!new_value) return std::nullopt;
      made.value = *std::move(new_value);
      return made;
    }
    if (!at(TokenKind::kValue)) return unexpected_token();
    made.value = *value();
    return made;
  }

  // An operand, or two with + or - between them, the whole perhaps in parentheses.
  std::optional<Syntax> set_value() {
    if (!at(TokenKind::kOpen)) return sum(argument());
    advance();
    auto inner = sum(argument());
    if (!inner) return std::nullopt;
    if (!skip(TokenKind::kClose)) return unexpected_token();
    // "(a) + b": the parenthesis was that of an operand.
    return inner->is_operand() ? sum(std::move(inner)) : inner;
  }

  std::optional<Syntax> sum(std::optional<Syntax> left) {
    if (!left || (!at(TokenKind::kPlus) && !at(TokenKind::kMinus))) return left;
    Syntax node{.kind = at(TokenKind::kPlus) ? Kind::kPlus : Kind::kMinus, .text = token().text};
    advance();
    ++operators_;
    auto right = argument();
    if (!right) return std::nullopt;
    node.children.push_back(*std::move(left));
    node.children.push_back(*std::move(right));
    return node;
  }

  std::optional<Syntax> argument() override {
    const Deeper deeper(*this);
    if (at(TokenKind::kOpen)) {
      if (depth_ > kDepthMax) return fail(std::string(kRedundantParentheses));
      advance();
      auto inner = argument();
      if (!inner) return std::nullopt;
      if (!skip(TokenKind::kClose)) return unexpected_token();
      return inner;
    }
    if (at(TokenKind::kValue)) return value();
    if (at_call()) return call();
    return path();
  }

  int operators_ = 0;
};

class ProjectionParser final : public Parser {
 public:
  using Parser::Parser;

  std::optional<ProjectionSyntax> parse() {
    ProjectionSyntax projection;
    do {
      auto one = path();
      if (!one) return std::nullopt;
      projection.paths.push_back(*std::move(one));
    } while (skip(TokenKind::kComma));
    if (!at(TokenKind::kEnd)) return unexpected_token();
    return projection;
  }

 private:
  std::optional<Syntax> argument() override { return path(); }
};

std::optional<std::string> wrong_size(std::string_view expression) {
  if (expression.empty()) return "The expression can not be empty;";
  if (expression.size() > kExpressionBytesMax)
    return "Expression size has exceeded the maximum allowed size; expression size: " +
           std::to_string(expression.size());
  return std::nullopt;
}

template <class Result, class P>
Parsed<Result> run(std::string_view expression) {
  if (auto wrong = wrong_size(expression)) return std::unexpected(*std::move(wrong));
  P parser(expression);
  auto result = parser.parse();
  if (!result) return std::unexpected(parser.take_error());
  return *std::move(result);
}

}  // namespace

Parsed<ConditionSyntax> parse_condition(std::string_view expression) {
  return run<ConditionSyntax, ConditionParser>(expression);
}
Parsed<UpdateSyntax> parse_update(std::string_view expression) {
  return run<UpdateSyntax, UpdateParser>(expression);
}
Parsed<ProjectionSyntax> parse_projection(std::string_view expression) {
  return run<ProjectionSyntax, ProjectionParser>(expression);
}

}  // namespace tables::expression
