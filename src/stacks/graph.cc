#include "stacks/graph.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "stacks/references.h"

namespace stacks {

std::vector<std::string> find_cycles(const Graph& graph) {
  // Takes away whoever waits for nobody until nobody is left; then, from the other side, whoever
  // nobody in the rest waits for. What stays is on a cycle, or between two.
  Graph rest = graph;
  for (auto& [id, needs] : rest)
    std::erase_if(needs, [&](const std::string& need) { return !graph.contains(need); });
  for (int side = 0; side < 2; ++side) {
    bool removed = true;
    while (removed) {
      removed = false;
      for (auto at = rest.begin(); at != rest.end();) {
        if (!at->second.empty()) {
          ++at;
          continue;
        }
        for (auto& [id, needs] : rest) needs.erase(at->first);
        at = rest.erase(at);
        removed = true;
      }
    }
    rest = reversed(rest);
  }
  std::vector<std::string> members;
  for (const auto& [id, needs] : rest) members.push_back(id);
  return members;
}

Graph reversed(const Graph& graph) {
  Graph turned;
  for (const auto& [id, needs] : graph) {
    turned[id];
    for (const std::string& need : needs) turned[need].insert(id);
  }
  return turned;
}

base::Result<Graph> dependency_graph(const Template& source) {
  Graph graph;
  std::set<std::string> ids;
  for (const ResourceDeclaration& resource : source.resources) ids.insert(resource.id);
  for (const ResourceDeclaration& resource : source.resources) {
    std::set<std::string>& needs = graph[resource.id];
    for (const std::string& id : resource.depends_on)
      if (ids.contains(id)) needs.insert(id);
    for (const Reference& reference : references_in(resource.properties))
      if (reference.kind != Reference::Kind::kCondition && ids.contains(reference.name))
        needs.insert(reference.name);
  }
  const std::vector<std::string> cycle = find_cycles(graph);
  if (!cycle.empty())
    return base::error(
        base::ErrorCode::kInvalidArgument,
        fmt::format("Circular dependency between resources: [{}]", fmt::join(cycle, ", ")));
  return graph;
}

}  // namespace stacks
