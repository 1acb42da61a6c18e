#pragma once

// Shard: one ordered sequence of records. Owned by a StreamLog, shared with whoever reads or
// writes; lives on one core, to which append() and close() hop. Reading works from any core.
//
// Durable: what append() has answered is synced; readers see durable records only. Positions have
// no gaps and survive restarts.
//
// Appends that are ready at the same time go to the store as one batch: the first of them lets the
// core run what else is ready, then takes along whatever has joined it. So a busy shard pays for
// one batch what an idle one pays for each record, and its log is read back in larger pieces.

#include <algorithm>
#include <atomic>
#include <memory>
#include <vector>

#include "async/core.h"
#include "async/signal.h"
#include "base/clock.h"
#include "store/store.h"
#include "streamlog/record.h"
#include "streamlog/stream_info.h"
#include "streamlog/throughput.h"

namespace streamlog {

inline constexpr std::size_t kReadRecordsMax = 10'000;
inline constexpr std::size_t kReadBytesMax = 10U << 20U;

struct Appended {
  Position first = 0;  // of the first record that was taken; the others follow
  base::Timestamp arrival;
  // In the order given; empty: all were taken. A record that is refused leaves no gap.
  std::vector<bool> taken;

  bool has(std::size_t record) const { return taken.empty() || taken[record]; }
  bool has_any() const { return taken.empty() || std::ranges::find(taken, true) != taken.end(); }
};

class Shard {
 public:
  // With `limits`, append() takes no more than they let through.
  Shard(ShardInfo info, async::Core& core, store::Store& store, const base::Clock& clock,
        std::unique_ptr<ShardLimits> limits = nullptr);

  // Finds where the log ends. Once, before anything else.
  async::Task<base::Status> open();

  // Fixed for the shard's life: id, range, parents, log. Whether it is closed: is_closed().
  const ShardInfo& info() const { return info_; }

  // Records go in together, in this order; what exceeds the limits stays out. kConflict: the shard
  // is closed.
  async::Task<base::Result<Appended>> append(std::vector<NewRecord> records);

  // Records from `from` on, at most `limit` of them and `bytes_max` of data (always one, if any).
  async::Task<base::Result<std::vector<Record>>> read(Position from, std::size_t limit,
                                                      std::size_t bytes_max = kReadBytesMax) const;
  // The first retained position whose record arrived at or after `time`; end() if there is none.
  async::Task<base::Result<Position>> find_time(base::Timestamp time) const;

  // Refuses further appends and answers the last position once all is durable.
  async::Task<base::Result<Position>> close();
  // Takes a close() back whose split or merge was not persisted.
  void reopen() { closed_ = false; }
  // Forgets what arrived before `time`.
  async::Task<base::Status> trim_before(base::Timestamp time);

  // Where the store keeps the end of a trimmed log.
  std::string tip_key() const;

  Position first() const { return first_.load(std::memory_order_acquire); }
  // One past the last durable record.
  Position end() const { return end_.load(std::memory_order_acquire); }
  bool is_closed() const { return closed_.load(std::memory_order_acquire); }
  // Notified after each commit, and when the shard closes.
  async::Signal& tail() { return tail_; }
  // nullptr: none are enforced.
  ShardLimits* limits() const { return limits_.get(); }

 private:
  struct Group;

  async::Task<base::Result<Appended>> append_here(std::vector<NewRecord> records);
  // Hands what has gathered to the store.
  void submit_group();
  async::Task<base::Status> settle(Group& group);
  async::Task<base::Result<Position>> close_here();
  async::Task<base::Result<base::Timestamp>> arrival_at(Position position) const;
  void published(Position end);

  const ShardInfo info_;
  async::Core& core_;
  store::Store& store_;
  const base::Clock& clock_;
  const std::unique_ptr<ShardLimits> limits_;

  // On core_ only.
  Position next_ = 1;
  base::Timestamp last_arrival_{};
  std::shared_ptr<Group> gathering_;  // nullptr: the next append begins one

  std::atomic<Position> first_ = 1;
  std::atomic<Position> end_ = 1;
  std::atomic<bool> closed_ = false;
  async::Signal tail_;
};

}  // namespace streamlog
