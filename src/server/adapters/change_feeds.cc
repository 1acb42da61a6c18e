#include "server/adapters/change_feeds.h"

#include <algorithm>

#include "async/timer.h"
#include "base/digest.h"
#include "base/encoding.h"
#include "base/log.h"
#include "changes/document.h"
#include "services/kinesis/kinesis.h"

namespace server {
namespace {

using namespace std::chrono_literals;
using changes::Position;

constexpr auto kLookAgain = 30s;
constexpr auto kRetry = 500ms;

// Spreads items over the stream, and keeps an item's changes together.
std::string partition_key(const changes::Record& record) {
  std::string keys;
  changes::append_json(keys, record.keys);
  return base::hex(base::sha256(keys)).substr(0, 32);
}

// The records from the first one on that go to the same shard of the stream.
struct Run {
  std::shared_ptr<streamlog::Shard> shard;
  std::vector<streamlog::NewRecord> records;
};

}  // namespace

void ChangeFeeds::start() { async::spawn(control_, gate_, drive()); }

async::Task<void> ChangeFeeds::stop() {
  stop_.request_stop();
  co_await gate_.close();
}

async::Task<void> ChangeFeeds::drive() {
  const std::stop_token stop = stop_.get_token();
  while (!stop.stop_requested()) {
    const auto seen = changes_.changed().version();
    for (const changes::StreamPtr& feed : changes_.feeds()) {
      for (std::size_t shard = 0; shard < feed->shards().size(); ++shard) {
        const bool fresh = running_.emplace(feed->info().log(shard).value(), true).second;
        if (fresh) async::spawn(control_, gate_, work(feed, shard));
      }
    }
    co_await changes_.changed().wait_past(seen, async::Core::current()->now() + kLookAgain, stop);
  }
}

async::Task<void> ChangeFeeds::work(changes::StreamPtr feed, std::size_t shard) {
  const std::stop_token stop = stop_.get_token();
  const changes::StreamInfo& info = feed->info();
  changes::Shard& held = feed->shard(shard);
  std::optional<Position> next;
  while (!stop.stop_requested()) {
    if (!next) {
      const auto loaded = co_await load(info, shard);
      if (loaded) next = *loaded;
    }
    const auto seen = held.tail().version();
    const bool over = feed->is_over();
    base::Status done;
    std::size_t count = 0;
    if (next) {
      auto records = co_await held.read(*next, kBatchRecords, kBatchBytes);
      if (records && !records->empty()) {
        count = records->size();
        const Position after = records->back().position + 1;
        done = co_await forward(*feed, shard, *std::move(records));
        if (done) done = co_await save(info, shard, after);
        if (done) next = after;
      } else if (!records) {
        done = std::unexpected(records.error());
      }
    }
    if (!next || !done) {
      if (!done && done.error().code != base::ErrorCode::kConflict)
        base::log_warn("changes of {}: {}", info.table, done.error().to_string());
      co_await async::sleep_for(kRetry, stop);
      continue;
    }
    if (count > 0) continue;
    if (over) co_return;
    co_await held.tail().wait_past(seen, async::Core::current()->now() + kLookAgain, stop);
  }
}

async::Task<base::Result<Position>> ChangeFeeds::load(const changes::StreamInfo& info,
                                                      std::size_t shard) {
  const auto kept = co_await store_.get(changes::feed_key(info, shard));
  if (!kept) co_return std::unexpected(kept.error());
  if (!kept->has_value() || (*kept)->size() != 8) co_return Position{1};
  co_return base::read_u64(**kept);
}

async::Task<base::Status> ChangeFeeds::save(const changes::StreamInfo& info, std::size_t shard,
                                            Position next) {
  store::Batch batch;
  std::string value;
  base::append_u64(value, next);
  batch.put(changes::feed_key(info, shard), std::move(value));
  // Not waited for: a lost position only means that records come again.
  const auto submitted = store_.submit(std::move(batch));
  if (!submitted) co_return std::unexpected(submitted.error());
  co_return base::Status();
}

bool ChangeFeeds::in_microseconds(const changes::StreamInfo& info) const {
  const auto table =
      tables_.catalogue().find(tables::TableName{info.account, info.region, info.table});
  if (!table) return false;
  const auto definition = table->definition();
  return std::ranges::any_of(definition->destinations, [&](const tables::Destination& one) {
    return one.stream_arn == info.destination && one.microseconds;
  });
}

async::Task<base::Status> ChangeFeeds::forward(const changes::Stream& feed, std::size_t shard,
                                               std::vector<changes::Record> records) {
  const changes::StreamInfo& info = feed.info();
  const auto key = services::kinesis::parse_stream_arn(info.destination);
  const auto stream = key ? streams_.find(*key) : nullptr;
  if (!stream)
    co_return base::error(base::ErrorCode::kNotFound, info.destination + " was not found");
  const bool microseconds = in_microseconds(info);
  std::map<std::uint32_t, Run> runs;
  for (const changes::Record& record : records) {
    streamlog::NewRecord made{partition_key(record),
                              changes::feed_document(info, shard, record, microseconds)};
    const auto& owner = stream->info.owner_of(streamlog::hash_of(made.partition_key));
    Run& run = runs[owner.index];
    run.shard = stream->shard(owner.index);
    run.records.push_back(std::move(made));
  }
  for (auto& [index, run] : runs) {
    if (run.shard->limits() == nullptr) {
      const auto appended = co_await run.shard->append(std::move(run.records));
      if (!appended) co_return std::unexpected(appended.error());
      continue;
    }
    // What a limit refuses has to come before what follows it.
    for (streamlog::NewRecord& record : run.records) {
      bool taken = false;
      while (!taken) {
        if (stop_.stop_requested())
          co_return base::error(base::ErrorCode::kConflict, "the server stops");
        std::vector<streamlog::NewRecord> one{record};
        const auto appended = co_await run.shard->append(std::move(one));
        if (!appended) co_return std::unexpected(appended.error());
        taken = appended->has_any();
        if (!taken) co_await async::sleep_for(kRetry, stop_.get_token());
      }
    }
  }
  co_return base::Status();
}

}  // namespace server
