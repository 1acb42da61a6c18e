#include "server/adapters/change_source.h"

#include "auth/denial.h"
#include "changes/document.h"

namespace server {
namespace {

constexpr std::string_view kSessionName = "awslambda-mapping";

base::Error gone(const changes::StreamName& name) {
  return {base::ErrorCode::kNotFound, "Stream " + name.arn() + " was not found"};
}

// What keeps an item's records in order where a shard is read in several lanes.
std::string item_of(const changes::Record& record) {
  std::string key;
  changes::append_json(key, record.keys);
  return key;
}

}  // namespace

class ChangeSources::Source final : public mapping::RecordSource {
 public:
  Source(ChangeSources& owner, changes::StreamName name, std::string function_arn)
      : owner_(owner), name_(std::move(name)), function_arn_(std::move(function_arn)) {}

  async::Task<base::Result<std::vector<mapping::SourceShard>>> shards() override {
    const auto stream = allowed({"dynamodb:DescribeStream", "dynamodb:ListStreams",
                                 "dynamodb:GetShardIterator", "dynamodb:GetRecords"});
    if (!stream) co_return std::unexpected(stream.error());
    std::vector<mapping::SourceShard> all;
    for (std::size_t i = 0; i < (*stream)->info().capture.shards; ++i)
      all.push_back({.id = (*stream)->info().shard_id(i), .parents = {}});
    co_return all;
  }

  async::Task<base::Result<mapping::SourcePage>> read(std::string shard, mapping::Position from,
                                                      std::size_t limit,
                                                      std::size_t bytes_max) override {
    const auto stream = allowed({"dynamodb:GetRecords"});
    if (!stream) co_return std::unexpected(stream.error());
    const changes::StreamInfo& info = (*stream)->info();
    const auto index = info.parse_shard_id(shard);
    if (!index) co_return std::unexpected(gone(name_));
    changes::Shard& held = (*stream)->shard(*index);
    // Asked before reading: what came before the end is then surely seen.
    const bool over = (*stream)->is_over();
    auto records = co_await held.read(from, limit, bytes_max);
    if (!records) co_return std::unexpected(records.error());
    mapping::SourcePage page;
    page.records.reserve(records->size());
    for (const changes::Record& record : *records)
      page.records.push_back({.position = record.position,
                              .sequence_number = info.sequence_number(*index, record.position),
                              .partition_key = item_of(record),
                              .data = changes::event_record(info, *index, record),
                              .arrival = record.created});
    if (!over) co_return page;
    const auto end = co_await held.end();
    if (!end) co_return std::unexpected(end.error());
    page.finished = records->empty() ? from >= *end : records->back().position + 1 >= *end;
    co_return page;
  }

  async::Task<void> wait(std::string shard, mapping::Position from, base::SteadyTime deadline,
                         std::stop_token stop) override {
    const auto stream = owner_.changes_.find(name_);
    const auto index = stream ? stream->info().parse_shard_id(shard) : std::nullopt;
    if (!index) co_return;
    changes::Shard& held = stream->shard(*index);
    const auto seen = held.tail().version();
    if (held.published() > from || stream->is_over()) co_return;
    co_await held.tail().wait_past(seen, deadline, stop);
  }

  async::Task<void> wait_for_shards(base::SteadyTime deadline, std::stop_token stop) override {
    const auto seen = owner_.changes_.changed().version();
    co_await owner_.changes_.changed().wait_past(seen, deadline, stop);
  }

  async::Task<base::Result<mapping::Position>> start(std::string shard,
                                                     mapping::StartingPosition where,
                                                     base::Timestamp time) override {
    const auto stream = allowed({"dynamodb:GetShardIterator"});
    if (!stream) co_return std::unexpected(stream.error());
    const auto index = (*stream)->info().parse_shard_id(shard);
    if (!index) co_return std::unexpected(gone(name_));
    const changes::Shard& held = (*stream)->shard(*index);
    if (where == mapping::StartingPosition::kTrimHorizon) co_return held.first();
    if (where == mapping::StartingPosition::kAtTimestamp) {
      auto found = co_await held.find_time(time);
      co_return found;
    }
    auto end = co_await held.end();
    co_return end;
  }

  async::Task<base::Result<mapping::SourceRange>> range(std::string shard) override {
    const auto stream = allowed({"dynamodb:GetShardIterator"});
    if (!stream) co_return std::unexpected(stream.error());
    const auto index = (*stream)->info().parse_shard_id(shard);
    if (!index) co_return std::unexpected(gone(name_));
    const bool over = (*stream)->is_over();
    const changes::Shard& held = (*stream)->shard(*index);
    const auto end = co_await held.end();
    if (!end) co_return std::unexpected(end.error());
    co_return mapping::SourceRange{.first = held.first(), .end = *end, .closed = over};
  }

 private:
  // The stream, if the role may do all of this with it.
  base::Result<changes::StreamPtr> allowed(std::initializer_list<const char*> actions) {
    const std::string role = owner_.role_of_(function_arn_);
    const auto principal = owner_.identity_.role_session(role, kSessionName);
    if (!principal)
      return base::error(base::ErrorCode::kPermission,
                         "The function's role does not exist or cannot be assumed");
    std::vector<auth::Check> checks;
    for (const char* const action : actions) {
      checks.push_back({.action = action, .resource = name_.arn(), .context = {}});
      checks.back().resource_account = name_.account;
      checks.back().resource_policy =
          owner_.tables_.stream_policy_of({name_.account, name_.region, name_.table}, name_.label);
    }
    const auto decision = owner_.authorizer_.authorize(*principal, checks,
                                                       auth::RequestFacts{.region = name_.region});
    if (!decision)
      return base::error(base::ErrorCode::kPermission,
                         auth::denial_text(decision.error(), auth::ErrorFamily::kJson));
    auto stream = owner_.changes_.find(name_);
    if (!stream) return std::unexpected(gone(name_));
    return stream;
  }

  ChangeSources& owner_;
  const changes::StreamName name_;
  const std::string function_arn_;
};

base::Result<std::unique_ptr<mapping::RecordSource>> ChangeSources::open(
    const std::string& event_source_arn, const std::string& function_arn) {
  auto name = changes::parse_stream_arn(event_source_arn);
  if (!name)
    return base::error(base::ErrorCode::kInvalidArgument, event_source_arn + " is no stream");
  return std::make_unique<Source>(*this, *std::move(name), function_arn);
}

}  // namespace server
