#pragma once

// What event source mappings need of the rest of the server, as interfaces that server/ implements.
// All calls are made from the mapping's core; answers may come from any core.

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "async/task.h"
#include "base/clock.h"
#include "base/result.h"

namespace mapping {

// A record's place in its shard; without gaps, growing.
using Position = std::uint64_t;

struct SourceRecord {
  Position position = 0;
  std::string sequence_number;
  std::string partition_key;  // of a table's change: what names the item
  std::string data;           // of a table's change: JSON, as an event shows it
  base::Timestamp arrival;
};

struct SourceShard {
  std::string id;
  std::vector<std::string> parents;  // those still known
};

struct SourcePage {
  std::vector<SourceRecord> records;
  // The shard is closed and nothing lies beyond these records.
  bool finished = false;
};

// The records that a shard holds: from `first` on, below `end`.
struct SourceRange {
  Position first = 0;
  Position end = 0;
  bool closed = false;
};

enum class StartingPosition { kTrimHorizon, kLatest, kAtTimestamp };

// One stream, read with a function's rights. kPermission: the role may not read it; kNotFound: the
// stream or shard is gone.
class RecordSource {
 public:
  virtual ~RecordSource() = default;
  virtual async::Task<base::Result<std::vector<SourceShard>>> shards() = 0;
  // Records at or above `from`, durable ones only, in order.
  virtual async::Task<base::Result<SourcePage>> read(std::string shard, Position from,
                                                     std::size_t limit, std::size_t bytes_max) = 0;
  // Returns once a record at or above `from` may be there, or the shard has closed, or `deadline`
  // has come, or `stop` was requested.
  virtual async::Task<void> wait(std::string shard, Position from, base::SteadyTime deadline,
                                 std::stop_token stop) = 0;
  // Returns once the stream's shards may have changed; else as wait().
  virtual async::Task<void> wait_for_shards(base::SteadyTime deadline, std::stop_token stop) = 0;
  virtual async::Task<base::Result<Position>> start(std::string shard, StartingPosition where,
                                                    base::Timestamp time) = 0;
  virtual async::Task<base::Result<SourceRange>> range(std::string shard) = 0;
};

class SourceOpener {
 public:
  virtual ~SourceOpener() = default;
  // `function_arn` names whose role reads.
  virtual base::Result<std::unique_ptr<RecordSource>> open(const std::string& event_source_arn,
                                                           const std::string& function_arn) = 0;
};

struct InvokeResult {
  enum class Kind {
    kSuccess,
    kFunctionError,  // the function ran and failed, or timed out
    kUnavailable,    // it could not be run now: throttled, being updated, gone
  };
  Kind kind = Kind::kSuccess;
  std::string payload;  // what the function answered
  std::string reason;   // why it failed, for a person
  std::string request_id;
};

// What became of events, for a mapping whose metrics were asked for (MetricsConfig: EventCount).
struct EventCounts {
  std::uint64_t polled = 0;        // read, before the filter
  std::uint64_t filtered_out = 0;  // of these
  std::uint64_t invoked = 0;       // a function ran with them, again for each try
  std::uint64_t failed = 0;        // tried so, or in vain, and not dealt with
  std::uint64_t dropped = 0;       // given up by the mapping's settings, and nobody was told
  std::uint64_t delivered = 0;     // given up, and the destination has been told

  bool operator==(const EventCounts&) const = default;
};
struct MappingName {
  std::string account_id;
  std::string region;
  std::string id;
};

class Invoker {
 public:
  virtual ~Invoker() = default;
  virtual async::Task<InvokeResult> invoke(std::string function_arn, std::string payload) = 0;
  // Told before a batch is sent, again for each try: how old its last record is.
  virtual void sending(const std::string& /*function_arn*/, base::Milliseconds /*age*/) {}
  // Told of what happened since the last time.
  virtual void counted(const MappingName& /*mapping*/, const EventCounts& /*events*/) {}
  // The ARN of the function's role, shown in events.
  virtual std::string role_arn(const std::string& function_arn) = 0;
};

// A batch that was given up.
struct FailureNote {
  std::string destination_arn;
  std::string function_arn;  // whose role writes
  std::string mapping_id;
  std::string shard_id;
  std::string document;  // JSON
};

// Where batches that are given up are reported.
class FailureSink {
 public:
  virtual ~FailureSink() = default;
  virtual async::Task<base::Status> deliver(FailureNote note) = 0;
};

}  // namespace mapping
