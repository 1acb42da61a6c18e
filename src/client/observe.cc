#include "client/observe.h"

#include "async/when_all.h"

namespace client {
namespace {

namespace k = api::kinesis;
using async::Task;

constexpr std::size_t kCallsAtOnce = 8;
constexpr unsigned kPagesMax = 100;  // of a shard

struct Watched {
  std::string id;
  std::optional<std::string> iterator;
  base::SteadyTime since{};
  Observed observed;
  bool gone = false;
  std::optional<Failure> failure;
};

base::SteadyTime now() { return async::Core::current()->now(); }

// False: it could not be asked.
bool refused(Watched& shard, const Failure& failure) {
  shard.gone = failure.code == "ResourceNotFoundException";
  if (!shard.gone) shard.failure = failure;
  return false;
}

Task<bool> begin(const Retries& with, const std::string& stream, Watched& shard) {
  k::GetShardIteratorInput input{.stream_name = stream, .shard_id = shard.id};
  input.shard_iterator_type = "LATEST";
  auto answer = co_await call_patiently<k::op::GetShardIterator>(with, input);
  if (!answer) co_return refused(shard, answer.error());
  shard.iterator = std::move(answer->shard_iterator);
  shard.since = now();
  co_return true;
}

Task<bool> count(const Retries& with, Watched& shard) {
  shard.observed.whole = false;
  for (unsigned pages = 0; pages < kPagesMax && shard.iterator; ++pages) {
    k::GetRecordsInput input;
    input.shard_iterator = shard.iterator;
    auto page = co_await call_patiently<k::op::GetRecords>(with, input);
    if (!page) co_return refused(shard, page.error());
    const std::chrono::duration<double> seconds = now() - shard.since;
    shard.observed.seconds = seconds.count();
    if (page->records) {
      for (const k::Record& record : *page->records) {
        ++shard.observed.records;
        shard.observed.bytes +=
            record.data.value_or("").size() + record.partition_key.value_or("").size();
      }
    }
    shard.iterator = std::move(page->next_shard_iterator);
    shard.observed.whole = page->millis_behind_latest.value_or(0) == 0 || !shard.iterator;
    if (shard.observed.whole) break;
  }
  co_return true;
}

// The step for each of them, kCallsAtOnce at a time.
template <class Step>
Task<void> in_waves(std::vector<Watched>& shards, Step step) {
  for (std::size_t at = 0; at < shards.size(); at += kCallsAtOnce) {
    std::vector<Task<bool>> wave;
    for (std::size_t i = at; i < std::min(at + kCallsAtOnce, shards.size()); ++i)
      if (!shards[i].gone && !shards[i].failure) wave.push_back(step(shards[i]));
    co_await async::when_all(std::move(wave));
  }
}

}  // namespace

Task<Answer<std::map<std::string, Observed>>> observe(Retries with, std::string stream,
                                                      std::vector<k::Shard> shards,
                                                      std::chrono::milliseconds how_long) {
  std::vector<Watched> watched;
  for (const k::Shard& shard : shards)
    if (is_open(shard)) watched.push_back({.id = shard.shard_id.value_or("")});
  co_await in_waves(watched,
                    [&with, &stream](Watched& shard) { return begin(with, stream, shard); });
  co_await async::sleep_for(how_long, with.stop);
  co_await in_waves(watched, [&with](Watched& shard) { return count(with, shard); });
  std::map<std::string, Observed> result;
  for (const Watched& shard : watched) {
    if (shard.failure) co_return std::unexpected(*shard.failure);
    if (!shard.gone) result[shard.id] = shard.observed;
  }
  co_return result;
}

}  // namespace client
