// ListStreams, DescribeStream.
#include <algorithm>

#include "services/dynamodbstreams/dynamodbstreams.h"

namespace services::dynamodbstreams {

namespace {

// The table may be named by its ARN, as everywhere.
api::Outcome<std::string> table_of(const std::optional<std::string>& given) {
  if (!given || !given->starts_with("arn:")) return given.value_or("");
  const auto parts = auth::parse_arn(*given);
  constexpr std::string_view kTable = "table/";
  if (!parts || parts->service != "dynamodb" || !parts->resource.starts_with(kTable))
    return std::unexpected(validation("Invalid table ARN: " + *given));
  return std::string(parts->resource.substr(kTable.size()));
}

Answer<s::ListStreamsOutput> list(const Deps& deps, const Context& context,
                                  s::ListStreamsInput input) {
  const auto table = table_of(input.table_name);
  if (!table) co_return std::unexpected(table.error());
  std::optional<changes::StreamName> after;
  if (input.exclusive_start_stream_arn) {
    auto name = stream_name(*input.exclusive_start_stream_arn);
    if (!name) co_return std::unexpected(name.error());
    after = *std::move(name);
  }
  const auto limit = static_cast<std::size_t>(input.limit.value_or(kPageMax));
  auto streams = deps.changes.list(context.account_id, context.region, *table, after, limit + 1);
  s::ListStreamsOutput output;
  const bool more = streams.size() > limit;
  if (more) streams.resize(limit);
  auto& shown = output.streams.emplace();
  for (const auto& stream : streams) {
    const changes::StreamName name = stream->info().name();
    auto& one = shown.emplace_back();
    one.stream_arn = name.arn();
    one.table_name = name.table;
    one.stream_label = name.label;
  }
  if (more) output.last_evaluated_stream_arn = *shown.back().stream_arn;
  co_return output;
}

Answer<s::Shard> render_shard(const changes::Stream& stream, std::size_t index) {
  const changes::StreamInfo& info = stream.info();
  s::Shard made;
  made.shard_id = info.shard_id(index);
  auto& range = made.sequence_number_range.emplace();
  range.starting_sequence_number = info.sequence_number(index, 0);
  if (!stream.is_over()) co_return made;
  const auto end = co_await stream.shard(index).end();
  if (!end) co_return std::unexpected(api::internal_failure());
  range.ending_sequence_number = info.sequence_number(index, *end - 1);
  co_return made;
}

std::vector<s::KeySchemaElement> key_schema(const tables::KeySchema& keys) {
  std::vector<s::KeySchemaElement> made;
  made.push_back({.attribute_name = keys.hash.name, .key_type = "HASH"});
  if (keys.range) made.push_back({.attribute_name = keys.range->name, .key_type = "RANGE"});
  return made;
}

// Shards that follow the one that the filter names: no shard here has any.
api::Outcome<bool> wants_children(const changes::StreamInfo& info,
                                  const std::optional<s::ShardFilter>& filter) {
  if (!filter) return false;
  if (!filter->type || !filter->shard_id)
    return std::unexpected(validation("ShardFilter must have both a Type and a ShardId"));
  if (!info.parse_shard_id(*filter->shard_id))
    return std::unexpected(no_shard(info.name(), *filter->shard_id));
  return true;
}

Answer<s::DescribeStreamOutput> describe(const Deps& deps, const Context&,
                                         s::DescribeStreamInput input) {
  const auto name = stream_name(*input.stream_arn);
  if (!name) co_return std::unexpected(name.error());
  const auto stream = find_stream(deps, *name);
  if (!stream) co_return std::unexpected(stream.error());
  const changes::StreamInfo& info = (*stream)->info();
  const auto children = wants_children(info, input.shard_filter);
  if (!children) co_return std::unexpected(children.error());

  std::vector<std::pair<std::string, std::size_t>> shards;
  for (std::size_t i = 0; i < info.capture.shards && !*children; ++i) {
    std::string id = info.shard_id(i);
    if (id > input.exclusive_start_shard_id.value_or("")) shards.emplace_back(std::move(id), i);
  }
  std::ranges::sort(shards);
  const auto limit = static_cast<std::size_t>(input.limit.value_or(kPageMax));
  s::DescribeStreamOutput output;
  auto& made = output.stream_description.emplace();
  if (shards.size() > limit) {
    shards.resize(limit);
    made.last_evaluated_shard_id = shards.back().first;
  }
  made.stream_arn = name->arn();
  made.stream_label = name->label;
  made.stream_status = (*stream)->is_over() ? "DISABLED" : "ENABLED";
  made.stream_view_type = std::string(tables::name_of(info.capture.view));
  made.creation_request_date_time = info.capture.created;
  made.table_name = info.table;
  made.key_schema = key_schema(info.keys);
  auto& shown = made.shards.emplace();
  for (const auto& [id, index] : shards) {
    auto shard = co_await render_shard(**stream, index);
    if (!shard) co_return std::unexpected(shard.error());
    shown.push_back(*std::move(shard));
  }
  co_return output;
}

}  // namespace

void register_streams(wire::Registry& registry, const Deps& deps) {
  registry.add<s::op::ListStreams>(
      [&deps](const Context& context,
              const s::ListStreamsInput& input) -> api::Outcome<wire::Checks> {
        if (auto wrong = check_limit(input.limit, kPageMax))
          return std::unexpected(*std::move(wrong));
        const auto table = table_of(input.table_name);
        if (!table) return std::unexpected(table.error());
        if (table->empty())
          return wire::Checks{{.action = "dynamodb:ListStreams", .resource = "*"}};
        return wire::Checks{stream_check(deps, "dynamodb:ListStreams",
                                         {context.account_id, context.region, *table, "*"})};
      },
      [&deps](const Context& context, auto input) {
        return list(deps, context, std::move(input));
      });
  registry.add<s::op::DescribeStream>(
      [&deps](const Context&, const s::DescribeStreamInput& input) -> api::Outcome<wire::Checks> {
        if (auto wrong = check_limit(input.limit, kPageMax))
          return std::unexpected(*std::move(wrong));
        const auto name = stream_name(*input.stream_arn);
        if (!name) return std::unexpected(name.error());
        return wire::Checks{stream_check(deps, "dynamodb:DescribeStream", *name)};
      },
      [&deps](const Context& context, auto input) {
        return describe(deps, context, std::move(input));
      });
}

}  // namespace services::dynamodbstreams
