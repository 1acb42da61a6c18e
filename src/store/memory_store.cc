#include "store/memory_store.h"

namespace store {

async::Task<base::Result<std::optional<std::string>>> MemoryStore::get(std::string key) {
  co_return find(key);
}

std::optional<base::Result<std::optional<std::string>>> MemoryStore::peek(std::string_view key) {
  return find(key);
}

std::optional<std::string> MemoryStore::find(std::string_view key) const {
  const std::lock_guard lock(mutex_);
  const auto found = keys_.find(key);
  if (found == keys_.end()) return std::nullopt;
  return found->second;
}

async::Task<base::Result<std::vector<KeyValue>>> MemoryStore::scan(std::string from, std::string to,
                                                                   ScanOptions options) {
  const std::lock_guard lock(mutex_);
  std::vector<KeyValue> page;
  std::size_t bytes = 0;
  const auto take = [&](const auto& entry) {
    page.push_back({entry.first, entry.second});
    bytes += entry.first.size() + entry.second.size();
    return page.size() < options.limit && bytes <= options.bytes_max;
  };
  const auto begin = keys_.lower_bound(from);
  auto end = to.empty() ? keys_.end() : keys_.lower_bound(to);
  if (!to.empty() && to <= from) co_return page;
  if (options.reverse) {
    while (end != begin && take(*--end)) {
    }
  } else {
    for (auto at = begin; at != end && take(*at); ++at) {
    }
  }
  co_return page;
}

async::Task<base::Result<std::vector<LogEntry>>> MemoryStore::read_log(LogId log,
                                                                       std::uint64_t from,
                                                                       ReadLogOptions options) {
  const std::lock_guard lock(mutex_);
  std::vector<LogEntry> page;
  const auto found = logs_.find(log.value());
  if (found == logs_.end()) co_return page;
  std::size_t bytes = 0;
  for (auto at = found->second.lower_bound(from); at != found->second.end(); ++at) {
    bytes += at->second.size();
    if (page.size() == options.limit || (!page.empty() && bytes > options.bytes_max)) break;
    page.push_back({at->first, at->second});
  }
  co_return page;
}

async::Task<base::Result<LogBounds>> MemoryStore::log_bounds(LogId log) {
  const std::lock_guard lock(mutex_);
  const auto found = logs_.find(log.value());
  if (found == logs_.end() || found->second.empty()) co_return LogBounds();
  co_return LogBounds{found->second.begin()->first, found->second.rbegin()->first + 1};
}

base::Result<Sequence> MemoryStore::submit(Batch batch) {
  const std::lock_guard lock(mutex_);
  if (failed_)
    return base::error(base::ErrorCode::kIo, "the store has stopped after a failed sync");
  for (auto& operation : batch.operations()) apply(std::move(operation));
  ++applied_;
  if (!holding_) durable_ = applied_;
  return applied_;
}

void MemoryStore::apply(Batch::Operation operation) {
  using Kind = Batch::Operation::Kind;
  switch (operation.kind) {
    case Kind::kPut: keys_[operation.key] = std::move(operation.value); return;
    case Kind::kErase: keys_.erase(operation.key); return;
    case Kind::kEraseRange:
      if (!operation.value.empty() && operation.value <= operation.key) return;
      keys_.erase(keys_.lower_bound(operation.key),
                  operation.value.empty() ? keys_.end() : keys_.lower_bound(operation.value));
      return;
    case Kind::kAppend: {
      auto& log = logs_[operation.log.value()];
      CHECK(log.empty() || log.rbegin()->first < operation.position);
      for (const NewEntry& entry : operation.entries) entry.append_to(log[operation.position++]);
      return;
    }
    case Kind::kTrim: {
      auto& log = logs_[operation.log.value()];
      log.erase(log.begin(), log.lower_bound(operation.position));
      return;
    }
    case Kind::kDrop: logs_.erase(operation.log.value()); return;
  }
}

async::Task<base::Status> MemoryStore::durable(Sequence sequence) {
  async::Completion<base::Status> done;
  {
    const std::lock_guard lock(mutex_);
    if (sequence <= durable_) co_return base::Status();
    if (failed_) co_return base::error(base::ErrorCode::kIo, "the sync failed");
    waiters_.push_back({sequence, &done});
  }
  base::Status status = co_await done;
  co_return status;
}

Sequence MemoryStore::applied() const {
  const std::lock_guard lock(mutex_);
  return applied_;
}

Sequence MemoryStore::durable_sequence() const {
  const std::lock_guard lock(mutex_);
  return durable_;
}

void MemoryStore::hold_syncs() {
  const std::lock_guard lock(mutex_);
  holding_ = true;
}

void MemoryStore::release_syncs() {
  const std::lock_guard lock(mutex_);
  holding_ = false;
  durable_ = applied_;
  wake();
}

void MemoryStore::fail() {
  const std::lock_guard lock(mutex_);
  failed_ = true;
  wake();
}

void MemoryStore::wake() {
  for (const Waiter& waiter : std::exchange(waiters_, {})) {
    if (waiter.sequence <= durable_) waiter.completion->set(base::Status());
    else waiter.completion->set(base::error(base::ErrorCode::kIo, "the sync failed"));
  }
}

}  // namespace store
