// Millrace's own operations on event source mappings: where they stand, and moving them.
#include <fmt/format.h>

#include <algorithm>

#include "api/millrace/errors.h"
#include "api/millrace/operations.h"
#include "services/lambda/lambda.h"

namespace services::lambda {
namespace {

namespace m = api::millrace;
using base::ErrorCode;
using mapping::Config;
using mapping::Place;

constexpr std::size_t kErrorBytesMax = 1024;

api::Error to_api(const base::Error& error) {
  switch (error.code) {
    case ErrorCode::kNotFound: return m::resource_not_found(error.message);
    case ErrorCode::kInvalidArgument: return m::invalid_parameter_value(error.message);
    case ErrorCode::kConflict:
    case ErrorCode::kTimeout:
    case ErrorCode::kPermission: return m::resource_conflict(error.message);
    default: return m::service(error.message);
  }
}

// --- permissions ---------------------------------------------------------------------------------

// "lambda:X" on the mapping, as for AWS's own operations on it, and more where the answer holds
// records: then the stream's own right to read.
async::Task<api::Outcome<wire::Checks>> checks_of(const Deps& deps, const Context& context,
                                                  std::string action, std::string uuid,
                                                  bool reads) {
  auth::Check check{.action = std::move(action),
                    .resource = fmt::format("arn:aws:lambda:{}:{}:event-source-mapping:{}",
                                            context.region, context.account_id, uuid)};
  const auto found = co_await deps.mappings.get(uuid);
  if (found) check.context.push_back({"lambda:FunctionArn", {found->config.function_arn}});
  wire::Checks checks;
  checks.push_back(std::move(check));
  if (found && reads) {
    const std::string& source = found->config.event_source_arn;
    const auto parts = auth::parse_arn(source);
    checks.push_back({.action = fmt::format("{}:GetRecords", parts ? parts->service : "kinesis"),
                      .resource = source.substr(0, source.find("/consumer/"))});
  }
  co_return checks;
}

template <class Input>
auto on_mapping(const Deps& deps, std::string action, bool reads = false) {
  return [&deps, action, reads](const Context& context,
                                const Input& input) -> async::Task<api::Outcome<wire::Checks>> {
    return checks_of(deps, context, action, *input.uuid, reads);
  };
}

// Who replays may read the stream and invoke the function.
async::Task<api::Outcome<wire::Checks>> replay_checks(const Deps& deps, const Context& context,
                                                      std::string uuid, std::string function) {
  const auto target = target_of(context, function, std::nullopt);
  if (!target) co_return std::unexpected(target.error());
  auto checks =
      co_await checks_of(deps, context, "lambda:GetEventSourceMapping", std::move(uuid), true);
  if (checks) checks->push_back(function_check(deps, "lambda:InvokeFunction", *target));
  co_return checks;
}

// ResourceNotFoundException for another region's mapping.
async::Task<api::Outcome<mapping::Status>> mapping_of(const Deps& deps, const Context& context,
                                                      std::string uuid) {
  auto found = co_await deps.mappings.get(uuid);
  if (!found || found->config.region != context.region)
    co_return std::unexpected(m::resource_not_found("There is no event source mapping " + uuid));
  co_return *std::move(found);
}

// --- shapes --------------------------------------------------------------------------------------

m::MappingSummary render(const mapping::Status& status) {
  const Config& config = status.config;
  m::MappingSummary out;
  out.uuid = config.id;
  out.function_arn = config.function_arn;
  out.event_source_arn = config.event_source_arn;
  out.state = std::string(mapping::to_string(status.state));
  out.last_processing_result = status.progress.last_result;
  out.last_modified = config.modified;
  out.batch_size = config.batch_size;
  return out;
}

m::BlockedBatch render(const mapping::Blocked& blocked) {
  const mapping::SourceRecord& first = blocked.records.front();
  m::BlockedBatch out;
  out.sequence_number = first.sequence_number;
  out.last_sequence_number = blocked.records.back().sequence_number;
  out.partition_key = first.partition_key;
  out.arrival = first.arrival;
  out.records = static_cast<std::int32_t>(blocked.records.size());
  out.isolated = blocked.alone;
  out.attempts = blocked.attempts;
  out.error = blocked.reason.substr(0, kErrorBytesMax);
  out.since = blocked.since;
  out.next_attempt = blocked.next_attempt;
  return out;
}

std::string_view name_of(mapping::ShardStatus::State state) {
  using State = mapping::ShardStatus::State;
  switch (state) {
    case State::kWaiting: return "WAITING";
    case State::kReading: return "READING";
    case State::kStopped: return "STOPPED";
    case State::kDone: return "DONE";
  }
  return "WAITING";
}

m::ShardProgress render(const mapping::ShardStatus& shard) {
  m::ShardProgress out;
  out.shard_id = shard.shard;
  out.state = std::string(name_of(shard.state));
  out.position = static_cast<std::int64_t>(shard.position);
  out.end_position = static_cast<std::int64_t>(shard.range.end);
  if (shard.next) {
    out.next_sequence_number = shard.next->sequence_number;
    out.next_arrival = shard.next->arrival;
  }
  out.lag_records = static_cast<std::int64_t>(shard.lag_records);
  out.lag_milliseconds = shard.lag.count();
  auto& all = out.blocked.emplace();
  for (const mapping::Blocked& blocked : shard.blocked) all.push_back(render(blocked));
  return out;
}

std::vector<m::ShardPosition> render(const std::vector<mapping::ShardPlace>& places) {
  std::vector<m::ShardPosition> out;
  for (const auto& place : places) {
    auto& made = out.emplace_back();
    made.shard_id = place.shard;
    made.position = static_cast<std::int64_t>(place.position);
  }
  return out;
}

api::Outcome<Place> place_of(const m::Place& given) {
  Place place;
  if (*given.kind == "TRIM_HORIZON") return place;
  if (*given.kind == "LATEST") {
    place.kind = Place::Kind::kLatest;
  } else if (*given.kind == "AT_TIMESTAMP") {
    if (!given.timestamp)
      return std::unexpected(m::invalid_parameter_value("AT_TIMESTAMP needs a Timestamp."));
    place.kind = Place::Kind::kTime;
    place.time = *given.timestamp;
  } else {
    if (!given.sequence_number)
      return std::unexpected(
          m::invalid_parameter_value("AT_SEQUENCE_NUMBER needs a SequenceNumber."));
    place.kind = Place::Kind::kSequence;
    place.sequence = *given.sequence_number;
  }
  return place;
}

// --- operations ----------------------------------------------------------------------------------

Answer<m::ListMappingsOutput> list(const Deps& deps, const Context& context,
                                   m::ListMappingsInput input) {
  std::optional<Target> target;
  if (input.function_name) {
    auto parsed = target_of(context, *input.function_name, std::nullopt);
    if (!parsed) co_return std::unexpected(parsed.error());
    target = *std::move(parsed);
  }
  m::ListMappingsOutput output;
  auto& all = output.mappings.emplace();
  const std::vector<mapping::Status> known = co_await deps.mappings.list();
  for (const mapping::Status& status : known) {
    const Config& config = status.config;
    if (config.region != context.region || config.account_id != context.account_id) continue;
    if (target && config.function_arn != target->arn()) continue;
    all.push_back(render(status));
  }
  std::ranges::sort(all, {}, [](const auto& entry) { return *entry.function_arn; });
  co_return output;
}

Answer<m::DescribeMappingOutput> describe(const Deps& deps, const Context& context,
                                          m::DescribeMappingInput input) {
  const auto known = co_await mapping_of(deps, context, *input.uuid);
  if (!known) co_return std::unexpected(known.error());
  const auto seen = co_await deps.mappings.inspect(*input.uuid);
  if (!seen) co_return std::unexpected(to_api(seen.error()));
  m::DescribeMappingOutput output;
  output.mapping = render(seen->status);
  auto& shards = output.shards.emplace();
  for (const auto& shard : seen->shards) shards.push_back(render(shard));
  if (!seen->problem.empty()) output.problem = seen->problem;
  co_return output;
}

template <class Input, class Output>
Answer<Output> enable(const Deps& deps, const Context& context, Input input, bool enabled) {
  const auto known = co_await mapping_of(deps, context, *input.uuid);
  if (!known) co_return std::unexpected(known.error());
  if (known->config.enabled == enabled) co_return Output{};
  const auto changed =
      co_await deps.mappings.update(*input.uuid, [enabled](Config& config) -> base::Status {
        config.enabled = enabled;
        return {};
      });
  if (!changed) co_return std::unexpected(to_api(changed.error()));
  co_return Output{};
}

Answer<m::FindPositionsOutput> find(const Deps& deps, const Context& context,
                                    m::FindPositionsInput input) {
  const auto known = co_await mapping_of(deps, context, *input.uuid);
  if (!known) co_return std::unexpected(known.error());
  const auto place = place_of(*input.at);
  if (!place) co_return std::unexpected(place.error());
  const auto places = co_await deps.mappings.find(*input.uuid, input.shard_id.value_or(""), *place);
  if (!places) co_return std::unexpected(to_api(places.error()));
  m::FindPositionsOutput output;
  output.positions = render(*places);
  co_return output;
}

Answer<m::RewindMappingOutput> rewind(const Deps& deps, const Context& context,
                                      m::RewindMappingInput input) {
  const auto known = co_await mapping_of(deps, context, *input.uuid);
  if (!known) co_return std::unexpected(known.error());
  const auto place = place_of(*input.to);
  if (!place) co_return std::unexpected(place.error());
  const auto places =
      co_await deps.mappings.rewind(*input.uuid, input.shard_id.value_or(""), *place);
  if (!places) co_return std::unexpected(to_api(places.error()));
  m::RewindMappingOutput output;
  output.positions = render(*places);
  co_return output;
}

Answer<m::op::IsolateRecord::Output> isolate(const Deps& deps, const Context& context,
                                             m::IsolateRecordInput input) {
  const auto known = co_await mapping_of(deps, context, *input.uuid);
  if (!known) co_return std::unexpected(known.error());
  const auto done = co_await deps.mappings.isolate(*input.uuid, *input.shard_id);
  if (!done) co_return std::unexpected(to_api(done.error()));
  co_return m::op::IsolateRecord::Output{};
}

Answer<m::DescribeBlockingRecordOutput> blocking(const Deps& deps, const Context& context,
                                                 m::DescribeBlockingRecordInput input) {
  const auto known = co_await mapping_of(deps, context, *input.uuid);
  if (!known) co_return std::unexpected(known.error());
  auto found = co_await deps.mappings.blocked(*input.uuid, *input.shard_id, *input.sequence_number);
  if (!found) co_return std::unexpected(to_api(found.error()));
  m::DescribeBlockingRecordOutput output;
  output.blocked = render(found->first);
  output.data = std::move(found->first.records.front().data);
  output.failure_document = std::move(found->second);
  co_return output;
}

Answer<m::op::SkipRecord::Output> skip(const Deps& deps, const Context& context,
                                       m::SkipRecordInput input) {
  const auto known = co_await mapping_of(deps, context, *input.uuid);
  if (!known) co_return std::unexpected(known.error());
  const std::string destination = input.destination_arn.value_or("");
  if (!destination.empty() && !destination.starts_with("arn:aws:s3:::"))
    co_return std::unexpected(
        m::invalid_parameter_value("DestinationArn has to be a bucket's: " + destination));
  mapping::SkipRequest request{.id = *input.uuid,
                               .shard = *input.shard_id,
                               .sequence = *input.sequence_number,
                               .destination_arn = destination};
  const auto done = co_await deps.mappings.skip(std::move(request));
  if (!done) co_return std::unexpected(to_api(done.error()));
  co_return m::op::SkipRecord::Output{};
}

Answer<m::ReplayRecordsOutput> replay(const Deps& deps, const Context& context,
                                      m::ReplayRecordsInput input) {
  const auto known = co_await mapping_of(deps, context, *input.uuid);
  if (!known) co_return std::unexpected(known.error());
  const auto target = target_of(context, *input.function_name, std::nullopt);
  if (!target) co_return std::unexpected(target.error());
  if (!find_version(deps, *target))
    co_return std::unexpected(functions::function_not_found(target->arn()));
  if (*input.position < 0 || *input.until_position < 0)
    co_return std::unexpected(m::invalid_parameter_value("Positions are not negative."));
  mapping::ReplayRequest request{.id = *input.uuid,
                                 .shard = *input.shard_id,
                                 .from = static_cast<mapping::Position>(*input.position),
                                 .until = static_cast<mapping::Position>(*input.until_position),
                                 .records_max = input.batch_size.value_or(known->config.batch_size),
                                 .function_arn = target->arn()};
  auto played = co_await deps.mappings.replay(std::move(request));
  if (!played) co_return std::unexpected(to_api(played.error()));
  m::ReplayRecordsOutput output;
  output.records = static_cast<std::int32_t>(played->records);
  output.next_position = static_cast<std::int64_t>(played->next);
  output.finished = played->finished;
  if (played->records == 0) co_return output;
  output.last_sequence_number = played->last_sequence;
  output.request_id = played->result.request_id;
  output.payload = std::move(played->result.payload);
  if (played->result.kind != mapping::InvokeResult::Kind::kSuccess)
    output.function_error = played->result.reason;
  co_return output;
}

// A handler that needs the dependencies besides.
template <class Input, class Output>
auto bind(const Deps& deps, Answer<Output> (*handler)(const Deps&, const Context&, Input)) {
  return [&deps, handler](const Context& context, Input input) {
    return handler(deps, context, std::move(input));
  };
}

}  // namespace

void register_operating(wire::Registry& registry, const Deps& deps) {
  constexpr const char* kGet = "lambda:GetEventSourceMapping";
  constexpr const char* kUpdate = "lambda:UpdateEventSourceMapping";
  registry.add_service(m::kService, m::operations());
  registry.add<m::op::ListMappings>(
      [](const Context&, const m::ListMappingsInput&) {
        return wire::Checks{any_resource("lambda:ListEventSourceMappings")};
      },
      bind(deps, list));
  registry.add<m::op::DescribeMapping>(on_mapping<m::DescribeMappingInput>(deps, kGet),
                                       bind(deps, describe));
  registry.add<m::op::FindPositions>(on_mapping<m::FindPositionsInput>(deps, kGet),
                                     bind(deps, find));
  registry.add<m::op::RewindMapping>(on_mapping<m::RewindMappingInput>(deps, kUpdate),
                                     bind(deps, rewind));
  registry.add<m::op::IsolateRecord>(on_mapping<m::IsolateRecordInput>(deps, kUpdate),
                                     bind(deps, isolate));
  registry.add<m::op::DescribeBlockingRecord>(
      on_mapping<m::DescribeBlockingRecordInput>(deps, kGet, true), bind(deps, blocking));
  registry.add<m::op::SkipRecord>(on_mapping<m::SkipRecordInput>(deps, kUpdate), bind(deps, skip));
  registry.add<m::op::PauseMapping>(
      on_mapping<m::PauseMappingInput>(deps, kUpdate),
      [&deps](const Context& context, m::PauseMappingInput input) {
        return enable<m::PauseMappingInput, m::op::PauseMapping::Output>(deps, context,
                                                                         std::move(input), false);
      });
  registry.add<m::op::ResumeMapping>(
      on_mapping<m::ResumeMappingInput>(deps, kUpdate),
      [&deps](const Context& context, m::ResumeMappingInput input) {
        return enable<m::ResumeMappingInput, m::op::ResumeMapping::Output>(deps, context,
                                                                           std::move(input), true);
      });
  registry.add<m::op::ReplayRecords>(
      [&deps](const Context& context,
              const m::ReplayRecordsInput& input) -> async::Task<api::Outcome<wire::Checks>> {
        return replay_checks(deps, context, *input.uuid, *input.function_name);
      },
      bind(deps, replay));
}

}  // namespace services::lambda
