#pragma once

// Shard: the records of some of a table's items, in the order in which the items changed. Part of a
// Stream. Thread-safe.
//
// Writers put their records into the batch of the change itself, so there is no order to lose
// between the two: between begin() and submitted() a writer holds the shard's mutex, in one thread,
// without a suspension. Readers see durable records only. Positions have no gaps, and survive
// restarts and trimming.

#include <atomic>
#include <mutex>

#include "async/signal.h"
#include "changes/record.h"
#include "store/store.h"

namespace changes {

class Shard {
 public:
  Shard(store::LogId log, store::Store& store) : log_(log), store_(store) {}

  // Finds where the log ends. Once, before anything else.
  async::Task<base::Status> open();

  // --- writing, with mutex() held ---
  std::mutex& mutex() { return mutex_; }
  // Never earlier than the record before.
  base::Timestamp stamp(base::Timestamp now);
  void append(std::string entry, store::Batch& batch);
  // What was appended is in the batch with this number. True: the caller runs publish().
  bool submitted(store::Sequence sequence);

  // Waits until all that was submitted is durable, and tells the readers.
  async::Task<void> publish();

  // --- reading ---
  // At most `limit` records and `bytes_max` bytes (always one, if any), from `from` on.
  async::Task<base::Result<std::vector<Record>>> read(Position from, std::size_t limit,
                                                      std::size_t bytes_max) const;
  Position first() const { return first_.load(std::memory_order_acquire); }
  // One past the last durable record; a writer that was answered is surely seen.
  async::Task<base::Result<Position>> end() const;
  // The same, perhaps a moment late.
  Position published() const { return end_.load(std::memory_order_acquire); }
  async::Signal& tail() { return tail_; }

  // The first position whose record was made at or after `time`; published() if there is none.
  async::Task<base::Result<Position>> find_time(base::Timestamp time) const;

  // Forgets what was made before `time`.
  async::Task<base::Status> trim_before(base::Timestamp time);
  // Forgets everything.
  void drop(store::Batch& batch) const;

 private:
  std::string tip_key() const;

  const store::LogId log_;
  store::Store& store_;

  std::mutex mutex_;  // next_ to publishing_
  Position next_ = 1;
  base::Timestamp last_created_{};
  store::Sequence last_sequence_ = 0;
  Position submitted_end_ = 1;
  bool publishing_ = false;

  std::atomic<Position> first_ = 1;
  std::atomic<Position> end_ = 1;
  async::Signal tail_;
};

}  // namespace changes
