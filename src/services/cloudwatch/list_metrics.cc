// ListMetrics: names, in pages of 500.
#include "api/cloudwatch/errors.h"
#include "services/cloudwatch/cloudwatch.h"

namespace services::cloudwatch {
namespace {

namespace c = api::cloudwatch;
using wire::Context;

constexpr std::size_t kPageMetrics = 500;
constexpr std::chrono::hours kRecently{3};

metrics::Filter filter_of(const Deps& deps, const Context& context,
                          const c::ListMetricsInput& input) {
  metrics::Filter filter{.account_id = context.account_id,
                         .region = context.region,
                         .space = input.namespace_,
                         .name = input.metric_name,
                         .dimensions = {},
                         .active_since = {}};
  if (input.dimensions)
    for (const c::DimensionFilter& dimension : *input.dimensions)
      filter.dimensions.push_back({*dimension.name, dimension.value});
  if (input.recently_active) filter.active_since = deps.clock.now() - kRecently;
  return filter;
}

// A token is the last metric of the page, sealed.
api::Outcome<std::optional<metrics::MetricKey>> place_of(const Deps& deps,
                                                         const c::ListMetricsInput& input) {
  if (!input.next_token) return std::nullopt;
  const auto plain = deps.sealer.open(*input.next_token);
  auto key = plain ? metrics::decode_series(*plain)
                   : base::error(base::ErrorCode::kInvalidArgument, "not ours");
  if (!key) return std::unexpected(c::invalid_parameter_value("Invalid nextToken"));
  return std::move(key->metric);
}

Answer<c::ListMetricsOutput> list_metrics(const Deps& deps, const Context& context,
                                          c::ListMetricsInput input) {
  auto after = place_of(deps, input);
  if (!after) co_return std::unexpected(std::move(after).error());
  const metrics::Page page =
      co_await deps.metrics.list(filter_of(deps, context, input), *std::move(after), kPageMetrics);
  c::ListMetricsOutput output;
  auto& all = output.metrics.emplace();
  for (const metrics::MetricKey& metric : page.metrics)
    all.push_back({.namespace_ = metric.space,
                   .metric_name = metric.name,
                   .dimensions = render(metric.dimensions)});
  if (input.include_linked_accounts.value_or(false))
    output.owning_accounts = std::vector<std::string>(page.metrics.size(), context.account_id);
  if (page.last)
    output.next_token = deps.sealer.seal(metrics::encode_series({.metric = *page.last}));
  co_return output;
}

}  // namespace

void register_list_metrics(wire::Registry& registry, const Deps& deps) {
  registry.add<c::op::ListMetrics>(on_everything<c::ListMetricsInput>("cloudwatch:ListMetrics"),
                                   [&deps](const Context& context, auto input) {
                                     return list_metrics(deps, context, std::move(input));
                                   });
}

}  // namespace services::cloudwatch
