// Log streams: create, describe, delete.
#include "api/logs/errors.h"
#include "services/logs/logs.h"
#include "services/logs/tokens.h"

namespace services::logs {
namespace {

namespace l = api::logs;
using wire::Context;

constexpr std::int32_t kDefaultLimit = 50;

Answer<l::CreateLogStreamOutput> create_stream(const Deps& deps, const Context& context,
                                               l::CreateLogStreamRequest input) {
  const GroupKey key{context.account_id, context.region, *input.log_group_name};
  const auto group = find_group(deps, key);
  if (!group) co_return std::unexpected(group.error());
  const auto made = co_await deps.journal.create_stream(*group, *std::move(input.log_stream_name));
  if (!made && made.error().code == base::ErrorCode::kAlreadyExists)
    co_return std::unexpected(
        l::resource_already_exists("The specified log stream already exists"));
  if (!made) co_return std::unexpected(to_api_error(deps, made.error(), key));
  co_return l::CreateLogStreamOutput();
}

Answer<l::DeleteLogStreamOutput> delete_stream(const Deps& deps, const Context& context,
                                               l::DeleteLogStreamRequest input) {
  const GroupKey key{context.account_id, context.region, *input.log_group_name};
  const auto group = find_group(deps, key);
  if (!group) co_return std::unexpected(group.error());
  const auto gone = co_await deps.journal.remove_stream(*group, *std::move(input.log_stream_name));
  if (!gone) co_return std::unexpected(to_api_error(deps, gone.error(), key));
  co_return l::DeleteLogStreamOutput();
}

// AWS has shown 0 stored bytes for every stream since 2019.
l::LogStream render(const GroupKey& key, const journal::StreamInfo& stream) {
  l::LogStream shown;
  shown.log_stream_name = stream.name;
  shown.creation_time = base::to_epoch_ms(stream.created);
  shown.arn = stream_resource(key, stream.name);
  shown.stored_bytes = 0;
  if (!stream.had_events()) return shown;
  shown.first_event_timestamp = static_cast<std::int64_t>(stream.first_time_ms);
  shown.last_event_timestamp = static_cast<std::int64_t>(stream.last_time_ms);
  shown.last_ingestion_time = base::to_epoch_ms(stream.last_ingested);
  shown.upload_sequence_token = upload_token(stream.id, stream.last_order);
  return shown;
}

Answer<l::DescribeLogStreamsResponse> describe_streams(const Deps& deps, const Context& context,
                                                       l::DescribeLogStreamsRequest input) {
  const auto key = key_of(context, input.log_group_name, input.log_group_identifier);
  if (!key) co_return std::unexpected(key.error());
  journal::StreamQuery query;
  query.by_last_event = input.order_by == "LastEventTime";
  query.descending = input.descending.value_or(false);
  query.limit = static_cast<std::size_t>(input.limit.value_or(kDefaultLimit));
  query.prefix = input.log_stream_name_prefix.value_or("");
  if (query.by_last_event && input.log_stream_name_prefix)
    co_return std::unexpected(
        l::invalid_parameter("Cannot order by LastEventTime with a logStreamNamePrefix."));
  const auto group = find_group(deps, *key);
  if (!group) co_return std::unexpected(group.error());
  if (input.next_token) {
    auto after = deps.sealer.open(*input.next_token);
    if (!after || (query.by_last_event && after->size() < 8))
      co_return std::unexpected(bad_token());
    query.after = *std::move(after);
  }
  const auto page = co_await deps.journal.streams(*group, std::move(query));
  if (!page) co_return std::unexpected(to_api_error(deps, page.error(), *key));
  l::DescribeLogStreamsResponse output;
  auto& streams = output.log_streams.emplace();
  for (const journal::StreamInfo& stream : page->streams) streams.push_back(render(*key, stream));
  if (!page->next.empty()) output.next_token = deps.sealer.seal(page->next);
  co_return output;
}

}  // namespace

void register_streams(wire::Registry& registry, const Deps& deps) {
  registry.add<l::op::CreateLogStream>(on_stream<l::CreateLogStreamRequest>("logs:CreateLogStream"),
                                       [&deps](const Context& context, auto input) {
                                         return create_stream(deps, context, std::move(input));
                                       });
  registry.add<l::op::DeleteLogStream>(on_stream<l::DeleteLogStreamRequest>("logs:DeleteLogStream"),
                                       [&deps](const Context& context, auto input) {
                                         return delete_stream(deps, context, std::move(input));
                                       });
  registry.add<l::op::DescribeLogStreams>(
      on_group<l::DescribeLogStreamsRequest>("logs:DescribeLogStreams"),
      [&deps](const Context& context, auto input) {
        return describe_streams(deps, context, std::move(input));
      });
}

}  // namespace services::logs
