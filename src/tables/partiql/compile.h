#pragma once

// The parts of compile(): values, paths, conditions and assignments out of terms. Internal. Every
// function answers nullopt after it has set the error.

#include <optional>
#include <string>

#include "tables/expression/ast.h"
#include "tables/partiql/statement.h"

namespace tables::partiql {

// What all of them share: the parameters, and the first error.
class Translator {
 public:
  explicit Translator(const std::vector<Value>& parameters) : parameters_(parameters) {}

  std::string take_error() { return std::move(error_); }
  std::nullopt_t fail(std::string text) {
    if (error_.empty()) error_ = std::move(text);
    return std::nullopt;
  }

  // A literal or a parameter; `place` as errors show it: "root", "root.a[0]".
  std::optional<Value> value(const Term& term, const std::string& place = "root");
  static bool is_value(const Term& term);
  static expression::Path path(const Term& term);
  // The value of an INSERT: its attributes may be parameters, what is within them may not.
  std::optional<Item> item(const Term& term);

  std::optional<expression::Condition> condition(const Term& term);
  std::optional<expression::Update> update(const std::vector<Assignment>& changes);

 private:
  using Operands = std::optional<expression::Operand>;

  std::optional<Value> literal(const Term& term, const std::string& place, int depth);
  std::optional<Value> number(const Term& term, const std::string& place);
  std::optional<Value> bag(const Term& term);
  std::optional<Value> structure(const Term& term, const std::string& place, int depth);

  Operands operand(const Term& term);
  std::optional<expression::Condition> compare(const Term& term);
  std::optional<expression::Condition> equal(const Term& a, const Term& b);
  std::optional<expression::Condition> equals_condition(const Term& condition, const Term& other);
  std::optional<expression::Condition> in(const Term& term);
  std::optional<expression::Condition> in_condition(const Term& term);
  std::optional<expression::Condition> between(const Term& term);
  std::optional<expression::Condition> is(const Term& term);
  std::optional<expression::Condition> call(const Term& term);
  bool orderable(const Term& term, std::string_view op);
  bool check_call(const Term& term, std::size_t arguments);
  std::optional<Type> type_of(const Term& term) const;

  Operands assigned(const Term& term);
  std::optional<expression::Action> set_function(const Assignment& change);

  const std::vector<Value>& parameters_;
  std::string error_;
  int doublings_ = 0;
};

}  // namespace tables::partiql
