// CreateStream, DeleteStream, DescribeStream, DescribeStreamSummary, ListStreams, DescribeLimits.
#include <fmt/format.h>

#include <algorithm>

#include "api/kinesis/errors.h"
#include "services/kinesis/kinesis.h"
#include "services/kinesis/render.h"

namespace services::kinesis {
namespace {

namespace k = api::kinesis;
using wire::Context;

std::uint32_t open_shards(const Deps& deps, const Context& context) {
  std::uint32_t count = 0;
  for (const auto& stream : deps.streams.list(context.account_id, context.region))
    count += stream->info.open_shards();
  return count;
}

Answer<k::op::CreateStream::Output> create_stream(const Deps& deps, const Context& context,
                                                  k::CreateStreamInput input) {
  const StreamKey key{context.account_id, context.region, *input.stream_name};
  const bool on_demand =
      input.stream_mode_details && input.stream_mode_details->stream_mode == "ON_DEMAND";
  if (on_demand && input.shard_count)
    co_return std::unexpected(
        k::invalid_argument("ShardCount cannot be specified for a stream in ON_DEMAND mode."));
  if (deps.streams.find(key))
    co_return std::unexpected(k::resource_in_use(
        fmt::format("Stream {} under account {} already exists.", key.name, key.account_id)));
  const auto wanted = static_cast<std::uint32_t>(input.shard_count.value_or(4));
  auto over = shard_limit_error(deps, context, open_shards(deps, context), wanted);
  if (over) co_return std::unexpected(*std::move(over));
  streamlog::CreateOptions options{.shard_count = wanted, .on_demand = on_demand};
  options.record_kib_max = static_cast<std::uint32_t>(input.max_record_size_in_ki_b.value_or(1024));
  options.warm_mib = warm_mib(input.warm_throughput_mi_bps);
  options.tags = std::move(input.tags).value_or(std::map<std::string, std::string>());
  auto refused = check_warm_throughput(deps, key, on_demand, input.warm_throughput_mi_bps);
  if (!refused) refused = check_tag_texts(key, texts_of(options.tags), "add tags to");
  if (refused) co_return std::unexpected(*std::move(refused));
  const auto made = co_await deps.streams.create(key, std::move(options));
  if (!made) co_return std::unexpected(to_api_error(made.error(), key));
  co_return k::CreateStreamOutput();
}

Answer<k::op::DeleteStream::Output> delete_stream(const Deps& deps, const Context& context,
                                                  k::DeleteStreamInput input) {
  const auto key = key_of(context, input.stream_name, input.stream_arn);
  if (!key) co_return std::unexpected(key.error());
  const auto stream = find_stream(deps, *key);
  if (!stream) co_return std::unexpected(stream.error());
  if (!(*stream)->info.consumers.empty() && !input.enforce_consumer_deletion.value_or(false))
    co_return std::unexpected(k::resource_in_use(fmt::format(
        "Stream {} under account {} has enabled consumers.", key->name, key->account_id)));
  const auto removed = co_await deps.streams.remove(*key);
  if (!removed) co_return std::unexpected(to_api_error(removed.error(), *key));
  co_return k::DeleteStreamOutput();
}

Answer<k::op::DescribeStream::Output> describe_stream(const Deps& deps, const Context& context,
                                                      k::DescribeStreamInput input) {
  const auto key = key_of(context, input.stream_name, input.stream_arn);
  if (!key) co_return std::unexpected(key.error());
  const auto stream = find_stream(deps, *key);
  if (!stream) co_return std::unexpected(stream.error());
  const auto& info = (*stream)->info;
  k::DescribeStreamOutput output;
  auto& description = output.stream_description.emplace();
  fill_description(description, info);
  auto& shards = description.shards.emplace();
  const auto limit = static_cast<std::size_t>(input.limit.value_or(100));
  description.has_more_shards = false;
  for (const auto& shard : info.shards) {
    if (input.exclusive_start_shard_id && shard.id() <= *input.exclusive_start_shard_id) continue;
    if (shards.size() == limit) {
      description.has_more_shards = true;
      break;
    }
    shards.push_back(render_shard(shard));
  }
  co_return output;
}

Answer<k::op::DescribeStreamSummary::Output> describe_summary(const Deps& deps,
                                                              const Context& context,
                                                              k::DescribeStreamSummaryInput input) {
  const auto key = key_of(context, input.stream_name, input.stream_arn);
  if (!key) co_return std::unexpected(key.error());
  const auto stream = find_stream(deps, *key);
  if (!stream) co_return std::unexpected(stream.error());
  const auto& info = (*stream)->info;
  k::DescribeStreamSummaryOutput output;
  auto& summary = output.stream_description_summary.emplace();
  fill_description(summary, info);
  summary.open_shard_count = static_cast<std::int32_t>(info.open_shards());
  summary.consumer_count = static_cast<std::int32_t>(info.consumers.size());
  summary.max_record_size_in_ki_b = static_cast<std::int32_t>(info.record_kib_max);
  summary.warm_throughput = render_warm_throughput(info);
  co_return output;
}

Answer<k::op::ListStreams::Output> list_streams(const Deps& deps, const Context& context,
                                                k::ListStreamsInput input) {
  std::string after = input.exclusive_start_stream_name.value_or("");
  if (input.next_token) {
    const auto token = deps.sealer.open(*input.next_token);
    if (!token) co_return std::unexpected(k::invalid_argument("Invalid NextToken."));
    after = *token;
  }
  const auto limit = static_cast<std::size_t>(input.limit.value_or(100));
  k::ListStreamsOutput output;
  auto& names = output.stream_names.emplace();
  auto& summaries = output.stream_summaries.emplace();
  output.has_more_streams = false;
  for (const auto& stream : deps.streams.list(context.account_id, context.region)) {
    const auto& info = stream->info;
    if (info.key.name <= after) continue;
    if (names.size() == limit) {
      output.has_more_streams = true;
      output.next_token = deps.sealer.seal(names.back());
      break;
    }
    names.push_back(info.key.name);
    auto& summary = summaries.emplace_back();
    summary.stream_name = info.key.name;
    summary.stream_arn = info.key.arn();
    summary.stream_status = status_name(info.status);
    summary.stream_mode_details = render_mode(info);
    summary.stream_creation_timestamp = info.created;
  }
  co_return output;
}

Answer<k::op::DescribeLimits::Output> describe_limits(const Deps& deps, const Context& context,
                                                      k::DescribeLimitsInput) {
  k::DescribeLimitsOutput output;
  output.shard_limit = static_cast<std::int32_t>(deps.shard_limit);
  output.open_shard_count = static_cast<std::int32_t>(open_shards(deps, context));
  output.on_demand_stream_count = static_cast<std::int32_t>(
      std::ranges::count_if(deps.streams.list(context.account_id, context.region),
                            [](const StreamPtr& stream) { return stream->info.on_demand; }));
  output.on_demand_stream_count_limit = 50;
  co_return output;
}

}  // namespace

std::optional<api::Error> shard_limit_error(const Deps& deps, const Context& context,
                                            std::uint32_t open, std::uint32_t more) {
  if (open + more <= deps.shard_limit) return std::nullopt;
  return k::limit_exceeded(fmt::format(
      "This request would exceed the shard limit for the account {} in {}. Current shard count for "
      "the account: {}. Limit: {}. Number of additional shards that would have resulted from this "
      "request: {}. Refer to the AWS Service Limits page "
      "(http://docs.aws.amazon.com/general/latest/gr/aws_service_limits.html) for current limits "
      "and how to request higher limits.",
      context.account_id, context.region, open, deps.shard_limit, more));
}

std::optional<api::Error> shard_limit_error(const Deps& deps, const Context& context,
                                            std::uint32_t more) {
  return shard_limit_error(deps, context, open_shards(deps, context), more);
}

void register_streams(wire::Registry& registry, const Deps& deps) {
  registry.add<k::op::CreateStream>(
      [](const Context& context, const k::CreateStreamInput& input) -> wire::Checks {
        const StreamKey key{context.account_id, context.region, *input.stream_name};
        return {{.action = "kinesis:CreateStream", .resource = key.arn()}};
      },
      [&deps](const Context& context, auto input) {
        return create_stream(deps, context, std::move(input));
      });
  registry.add<k::op::DeleteStream>(on_stream<k::DeleteStreamInput>(deps, "kinesis:DeleteStream"),
                                    [&deps](const Context& context, auto input) {
                                      return delete_stream(deps, context, std::move(input));
                                    });
  registry.add<k::op::DescribeStream>(
      on_stream<k::DescribeStreamInput>(deps, "kinesis:DescribeStream"),
      [&deps](const Context& context, auto input) {
        return describe_stream(deps, context, std::move(input));
      });
  registry.add<k::op::DescribeStreamSummary>(
      on_stream<k::DescribeStreamSummaryInput>(deps, "kinesis:DescribeStreamSummary"),
      [&deps](const Context& context, auto input) {
        return describe_summary(deps, context, std::move(input));
      });
  registry.add<k::op::ListStreams>(
      [](const Context&, const auto&) -> wire::Checks {
        return {any_resource("kinesis:ListStreams")};
      },
      [&deps](const Context& context, auto input) {
        return list_streams(deps, context, std::move(input));
      });
  registry.add<k::op::DescribeLimits>(
      [](const Context&, const auto&) -> wire::Checks {
        return {any_resource("kinesis:DescribeLimits")};
      },
      [&deps](const Context& context, auto input) {
        return describe_limits(deps, context, std::move(input));
      });
}

}  // namespace services::kinesis
