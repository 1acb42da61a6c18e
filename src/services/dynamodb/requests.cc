#include "services/dynamodb/requests.h"

namespace services::dynamodb {

namespace {

std::string joined(const std::vector<std::string_view>& names, std::string_view with) {
  std::string text;
  for (const auto name : names) {
    if (!text.empty()) text += with;
    text += name;
  }
  return text;
}

std::vector<std::string_view> given(const std::vector<Parameter>& parameters) {
  std::vector<std::string_view> names;
  for (const Parameter& one : parameters) {
    if (one.given) names.push_back(one.name);
  }
  return names;
}

template <class T>
api::Outcome<T> named(std::string_view parameter, expression::Parsed<T> parsed) {
  if (!parsed)
    return tables::refuse("Invalid " + std::string(parameter) + ": " + std::move(parsed).error());
  return *std::move(parsed);
}

}  // namespace

std::optional<api::Error> check_parameters(std::vector<Parameter> expressions,
                                           std::vector<Parameter> others, bool names, bool values) {
  const auto used = given(expressions);
  const auto old = given(others);
  if (!used.empty() && !old.empty())
    return tables::validation(
        "Can not use both expression and non-expression parameters in the same request: "
        "Non-expression parameters: {" +
        joined(old, ", ") + "} Expression parameters: {" + joined(used, ", ") + "}");
  if (names && used.empty())
    return tables::validation(
        "ExpressionAttributeNames can only be specified when using expressions");
  std::vector<std::string_view> with_values;
  bool any = false;
  for (const Parameter& one : expressions) {
    if (one.name == "ProjectionExpression") continue;
    with_values.push_back(one.name);
    any = any || one.given;
  }
  if (values && !any && !with_values.empty())
    return tables::validation(
        "ExpressionAttributeValues can only be specified when using expressions: " +
        joined(with_values, " and ") + (with_values.size() > 1 ? " are null" : " is null"));
  return std::nullopt;
}

std::optional<api::Error> check_conditional_operator(const std::optional<std::string>& op,
                                                     std::size_t conditions) {
  if (!op) return std::nullopt;
  if (conditions == 0)
    return tables::validation("ConditionalOperator cannot be used without Filter or Expected");
  if (conditions == 1)
    return tables::validation(
        "ConditionalOperator can only be used when Filter or Expected has two or more elements");
  return std::nullopt;
}

std::optional<api::Error> normalise_all(tables::Item& item) {
  if (auto wrong = tables::normalise(item)) return tables::validation(*std::move(wrong));
  return std::nullopt;
}

Compiler::Compiler(const Names& names, Values& values)
    : names_(names ? &*names : nullptr),
      values_(values ? &*values : nullptr),
      scope_(names_, values_) {}

Compiler::Compiler(const Names& names)
    : names_(names ? &*names : nullptr), values_(nullptr), scope_(names_, nullptr) {}

std::optional<api::Error> Compiler::prepare() {
  if (auto wrong = expression::Scope::prepare(names_, values_))
    return tables::validation(*std::move(wrong));
  return std::nullopt;
}

api::Outcome<expression::Condition> Compiler::condition(std::string_view parameter,
                                                        const std::string& text) {
  return named(parameter, expression::compile_condition(text, scope_));
}

api::Outcome<expression::Update> Compiler::update(const std::string& text) {
  return named("UpdateExpression", expression::compile_update(text, scope_));
}

api::Outcome<expression::Projection> Compiler::projection(const std::string& text) {
  return named("ProjectionExpression", expression::compile_projection(text, scope_));
}

std::optional<api::Error> Compiler::finish() const {
  if (auto wrong = scope_.unused()) return tables::validation(*std::move(wrong));
  return std::nullopt;
}

tables::ReturnValues return_values(const std::optional<std::string>& wanted) {
  using tables::ReturnValues;
  if (wanted == "ALL_OLD") return ReturnValues::kAllOld;
  if (wanted == "UPDATED_OLD") return ReturnValues::kUpdatedOld;
  if (wanted == "ALL_NEW") return ReturnValues::kAllNew;
  if (wanted == "UPDATED_NEW") return ReturnValues::kUpdatedNew;
  return ReturnValues::kNone;
}

}  // namespace services::dynamodb
