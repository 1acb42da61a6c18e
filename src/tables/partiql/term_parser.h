#pragma once

// The part of the parser that reads terms: values, paths, calls and what operators make of them.
// Internal. A function that answers nullopt has set the error.

#include <optional>

#include "tables/partiql/syntax.h"

namespace tables::partiql {

inline constexpr std::string_view kMalformed = "Statement wasn't well formed, can't be processed: ";

class TermParser {
 public:
  explicit TermParser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  std::string take_error() { return std::move(error_); }

 protected:
  ~TermParser() = default;

  const Token& token() const { return tokens_[at_]; }
  const Token& next() const { return tokens_[std::min(at_ + 1, tokens_.size() - 1)]; }
  bool at_end() const { return token().kind == Token::Kind::kEnd; }
  bool at(std::string_view symbol) const { return token().is(symbol); }
  bool at_keyword(std::string_view upper) const { return is_keyword(token(), upper); }
  // A table's or an attribute's name.
  bool at_name() const;
  void advance() {
    if (!at_end()) ++at_;
  }
  bool skip(std::string_view symbol) {
    if (!at(symbol)) return false;
    advance();
    return true;
  }
  bool skip_keyword(std::string_view upper) {
    if (!at_keyword(upper)) return false;
    advance();
    return true;
  }

  std::nullopt_t fail(std::string_view text);       // the whole text
  std::nullopt_t malformed(std::string_view what);  // what is wrong with the form
  std::nullopt_t unexpected();                      // the word that stands here
  std::size_t parameters() const { return parameters_; }

  std::optional<Term> term();
  // A name and its steps.
  std::optional<Term> path();

 private:
  struct Deeper;

  std::optional<Term> chain(Term::Kind kind);
  std::optional<Term> negation();
  std::optional<Term> equality();
  std::optional<Term> comparison();
  std::optional<Term> sum();
  std::optional<Term> signed_term();
  std::optional<Term> primary();
  std::optional<Term> word();
  std::optional<Term> call();
  std::optional<Term> list(Term::Kind kind, std::string_view close);
  std::optional<Term> structure();
  std::optional<Term> in(Term operand);
  std::optional<Term> between(Term operand);
  std::optional<Term> is(Term operand);
  bool elements(std::vector<Term>& into, std::string_view close);
  bool path_index(Term& path);
  // The right-hand side of an operator that has been read.
  template <class Read>
  std::optional<Term> operand(Read read);
  bool count_operator();
  Term here(Term::Kind kind, std::string text = {}) const {
    Term made;
    made.kind = kind;
    made.at = token().at;
    made.text = std::move(text);
    return made;
  }

  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  std::string error_;
  std::size_t parameters_ = 0;
  int depth_ = 0;
  int operators_ = 0;
};

}  // namespace tables::partiql
