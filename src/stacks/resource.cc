#include "stacks/resource.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "stacks/shape_values.h"

namespace stacks {

async::Task<api::Outcome<Value>> ResourceHandler::prepare(const StepContext& /*context*/,
                                                          const Value& /*properties*/) const {
  co_return Value();
}

bool ResourceHandler::replaces(const Value& /*before*/, const Value& /*after*/) const {
  return true;
}

void ResourceRegistry::add(std::unique_ptr<ResourceHandler> handler) {
  CHECK(find(handler->schema().type) == nullptr);
  handlers_.push_back(std::move(handler));
}

const ResourceHandler* ResourceRegistry::find(std::string_view type) const {
  if (type.starts_with("Custom::")) type = "AWS::CloudFormation::CustomResource";
  for (const auto& handler : handlers_)
    if (handler->schema().type == type) return handler.get();
  return nullptr;
}

namespace {

const PropertyRule* rule_of(const ResourceSchema& schema, std::string_view name) {
  for (const PropertyRule& rule : schema.properties)
    if (rule.name == name) return &rule;
  return nullptr;
}

}  // namespace

base::Status check_properties(const ResourceSchema& schema, std::string_view logical_id,
                              const Value& properties) {
  std::vector<std::string> faults;
  for (std::size_t i = 0; i < properties.size(); ++i) {
    const std::string& name = properties.keys()[i];
    const PropertyRule* rule = rule_of(schema, name);
    if (rule == nullptr && schema.any_property) continue;
    if (rule == nullptr && std::find(schema.unsupported.begin(), schema.unsupported.end(), name) !=
                               schema.unsupported.end())
      return base::error(base::ErrorCode::kInvalidArgument,
                         fmt::format("Property {} of {} (resource {}) is not supported by Millrace",
                                     name, schema.type, logical_id));
    if (rule == nullptr) {
      faults.push_back(fmt::format("#: extraneous key [{}] is not permitted", name));
    } else if (rule->shape != nullptr) {
      check_against(*rule->shape, properties.items()[i], "#/" + name, faults);
    }
  }
  for (const PropertyRule& rule : schema.properties)
    if (rule.required && !properties.has(rule.name))
      faults.push_back(fmt::format("#: required key [{}] not found", rule.name));
  if (faults.empty()) return {};
  return base::error(base::ErrorCode::kInvalidArgument,
                     fmt::format("Properties validation failed for resource {} with message:\n[{}]",
                                 logical_id, fmt::join(faults, ", ")));
}

std::vector<PropertyChange> property_changes(const ResourceSchema& schema, const Value& before,
                                             const Value& after) {
  std::vector<PropertyChange> changes;
  const auto note = [&](const std::string& name) {
    const PropertyRule* rule = rule_of(schema, name);
    changes.push_back({name, rule == nullptr ? OnChange::kUpdate : rule->on_change});
  };
  for (std::size_t i = 0; i < before.size(); ++i) {
    const Value* other = after.find(before.keys()[i]);
    if (other == nullptr || !same_to_services(before.items()[i], *other)) note(before.keys()[i]);
  }
  for (const std::string& name : after.keys())
    if (!before.has(name)) note(name);
  return changes;
}

std::string physical_name(const NameRule& rule, std::string_view stack, std::string_view logical_id,
                          base::Random& random) {
  constexpr std::size_t kRandom = 12;
  const std::string_view alphabet =
      rule.lower_case ? base::kLowerAlphanumeric : base::kUpperAlphanumeric;
  const std::string tail = base::random_text(random, alphabet, kRandom);
  const std::size_t room = rule.max - kRandom - 2;
  // The stack's name stays whole as long as a little of the logical id fits beside it: functions
  // find their siblings by it.
  const std::size_t logical_min = std::min<std::size_t>(logical_id.size(), 8);
  stack = stack.substr(0, std::min(stack.size(), room - logical_min));
  logical_id = logical_id.substr(0, std::min(logical_id.size(), room - stack.size()));
  std::string name = fmt::format("{}-{}-{}", stack, logical_id, tail);
  if (rule.lower_case)
    std::transform(name.begin(), name.end(), name.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
  return name;
}

}  // namespace stacks
