#include "stacks/plan.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "stacks/references.h"

namespace stacks {

namespace {

std::unexpected<base::Error> invalid(std::string message) {
  return base::error(base::ErrorCode::kInvalidArgument, std::move(message));
}

// Where a property's new value comes from, read off the template: a parameter, another resource, or
// the template itself.
ChangeDetail explain(const std::string& property, OnChange on_change, const Value* expression,
                     bool is_dynamic, const Template& source) {
  ChangeDetail detail{.attribute = property == "Tags" ? "Tags" : "Properties",
                      .property = property,
                      .on_change = on_change,
                      .is_dynamic = is_dynamic,
                      .source = "DirectModification",
                      .causing_entity = ""};
  if (expression == nullptr) return detail;
  for (const Reference& reference : references_in(*expression)) {
    if (reference.kind == Reference::Kind::kCondition) continue;
    if (source.parameter(reference.name) != nullptr) {
      detail.source = "ParameterReference";
      detail.causing_entity = reference.name;
    } else if (is_dynamic && source.resource(reference.name) != nullptr) {
      const bool is_attribute = reference.kind == Reference::Kind::kGetAtt;
      detail.source = is_attribute ? "ResourceAttribute" : "ResourceReference";
      detail.causing_entity =
          is_attribute ? reference.name + "." + reference.attribute : reference.name;
    } else {
      continue;
    }
    break;
  }
  return detail;
}

Replacement replacement_of(const std::vector<ChangeDetail>& details) {
  Replacement replacement = Replacement::kFalse;
  for (const ChangeDetail& detail : details) {
    if (detail.on_change == OnChange::kUpdate) continue;
    if (detail.on_change == OnChange::kReplace && !detail.is_dynamic) return Replacement::kTrue;
    replacement = Replacement::kConditional;
  }
  return replacement;
}

class Planner {
 public:
  explicit Planner(const PlanInput& input) : input_(input), scope_(input.after) {
    scope_.made = [this](const std::string& id) { return made(id); };
  }

  base::Result<std::vector<PlannedChange>> run() {
    ASSIGN_OR_RETURN(const Graph graph, active_graph(scope_));
    for (const auto& [id, record] : input_.records) removed_if_gone(record, graph);
    ASSIGN_OR_RETURN(const std::vector<std::string> order, in_order(graph));
    for (const std::string& id : order) RETURN_IF_ERROR(plan(*scope_.source->resource(id)));
    std::sort(changes_.begin(), changes_.end(),
              [](const PlannedChange& a, const PlannedChange& b) { return a.id < b.id; });
    return std::move(changes_);
  }

 private:
  // Values of a resource that stays as it is; nothing of one that is new or replaced.
  std::optional<MadeValues> made(const std::string& id) const {
    const auto record = input_.records.find(id);
    if (record == input_.records.end() || record->second.now.id.empty() || unsure_.contains(id))
      return std::nullopt;
    return MadeValues{record->second.now.id, record->second.now.attributes};
  }

  static base::Result<std::vector<std::string>> in_order(Graph graph) {
    std::vector<std::string> order;
    while (!graph.empty()) {
      const std::size_t before = order.size();
      for (const auto& [id, needs] : graph)
        if (needs.empty()) order.push_back(id);
      if (order.size() == before) return invalid("Circular dependency between resources");
      for (std::size_t i = before; i < order.size(); ++i) {
        graph.erase(order[i]);
        for (auto& [id, needs] : graph) needs.erase(order[i]);
      }
    }
    return order;
  }

  void removed_if_gone(const ResourceRecord& record, const Graph& graph) {
    if (graph.contains(record.id)) return;
    const bool keeps = record.deletion_policy.starts_with("Retain");
    changes_.push_back({.action = PlannedChange::Action::kRemove,
                        .id = record.id,
                        .type = record.type,
                        .physical_id = record.now.id,
                        .policy_action = keeps ? "Retain" : "Delete",
                        .details = {}});
  }

  base::Status plan(const ResourceDeclaration& resource) {
    const ResourceHandler* handler = input_.registry.find(resource.type);
    if (handler == nullptr)
      return invalid(
          fmt::format("Template format error: Unrecognized resource types: [{}]", resource.type));
    const auto record = input_.records.find(resource.id);
    if (record == input_.records.end()) {
      unsure_.insert(resource.id);
      changes_.push_back({.action = PlannedChange::Action::kAdd,
                          .id = resource.id,
                          .type = resource.type,
                          .physical_id = "",
                          .policy_action = "",
                          .details = {}});
      return {};
    }
    if (record->second.type != resource.type)
      return invalid(fmt::format(
          "Update of resource type is not permitted. The new template modifies resource type of "
          "the following resources: [{}]",
          resource.id));
    return plan_existing(resource, record->second, *handler);
  }

