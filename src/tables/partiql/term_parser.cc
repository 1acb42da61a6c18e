#include "tables/partiql/term_parser.h"

#include <algorithm>
#include <array>

namespace tables::partiql {

namespace {

using Kind = Term::Kind;

// What IS can ask for; of several words the first.
constexpr auto kTypes = std::to_array<std::string_view>(
    {"MISSING",  "NULL",   "BOOLEAN", "BOOL",      "BLOB",   "STRING",  "NUMERIC", "STRUCT",
     "TUPLE",    "LIST",   "BAG",     "INT",       "INT2",   "INT4",    "INT8",    "INTEGER",
     "SMALLINT", "BIGINT", "FLOAT",   "REAL",      "DOUBLE", "DECIMAL", "CHAR",    "CHARACTER",
     "VARCHAR",  "SYMBOL", "CLOB",    "TIMESTAMP", "DATE",   "TIME",    "ANY",     "SEXP"});

constexpr auto kOperatorWords = std::to_array<std::string_view>(
    {"IS", "LIKE", "IN", "BETWEEN", "AND", "OR", "UNION", "INTERSECT", "EXCEPT"});

bool one_of(const Token& token, std::span<const std::string_view> words) {
  return std::ranges::any_of(words, [&](std::string_view one) { return is_keyword(token, one); });
}

bool is_function(const Token& token) {
  // Keywords that are also names of functions.
  constexpr auto kFunctions =
      std::to_array<std::string_view>({"EXISTS",       "COUNT",       "AVG",
                                       "MAX",          "MIN",         "SUM",
                                       "SUBSTRING",    "CHAR_LENGTH", "CHARACTER_LENGTH",
                                       "TRIM",         "UPPER",       "LOWER",
                                       "CAST",         "COALESCE",    "NULLIF",
                                       "EXTRACT",      "CONVERT",     "POSITION",
                                       "OCTET_LENGTH", "BIT_LENGTH"});
  if (token.kind == Token::Kind::kIdentifier) return false;
  return token.kind == Token::Kind::kWord && (!is_keyword(token) || one_of(token, kFunctions));
}

}  // namespace

struct TermParser::Deeper {
  explicit Deeper(TermParser& parser) : owner(parser) { ++owner.depth_; }
  ~Deeper() { --owner.depth_; }
  Deeper(const Deeper&) = delete;
  Deeper& operator=(const Deeper&) = delete;
  bool too_deep() const { return owner.depth_ > kDepthMax; }
  TermParser& owner;
};

bool TermParser::at_name() const {
  return token().kind == Token::Kind::kIdentifier ||
         (token().kind == Token::Kind::kWord && !is_keyword(token()));
}

std::nullopt_t TermParser::fail(std::string_view text) {
  if (error_.empty()) error_ = text;
  return std::nullopt;
}

std::nullopt_t TermParser::malformed(std::string_view what) {
  return fail(std::string(kMalformed).append(what));
}

std::nullopt_t TermParser::unexpected() {
  if (one_of(token(), kOperatorWords)) return malformed("Unexpected operator");
  if (is_keyword(token())) return malformed("Unexpected keyword");
  constexpr auto kOperators =
      std::to_array<std::string_view>({"=", "<>", "<", "<=", ">", ">=", "*", "/", "%", "|"});
  if (std::ranges::any_of(kOperators, [&](std::string_view one) { return at(one); }))
    return malformed("Unexpected operator");
  return malformed("Unexpected term");
}

bool TermParser::count_operator() {
  if (++operators_ <= kOperatorsMax) return true;
  fail("The expression contains too many operators; operator count: " +
       std::to_string(kOperatorsMax + 1));
  return false;
}

template <class Read>
std::optional<Term> TermParser::operand(Read read) {
  if (!count_operator()) return std::nullopt;
  if (at_end() || at(";")) return malformed("Missing right-hand side expression of infix operator");
  return (this->*read)();
}

std::optional<Term> TermParser::term() { return chain(Kind::kOr); }

// a AND b AND c: one node.
std::optional<Term> TermParser::chain(Kind kind) {
  const bool is_or = kind == Kind::kOr;
  auto left = is_or ? chain(Kind::kAnd) : negation();
  const std::string_view keyword = is_or ? "OR" : "AND";
  if (!left || !at_keyword(keyword)) return left;
  Term made;
  made.kind = kind;
  made.at = left->at;
  made.children.push_back(*std::move(left));
  while (skip_keyword(keyword)) {
    if (!count_operator()) return std::nullopt;
    if (at_end() || at(";"))
      return malformed("Missing right-hand side expression of infix operator");
    auto right = is_or ? chain(Kind::kAnd) : negation();
    if (!right) return std::nullopt;
    made.children.push_back(*std::move(right));
  }
  return made;
}

std::optional<Term> TermParser::negation() {
  if (!at_keyword("NOT")) return equality();
  const Deeper deeper(*this);
  if (deeper.too_deep() || !count_operator()) return fail("The statement nests too deep");
  Term made = here(Kind::kNot);
  advance();
  auto inner = negation();
  if (!inner) return std::nullopt;
  made.children.push_back(*std::move(inner));
  return made;
}

std::optional<Term> TermParser::equality() {
  auto left = comparison();
  while (left) {
    if (at("=") || at("<>")) {
      Term made = here(Kind::kCompare, token().text);
      advance();
      auto right = operand(&TermParser::comparison);
      if (!right) return std::nullopt;
      made.children.push_back(*std::move(left));
      made.children.push_back(*std::move(right));
      left = std::move(made);
    } else if (at_keyword("IN") || (at_keyword("NOT") && is_keyword(next(), "IN"))) {
      left = in(*std::move(left));
    } else if (at_keyword("IS")) {
      left = is(*std::move(left));
    } else {
      break;
    }
  }
  return left;
}

std::optional<Term> TermParser::comparison() {
  auto left = sum();
  while (left) {
    if (at("<") || at("<=") || at(">") || at(">=")) {
      Term made = here(Kind::kCompare, token().text);
      advance();
      auto right = operand(&TermParser::sum);
      if (!right) return std::nullopt;
      made.children.push_back(*std::move(left));
      made.children.push_back(*std::move(right));
      left = std::move(made);
    } else if (at_keyword("BETWEEN") || (at_keyword("NOT") && is_keyword(next(), "BETWEEN"))) {
      left = between(*std::move(left));
    } else if (at_keyword("LIKE") || (at_keyword("NOT") && is_keyword(next(), "LIKE"))) {
      return fail("Unsupported operator in Condition Expression. Operator: LIKE");
    } else {
      break;
    }
  }
  return left;
}

namespace {

Term negated(Term term) {
  Term made;
  made.kind = Kind::kNot;
  made.at = term.at;
  made.children.push_back(std::move(term));
  return made;
}

}  // namespace

std::optional<Term> TermParser::in(Term operand_term) {
  const bool is_negated = skip_keyword("NOT");
  Term made = here(Kind::kIn);
  made.at = operand_term.at;
  advance();
  if (!count_operator()) return std::nullopt;
  made.children.push_back(std::move(operand_term));
  std::string_view close;
  if (skip("[")) close = "]";
  else if (skip("(")) close = ")";
  else if (skip("<<")) close = ">>";
  else if (at_end()) return malformed("Missing right-hand side expression of infix operator");
  else return fail("The right-hand side of IN must be a list" + token().at.shown());
  if (!elements(made.children, close)) return std::nullopt;
  return is_negated ? negated(std::move(made)) : std::move(made);
}

std::optional<Term> TermParser::between(Term operand_term) {
  const bool is_negated = skip_keyword("NOT");
  Term made = here(Kind::kBetween);
  advance();
  auto low = operand(&TermParser::sum);
  if (!low) return std::nullopt;
  if (!skip_keyword("AND")) return malformed("Expected AND after BETWEEN");
  auto high = operand(&TermParser::sum);
  if (!high) return std::nullopt;
  made.children.push_back(std::move(operand_term));
  made.children.push_back(*std::move(low));
  made.children.push_back(*std::move(high));
  return is_negated ? negated(std::move(made)) : std::move(made);
}

std::optional<Term> TermParser::is(Term operand_term) {
  Term made = here(Kind::kIs);
  advance();
  if (!count_operator()) return std::nullopt;
  const bool is_negated = skip_keyword("NOT");
  const auto* const type =
      std::ranges::find_if(kTypes, [&](std::string_view one) { return at_keyword(one); });
  if (type == kTypes.end()) return malformed("Expected type name");
  made.text = *type;
  advance();
  if (*type == "DOUBLE") skip_keyword("PRECISION");
  if (*type == "CHARACTER") skip_keyword("VARYING");
  made.children.push_back(std::move(operand_term));
  return is_negated ? negated(std::move(made)) : std::move(made);
}

std::optional<Term> TermParser::sum() {
  auto left = signed_term();
  while (left && (at("+") || at("-"))) {
    Term made = here(at("+") ? Kind::kPlus : Kind::kMinus, token().text);
    advance();
    auto right = operand(&TermParser::signed_term);
    if (!right) return std::nullopt;
    made.children.push_back(*std::move(left));
    made.children.push_back(*std::move(right));
    left = std::move(made);
  }
  if (left && (at("*") || at("/") || at("%") || at("|")))
    return fail("Unsupported operator: " + token().text + token().at.shown());
  return left;
}

// Signs before a number belong to it, however many there are.
std::optional<Term> TermParser::signed_term() {
  if (!at("+") && !at("-")) return primary();
  const Deeper deeper(*this);
  if (deeper.too_deep()) return fail("The statement nests too deep");
  Term made = here(at("+") ? Kind::kPlus : Kind::kMinus, token().text);
  advance();
  auto inner = signed_term();
  if (!inner) return std::nullopt;
  if (inner->kind == Kind::kNumber && !inner->parenthesised) {
    if (made.kind == Kind::kPlus) return inner;
    if (inner->text.starts_with('-')) inner->text.erase(0, 1);
    else inner->text.insert(0, 1, '-');
    return inner;
  }
  made.children.push_back(*std::move(inner));
  return made;
}

std::optional<Term> TermParser::primary() {
  const Deeper deeper(*this);
  if (deeper.too_deep()) return fail("The statement nests too deep");
  Term made;
  switch (token().kind) {
    case Token::Kind::kString: made = here(Kind::kString, token().text); break;
    case Token::Kind::kNumber: made = here(Kind::kNumber, token().text); break;
    case Token::Kind::kIdentifier: return path();
    case Token::Kind::kWord: return word();
    case Token::Kind::kEnd: return malformed("Unexpected term");
    case Token::Kind::kSymbol:
      if (at("[")) return list(Kind::kList, "]");
      if (at("<<")) return list(Kind::kBag, ">>");
      if (at("{")) return structure();
      if (at("(")) {
        advance();
        auto inner = term();
        if (!inner) return std::nullopt;
        if (!skip(")")) return malformed("Expected right paren");
        inner->parenthesised = true;
        return inner;
      }
      if (!at("?")) return unexpected();
      made = here(Kind::kParameter);
      made.number = parameters_++;
      break;
  }
  advance();
  return made;
}

std::optional<Term> TermParser::word() {
  if (next().is("(") && is_function(token())) return call();
  for (const std::string_view literal : {"TRUE", "FALSE", "NULL", "MISSING"}) {
    if (!at_keyword(literal)) continue;
    Term made = here(literal == "NULL"      ? Kind::kNull
                     : literal == "MISSING" ? Kind::kMissing
                                            : Kind::kBoolean,
                     lower(literal));
    advance();
    return made;
  }
  if (is_keyword(token())) return unexpected();
  return path();
}

std::optional<Term> TermParser::call() {
  Term made = here(Kind::kCall, lower(token().text));
  advance();
  advance();
  if (skip(")")) return made;
  // What a function is given that is no value stays a term: EXISTS(SELECT ...) inside a statement.
  if (at_keyword("SELECT")) return fail("Unexpected path component" + made.at.shown());
  if (made.text == "count" && skip("*")) made.children.push_back(here(Kind::kNull));
  else if (!elements(made.children, {})) return std::nullopt;
  if (!skip(")")) return malformed("Expected right paren");
  return made;
}

// Terms with commas between them, and `close` behind them if there is any.
bool TermParser::elements(std::vector<Term>& into, std::string_view close) {
  if (!close.empty() && skip(close)) return true;
  do {
    auto one = term();
    if (!one) return false;
    into.push_back(*std::move(one));
  } while (skip(","));
  if (close.empty() || skip(close)) return true;
  malformed("Expected '" + std::string(close) + "'");
  return false;
}

std::optional<Term> TermParser::list(Kind kind, std::string_view close) {
  Term made = here(kind);
  advance();
  if (!elements(made.children, close)) return std::nullopt;
  return made;
}

std::optional<Term> TermParser::structure() {
  Term made = here(Kind::kStruct);
  advance();
  if (skip("}")) return made;
  do {
    auto key = term();
    if (!key) return std::nullopt;
    if (!skip(":")) return malformed("Expected ':' in a tuple");
    auto value = term();
    if (!value) return std::nullopt;
    made.children.push_back(*std::move(key));
    made.children.push_back(*std::move(value));
  } while (skip(","));
  if (!skip("}")) return malformed("Expected '}'");
  return made;
}

std::optional<Term> TermParser::path() {
  Term made = here(Kind::kPath);
  made.steps.push_back({token().text});
  advance();
  while (true) {
    if (skip(".")) {
      if (!at_name()) return malformed("Invalid path dot component");
      made.steps.push_back({token().text});
      advance();
    } else if (at("[")) {
      advance();
      if (!path_index(made)) return std::nullopt;
    } else {
      return made;
    }
  }
}

bool TermParser::path_index(Term& path) {
  bool is_negative = false;
  for (; at("-") || at("+"); advance()) is_negative = is_negative != at("-");
  const bool is_integer = token().kind == Token::Kind::kNumber &&
                          token().text.find_first_not_of("0123456789") == std::string::npos;
  if (!is_integer) return fail("Unexpected path component" + token().at.shown()), false;
  std::string digits = token().text;
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size() - 1));
  constexpr std::string_view kIndexMax = "2147483647";
  const bool too_large =
      digits.size() > kIndexMax.size() || (digits.size() == kIndexMax.size() && digits > kIndexMax);
  if (too_large || (is_negative && digits != "0")) {
    fail("List index is not within the allowable range; index: [" +
         std::string(is_negative ? "-" : "") + digits + "]" + token().at.shown());
    return false;
  }
  path.steps.push_back({std::move(digits), true});
  advance();
  if (skip("]")) return true;
  malformed("Expected ']'");
  return false;
}

}  // namespace tables::partiql
