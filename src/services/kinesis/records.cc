// PutRecord and PutRecords: the hot path in.
#include <fmt/format.h>

#include "api/kinesis/errors.h"
#include "async/when_all.h"
#include "services/kinesis/kinesis.h"

namespace services::kinesis {
namespace {

namespace k = api::kinesis;
using wire::Context;

constexpr std::size_t kRequestBytesMax = 10U << 20U;  // data and partition keys of one PutRecords
constexpr int kClosedRetries = 8;  // a shard may be split between choosing and writing

api::Outcome<streamlog::HashKey> hash_key(const std::optional<std::string>& explicit_key,
                                          const std::string& partition_key) {
  if (!explicit_key) return streamlog::hash_of(partition_key);
  const auto key = streamlog::parse_hash_key(*explicit_key);
  if (!key)
    return std::unexpected(k::invalid_argument(
        fmt::format("Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. "
                    "Specified value was {}",
                    *explicit_key)));
  return *key;
}

std::optional<api::Error> check_ordering(const Deps& deps, const StreamKey& key,
                                         const std::optional<std::string>& number) {
  if (!number) return std::nullopt;
  const auto parsed = streamlog::SequenceNumber::parse(*number);
  const auto now_s = static_cast<std::uint64_t>(base::to_epoch_ms(deps.clock.now()) / 1000);
  if (parsed && parsed->arrival_s <= now_s) return std::nullopt;
  return k::invalid_argument(
      fmt::format("ExclusiveMinimumSequenceNumber {} used in PutRecord on stream {} under account "
                  "{} is invalid.",
                  *number, key.name, key.account_id));
}

std::optional<api::Error> check_size(const streamlog::StreamInfo& stream, std::size_t bytes) {
  const std::size_t limit = static_cast<std::size_t>(stream.record_kib_max) * 1024;
  if (bytes <= limit) return std::nullopt;
  return k::validation(fmt::format(
      "1 validation error detected: Value at 'data' failed to satisfy constraint: Member must have "
      "length less than or equal to {}",
      limit));
}

// Writes to whichever open shard owns the key now.
async::Task<api::Outcome<std::pair<streamlog::ShardInfo, streamlog::Appended>>> put_one(
    const Deps& deps, StreamKey key, streamlog::HashKey hash, streamlog::NewRecord record) {
  for (int attempt = 0; attempt < kClosedRetries; ++attempt) {
    const auto stream = find_stream(deps, key);
    if (!stream) co_return std::unexpected(stream.error());
    const streamlog::ShardInfo& owner = (*stream)->info.owner_of(hash);
    std::vector<streamlog::NewRecord> one;
    one.push_back(record);
    const auto shard = (*stream)->shard(owner.index);
    const auto appended = co_await shard->append(std::move(one));
    if (appended && !appended->has(0)) co_return std::unexpected(rate_exceeded(key, owner.id()));
    if (appended) co_return std::pair(owner, *appended);
    if (appended.error().code != base::ErrorCode::kConflict)
      co_return std::unexpected(api::internal_failure());
    co_await async::yield();
  }
  co_return std::unexpected(to_api_error({base::ErrorCode::kConflict, {}}, key));
}

template <class T>
Figures::Ending ending_of(const api::Outcome<T>& outcome) {
  if (outcome) return Figures::Ending::kSuccess;
  return outcome.error().code == "ProvisionedThroughputExceededException"
             ? Figures::Ending::kThrottled
             : Figures::Ending::kFailed;
}

Figures::ShardPut shard_put(std::uint32_t shard, std::size_t bytes, Figures::Ending ending) {
  const bool success = ending == Figures::Ending::kSuccess;
  return {.shard = shard,
          .records = success ? 1U : 0U,
          .bytes = success ? bytes : 0,
          .throttled = ending == Figures::Ending::kThrottled ? 1U : 0U};
}

Answer<k::PutRecordOutput> put_record(const Deps& deps, const Context& context,
                                      k::PutRecordInput input) {
  const auto key = key_of(context, input.stream_name, input.stream_arn);
  if (!key) co_return std::unexpected(key.error());
  const auto stream = find_stream(deps, *key);
  if (!stream) co_return std::unexpected(stream.error());
  const auto hash = hash_key(input.explicit_hash_key, *input.partition_key);
  if (!hash) co_return std::unexpected(hash.error());
  auto invalid = check_ordering(deps, *key, input.sequence_number_for_ordering);
  if (!invalid)
    invalid = check_size((*stream)->info, input.data->size() + input.partition_key->size());
  if (invalid) co_return std::unexpected(*std::move(invalid));
  if (input.dry_run.value_or(false)) co_return std::unexpected(dry_run());
  const base::SteadyTime began = deps.clock.steady_now();
  const std::size_t bytes = input.data->size() + input.partition_key->size();
  streamlog::NewRecord record{std::move(*input.partition_key), std::move(*input.data)};
  const auto put = co_await put_one(deps, *key, *hash, std::move(record));
  const std::uint32_t index = put ? put->first.index : (*stream)->info.owner_of(*hash).index;
  const auto ending = ending_of(put);
  deps.figures().put_record((*stream)->info, shard_put(index, bytes, ending), ending, began);
  if (!put) co_return std::unexpected(put.error());
  const auto& [shard, appended] = *put;
  k::PutRecordOutput output;
  output.shard_id = shard.id();
  output.sequence_number = shard.number(appended.first, appended.arrival).to_string();
  if (!(*stream)->info.encryption_key.empty()) output.encryption_type = "KMS";
  co_return output;
}

// The records of one request that go to one shard, with their places in the request.
struct Group {
  streamlog::ShardInfo info;
  std::shared_ptr<streamlog::Shard> shard;
  std::vector<std::size_t> places;
  std::vector<std::size_t> bytes;
  std::vector<streamlog::NewRecord> records;
};

api::Outcome<std::vector<Group>> group_by_shard(const StreamPtr& stream,
                                                k::PutRecordsInput& input) {
  std::map<std::uint32_t, Group> groups;
  std::size_t total = 0;
  for (std::size_t i = 0; i < input.records->size(); ++i) {
    k::PutRecordsRequestEntry& entry = (*input.records)[i];
    const std::size_t bytes = entry.data->size() + entry.partition_key->size();
    total += bytes;
    auto too_large = check_size(stream->info, bytes);
    if (too_large) return std::unexpected(*std::move(too_large));
    const auto hash = hash_key(entry.explicit_hash_key, *entry.partition_key);
    if (!hash) return std::unexpected(hash.error());
    const streamlog::ShardInfo& owner = stream->info.owner_of(*hash);
    Group& group = groups[owner.index];
    if (!group.shard) {
      group.info = owner;
      group.shard = stream->shard(owner.index);
    }
    group.places.push_back(i);
    group.bytes.push_back(bytes);
    group.records.push_back({std::move(*entry.partition_key), std::move(*entry.data)});
  }
  if (total > kRequestBytesMax)
    return std::unexpected(k::invalid_argument("Records size exceeds 10 MB limit"));
  std::vector<Group> all;
  all.reserve(groups.size());
  for (auto& [index, group] : groups) all.push_back(std::move(group));
  return all;
}

async::Task<base::Result<streamlog::Appended>> append_group(Group& group) {
  return group.shard->append(std::move(group.records));
}

std::vector<Figures::ShardPut> shard_puts(
    const std::vector<Group>& groups, const std::vector<base::Result<streamlog::Appended>>& done) {
  std::vector<Figures::ShardPut> puts;
  puts.reserve(groups.size());
  for (std::size_t g = 0; g < groups.size(); ++g) {
    Figures::ShardPut put{.shard = groups[g].info.index};
    for (std::size_t i = 0; i < groups[g].places.size(); ++i) {
      const bool taken = done[g] && done[g]->has(i);
      if (taken) put.bytes += groups[g].bytes[i];
      ++(taken ? put.records : done[g] ? put.throttled : put.failed);
    }
    puts.push_back(put);
  }
  return puts;
}

// A shard that failed or closed fails its own records; the others are in.
Answer<k::PutRecordsOutput> put_records(const Deps& deps, const Context& context,
                                        k::PutRecordsInput input) {
  const auto key = key_of(context, input.stream_name, input.stream_arn);
  if (!key) co_return std::unexpected(key.error());
  const auto stream = find_stream(deps, *key);
  if (!stream) co_return std::unexpected(stream.error());
  const base::SteadyTime began = deps.clock.steady_now();
  auto groups = group_by_shard(*stream, input);
  if (!groups) co_return std::unexpected(groups.error());
  if (input.dry_run.value_or(false)) co_return std::unexpected(dry_run());
  std::vector<async::Task<base::Result<streamlog::Appended>>> appends;
  appends.reserve(groups->size());
  for (Group& group : *groups) appends.push_back(append_group(group));
  const auto appended = co_await async::when_all(std::move(appends));
  deps.figures().put_records((*stream)->info, shard_puts(*groups, appended), began);

  k::PutRecordsOutput output;
  auto& results = output.records.emplace(input.records->size());
  std::int32_t failed = 0;
  for (std::size_t g = 0; g < groups->size(); ++g) {
    const Group& group = (*groups)[g];
    streamlog::Position next = appended[g] ? appended[g]->first : 0;
    for (std::size_t i = 0; i < group.places.size(); ++i) {
      k::PutRecordsResultEntry& result = results[group.places[i]];
      if (!appended[g] || !appended[g]->has(i)) {
        ++failed;
        const api::Error why =
            appended[g] ? rate_exceeded(*key, group.info.id()) : api::internal_failure();
        result.error_code = why.code;
        result.error_message = appended[g] ? why.message : "Internal Service Failure";
        continue;
      }
      result.shard_id = group.info.id();
      result.sequence_number = group.info.number(next++, appended[g]->arrival).to_string();
    }
  }
  output.failed_record_count = failed;
  if (!(*stream)->info.encryption_key.empty()) output.encryption_type = "KMS";
  co_return output;
}

}  // namespace

void register_records(wire::Registry& registry, const Deps& deps) {
  registry.add<k::op::PutRecord>(on_stream<k::PutRecordInput>(deps, "kinesis:PutRecord"),
                                 [&deps](const Context& context, auto&& input) {
                                   return put_record(deps, context, std::move(input));
                                 });
  registry.add<k::op::PutRecords>(on_stream<k::PutRecordsInput>(deps, "kinesis:PutRecords"),
                                  [&deps](const Context& context, auto&& input) {
                                    return put_records(deps, context, std::move(input));
                                  });
}

}  // namespace services::kinesis