  base::Status plan_existing(const ResourceDeclaration& resource, const ResourceRecord& record,
                             const ResourceHandler& handler) {
    ASSIGN_OR_RETURN(const Value after, resolve(resource.properties, scope_));
    PlannedChange change{.action = PlannedChange::Action::kModify,
                         .id = resource.id,
                         .type = resource.type,
                         .physical_id = record.now.id,
                         .policy_action = "",
                         .details = {}};
    for (const PropertyChange& one :
         property_changes(handler.schema(), record.now.properties, after)) {
      const Value* value = after.find(one.name);
      OnChange on_change = one.on_change;
      const bool is_dynamic = value != nullptr && contains_unknown(*value);
      if (on_change == OnChange::kConditional && !contains_unknown(after))
        on_change =
            handler.replaces(record.now.properties, after) ? OnChange::kReplace : OnChange::kUpdate;
      change.details.push_back(explain(one.name, on_change, resource.properties.find(one.name),
                                       is_dynamic, *scope_.source));
    }
    if (!(record.metadata == resource.metadata))
      change.details.push_back({.attribute = "Metadata",
                                .property = "",
                                .source = "DirectModification",
                                .causing_entity = ""});
    if (change.details.empty()) return {};
    change.replacement = replacement_of(change.details);
    if (change.replacement != Replacement::kFalse) {
      change.policy_action =
          record.update_replace_policy == "Retain" ? "ReplaceAndRetain" : "ReplaceAndDelete";
      unsure_.insert(resource.id);
    } else if (handler.schema().any_attribute) {
      unsure_.insert(resource.id);
    }
    changes_.push_back(std::move(change));
    return {};
  }

  const PlanInput& input_;
  Scope scope_;
  std::set<std::string> unsure_;  // whose values may be others afterwards
  std::vector<PlannedChange> changes_;
};

bool has_attribute(const ResourceSchema& schema, const std::string& attribute) {
  if (schema.any_attribute || attribute.empty()) return true;
  return std::find(schema.attributes.begin(), schema.attributes.end(), attribute) !=
         schema.attributes.end();
}

base::Status check_attributes(const Value& value, const Template& source,
                              const ResourceRegistry& registry) {
  for (const Reference& reference : references_in(value)) {
    if (reference.kind != Reference::Kind::kGetAtt) continue;
    const ResourceDeclaration* resource = source.resource(reference.name);
    const ResourceHandler* handler = resource == nullptr ? nullptr : registry.find(resource->type);
    if (handler != nullptr && !has_attribute(handler->schema(), reference.attribute))
      return invalid(fmt::format(
          "Template error: resource {} does not support attribute type {} in {}", reference.name,
          reference.attribute, reference.in_sub ? "Fn::Sub" : "Fn::GetAtt"));
  }
  return {};
}

}  // namespace

base::Result<std::vector<PlannedChange>> plan_changes(const PlanInput& input) {
  return Planner(input).run();
}

base::Result<Graph> active_graph(const Scope& scope) {
  ASSIGN_OR_RETURN(Graph graph, dependency_graph(*scope.source));
  Graph active;
  for (auto& [id, needs] : graph) {
    if (!condition_holds(scope.source->resource(id)->condition, scope)) continue;
    std::erase_if(needs, [&](const std::string& need) {
      return !condition_holds(scope.source->resource(need)->condition, scope);
    });
    active[id] = std::move(needs);
  }
  return active;
}

base::Status check_types(const Template& source, const ResourceRegistry& registry) {
  std::set<std::string> unknown;
  for (const ResourceDeclaration& resource : source.resources)
    if (registry.find(resource.type) == nullptr) unknown.insert(resource.type);
  if (!unknown.empty())
    return invalid(fmt::format("Template format error: Unrecognized resource types: [{}]",
                               fmt::join(unknown, ", ")));
  for (const ResourceDeclaration& resource : source.resources)
    RETURN_IF_ERROR(check_attributes(resource.properties, source, registry));
  for (const OutputDeclaration& output : source.outputs)
    RETURN_IF_ERROR(check_attributes(output.value, source, registry));
  return {};
}

}  // namespace stacks
