#pragma once

// Runs a graph of steps: each starts once all it needs have succeeded, ready ones side by side.
// Lives on one core, where it is awaited and where the steps run.

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "async/core.h"
#include "stacks/graph.h"

namespace stacks {

inline constexpr std::size_t kParallelStepsMax = 16;  // per stack

enum class StepOutcome {
  kDone,
  kFailed,
  kStopped,  // the server is stopping: no outcome, to be tried again
};

struct GraphRunOptions {
  bool keep_going = false;  // after a failure, go on with whatever does not need the failed step
  // Called at the first failure, unless keep_going.
  std::function<void()> on_failure = {};
  // No new step starts while it answers true.
  std::function<bool()> cancelled = {};
};

struct GraphRunResult {
  std::vector<std::string> failed;  // in the order of failing
  bool stopped = false;             // a step was stopped, or none started because of cancelled()

  bool ok() const { return failed.empty() && !stopped; }
};

using StepFunction = std::function<async::Task<StepOutcome>(std::string)>;

// Answers when no step is running any more. Names needed that are no node count as done.
async::Task<GraphRunResult> run_graph(Graph graph, StepFunction step, GraphRunOptions options = {});

}  // namespace stacks
