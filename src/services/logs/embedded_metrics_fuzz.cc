// Log lines, which are whatever functions print.

#include <cstddef>
#include <cstdint>

#include "services/logs/embedded_metrics.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  const base::Timestamp now = base::from_epoch_ms(1'700'000'000'000);
  const auto found = services::logs::embedded_metrics("000000000000", "us-east-1", line, now);
  if (found.size() > services::logs::kDataPerLineMax) __builtin_trap();
  for (const auto& datum : found)
    if (datum.values.empty() || datum.series.metric.name.empty()) __builtin_trap();
  return 0;
}
