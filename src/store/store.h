#pragma once

// Store: where everything acknowledged lives. Ordered keys and append-only logs, changed by atomic
// batches; a batch is durable as a whole or not there at all.
//
// Embedded today (embedded_store.h: a group-commit journal under RocksDB); the interface is written
// so that a SQL cluster (keys) and Kafka (logs) can stand behind it: reads are asynchronous and
// paged, there are no iterators that outlive a call, and a log's positions are chosen by its
// writer.
//
// Order and visibility: submit() applies a batch at once to what this process reads, in the order
// of the calls, and answers its Sequence; durable(sequence) waits until it is synced. Nothing may
// be acknowledged to a client, or shown to one as read, before the batches it rests on are durable:
// a reader that may have seen a fresh batch waits for durable(applied()). After a failed sync every
// later submit() fails until the process restarts.
//
// All functions are thread-safe. Tasks resume on the core that awaited them.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "async/task.h"
#include "base/result.h"
#include "base/strong.h"

namespace store {

// Counts submitted batches of this store, from 1; grows over restarts.
using Sequence = std::uint64_t;
// Names a log; chosen by its owner, never used twice.
using LogId = base::Strong<struct LogIdTag, std::uint64_t>;

struct KeyValue {
  std::string key;
  std::string value;
};

struct LogEntry {
  std::uint64_t position = 0;
  std::string bytes;
};

// An entry to be appended, in pieces that lie one behind the other in it: its writer need not copy
// them together, they come together in the journal.
struct NewEntry {
  std::array<std::string, 3> pieces;

  std::size_t size() const { return pieces[0].size() + pieces[1].size() + pieces[2].size(); }
  void append_to(std::string& out) const {
    for (const std::string& piece : pieces) out.append(piece);
  }
};

// Changes that happen together. A value: build it, then hand it to submit().
// Operations apply in the order they were added.
class Batch {
 public:
  void put(std::string key, std::string value);
  void erase(std::string key);
  // Every key in [from, to). An empty `to` means no end.
  void erase_range(std::string from, std::string to);
  // Entries take the positions first, first + 1, ...; `first` is above every position of the log.
  void append(LogId log, std::uint64_t first, std::vector<std::string> entries);
  void append_entries(LogId log, std::uint64_t first, std::vector<NewEntry> entries);
  // Forgets the log's entries below `position`; their disk space is freed in time.
  void trim(LogId log, std::uint64_t position);
  // Forgets the whole log.
  void drop(LogId log);

  bool empty() const { return operations_.empty(); }
  // What the batch will write, in bytes, roughly.
  std::size_t bytes() const { return bytes_; }
  // Adds all of `other` after what is here.
  void merge(Batch other);

  struct Operation {
    enum class Kind : std::uint8_t { kPut, kErase, kEraseRange, kAppend, kTrim, kDrop };
    Kind kind;
    std::string key;    // from, for ranges
    std::string value;  // to, for ranges
    LogId log;
    std::uint64_t position = 0;
    std::vector<NewEntry> entries;
  };
  const std::vector<Operation>& operations() const { return operations_; }
  std::vector<Operation>& operations() { return operations_; }

 private:
  std::vector<Operation> operations_;
  std::size_t bytes_ = 0;
};

// What a log holds: positions in [first, end). An empty log has first == end; one that was never
// written, or was trimmed empty before a restart, may answer {0, 0}.
struct LogBounds {
  std::uint64_t first = 0;
  std::uint64_t end = 0;
};

struct ScanOptions {
  std::size_t limit = 1000;           // entries, at most
  std::size_t bytes_max = 1U << 20U;  // stops after the entry that passes it
  bool reverse = false;               // from the end of the range down
};

struct ReadLogOptions {
  std::size_t limit = 10'000;
  std::size_t bytes_max = 10U << 20U;  // stops before the entry that would pass it, but reads one
};

class Store {
 public:
  virtual ~Store() = default;

  virtual async::Task<base::Result<std::optional<std::string>>> get(std::string key) = 0;
  // Keys in [from, to), ascending or, reversed, descending. An empty `to` means no end.
  virtual async::Task<base::Result<std::vector<KeyValue>>> scan(std::string from, std::string to,
                                                                ScanOptions options = {}) = 0;
  // Entries at or above `from`, ascending, that are durable. Empty at the end of the log.
  virtual async::Task<base::Result<std::vector<LogEntry>>> read_log(
      LogId log, std::uint64_t from, ReadLogOptions options = {}) = 0;

  // The durable part of the log.
  virtual async::Task<base::Result<LogBounds>> log_bounds(LogId log) = 0;

  virtual base::Result<Sequence> submit(Batch batch) = 0;
  virtual async::Task<base::Status> durable(Sequence sequence) = 0;
  virtual Sequence applied() const = 0;
  virtual Sequence durable_sequence() const = 0;

  // submit() and durable() in one. The batch is submitted when the task is first awaited.
  async::Task<base::Status> commit(Batch batch);
};

// The smallest key above every key that starts with `prefix`: the end of a prefix scan.
std::string prefix_end(std::string prefix);

}  // namespace store
