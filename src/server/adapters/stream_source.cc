#include "server/adapters/stream_source.h"

#include <algorithm>

#include "auth/denial.h"
#include "services/kinesis/kinesis.h"

namespace server {
namespace {

constexpr std::string_view kSessionName = "awslambda-mapping";

base::Error gone(const streamlog::StreamKey& key) {
  return {base::ErrorCode::kNotFound, "Stream " + key.name + " was not found"};
}

}  // namespace

class StreamSources::Source final : public mapping::RecordSource {
 public:
  // `consumer_arn` is empty for a stream that is read without enhanced fan-out.
  Source(StreamSources& owner, streamlog::StreamKey key, std::string function_arn,
         std::string consumer_arn)
      : owner_(owner),
        key_(std::move(key)),
        function_arn_(std::move(function_arn)),
        consumer_arn_(std::move(consumer_arn)) {}

  async::Task<base::Result<std::vector<mapping::SourceShard>>> shards() override {
    if (!consumer_arn_.empty()) {
      const auto readable = allowed_to_read("kinesis:SubscribeToShard");
      if (!readable) co_return std::unexpected(readable.error());
    }
    const auto stream = allowed("kinesis:ListShards", key_.arn());
    if (!stream) co_return std::unexpected(stream.error());
    std::vector<mapping::SourceShard> all;
    for (const auto& shard : (*stream)->info.shards) {
      mapping::SourceShard& made = all.emplace_back();
      made.id = shard.id();
      if (shard.parent) made.parents.push_back(streamlog::shard_id(*shard.parent));
      if (shard.adjacent_parent)
        made.parents.push_back(streamlog::shard_id(*shard.adjacent_parent));
    }
    co_return all;
  }

  async::Task<base::Result<mapping::SourcePage>> read(std::string shard, mapping::Position from,
                                                      std::size_t limit,
                                                      std::size_t bytes_max) override {
    const auto stream = allowed_to_read("kinesis:GetRecords");
    if (!stream) co_return std::unexpected(stream.error());
    const auto held = shard_of(*stream, shard);
    if (!held) co_return std::unexpected(gone(key_));
    // Closed first, then read: what came before the close is then surely seen.
    const bool closed = held->is_closed();
    auto records = co_await held->read(from, limit, bytes_max);
    if (!records) co_return std::unexpected(records.error());
    const auto& info = *(*stream)->info.find_shard(held->info().index);
    mapping::SourcePage page;
    page.records.reserve(records->size());
    for (streamlog::Record& record : *records)
      page.records.push_back(
          {.position = record.position,
           .sequence_number = info.number(record.position, record.arrival).to_string(),
           .partition_key = std::move(record.partition_key),
           .data = std::move(record.data),
           .arrival = record.arrival});
    const mapping::Position next =
        page.records.empty() ? std::max(from, held->first()) : page.records.back().position + 1;
    page.finished = closed && next >= held->end();
    co_return page;
  }

  async::Task<void> wait(std::string shard, mapping::Position from, base::SteadyTime deadline,
                         std::stop_token stop) override {
    const auto stream = owner_.streams_.find(key_);
    const auto held = stream ? shard_of(stream, shard) : nullptr;
    if (!held) co_return;
    const auto seen = held->tail().version();
    if (held->end() > from || held->is_closed()) co_return;
    co_await held->tail().wait_past(seen, deadline, stop);
  }

  async::Task<void> wait_for_shards(base::SteadyTime deadline, std::stop_token stop) override {
    const auto seen = owner_.streams_.changed().version();
    co_await owner_.streams_.changed().wait_past(seen, deadline, stop);
  }

