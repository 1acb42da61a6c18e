#include "stacks/ground.h"

namespace stacks {

std::vector<StoredParameter> to_stored(const BoundParameters& parameters) {
  std::vector<StoredParameter> stored;
  for (const auto& [name, bound] : parameters)
    stored.push_back({.name = name, .text = bound.text, .no_echo = bound.no_echo});
  return stored;
}

std::vector<GivenParameter> to_given(const std::vector<StoredParameter>& parameters) {
  std::vector<GivenParameter> given;
  for (const StoredParameter& one : parameters)
    given.push_back({.name = one.name, .value = one.text});
  return given;
}

Pseudo pseudo_of(const StackRecord& record, const Blueprint& blueprint) {
  Pseudo pseudo;
  pseudo.account = record.account;
  pseudo.region = record.region;
  pseudo.stack_name = record.name;
  pseudo.stack_id = record.id;
  pseudo.notification_arns = blueprint.notification_arns;
  return pseudo;
}

base::Result<std::unique_ptr<Ground>> make_ground(
    const StackRecord& record, const Blueprint& blueprint, const std::string& template_text,
    std::function<std::optional<MadeValues>(const std::string&)> made,
    std::function<std::optional<std::string>(const std::string&)> exported) {
  auto ground = std::make_unique<Ground>();
  ASSIGN_OR_RETURN(Template source, parse_template(template_text));
  ground->source = std::make_shared<const Template>(std::move(source));
  ASSIGN_OR_RETURN(ground->parameters,
                   bind_parameters(*ground->source, to_given(blueprint.parameters), {}));
  ground->masked_parameters = ground->parameters;
  for (auto& [name, bound] : ground->masked_parameters)
    if (bound.no_echo) bound.value = Value::string(std::string(kMaskedValue));
  ground->scope.source = ground->source.get();
  ground->scope.parameters = &ground->parameters;
  ground->scope.pseudo = pseudo_of(record, blueprint);
  ground->scope.made = std::move(made);
  ground->scope.exported = std::move(exported);
  ASSIGN_OR_RETURN(ground->scope.conditions, evaluate_conditions(ground->scope));
  ground->masked = ground->scope;
  ground->masked.parameters = &ground->masked_parameters;
  return ground;
}

}  // namespace stacks
