#pragma once

// ChangeFeeds: takes what tables' feeds hold to their Kinesis streams, each shard in order, so each
// item's changes come in order. Owned by the server; one; lives on the control core.
//
// Durable: how far a shard has come, written after its records are in the stream. After a crash
// some records come again; none is passed over. What the stream does not take waits, for as long as
// the feed keeps it (24 hours).

#include "async/gate.h"
#include "changes/changes.h"
#include "streamlog/stream_log.h"
#include "tables/tables.h"

namespace server {

class ChangeFeeds {
 public:
  static constexpr std::size_t kBatchRecords = 500;
  static constexpr std::size_t kBatchBytes = 1U << 20U;

  ChangeFeeds(changes::Changes& changes, tables::Tables& tables, streamlog::StreamLog& streams,
              store::Store& store, async::Core& control)
      : changes_(changes), tables_(tables), streams_(streams), store_(store), control_(control) {}

  void start();
  async::Task<void> stop();

 private:
  using ShardId = std::pair<store::LogId, std::size_t>;

  // Keeps a worker on each shard of each feed.
  async::Task<void> drive();
  async::Task<void> work(changes::StreamPtr feed, std::size_t shard);
  // Where the shard has come to; afterwards the same, moved.
  async::Task<base::Result<changes::Position>> load(const changes::StreamInfo& info,
                                                    std::size_t shard);
  async::Task<base::Status> save(const changes::StreamInfo& info, std::size_t shard,
                                 changes::Position next);
  // Puts them one behind the other.
  async::Task<base::Status> forward(const changes::Stream& feed, std::size_t shard,
                                    std::vector<changes::Record> records);
  bool in_microseconds(const changes::StreamInfo& info) const;

  changes::Changes& changes_;
  tables::Tables& tables_;
  streamlog::StreamLog& streams_;
  store::Store& store_;
  async::Core& control_;
  std::map<std::uint64_t, bool> running_;  // by log: a worker has begun; on the control core
  async::Gate gate_;
  std::stop_source stop_;
};

}  // namespace server
