// Resource policies of streams and of consumers.
#include <fmt/format.h>

#include <algorithm>

#include "api/kinesis/errors.h"
#include "auth/policy.h"
#include "services/kinesis/kinesis.h"

namespace services::kinesis {
namespace {

namespace k = api::kinesis;
using streamlog::ConsumerInfo;
using streamlog::StreamInfo;
using wire::Context;

// What a ResourceARN names: a stream, or one of its consumers.
struct Target {
  StreamKey stream;
  std::optional<std::string> consumer;
};

api::Outcome<Target> target_of(const std::string& arn) {
  if (auto consumer = parse_consumer_arn(arn))
    return Target{std::move(consumer->stream), std::move(consumer->consumer)};
  if (auto stream = parse_stream_arn(arn)) return Target{*std::move(stream), std::nullopt};
  return std::unexpected(k::invalid_argument("ResourceARN " + arn + " is not valid."));
}

api::Error no_such_consumer(const Target& target) {
  return k::resource_not_found(fmt::format("Consumer {} not found for stream {} under account {}.",
                                           *target.consumer, target.stream.name,
                                           target.stream.account_id));
}

// Where the policy of `target` stands in its stream's description; nullptr: no such consumer.
template <class Info>
auto* slot_of(Info& info, const std::optional<std::string>& consumer) {
  if (!consumer) return &info.resource_policy;
  const auto found = std::ranges::find(info.consumers, *consumer, &ConsumerInfo::name);
  return found == info.consumers.end() ? nullptr : &found->resource_policy;
}

async::Task<std::optional<api::Error>> set_policy(const Deps& deps, Target target,
                                                  std::string text) {
  const auto how = [consumer = target.consumer, text](StreamInfo& info) -> base::Status {
    std::string* const slot = slot_of(info, consumer);
    if (slot == nullptr) return base::error(base::ErrorCode::kAlreadyExists, "no such consumer");
    *slot = text;
    return {};
  };
  const auto done = co_await deps.streams.update(target.stream, how);
  if (done) co_return std::nullopt;
  if (done.error().code == base::ErrorCode::kAlreadyExists) co_return no_such_consumer(target);
  co_return to_api_error(done.error(), target.stream);
}

// Empty: there is none.
api::Outcome<std::string> policy_of(const Deps& deps, const Target& target) {
  const auto stream = find_stream(deps, target.stream);
  if (!stream) return std::unexpected(stream.error());
  const std::string* const slot = slot_of((*stream)->info, target.consumer);
  if (slot == nullptr) return std::unexpected(no_such_consumer(target));
  return *slot;
}

Answer<k::PutResourcePolicyOutput> put_policy(const Deps& deps, const Context&,
                                              k::PutResourcePolicyInput input) {
  auto target = target_of(*input.resource_arn);
  if (!target) co_return std::unexpected(target.error());
  const auto parsed = auth::parse_policy(*input.policy, auth::PolicyKind::kResource);
  if (!parsed) co_return std::unexpected(k::invalid_argument(parsed.error().message));
  auto failed = co_await set_policy(deps, *std::move(target), std::move(*input.policy));
  if (failed) co_return std::unexpected(*std::move(failed));
  co_return k::PutResourcePolicyOutput();
}

Answer<k::GetResourcePolicyOutput> get_policy(const Deps& deps, const Context&,
                                              k::GetResourcePolicyInput input) {
  const auto target = target_of(*input.resource_arn);
  if (!target) co_return std::unexpected(target.error());
  auto policy = policy_of(deps, *target);
  if (!policy) co_return std::unexpected(policy.error());
  k::GetResourcePolicyOutput output;
  output.policy = policy->empty() ? "{}" : *std::move(policy);
  co_return output;
}

Answer<k::DeleteResourcePolicyOutput> delete_policy(const Deps& deps, const Context&,
                                                    k::DeleteResourcePolicyInput input) {
  auto target = target_of(*input.resource_arn);
  if (!target) co_return std::unexpected(target.error());
  const auto policy = policy_of(deps, *target);
  if (!policy) co_return std::unexpected(policy.error());
  if (policy->empty())
    co_return std::unexpected(
        k::resource_not_found("No resource policy found for resource " + *input.resource_arn));
  auto failed = co_await set_policy(deps, *std::move(target), std::string());
  if (failed) co_return std::unexpected(*std::move(failed));
  co_return k::DeleteResourcePolicyOutput();
}

template <class Input>
auto on_target(const Deps& deps, std::string action) {
  return [&deps, action](const Context&, const Input& input) -> api::Outcome<wire::Checks> {
    const auto target = target_of(*input.resource_arn);
    if (!target) return std::unexpected(target.error());
    if (!target->consumer) return wire::Checks{stream_check(deps, action, target->stream)};
    return wire::Checks{
        consumer_check(deps, action, {target->stream, *target->consumer}, *input.resource_arn)};
  };
}

}  // namespace

void register_policies(wire::Registry& registry, const Deps& deps) {
  registry.add<k::op::PutResourcePolicy>(
      on_target<k::PutResourcePolicyInput>(deps, "kinesis:PutResourcePolicy"),
      [&deps](const Context& context, auto in) {
        return put_policy(deps, context, std::move(in));
      });
  registry.add<k::op::GetResourcePolicy>(
      on_target<k::GetResourcePolicyInput>(deps, "kinesis:GetResourcePolicy"),
      [&deps](const Context& context, auto in) {
        return get_policy(deps, context, std::move(in));
      });
  registry.add<k::op::DeleteResourcePolicy>(
      on_target<k::DeleteResourcePolicyInput>(deps, "kinesis:DeleteResourcePolicy"),
      [&deps](const Context& context, auto in) {
        return delete_policy(deps, context, std::move(in));
      });
}

}  // namespace services::kinesis
