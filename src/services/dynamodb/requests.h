#pragma once

// From request parameters to the domain's terms, with AWS's checks in AWS's order. Internal.

#include "services/dynamodb/common.h"
#include "tables/expression/compile.h"
#include "tables/expression/legacy.h"

namespace services::dynamodb {

namespace expression = tables::expression;

struct Parameter {
  std::string_view name;
  bool given;
};

// Old and new parameters do not mix, and placeholders need expressions.
std::optional<api::Error> check_parameters(std::vector<Parameter> expressions,
                                           std::vector<Parameter> others, bool names, bool values);

// ConditionalOperator makes sense with two conditions or more.
std::optional<api::Error> check_conditional_operator(const std::optional<std::string>& op,
                                                     std::size_t conditions);

std::optional<api::Error> normalise_all(tables::Item& item);

// One request's expressions. Keeps references to the request's maps.
class Compiler {
 public:
  using Names = std::optional<std::map<std::string, std::string>>;
  using Values = std::optional<std::map<std::string, tables::Value>>;

  Compiler(const Names& names, Values& values);
  explicit Compiler(const Names& names);

  // Before the first expression.
  std::optional<api::Error> prepare();
  api::Outcome<expression::Condition> condition(std::string_view parameter,
                                                const std::string& text);
  api::Outcome<expression::Update> update(const std::string& text);
  api::Outcome<expression::Projection> projection(const std::string& text);
  // After the last one.
  std::optional<api::Error> finish() const;

 private:
  const std::map<std::string, std::string>* names_;
  std::map<std::string, tables::Value>* values_;
  expression::Scope scope_;
};

// Runs the parse functions of `legacy.h`, whose errors are whole texts.
template <class T>
api::Outcome<T> outcome(expression::Parsed<T> parsed) {
  if (!parsed) return tables::refuse(std::move(parsed).error());
  return *std::move(parsed);
}

tables::ReturnValues return_values(const std::optional<std::string>& wanted);

}  // namespace services::dynamodb
