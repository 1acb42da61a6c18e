#pragma once

// Figures: what CloudWatch shows of streams, by AWS's names: of each stream, of each consumer, and
// of each shard where EnableEnhancedMonitoring asked for it. Thread-safe; a call costs some tens of
// nanoseconds for each thing measured. Without a recorder nothing is kept.
//
// Bytes are those of data and partition keys. What is refused before a shard is asked (permissions,
// sizes) counts nowhere, as on AWS.

#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "metrics/recorder.h"
#include "streamlog/record.h"
#include "streamlog/stream_info.h"

namespace services::kinesis {

std::size_t bytes_of(const std::vector<streamlog::Record>& records);

class Figures {
 public:
  enum class Ending { kSuccess, kThrottled, kFailed };

  // What one request put, or was kept from putting, into one shard.
  struct ShardPut {
    std::uint32_t shard = 0;
    std::size_t records = 0;
    std::size_t bytes = 0;
    std::size_t throttled = 0;  // records
    std::size_t failed = 0;     // records, for other reasons
  };
  // A request of GetRecords.
  struct Read {
    std::uint32_t shard = 0;
    std::size_t records = 0;
    std::size_t bytes = 0;
    std::int64_t age_ms = 0;  // of the last record; 0: there are no younger ones
  };

  Figures(metrics::Recorder* recorder, const base::Clock& clock)
      : recorder_(recorder), clock_(clock) {}

  base::SteadyTime now() const { return clock_.steady_now(); }

  // `since`: when the request began.
  void put_record(const streamlog::StreamInfo& stream, const ShardPut& put, Ending ending,
                  base::SteadyTime since) const;
  void put_records(const streamlog::StreamInfo& stream, std::span<const ShardPut> puts,
                   base::SteadyTime since) const;
  void get_records(const streamlog::StreamInfo& stream, const Read& read, Ending ending,
                   base::SteadyTime since) const;
  // SubscribeToShard, and each of its events.
  void subscribed(const streamlog::StreamKey& stream, const std::string& consumer,
                  Ending ending) const;
  void pushed(const streamlog::StreamInfo& stream, const std::string& consumer,
              const Read& read) const;

 private:
  double ms_since(base::SteadyTime since) const;
  void put_into_shard(const streamlog::StreamInfo& stream, const ShardPut& put,
                      base::Timestamp now) const;
  void read_from_shard(const streamlog::StreamInfo& stream, const Read& read, Ending ending,
                       base::Timestamp now) const;
  void record_shard(const streamlog::StreamInfo& stream, std::uint32_t shard, base::Timestamp now,
                    std::initializer_list<metrics::Sample> samples) const;

  metrics::Recorder* recorder_;
  const base::Clock& clock_;
};

}  // namespace services::kinesis
