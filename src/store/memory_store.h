#pragma once

// MemoryStore: the Store contract without a disk, for unit tests of what stands above. "Durable" is
// whatever has been submitted, unless the test holds syncs back to see that nothing is acknowledged
// early. Thread-safe.

#include <map>
#include <memory>
#include <mutex>

#include "async/completion.h"
#include "store/peeking.h"
#include "store/store.h"

namespace store {

class MemoryStore final : public Store, public Peeking {
 public:
  async::Task<base::Result<std::optional<std::string>>> get(std::string key) override;
  std::optional<base::Result<std::optional<std::string>>> peek(std::string_view key) override;
  async::Task<base::Result<std::vector<KeyValue>>> scan(std::string from, std::string to,
                                                        ScanOptions options) override;
  async::Task<base::Result<std::vector<LogEntry>>> read_log(LogId log, std::uint64_t from,
                                                            ReadLogOptions options) override;
  async::Task<base::Result<LogBounds>> log_bounds(LogId log) override;
  base::Result<Sequence> submit(Batch batch) override;
  async::Task<base::Status> durable(Sequence sequence) override;
  Sequence applied() const override;
  Sequence durable_sequence() const override;

  // From now on nothing becomes durable until release_syncs().
  void hold_syncs();
  void release_syncs();
  // Every later submit() and every waiting durable() fails, as after a failed sync.
  void fail();

 private:
  struct Waiter {
    Sequence sequence;
    async::Completion<base::Status>* completion;
  };
  void apply(Batch::Operation operation);
  void wake();

  mutable std::mutex mutex_;
  std::optional<std::string> find(std::string_view key) const;

  std::map<std::string, std::string, std::less<>> keys_;
  std::map<std::uint64_t, std::map<std::uint64_t, std::string>> logs_;
  Sequence applied_ = 0;
  Sequence durable_ = 0;
  bool holding_ = false;
  bool failed_ = false;
  std::vector<Waiter> waiters_;
};

}  // namespace store
