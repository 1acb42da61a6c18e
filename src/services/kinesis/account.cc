// What an account sets for all its streams of a region.
#include "services/kinesis/kinesis.h"

namespace services::kinesis {
namespace {

namespace k = api::kinesis;
using streamlog::Commitment;
using wire::Context;

// An end that was asked for and has not come yet is shown as such.
std::string_view status_of(const Commitment& commitment, base::Timestamp now) {
  if (!commitment.is_running(now)) return "DISABLED";
  return commitment.ends ? "ENABLED_UNTIL_EARLIEST_ALLOWED_END" : "ENABLED";
}

k::MinimumThroughputBillingCommitmentOutput render(const Commitment& commitment,
                                                   base::Timestamp now) {
  k::MinimumThroughputBillingCommitmentOutput output;
  output.status = status_of(commitment, now);
  output.started_at = commitment.started;
  if (commitment.is_running(now)) output.earliest_allowed_end_at = commitment.earliest_end();
  else output.ended_at = commitment.ends;
  return output;
}

Answer<k::DescribeAccountSettingsOutput> describe(const Deps& deps, const Context& context,
                                                  k::DescribeAccountSettingsInput) {
  k::DescribeAccountSettingsOutput output;
  output.minimum_throughput_billing_commitment = render(
      deps.streams.accounts().commitment(context.account_id, context.region), deps.clock.now());
  co_return output;
}

Answer<k::UpdateAccountSettingsOutput> update(const Deps& deps, const Context& context,
                                              k::UpdateAccountSettingsInput input) {
  const bool wanted = input.minimum_throughput_billing_commitment->status == "ENABLED";
  const auto commitment =
      co_await deps.streams.accounts().commit(context.account_id, context.region, wanted);
  if (!commitment) co_return std::unexpected(api::internal_failure());
  k::UpdateAccountSettingsOutput output;
  output.minimum_throughput_billing_commitment = render(*commitment, deps.clock.now());
  co_return output;
}

}  // namespace

void register_account(wire::Registry& registry, const Deps& deps) {
  registry.add<k::op::DescribeAccountSettings>(
      [](const Context&, const auto&) -> wire::Checks {
        return {any_resource("kinesis:DescribeAccountSettings")};
      },
      [&deps](const Context& context, auto in) { return describe(deps, context, std::move(in)); });
  registry.add<k::op::UpdateAccountSettings>(
      [](const Context&, const auto&) -> wire::Checks {
        return {any_resource("kinesis:UpdateAccountSettings")};
      },
      [&deps](const Context& context, auto in) { return update(deps, context, std::move(in)); });
}

}  // namespace services::kinesis
