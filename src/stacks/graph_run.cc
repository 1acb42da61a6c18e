#include "stacks/graph_run.h"

#include <algorithm>

#include "async/gate.h"
#include "async/signal.h"

namespace stacks {

namespace {

struct Run {
  Graph waiting;
  std::set<std::string> all;
  std::set<std::string> done;
  std::size_t running = 0;
  GraphRunResult result;
  GraphRunOptions options;
  async::Signal changed;

  bool is_ready(const std::set<std::string>& needs) const {
    return std::all_of(needs.begin(), needs.end(), [&](const std::string& need) {
      return !all.contains(need) || done.contains(need);
    });
  }
  bool may_start() const {
    if (!result.failed.empty() && !options.keep_going) return false;
    return !result.stopped && running < kParallelStepsMax;
  }
};

async::Task<void> run_step(Run& run, async::Task<StepOutcome> step, std::string id) {
  const StepOutcome outcome = co_await std::move(step);
  --run.running;
  if (outcome == StepOutcome::kDone) run.done.insert(id);
  if (outcome == StepOutcome::kStopped) run.result.stopped = true;
  if (outcome == StepOutcome::kFailed) {
    run.result.failed.push_back(id);
    if (!run.options.keep_going && run.options.on_failure) run.options.on_failure();
  }
  run.changed.notify();
}

}  // namespace

async::Task<GraphRunResult> run_graph(Graph graph, StepFunction step, GraphRunOptions options) {
  Run run;
  async::Gate gate;
  for (const auto& [id, needs] : graph) run.all.insert(id);
  run.waiting = std::move(graph);
  run.options = std::move(options);
  while (true) {
    const auto seen = run.changed.version();
    if (run.options.cancelled && run.options.cancelled() && !run.waiting.empty()) {
      run.result.stopped = true;
      run.waiting.clear();
    }
    bool started = false;
    for (auto at = run.waiting.begin(); at != run.waiting.end() && run.may_start();) {
      if (!run.is_ready(at->second)) {
        ++at;
        continue;
      }
      const std::string id = at->first;
      at = run.waiting.erase(at);
      ++run.running;
      started = true;
      async::spawn(*async::Core::current(), gate, run_step(run, step(id), id));
    }
    if (run.running == 0 && !started) break;
    co_await run.changed.wait_past(seen);
  }
  co_await gate.close();
  co_return std::move(run.result);
}

}  // namespace stacks
