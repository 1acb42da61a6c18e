// Event source mappings: create, get, list, update, delete.
#include <fmt/format.h>

#include <algorithm>

#include "auth/principal.h"
#include "mapping/filter.h"
#include "services/lambda/lambda.h"

namespace services::lambda {
namespace {

using mapping::Config;
using mapping::is_of_table;
constexpr std::string_view kEventCount = "EventCount";
constexpr std::size_t kPageMax = 100;
constexpr std::int32_t kRetriesMax = 10'000;
constexpr std::int32_t kAgeMin = 60, kAgeMax = 604'800;

api::Error invalid(std::string message) { return l::invalid_parameter_value(std::move(message)); }
api::Error no_mapping() {
  return l::resource_not_found("The resource you requested does not exist.");
}
std::string mapping_arn(const Config& config) {
  return fmt::format("arn:aws:lambda:{}:{}:event-source-mapping:{}", config.region,
                     config.account_id, config.id);
}

l::EventSourceMappingConfiguration render(const mapping::Status& status, std::string_view state) {
  const Config& config = status.config;
  l::EventSourceMappingConfiguration out;
  out.uuid = config.id;
  switch (config.starting_position) {
    case mapping::StartingPosition::kTrimHorizon: out.starting_position = "TRIM_HORIZON"; break;
    case mapping::StartingPosition::kLatest: out.starting_position = "LATEST"; break;
    case mapping::StartingPosition::kAtTimestamp:
      out.starting_position = "AT_TIMESTAMP";
      out.starting_position_timestamp = config.starting_time;
      break;
  }
  out.batch_size = config.batch_size;
  out.maximum_batching_window_in_seconds = config.window_seconds;
  out.parallelization_factor = config.parallel;
  out.event_source_arn = config.event_source_arn;
  out.function_arn = config.function_arn;
  out.last_modified = config.modified;
  out.last_processing_result = status.progress.last_result;
  out.state = std::string(state);
  out.state_transition_reason = "User action";
  auto& on_failure = out.destination_config.emplace().on_failure.emplace();
  if (!config.on_failure_arn.empty()) on_failure.destination = config.on_failure_arn;
  out.maximum_record_age_in_seconds = config.record_age_seconds_max;
  out.bisect_batch_on_function_error = config.bisect_on_error;
  out.maximum_retry_attempts = config.retries_max;
  out.tumbling_window_in_seconds = config.tumbling_seconds;
  if (!config.filters.empty()) {
    auto& filters = out.filter_criteria.emplace().filters.emplace();
    for (const std::string& pattern : config.filters) filters.emplace_back().pattern = pattern;
  }
  if (config.counts_events)
    out.metrics_config.emplace().metrics.emplace().emplace_back(kEventCount);
  auto& types = out.function_response_types.emplace();
  if (config.report_item_failures) types.push_back("ReportBatchItemFailures");
  out.event_source_mapping_arn = mapping_arn(config);
  return out;
}

// Streams may report what they gave up to queues, topics and buckets; only buckets are here.
std::optional<api::Error> check_destination(const std::string& arn) {
  if (arn.empty()) return std::nullopt;
  const std::string_view kProperty = "DestinationConfig.OnFailure.Destination";
  if (arn.starts_with("kafka://")) return not_here(fmt::format("A Kafka topic as {}", kProperty));
  const auto parts = auth::parse_arn(arn);
  if (parts && parts->service == "sqs")
    return not_here(fmt::format("An SQS queue as {}", kProperty));
  if (parts && parts->service == "sns")
    return not_here(fmt::format("An SNS topic as {}", kProperty));
  const bool bucket = parts && parts->service == "s3" && !parts->resource.empty() &&
                      parts->resource.find('/') == std::string_view::npos;
  if (!bucket)
    return invalid(
        fmt::format("{} has to be the ARN of an SQS queue, an SNS topic or an S3 "
                    "bucket for a stream: {}",
                    kProperty, arn));
  return std::nullopt;
}

// What AWS has and Millrace has not.
template <class Input>
std::optional<api::Error> unsupported(const Input& input) {
  if (input.source_access_configurations && !input.source_access_configurations->empty())
    return not_here("SourceAccessConfigurations");
  if (input.scaling_config) return not_here("ScalingConfig");
  if (input.amazon_managed_kafka_event_source_config)
    return not_here("AmazonManagedKafkaEventSourceConfig");
  if (input.self_managed_kafka_event_source_config)
    return not_here("SelfManagedKafkaEventSourceConfig");
  if (input.document_db_event_source_config) return not_here("DocumentDBEventSourceConfig");
  if (input.kms_key_arn) return not_here("KMSKeyArn");
  if (input.metrics_config && input.metrics_config->metrics)
    for (const std::string& metric : *input.metrics_config->metrics)
      if (metric != kEventCount) return invalid(metric + " metrics are those of Kafka sources.");
  if (input.logging_config) return not_here("LoggingConfig");
  if (input.provisioned_poller_config) return not_here("ProvisionedPollerConfig");
  if (!input.destination_config) return std::nullopt;
  if (input.destination_config->on_success) return not_here("DestinationConfig.OnSuccess");
  const auto& failure = input.destination_config->on_failure;
  if (!failure) return std::nullopt;
  return check_destination(failure->destination.value_or(""));
}

std::optional<api::Error> check_ranges(const Config& config) {
  if (config.batch_size < 1 || config.batch_size > mapping::kBatchSizeMax)
    return invalid("BatchSize has to be between 1 and 10000.");
  if (config.retries_max < mapping::kForever || config.retries_max > kRetriesMax)
    return invalid("MaximumRetryAttempts has to be between -1 and 10000.");
  const std::int32_t age = config.record_age_seconds_max;
  if (age != mapping::kForever && (age < kAgeMin || age > kAgeMax))
    return invalid("MaximumRecordAgeInSeconds has to be -1 or between 60 and 604800.");
  if (config.parallel < 1 || config.parallel > mapping::kParallelMax)
    return invalid("ParallelizationFactor has to be between 1 and 10.");
  const std::int32_t tumbling = config.tumbling_seconds;
  if (tumbling < 0 || tumbling > mapping::kTumblingSecondsMax)
    return invalid("TumblingWindowInSeconds has to be between 0 and 900.");
  // A window's state is one for the shard.
  if (tumbling > 0 && config.parallel > 1)
    return not_here("TumblingWindowInSeconds with a ParallelizationFactor above 1");
  if (config.filters.size() > mapping::kFiltersMax)
    return invalid("FilterCriteria.Filters has more than 5 filters.");
  if (!mapping::Filter::compile(config.filters))
    return invalid("Invalid filter pattern definition.");
  return std::nullopt;
}

void apply_filters(const l::FilterCriteria& criteria, Config& config) {
  config.filters.clear();
  if (!criteria.filters) return;
  for (const l::Filter& filter : *criteria.filters)
    config.filters.push_back(filter.pattern.value_or(""));
}

template <class Input>
void apply(const Input& input, Config& config) {
  if (input.parallelization_factor) config.parallel = *input.parallelization_factor;
  if (input.tumbling_window_in_seconds) config.tumbling_seconds = *input.tumbling_window_in_seconds;
  if (input.filter_criteria) apply_filters(*input.filter_criteria, config);
  if (input.destination_config) {
    const auto& failure = input.destination_config->on_failure;
    config.on_failure_arn = failure ? failure->destination.value_or("") : "";
  }
  if (input.enabled) config.enabled = *input.enabled;
  if (input.batch_size) config.batch_size = *input.batch_size;
  if (input.maximum_batching_window_in_seconds)
    config.window_seconds = *input.maximum_batching_window_in_seconds;
  if (input.maximum_retry_attempts) config.retries_max = *input.maximum_retry_attempts;
  if (input.maximum_record_age_in_seconds)
    config.record_age_seconds_max = *input.maximum_record_age_in_seconds;
  if (input.bisect_batch_on_function_error)
    config.bisect_on_error = *input.bisect_batch_on_function_error;
  if (input.metrics_config)
    config.counts_events = input.metrics_config->metrics &&
                           std::ranges::find(*input.metrics_config->metrics, kEventCount) !=
                               input.metrics_config->metrics->end();
  if (input.function_response_types)
    config.report_item_failures =
        std::ranges::find(*input.function_response_types, "ReportBatchItemFailures") !=
        input.function_response_types->end();
}

api::Outcome<void> set_start(const l::CreateEventSourceMappingRequest& input, Config& config) {
  if (!input.starting_position)
    return std::unexpected(
        invalid("1 validation error detected: Value null at 'startingPosition' failed to satisfy "
                "constraint: Member must not be null."));
  if (*input.starting_position == "LATEST")
    config.starting_position = mapping::StartingPosition::kLatest;
  if (*input.starting_position != "AT_TIMESTAMP") return {};
  if (is_of_table(*input.event_source_arn))
    return std::unexpected(
        invalid("StartingPosition AT_TIMESTAMP is only supported for Amazon Kinesis streams."));
  if (!input.starting_position_timestamp)
    return std::unexpected(
        invalid("StartingPosition AT_TIMESTAMP needs a "
                "StartingPositionTimestamp."));
  config.starting_position = mapping::StartingPosition::kAtTimestamp;
  config.starting_time = *input.starting_position_timestamp;
  return {};
}

api::Outcome<void> check_source(const std::optional<std::string>& arn) {
  const auto parts = arn ? auth::parse_arn(*arn) : std::nullopt;
  if (!parts) return std::unexpected(invalid("Unrecognized event source."));
  if (is_of_table(*arn) && parts->resource.find("/stream/") != std::string_view::npos) return {};
  if (parts->service == "sqs") return std::unexpected(not_here("An SQS queue as source"));
  if (parts->service != "kinesis" || !parts->resource.starts_with("stream/"))
    return std::unexpected(invalid("Unrecognized event source."));
  return {};
}

// The stream is there, and the function's role may read it.
async::Task<api::Outcome<void>> try_source(const Deps& deps, Config config) {
  base::Status readable;
  auto source = deps.sources.open(config.event_source_arn, config.function_arn);
  if (source) {
    const auto shards = co_await (*source)->shards();
    if (!shards) readable = std::unexpected(shards.error());
  } else {
    readable = std::unexpected(source.error());
  }
  if (readable) co_return api::Outcome<void>();
  const bool consumer = config.event_source_arn.find("/consumer/") != std::string::npos;
  if (readable.error().code == base::ErrorCode::kNotFound)
    co_return std::unexpected(invalid((consumer ? "Consumer not found: " : "Stream not found: ") +
                                      config.event_source_arn));
  if (readable.error().code == base::ErrorCode::kPermission && consumer)
    co_return std::unexpected(
        invalid(fmt::format("Cannot access consumer {}. Please ensure the role can perform the "
                            "SubscribeToShard Action on your consumer, and the DescribeStream and "
                            "ListShards Actions on your stream in IAM.",
                            config.event_source_arn)));
  if (readable.error().code == base::ErrorCode::kInvalidArgument)
    co_return std::unexpected(invalid("Unrecognized event source."));
  if (readable.error().code == base::ErrorCode::kPermission)
    co_return std::unexpected(invalid(fmt::format(
        "Cannot access stream {}. Please ensure the role can perform the GetRecords, "
        "GetShardIterator, DescribeStream, {}and ListStreams Actions on "
        "your stream in IAM.",
        config.event_source_arn, is_of_table(config.event_source_arn) ? "" : "ListShards, ")));
  co_return std::unexpected(api::internal_failure());
}

Answer<l::EventSourceMappingConfiguration> create(const Deps& deps, const Context& context,
                                                  l::CreateEventSourceMappingRequest input) {
  if (input.self_managed_event_source || input.topics || input.queues)
    co_return std::unexpected(not_here("Topics, Queues or SelfManagedEventSource"));
  if (input.tags && !input.tags->empty())
    co_return std::unexpected(not_here("Tagging of event source mappings"));
  auto checked = check_source(input.event_source_arn);
  if (!checked) co_return std::unexpected(checked.error());
  const auto target = target_of(context, *input.function_name, std::nullopt);
  if (!target) co_return std::unexpected(target.error());
  if (!find_version(deps, *target)) co_return std::unexpected(invalid("Function does not exist"));
  Config config;
  config.id = base::uuid(deps.random);
  config.account_id = context.account_id;
  config.region = context.region;
  config.function_arn = target->arn();
  config.event_source_arn = *input.event_source_arn;
  checked = set_start(input, config);
  if (!checked) co_return std::unexpected(checked.error());
  auto bad = unsupported(input);
  apply(input, config);
  if (!bad) bad = check_ranges(config);
  if (bad) co_return std::unexpected(*bad);
  const std::vector<mapping::Status> known = co_await deps.mappings.list();
  for (const mapping::Status& other : known)
    if (other.config.event_source_arn == config.event_source_arn &&
        other.config.function_arn == config.function_arn)
      co_return std::unexpected(l::resource_conflict(
          fmt::format("The event source arn (\" {} \") and function (\" {} \") provided mapping "
                      "already exists. Please update or delete the existing mapping with UUID {}",
                      config.event_source_arn, target->key.name, other.config.id)));
  checked = co_await try_source(deps, config);
  if (!checked) co_return std::unexpected(checked.error());
  config.modified = deps.clock.now();
  const auto made = co_await deps.mappings.create(std::move(config));
  if (!made) co_return std::unexpected(api::internal_failure());
  co_return render(*made, "Creating");
}

Answer<l::EventSourceMappingConfiguration> get(const Deps& deps, const Context& context,
                                               l::GetEventSourceMappingRequest input) {
  const auto found = co_await deps.mappings.get(*input.uuid);
  if (!found || found->config.region != context.region) co_return std::unexpected(no_mapping());
  co_return render(*found, mapping::to_string(found->state));
}

Answer<l::ListEventSourceMappingsResponse> list(const Deps& deps, const Context& context,
                                                l::ListEventSourceMappingsRequest input) {
  std::optional<Target> target;
  if (input.function_name) {
    auto parsed = target_of(context, *input.function_name, std::nullopt);
    if (!parsed) co_return std::unexpected(parsed.error());
    target = *std::move(parsed);
  }
  std::vector<l::EventSourceMappingConfiguration> all;
  const std::vector<mapping::Status> known = co_await deps.mappings.list();
  for (const mapping::Status& status : known) {
    const Config& config = status.config;
    if (config.region != context.region || config.account_id != context.account_id) continue;
    if (input.event_source_arn && config.event_source_arn != *input.event_source_arn) continue;
    if (target && config.function_arn != target->arn()) continue;
    all.push_back(render(status, mapping::to_string(status.state)));
  }
  std::ranges::sort(all, {}, [](const auto& entry) { return *entry.uuid; });
  const auto limit =
      std::min<std::size_t>(kPageMax, static_cast<std::size_t>(input.max_items.value_or(kPageMax)));
  auto [page, next] =
      page_of(std::move(all), input.marker, limit, [](const auto& entry) { return *entry.uuid; });
  l::ListEventSourceMappingsResponse output;
  output.event_source_mappings = std::move(page);
  output.next_marker = std::move(next);
  co_return output;
}

Answer<l::EventSourceMappingConfiguration> update(const Deps& deps, const Context& context,
                                                  l::UpdateEventSourceMappingRequest input) {
  const auto found = co_await deps.mappings.get(*input.uuid);
  if (!found || found->config.region != context.region) co_return std::unexpected(no_mapping());
  std::optional<std::string> function_arn;
  if (input.function_name) {
    const auto target = target_of(context, *input.function_name, std::nullopt);
    if (!target) co_return std::unexpected(target.error());
    if (!find_version(deps, *target)) co_return std::unexpected(invalid("Function does not exist"));
    function_arn = target->arn();
  }
  auto bad = unsupported(input);
  Config trial = found->config;
  apply(input, trial);
  if (!bad) bad = check_ranges(trial);
  if (bad) co_return std::unexpected(*bad);
  const auto changed =
      co_await deps.mappings.update(*input.uuid, [&](Config& config) -> base::Status {
        apply(input, config);
        if (function_arn) config.function_arn = *function_arn;
        config.modified = deps.clock.now();
        return {};
      });
  if (!changed && changed.error().code == base::ErrorCode::kNotFound)
    co_return std::unexpected(no_mapping());
  if (!changed) co_return std::unexpected(api::internal_failure());
  co_return render(*changed, "Updating");
}

Answer<l::EventSourceMappingConfiguration> remove(const Deps& deps, const Context& context,
                                                  l::DeleteEventSourceMappingRequest input) {
  const auto found = co_await deps.mappings.get(*input.uuid);
  if (!found || found->config.region != context.region) co_return std::unexpected(no_mapping());
  const auto removed = co_await deps.mappings.remove(*input.uuid);
  if (!removed && removed.error().code == base::ErrorCode::kNotFound)
    co_return std::unexpected(no_mapping());
  if (!removed) co_return std::unexpected(api::internal_failure());
  co_return render(*removed, "Deleting");
}

template <class Input>
auto on_mapping(const Deps& deps, std::string action) {
  return [&deps, action](const Context& context,
                         const Input& input) -> async::Task<api::Outcome<wire::Checks>> {
    return [](const Deps& d, std::string act, const Context& c,
              std::string uuid) -> async::Task<api::Outcome<wire::Checks>> {
      Config config;
      config.id = uuid;
      config.region = c.region;
      config.account_id = c.account_id;
      auth::Check check{.action = std::move(act), .resource = mapping_arn(config)};
      const auto found = co_await d.mappings.get(uuid);
      if (found) check.context.push_back({"lambda:FunctionArn", {found->config.function_arn}});
      wire::Checks checks;
      checks.push_back(std::move(check));
      co_return checks;
    }(deps, action, context, *input.uuid);
  };
}

}  // namespace

void register_mappings(wire::Registry& registry, const Deps& deps) {
  registry.add<l::op::CreateEventSourceMapping>(
      [](const Context& context,
         const l::CreateEventSourceMappingRequest& input) -> api::Outcome<wire::Checks> {
        const auto target = target_of(context, *input.function_name, std::nullopt);
        if (!target) return std::unexpected(target.error());
        auth::Check check = any_resource("lambda:CreateEventSourceMapping");
        check.context.push_back({"lambda:FunctionArn", {target->arn()}});
        return wire::Checks{std::move(check)};
      },
      [&deps](const Context& context, l::CreateEventSourceMappingRequest input) {
        return create(deps, context, std::move(input));
      });
  registry.add<l::op::GetEventSourceMapping>(
      on_mapping<l::GetEventSourceMappingRequest>(deps, "lambda:GetEventSourceMapping"),
      [&deps](const Context& context, l::GetEventSourceMappingRequest input) {
        return get(deps, context, std::move(input));
      });
  registry.add<l::op::ListEventSourceMappings>(
      [](const Context&, const l::ListEventSourceMappingsRequest&) {
        return wire::Checks{any_resource("lambda:ListEventSourceMappings")};
      },
      [&deps](const Context& context, l::ListEventSourceMappingsRequest input) {
        return list(deps, context, std::move(input));
      });
  registry.add<l::op::UpdateEventSourceMapping>(
      on_mapping<l::UpdateEventSourceMappingRequest>(deps, "lambda:UpdateEventSourceMapping"),
      [&deps](const Context& context, l::UpdateEventSourceMappingRequest input) {
        return update(deps, context, std::move(input));
      });
  registry.add<l::op::DeleteEventSourceMapping>(
      on_mapping<l::DeleteEventSourceMappingRequest>(deps, "lambda:DeleteEventSourceMapping"),
      [&deps](const Context& context, l::DeleteEventSourceMappingRequest input) {
        return remove(deps, context, std::move(input));
      });
}

}  // namespace services::lambda
