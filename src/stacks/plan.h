#pragma once

// Compares what a stack is with what a template asks for: the changes of a change set, and whether
// an update has anything to do. Pure.

#include <map>
#include <string>
#include <vector>

#include "stacks/graph.h"
#include "stacks/resolve.h"
#include "stacks/resource.h"
#include "stacks/state.h"

namespace stacks {

enum class Replacement { kFalse, kTrue, kConditional };

struct ChangeDetail {
  std::string attribute;  // Properties, Tags, Metadata, DeletionPolicy ...
  std::string property;   // of Properties and Tags
  OnChange on_change = OnChange::kUpdate;
  bool is_dynamic = false;     // the new value is known only while executing
  std::string source;          // DirectModification, ParameterReference, ResourceReference, ...
  std::string causing_entity;  // "Parameter", "Resource", "Resource.Attribute"
};

struct PlannedChange {
  enum class Action { kAdd, kModify, kRemove };
  Action action = Action::kAdd;
  std::string id;
  std::string type;
  std::string physical_id;
  std::string policy_action;  // Delete, Retain ...; empty: none
  Replacement replacement = Replacement::kFalse;
  std::vector<ChangeDetail> details;
};

using ResourceRecords = std::map<std::string, ResourceRecord>;

struct PlanInput {
  const Scope& after;                // conditions evaluated
  const Template* before = nullptr;  // nullptr: a new stack
  const ResourceRecords& records;
  const ResourceRegistry& registry;
};

// Errors: a type that changes, or properties that can never work.
base::Result<std::vector<PlannedChange>> plan_changes(const PlanInput& input);

// The resources that are there under the scope's conditions, with what they depend on.
base::Result<Graph> active_graph(const Scope& scope);

// Checks of a whole template that need the registry: "Template format error: Unrecognized resource
// types: [..]", and attributes that a type does not have.
base::Status check_types(const Template& source, const ResourceRegistry& registry);

}  // namespace stacks
