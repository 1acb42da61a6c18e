#pragma once

// The order that a template's resources ask for: who must exist before whom. Pure.

#include <map>
#include <set>
#include <string>

#include "base/result.h"
#include "stacks/template.h"

namespace stacks {

// For each resource the resources it depends on: by Ref, Fn::GetAtt, Fn::Sub and DependsOn.
using Graph = std::map<std::string, std::set<std::string>>;

// kInvalidArgument: "Circular dependency between resources: [A, B]".
base::Result<Graph> dependency_graph(const Template& source);
// The members of the graph's cycles, sorted; empty: there is none. Names that are no key count as
// being there.
std::vector<std::string> find_cycles(const Graph& graph);
// Who depends on whom, the other way round: the order of deletion.
Graph reversed(const Graph& graph);

}  // namespace stacks
