#include "services/kinesis/start.h"

#include <fmt/format.h>

#include "api/kinesis/errors.h"

namespace services::kinesis {
namespace {

namespace k = api::kinesis;
using streamlog::Position;
using streamlog::SequenceNumber;

api::Error both_or_neither(const Start& start, std::string_view end) {
  return k::invalid_argument(fmt::format(
      "Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and "
      "StartingSequenceNumber or (2) TRIM_HORIZON or LATEST and no StartingSequenceNumber. Request "
      "specified {} and {}.",
      start.type, end));
}

api::Error bad_start(const Start& start, const streamlog::ShardInfo& shard, const StreamKey& key,
                     std::string_view why) {
  return k::invalid_argument(
      fmt::format("StartingSequenceNumber {} used in {} on shard {} in stream {} "
                  "under account {} "
                  "is invalid{}.",
                  *start.number, start.operation, shard.id(), key.name, key.account_id, why));
}

// AT_SEQUENCE_NUMBER and AFTER_SEQUENCE_NUMBER.
api::Outcome<Position> numbered_position(const Start& start, const streamlog::ShardInfo& shard,
                                         const StreamKey& key) {
  if (!start.number) return std::unexpected(both_or_neither(start, "no StartingSequenceNumber"));
  const auto number = SequenceNumber::parse(*start.number);
  if (!number) return std::unexpected(bad_start(start, shard, key, ""));
  if (number->shard_index != shard.index)
    return std::unexpected(k::invalid_argument(fmt::format(
        "Invalid StartingSequenceNumber. It encodes {}, while it was used in a call to a "
        "shard with {}",
        streamlog::shard_id(number->shard_index), shard.id())));
  // AWS fails over numbers of its oldest form, and says no more.
  if (number->version == streamlog::SequenceVersion::kZero)
    return std::unexpected(api::Error{.code = "InternalFailure", .status = 500, .message = {}});
  if (number->version != streamlog::SequenceVersion::kTwo ||
      number->shard_created_s != shard.start().shard_created_s)
    return std::unexpected(
        bad_start(start, shard, key, " because it did not come from this stream"));
  const bool after = start.type == "AFTER_SEQUENCE_NUMBER";
  return number->position + (after && number->position < streamlog::kPositionMax ? 1 : 0);
}

}  // namespace

async::Task<api::Outcome<Position>> start_position(const Deps& deps, Start start, StreamPtr stream,
                                                   streamlog::ShardInfo info) {
  if (start.type == "AT_SEQUENCE_NUMBER" || start.type == "AFTER_SEQUENCE_NUMBER")
    co_return numbered_position(start, info, stream->info.key);
  if (start.number)
    co_return std::unexpected(both_or_neither(start, "also a StartingSequenceNumber"));
  const auto shard = stream->shard(info.index);
  if (start.type == "TRIM_HORIZON") co_return Position(0);
  if (start.type == "LATEST") co_return shard->end();
  if (!start.timestamp)
    co_return std::unexpected(
        k::invalid_argument("Must specify timestampInMillis parameter for iterator of type "
                            "AT_TIMESTAMP. Current request "
                            "has no timestamp parameter."));
  const base::Timestamp now = deps.clock.now();
  if (*start.timestamp > now)
    co_return std::unexpected(k::invalid_argument(fmt::format(
        "The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. "
        "timestampInMillis: {}, currentTimestampInMillis: {}",
        base::to_epoch_ms(*start.timestamp), base::to_epoch_ms(now))));
  const auto position = co_await shard->find_time(*start.timestamp);
  if (!position) co_return std::unexpected(api::internal_failure());
  co_return *position;
}

}  // namespace services::kinesis
