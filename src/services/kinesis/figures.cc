#include "services/kinesis/figures.h"

#include <algorithm>

namespace services::kinesis {
namespace {

using metrics::Family;
using metrics::Metric;
using metrics::Sample;
using streamlog::StreamInfo;

constexpr std::string_view kSpace = "AWS/Kinesis";

enum StreamMetric : std::uint8_t {
  kIncomingBytes,
  kIncomingRecords,
  kWriteExceeded,
  kReadExceeded,
  kPutBytes,
  kPutLatency,
  kPutSuccess,
  kPutsBytes,
  kPutsLatency,
  kPutsSuccess,
  kPutsRecords,
  kPutsTotal,
  kPutsSuccessful,
  kPutsFailed,
  kPutsThrottled,
  kGetBytes,
  kGetRecords,
  kGetLatency,
  kGetSuccess,
  kGetAge,
};
constexpr Metric kStreamMetrics[] = {
    {"IncomingBytes", "Bytes"},
    {"IncomingRecords", "Count"},
    {"WriteProvisionedThroughputExceeded", "Count"},
    {"ReadProvisionedThroughputExceeded", "Count"},
    {"PutRecord.Bytes", "Bytes"},
    {"PutRecord.Latency", "Milliseconds"},
    {"PutRecord.Success", "Count"},
    {"PutRecords.Bytes", "Bytes"},
    {"PutRecords.Latency", "Milliseconds"},
    {"PutRecords.Success", "Count"},
    {"PutRecords.Records", "Count"},
    {"PutRecords.TotalRecords", "Count"},
    {"PutRecords.SuccessfulRecords", "Count"},
    {"PutRecords.FailedRecords", "Count"},
    {"PutRecords.ThrottledRecords", "Count"},
    {"GetRecords.Bytes", "Bytes"},
    {"GetRecords.Records", "Count"},
    {"GetRecords.Latency", "Milliseconds"},
    {"GetRecords.Success", "Count"},
    {"GetRecords.IteratorAgeMilliseconds", "Milliseconds"},
};
constexpr Family kStreams{kSpace, {"StreamName"}, kStreamMetrics};

enum ConsumerMetric : std::uint8_t {
  kSubscribeSuccess,
  kSubscribeRateExceeded,
  kEventBytes,
  kEventRecords,
  kEventBehind,
  kEventSuccess,
};
constexpr Metric kConsumerMetrics[] = {
    {"SubscribeToShard.Success", "Count"},
    {"SubscribeToShard.RateExceeded", "Count"},
    {"SubscribeToShardEvent.Bytes", "Bytes"},
    {"SubscribeToShardEvent.Records", "Count"},
    {"SubscribeToShardEvent.MillisBehindLatest", "Milliseconds"},
    {"SubscribeToShardEvent.Success", "Count"},
};
constexpr Family kConsumers{kSpace, {"StreamName", "ConsumerName"}, kConsumerMetrics};

enum ShardMetric : std::uint8_t {
  kShardInBytes,
  kShardInRecords,
  kShardOutBytes,
  kShardOutRecords,
  kShardWriteExceeded,
  kShardReadExceeded,
  kShardAge,
};
constexpr Metric kShardMetrics[] = {
    {"IncomingBytes", "Bytes"},
    {"IncomingRecords", "Count"},
    {"OutgoingBytes", "Bytes"},
    {"OutgoingRecords", "Count"},
    {"WriteProvisionedThroughputExceeded", "Count"},
    {"ReadProvisionedThroughputExceeded", "Count"},
    {"IteratorAgeMilliseconds", "Milliseconds"},
};
constexpr Family kShards{kSpace, {"StreamName", "ShardId"}, kShardMetrics};

metrics::Source source_of(const streamlog::StreamKey& stream) {
  return {kStreams, stream.account_id, stream.region, {stream.name}};
}
metrics::Source source_of(const streamlog::StreamKey& stream, const std::string& consumer) {
  return {kConsumers, stream.account_id, stream.region, {stream.name, consumer}};
}

double number(std::size_t count) { return static_cast<double>(count); }
double one_if(bool condition) { return condition ? 1 : 0; }

}  // namespace

std::size_t bytes_of(const std::vector<streamlog::Record>& records) {
  std::size_t bytes = 0;
  for (const auto& record : records) bytes += record.partition_key.size() + record.data.size();
  return bytes;
}

double Figures::ms_since(base::SteadyTime since) const {
  return std::chrono::duration<double, std::milli>(clock_.steady_now() - since).count();
}

void Figures::put_record(const StreamInfo& stream, const ShardPut& put, Ending ending,
                         base::SteadyTime since) const {
  if (recorder_ == nullptr) return;
  const base::Timestamp now = clock_.now();
  const bool success = ending == Ending::kSuccess;
  const metrics::Source source = source_of(stream.key);
  const Sample latency{kPutLatency, ms_since(since)};
  const Sample exceeded{kWriteExceeded, one_if(ending == Ending::kThrottled)};
  if (success)
    recorder_->record(source, now,
                      {{kIncomingBytes, number(put.bytes)},
                       {kIncomingRecords, 1},
                       {kPutBytes, number(put.bytes)},
                       {kPutSuccess, 1},
                       latency,
                       exceeded});
  else recorder_->record(source, now, {{kPutSuccess, 0}, latency, exceeded});
  if (!stream.shard_metrics.empty()) put_into_shard(stream, put, now);
}

void Figures::put_records(const StreamInfo& stream, std::span<const ShardPut> puts,
                          base::SteadyTime since) const {
  if (recorder_ == nullptr) return;
  ShardPut all;
  for (const ShardPut& put : puts) {
    all.records += put.records;
    all.bytes += put.bytes;
    all.throttled += put.throttled;
    all.failed += put.failed;
  }
  const base::Timestamp now = clock_.now();
  recorder_->record(source_of(stream.key), now,
                    {{kIncomingBytes, number(all.bytes)},
                     {kIncomingRecords, number(all.records)},
                     {kWriteExceeded, number(all.throttled)},
                     {kPutsBytes, number(all.bytes)},
                     {kPutsLatency, ms_since(since)},
                     {kPutsSuccess, one_if(all.records > 0)},
                     {kPutsRecords, number(all.records)},
                     {kPutsTotal, number(all.records + all.throttled + all.failed)},
                     {kPutsSuccessful, number(all.records)},
                     {kPutsFailed, number(all.failed)},
                     {kPutsThrottled, number(all.throttled)}});
  if (stream.shard_metrics.empty()) return;
  for (const ShardPut& put : puts) put_into_shard(stream, put, now);
}

void Figures::get_records(const StreamInfo& stream, const Read& read, Ending ending,
                          base::SteadyTime since) const {
  if (recorder_ == nullptr) return;
  const base::Timestamp now = clock_.now();
  const metrics::Source source = source_of(stream.key);
  const Sample latency{kGetLatency, ms_since(since)};
  const Sample exceeded{kReadExceeded, one_if(ending == Ending::kThrottled)};
  if (ending == Ending::kSuccess)
    recorder_->record(source, now,
                      {{kGetBytes, number(read.bytes)},
                       {kGetRecords, number(read.records)},
                       {kGetSuccess, 1},
                       {kGetAge, static_cast<double>(read.age_ms)},
                       latency,
                       exceeded});
  else recorder_->record(source, now, {{kGetSuccess, 0}, latency, exceeded});
  if (!stream.shard_metrics.empty()) read_from_shard(stream, read, ending, now);
}

void Figures::subscribed(const streamlog::StreamKey& stream, const std::string& consumer,
                         Ending ending) const {
  if (recorder_ == nullptr) return;
  recorder_->record(source_of(stream, consumer), clock_.now(),
                    {{kSubscribeSuccess, one_if(ending == Ending::kSuccess)},
                     {kSubscribeRateExceeded, one_if(ending == Ending::kThrottled)}});
}

void Figures::pushed(const StreamInfo& stream, const std::string& consumer,
                     const Read& read) const {
  if (recorder_ == nullptr) return;
  const base::Timestamp now = clock_.now();
  recorder_->record(source_of(stream.key, consumer), now,
                    {{kEventBytes, number(read.bytes)},
                     {kEventRecords, number(read.records)},
                     {kEventBehind, static_cast<double>(read.age_ms)},
                     {kEventSuccess, 1}});
  if (!stream.shard_metrics.empty())
    record_shard(stream, read.shard, now,
                 {{kShardOutBytes, number(read.bytes)}, {kShardOutRecords, number(read.records)}});
}

void Figures::put_into_shard(const StreamInfo& stream, const ShardPut& put,
                             base::Timestamp now) const {
  record_shard(stream, put.shard, now,
               {{kShardInBytes, number(put.bytes)},
                {kShardInRecords, number(put.records)},
                {kShardWriteExceeded, number(put.throttled)}});
}

void Figures::read_from_shard(const StreamInfo& stream, const Read& read, Ending ending,
                              base::Timestamp now) const {
  record_shard(stream, read.shard, now,
               {{kShardReadExceeded, one_if(ending == Ending::kThrottled)}});
  if (ending != Ending::kSuccess) return;
  record_shard(stream, read.shard, now,
               {{kShardOutBytes, number(read.bytes)},
                {kShardOutRecords, number(read.records)},
                {kShardAge, static_cast<double>(read.age_ms)}});
}

// Only what the stream's owner asked for.
void Figures::record_shard(const StreamInfo& stream, std::uint32_t shard, base::Timestamp now,
                           std::initializer_list<Sample> samples) const {
  std::vector<Sample> wanted;
  std::ranges::copy_if(samples, std::back_inserter(wanted), [&](const Sample& sample) {
    return std::ranges::find(stream.shard_metrics, kShardMetrics[sample.metric].name) !=
           stream.shard_metrics.end();
  });
  if (wanted.empty()) return;
  const std::string id = streamlog::shard_id(shard);
  recorder_->record({kShards, stream.key.account_id, stream.key.region, {stream.key.name, id}}, now,
                    wanted);
}

}  // namespace services::kinesis
