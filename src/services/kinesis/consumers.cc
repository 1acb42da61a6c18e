// Consumers of enhanced fan-out: registering, describing, listing, taking away.
#include <fmt/format.h>

#include <algorithm>

#include "api/kinesis/errors.h"
#include "services/kinesis/kinesis.h"

namespace services::kinesis {
namespace {

namespace k = api::kinesis;
using streamlog::ConsumerInfo;
using streamlog::StreamInfo;
using wire::Context;

constexpr std::size_t kConsumersMax = 20;

api::Error no_consumer(std::string_view name, const StreamKey& key) {
  return k::resource_not_found(fmt::format("Consumer {} not found for stream {} under account {}.",
                                           name, key.name, key.account_id));
}

// By the consumer's ARN, or by the stream's ARN and the consumer's name.
template <class Input>
api::Outcome<ConsumerArn> consumer_of(const Input& input) {
  if (input.consumer_arn) {
    auto found = parse_consumer_arn(*input.consumer_arn);
    if (!found)
      return std::unexpected(
          k::invalid_argument("ConsumerARN " + *input.consumer_arn + " is not valid."));
    return *std::move(found);
  }
  if (!input.stream_arn || !input.consumer_name)
    return std::unexpected(k::invalid_argument(
        "You must specify either ConsumerARN or both StreamARN and ConsumerName."));
  auto key = parse_stream_arn(*input.stream_arn);
  if (!key)
    return std::unexpected(
        k::invalid_argument("StreamARN " + *input.stream_arn + " is not valid."));
  return ConsumerArn{*std::move(key), *input.consumer_name};
}

template <class Out>
void render(Out& out, const StreamKey& key, const ConsumerInfo& consumer) {
  out.consumer_name = consumer.name;
  out.consumer_arn = consumer_arn(key, consumer);
  out.consumer_status = "ACTIVE";
  out.consumer_creation_timestamp = consumer.created;
}

Answer<k::RegisterStreamConsumerOutput> register_consumer(const Deps& deps, const Context& context,
                                                          k::RegisterStreamConsumerInput input) {
  const auto key = key_of(context, std::nullopt, input.stream_arn);
  if (!key) co_return std::unexpected(key.error());
  ConsumerInfo fresh{.name = *input.consumer_name, .created = deps.clock.now()};
  if (input.tags) fresh.tags = std::move(*input.tags);
  auto bad_tags = check_tag_texts(*key, texts_of(fresh.tags), "add tags to");
  if (bad_tags) co_return std::unexpected(*std::move(bad_tags));
  const auto how = [fresh](StreamInfo& info) -> base::Status {
    if (std::ranges::find(info.consumers, fresh.name, &ConsumerInfo::name) != info.consumers.end())
      return base::error(base::ErrorCode::kAlreadyExists, fresh.name);
    if (info.consumers.size() >= kConsumersMax)
      return base::error(base::ErrorCode::kLimit,
                         fmt::format("Stream {} has the maximum number of consumers: {}",
                                     info.key.name, kConsumersMax));
    info.consumers.push_back(fresh);
    return {};
  };
  const auto done = co_await deps.streams.update(*key, how);
  if (!done && done.error().code == base::ErrorCode::kAlreadyExists)
    co_return std::unexpected(
        k::resource_in_use(fmt::format("Consumer {} under stream {} already exists for account {}.",
                                       fresh.name, key->name, key->account_id)));
  if (!done) co_return std::unexpected(to_api_error(done.error(), *key));
  k::RegisterStreamConsumerOutput output;
  render(output.consumer.emplace(), *key, fresh);
  output.consumer->consumer_status = "CREATING";
  co_return output;
}

Answer<k::DeregisterStreamConsumerOutput> deregister(const Deps& deps, const Context&,
                                                     k::DeregisterStreamConsumerInput input) {
  const auto target = consumer_of(input);
  if (!target) co_return std::unexpected(target.error());
  const auto before = deps.streams.find(target->stream);
  const auto how = [name = target->consumer](StreamInfo& info) -> base::Status {
    const auto gone = std::erase_if(info.consumers, [&](const auto& c) { return c.name == name; });
    if (gone == 0) return base::error(base::ErrorCode::kAlreadyExists, "");
    return {};
  };
  const auto done = co_await deps.streams.update(target->stream, how);
  if (!done && done.error().code == base::ErrorCode::kAlreadyExists)
    co_return std::unexpected(no_consumer(target->consumer, target->stream));
  if (!done) co_return std::unexpected(to_api_error(done.error(), target->stream));
  // Its subscriptions look again by themselves, in time; told so, they end now.
  for (const ConsumerInfo& consumer : before ? before->info.consumers : std::vector<ConsumerInfo>())
    if (consumer.name == target->consumer)
      deps.subscriptions->end(consumer_arn(target->stream, consumer),
                              no_consumer(target->consumer, target->stream));
  co_return k::DeregisterStreamConsumerOutput();
}

Answer<k::DescribeStreamConsumerOutput> describe(const Deps& deps, const Context&,
                                                 k::DescribeStreamConsumerInput input) {
  const auto target = consumer_of(input);
  if (!target) co_return std::unexpected(target.error());
  const auto stream = find_stream(deps, target->stream);
  if (!stream) co_return std::unexpected(stream.error());
  const auto& consumers = (*stream)->info.consumers;
  const auto found = std::ranges::find(consumers, target->consumer, &ConsumerInfo::name);
  if (found == consumers.end())
    co_return std::unexpected(no_consumer(target->consumer, target->stream));
  k::DescribeStreamConsumerOutput output;
  render(output.consumer_description.emplace(), target->stream, *found);
  output.consumer_description->stream_arn = target->stream.arn();
  co_return output;
}

Answer<k::ListStreamConsumersOutput> list(const Deps& deps, const Context& context,
                                          k::ListStreamConsumersInput input) {
  const auto key = key_of(context, std::nullopt, input.stream_arn);
  if (!key) co_return std::unexpected(key.error());
  const auto stream = find_stream(deps, *key);
  if (!stream) co_return std::unexpected(stream.error());
  std::string after;
  if (input.next_token) {
    const auto token = deps.sealer.open(*input.next_token);
    if (!token) co_return std::unexpected(k::invalid_argument("Invalid NextToken."));
    after = *token;
  }
  std::vector<ConsumerInfo> sorted = (*stream)->info.consumers;
  std::ranges::sort(sorted, {}, &ConsumerInfo::name);
  const auto limit = static_cast<std::size_t>(input.max_results.value_or(100));
  k::ListStreamConsumersOutput output;
  auto& consumers = output.consumers.emplace();
  for (const ConsumerInfo& consumer : sorted) {
    if (consumer.name <= after) continue;
    if (consumers.size() == limit) {
      output.next_token = deps.sealer.seal(*consumers.back().consumer_name);
      break;
    }
    render(consumers.emplace_back(), *key, consumer);
  }
  co_return output;
}

template <class Input>
auto on_consumer(const Deps& deps, std::string action) {
  return [&deps, action](const Context&, const Input& input) -> api::Outcome<wire::Checks> {
    const auto target = consumer_of(input);
    if (!target) return std::unexpected(target.error());
    std::string arn =
        input.consumer_arn.value_or(target->stream.arn() + "/consumer/" + target->consumer + ":*");
    return wire::Checks{consumer_check(deps, action, *target, std::move(arn))};
  };
}

}  // namespace

void register_consumers(wire::Registry& registry, const Deps& deps) {
  registry.add<k::op::RegisterStreamConsumer>(
      on_stream<k::RegisterStreamConsumerInput>(deps, "kinesis:RegisterStreamConsumer"),
      [&deps](const Context& context, auto in) {
        return register_consumer(deps, context, std::move(in));
      });
  registry.add<k::op::DeregisterStreamConsumer>(
      on_consumer<k::DeregisterStreamConsumerInput>(deps, "kinesis:DeregisterStreamConsumer"),
      [&deps](const Context& context, auto in) {
        return deregister(deps, context, std::move(in));
      });
  registry.add<k::op::DescribeStreamConsumer>(
      on_consumer<k::DescribeStreamConsumerInput>(deps, "kinesis:DescribeStreamConsumer"),
      [&deps](const Context& context, auto in) { return describe(deps, context, std::move(in)); });
  registry.add<k::op::ListStreamConsumers>(
      on_stream<k::ListStreamConsumersInput>(deps, "kinesis:ListStreamConsumers"),
      [&deps](const Context& context, auto in) { return list(deps, context, std::move(in)); });
}

}  // namespace services::kinesis
