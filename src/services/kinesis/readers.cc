// GetShardIterator and GetRecords: the pulling readers.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <boost/json.hpp>

#include "api/kinesis/errors.h"
#include "base/encoding.h"
#include "services/kinesis/kinesis.h"
#include "services/kinesis/render.h"
#include "services/kinesis/start.h"

namespace services::kinesis {
namespace {

namespace k = api::kinesis;
namespace json = boost::json;
using streamlog::Position;
using wire::Context;

constexpr std::chrono::minutes kIteratorLife{5};

// What a shard iterator says, sealed: the place, and when it was made.
struct Iterator {
  StreamKey key;
  std::string stream_id;
  std::uint32_t shard = 0;
  Position position = 0;
  base::Timestamp made;
};

// Iterators have the form of AWS's, which some clients look at: base64 of a version (eight bytes,
// 1) and of what is sealed, 152 bytes altogether or 16 more, or 32 more.
constexpr std::string_view kIteratorVersion("\0\0\0\0\0\0\0\1", 8);
constexpr std::size_t kSealBytes = 28;  // what sealing adds
constexpr std::size_t kIteratorStep = 16;
constexpr std::size_t kIteratorBytesLeast = 152;

std::string seal(const Deps& deps, const Iterator& it) {
  std::string plain =
      json::serialize(json::array{it.key.account_id, it.key.region, it.key.name, it.stream_id,
                                  it.shard, it.position, base::to_epoch_ms(it.made)});
  std::size_t bytes = kIteratorBytesLeast;
  while (bytes < kIteratorVersion.size() + kSealBytes + plain.size()) bytes += kIteratorStep;
  plain.resize(bytes - kIteratorVersion.size() - kSealBytes, ' ');
  const auto sealed = base::from_base64(deps.sealer.seal(plain));
  return base::base64(std::string(kIteratorVersion) + *sealed);
}

std::optional<Iterator> unseal(const Deps& deps, const std::string& token) {
  const auto bytes = base::from_base64(token);
  if (!bytes || !bytes->starts_with(kIteratorVersion)) return std::nullopt;
  const auto plain = deps.sealer.open(base::base64(bytes->substr(kIteratorVersion.size())));
  if (!plain) return std::nullopt;
  boost::system::error_code failure;
  const json::value value = json::parse(*plain, failure);
  const json::array* const parts = value.if_array();
  if (failure || parts == nullptr || parts->size() != 7) return std::nullopt;
  const auto text = [&](std::size_t i) { return std::string((*parts)[i].as_string()); };
  return Iterator{.key = {text(0), text(1), text(2)},
                  .stream_id = text(3),
                  .shard = (*parts)[4].to_number<std::uint32_t>(),
                  .position = (*parts)[5].to_number<Position>(),
                  .made = base::from_epoch_ms((*parts)[6].to_number<std::int64_t>())};
}

std::string utc_text(base::Timestamp time) {
  return fmt::format("{:%a %b %d %H:%M:%S} UTC {:%Y}",
                     std::chrono::time_point_cast<std::chrono::seconds>(time),
                     std::chrono::time_point_cast<std::chrono::seconds>(time));
}

Answer<k::GetShardIteratorOutput> get_shard_iterator(const Deps& deps, const Context& context,
                                                     k::GetShardIteratorInput input) {
  const auto key = key_of(context, input.stream_name, input.stream_arn);
  if (!key) co_return std::unexpected(key.error());
  const auto index = streamlog::parse_shard_id(*input.shard_id);
  if (!index)
    co_return std::unexpected(
        k::resource_not_found(fmt::format("Could not find shard {} in stream {} under account {}.",
                                          *input.shard_id, key->name, key->account_id)));
  const auto stream = deps.streams.find(*key);
  const auto* const info = stream ? stream->info.find_shard(*index) : nullptr;
  if (info == nullptr)
    co_return std::unexpected(k::resource_not_found(
        fmt::format("Shard {} in stream {} under account {} does not exist",
                    streamlog::shard_id(*index), key->name, key->account_id)));
  const auto position = co_await start_position(deps,
                                                {.operation = "GetShardIterator",
                                                 .type = *input.shard_iterator_type,
                                                 .number = input.starting_sequence_number,
                                                 .timestamp = input.timestamp},
                                                stream, *info);
  if (!position) co_return std::unexpected(position.error());
  if (input.dry_run.value_or(false)) co_return std::unexpected(dry_run());
  k::GetShardIteratorOutput output;
  output.shard_iterator = seal(deps, {.key = *key,
                                      .stream_id = stream->info.id,
                                      .shard = *index,
                                      .position = *position,
                                      .made = deps.clock.now()});
  co_return output;
}

api::Outcome<Iterator> checked_iterator(const Deps& deps, const k::GetRecordsInput& input) {
  auto it = unseal(deps, *input.shard_iterator);
  if (!it) return std::unexpected(k::invalid_argument("Invalid ShardIterator."));
  if (input.stream_arn && *input.stream_arn != it->key.arn())
    return std::unexpected(
        k::invalid_argument("The ShardIterator does not belong to the stream of StreamARN."));
  const base::Timestamp now = deps.clock.now();
  if (now - it->made > kIteratorLife)
    return std::unexpected(k::expired_iterator(fmt::format(
        "Iterator expired. The iterator was created at time {} while right now it is {} which is "
        "further in the future than the tolerated delay of 300000 milliseconds.",
        utc_text(it->made), utc_text(now))));
  return *std::move(it);
}

Answer<k::GetRecordsOutput> get_records(const Deps& deps, const Context&,
                                        k::GetRecordsInput input) {
  using Ending = Figures::Ending;
  const base::SteadyTime began = deps.clock.steady_now();
  auto it = checked_iterator(deps, input);
  if (!it) co_return std::unexpected(it.error());
  const auto stream = deps.streams.find(it->key);
  const auto shard =
      stream && stream->info.id == it->stream_id ? stream->shard(it->shard) : nullptr;
  if (!shard)
    co_return std::unexpected(k::resource_not_found(
        fmt::format("Shard {} in stream {} under account {} does not exist",
                    streamlog::shard_id(it->shard), it->key.name, it->key.account_id)));
  if (input.dry_run.value_or(false)) co_return std::unexpected(dry_run());
  streamlog::ShardLimits* const limits = shard->limits();
  if (limits != nullptr && !limits->admit_read()) {
    deps.figures().get_records(stream->info, {.shard = it->shard}, Ending::kThrottled, began);
    co_return std::unexpected(rate_exceeded(it->key, shard->info().id()));
  }
  const auto limit = static_cast<std::size_t>(
      input.limit.value_or(static_cast<std::int32_t>(streamlog::kReadRecordsMax)));
  auto records = co_await shard->read(it->position, limit);
  if (!records) {
    deps.figures().get_records(stream->info, {.shard = it->shard}, Ending::kFailed, began);
    co_return std::unexpected(api::internal_failure());
  }
  Figures::Read read{.shard = it->shard, .records = records->size(), .bytes = bytes_of(*records)};
  if (limits != nullptr) limits->charge_read(read.bytes);

  const streamlog::ShardInfo& info = *stream->info.find_shard(it->shard);
  const base::Timestamp now = deps.clock.now();
  k::GetRecordsOutput output;
  Position next = std::max(it->position, shard->first());
  output.millis_behind_latest = 0;
  if (!records->empty()) {
    next = records->back().position + 1;
    if (next < shard->end())
      output.millis_behind_latest =
          std::max<std::int64_t>(0, (now - records->back().arrival).count());
  }
  read.age_ms = *output.millis_behind_latest;
  deps.figures().get_records(stream->info, read, Ending::kSuccess, began);
  output.records = render_records(*std::move(records), info, !stream->info.encryption_key.empty());
  // A shard that is only being closed has not ended: its children are not there, and it may yet
  // open again.
  if (!info.is_open() && next > *info.last) {
    // No further iterator, but the shards that go on.
    output.child_shards = render_children(stream->info, it->shard);
  } else {
    // LATEST stays where it was fixed, even while the log is still shorter than that.
    it->position = std::max(next, it->position);
    it->made = now;
    output.next_shard_iterator = seal(deps, *it);
  }
  co_return output;
}

}  // namespace

void register_readers(wire::Registry& registry, const Deps& deps) {
  registry.add<k::op::GetShardIterator>(
      on_stream<k::GetShardIteratorInput>(deps, "kinesis:GetShardIterator"),
      [&deps](const Context& context, auto input) {
        return get_shard_iterator(deps, context, std::move(input));
      });
  registry.add<k::op::GetRecords>(
      [&deps](const Context&, const k::GetRecordsInput& input) -> api::Outcome<wire::Checks> {
        const auto it = unseal(deps, *input.shard_iterator);
        if (!it) return std::unexpected(k::invalid_argument("Invalid ShardIterator."));
        return wire::Checks{stream_check(deps, "kinesis:GetRecords", it->key)};
      },
      [&deps](const Context& context, auto input) {
        return get_records(deps, context, std::move(input));
      });
}

}  // namespace services::kinesis