  async::Task<base::Result<mapping::Position>> start(std::string shard,
                                                     mapping::StartingPosition where,
                                                     base::Timestamp time) override {
    const auto stream = allowed_to_read("kinesis:GetShardIterator");
    if (!stream) co_return std::unexpected(stream.error());
    const auto held = shard_of(*stream, shard);
    if (!held) co_return std::unexpected(gone(key_));
    // A shard that a split or merge made is read from its beginning: its parents' readers were
    // already past the starting position.
    const bool child = held->info().parent.has_value();
    if (where == mapping::StartingPosition::kTrimHorizon || child) co_return held->first();
    if (where == mapping::StartingPosition::kLatest) co_return held->end();
    auto position = co_await held->find_time(time);
    co_return position;
  }

  async::Task<base::Result<mapping::SourceRange>> range(std::string shard) override {
    const auto stream = allowed_to_read("kinesis:GetShardIterator");
    if (!stream) co_return std::unexpected(stream.error());
    const auto held = shard_of(*stream, shard);
    if (!held) co_return std::unexpected(gone(key_));
    const bool closed = held->is_closed();
    co_return mapping::SourceRange{.first = held->first(), .end = held->end(), .closed = closed};
  }

 private:
  // With the stream's own action, or what stands for all of them where a consumer reads.
  base::Result<streamlog::StreamPtr> allowed_to_read(const std::string& action) {
    if (consumer_arn_.empty()) return allowed(action, key_.arn());
    auto stream = allowed("kinesis:SubscribeToShard", consumer_arn_);
    if (stream && !has_consumer(**stream))
      return base::error(base::ErrorCode::kNotFound, consumer_arn_ + " was not found");
    return stream;
  }

  bool has_consumer(const streamlog::Stream& stream) const {
    return std::ranges::any_of(stream.info.consumers, [&](const auto& consumer) {
      return services::kinesis::consumer_arn(key_, consumer) == consumer_arn_;
    });
  }

  // The stream, if the role and the resource's own policy allow this.
  base::Result<streamlog::StreamPtr> allowed(const std::string& action,
                                             const std::string& resource) {
    const std::string role = owner_.role_of_(function_arn_);
    const auto principal = owner_.identity_.role_session(role, kSessionName);
    if (!principal)
      return base::error(base::ErrorCode::kPermission,
                         "The function's role does not exist or cannot be assumed");
    auto stream = owner_.streams_.find(key_);
    auth::Check check{.action = action, .resource = resource, .context = {}};
    check.resource_account = key_.account_id;
    if (stream) check.resource_policy = policy_of(*stream, resource);
    const auto decision = owner_.authorizer_.authorize(*principal, std::span(&check, 1),
                                                       auth::RequestFacts{.region = key_.region});
    if (!decision)
      return base::error(base::ErrorCode::kPermission,
                         auth::denial_text(decision.error(), auth::ErrorFamily::kJson));
    if (!stream) return std::unexpected(gone(key_));
    return stream;
  }

  streamlog::PolicyPtr policy_of(const streamlog::Stream& stream,
                                 const std::string& resource) const {
    if (resource != consumer_arn_) return stream.policy;
    const auto consumer = services::kinesis::parse_consumer_arn(consumer_arn_);
    return consumer ? stream.consumer_policy(consumer->consumer) : nullptr;
  }

  static std::shared_ptr<streamlog::Shard> shard_of(const streamlog::StreamPtr& stream,
                                                    const std::string& id) {
    const auto index = streamlog::parse_shard_id(id);
    return index ? stream->shard(*index) : nullptr;
  }

  StreamSources& owner_;
  const streamlog::StreamKey key_;
  const std::string function_arn_;
  const std::string consumer_arn_;
};

base::Result<std::unique_ptr<mapping::RecordSource>> StreamSources::open(
    const std::string& event_source_arn, const std::string& function_arn) {
  if (auto consumer = services::kinesis::parse_consumer_arn(event_source_arn))
    return std::make_unique<Source>(*this, std::move(consumer->stream), function_arn,
                                    event_source_arn);
  auto key = services::kinesis::parse_stream_arn(event_source_arn);
  if (!key)
    return base::error(base::ErrorCode::kInvalidArgument, event_source_arn + " is no stream");
  return std::make_unique<Source>(*this, *std::move(key), function_arn, "");
}

}  // namespace server
