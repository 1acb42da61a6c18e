#include "services/cloudwatch/cloudwatch.h"

#include <algorithm>

namespace services::cloudwatch {

void register_operations(wire::Registry& registry, const Deps& deps) {
  registry.add_service(api::cloudwatch::kService, api::cloudwatch::operations());
  register_put_metric_data(registry, deps);
  register_get_metric_data(registry, deps);
  register_get_metric_statistics(registry, deps);
  register_list_metrics(registry, deps);
}

std::vector<metrics::Dimension> dimensions_of(
    const std::optional<std::vector<api::cloudwatch::Dimension>>& dimensions) {
  std::vector<metrics::Dimension> all;
  if (!dimensions) return all;
  for (const api::cloudwatch::Dimension& dimension : *dimensions)
    all.push_back({*dimension.name, *dimension.value});
  std::ranges::sort(all);
  return all;
}

std::vector<api::cloudwatch::Dimension> render(const std::vector<metrics::Dimension>& dimensions) {
  std::vector<api::cloudwatch::Dimension> all;
  for (const metrics::Dimension& dimension : dimensions)
    all.push_back({.name = dimension.name, .value = dimension.value});
  return all;
}

bool is_period(std::int32_t seconds) {
  constexpr std::int32_t kShort[] = {1, 5, 10, 20, 30};
  return std::ranges::find(kShort, seconds) != std::end(kShort) || seconds % 60 == 0;
}

std::chrono::seconds period_of(std::int32_t seconds) {
  return std::chrono::seconds(std::max(seconds, 60));
}

base::Timestamp floor_to(base::Timestamp time, std::chrono::seconds unit) {
  const std::int64_t unit_ms = unit.count() * 1000;
  const std::int64_t ms = base::to_epoch_ms(time);
  return base::from_epoch_ms(ms - ((ms % unit_ms) + unit_ms) % unit_ms);
}

}  // namespace services::cloudwatch
