#include "mapping/shard_worker.h"

#include <algorithm>

#include "async/when_all.h"

namespace mapping {

async::Task<bool> ShardWorker::run(std::stop_token stop) {
  const bool loaded = co_await state_.load(stop);
  if (!loaded) co_return false;
  state_.controls->lanes.resize(state_.checkpoint.lanes.size());
  std::vector<std::unique_ptr<Lane>> lanes;
  std::vector<async::Task<bool>> running;
  for (std::size_t i = 0; i < state_.checkpoint.lanes.size(); ++i) {
    lanes.push_back(std::make_unique<Lane>(state_, i));
    running.push_back(lanes.back()->run(stop));
  }
  const std::vector<bool> finished = co_await async::when_all(std::move(running));
  state_.save_if_changed();
  co_return std::ranges::all_of(finished, std::identity());
}

}  // namespace mapping
