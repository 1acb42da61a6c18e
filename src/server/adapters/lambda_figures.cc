#include "server/adapters/lambda_figures.h"

#include <array>

namespace server {
namespace {

using metrics::Family;
using metrics::Sample;

enum FunctionMetric : std::uint8_t {
  kInvocations,
  kErrors,
  kThrottles,
  kDuration,
  kConcurrentExecutions,
  kIteratorAge,
  kProvisionedInvocations,
  kSpilledInvocations,
  kProvisionedExecutions,
  kProvisionedUtilization,
  kExtensionsDuration,
};
constexpr metrics::Metric kMetrics[] = {
    {"Invocations", "Count"},
    {"Errors", "Count"},
    {"Throttles", "Count"},
    {"Duration", "Milliseconds"},
    {"ConcurrentExecutions", "Count"},
    {"IteratorAge", "Milliseconds"},
    {"ProvisionedConcurrencyInvocations", "Count"},
    {"ProvisionedConcurrencySpilloverInvocations", "Count"},
    {"ProvisionedConcurrentExecutions", "Count"},
    {"ProvisionedConcurrencyUtilization", "Count"},
    {"PostRuntimeExtensionsDuration", "Milliseconds"},
};
constexpr std::string_view kSpace = "AWS/Lambda";
constexpr Family kFunctions{kSpace, {"FunctionName"}, kMetrics};
constexpr Family kResources{kSpace, {"FunctionName", "Resource"}, kMetrics};
constexpr Family kRegion{kSpace, {}, kMetrics};

enum MappingMetric : std::uint8_t {
  kPolled,
  kFilteredOut,
  kInvoked,
  kFailedInvoke,
  kDropped,
  kDelivered,
};
constexpr metrics::Metric kEventMetrics[] = {
    {"PolledEventCount", "Count"},  {"FilteredOutEventCount", "Count"},
    {"InvokedEventCount", "Count"}, {"FailedInvokeEventCount", "Count"},
    {"DroppedEventCount", "Count"}, {"OnFailureDestinationDeliveredEventCount", "Count"},
};
constexpr Family kMappings{kSpace, {"EventSourceMappingUUID"}, kEventMetrics};

}  // namespace

void LambdaFigures::record(const functions::InvocationReport& what,
                           std::span<const Sample> samples) {
  const base::Timestamp now = clock_.now();
  const std::string resource =
      what.qualifier.empty() ? what.function : what.function + ":" + what.qualifier;
  recorder_.record({kFunctions, what.account_id, what.region, {what.function}}, now, samples);
  recorder_.record({kResources, what.account_id, what.region, {what.function, resource}}, now,
                   samples);
  recorder_.record({kRegion, what.account_id, what.region, {}}, now, samples);
}

void LambdaFigures::started(const functions::InvocationReport& what, std::size_t concurrent) {
  const std::array samples{Sample{kInvocations, 1}, Sample{kThrottles, 0},
                           Sample{kConcurrentExecutions, static_cast<double>(concurrent)}};
  record(what, samples);
}

void LambdaFigures::ended(const functions::InvocationReport& what,
                          std::chrono::nanoseconds duration, bool failed) {
  const double ms = std::chrono::duration<double, std::milli>(duration).count();
  const std::array samples{Sample{kErrors, failed ? 1.0 : 0.0}, Sample{kDuration, ms}};
  record(what, samples);
}

void LambdaFigures::throttled(const functions::InvocationReport& what) {
  const std::array samples{Sample{kThrottles, 1}};
  record(what, samples);
}

void LambdaFigures::provisioned(const functions::InvocationReport& what, bool found_one,
                                std::size_t in_use, std::size_t wanted) {
  const double used = static_cast<double>(in_use);
  const std::array samples{
      Sample{kProvisionedInvocations, found_one ? 1.0 : 0.0},
      Sample{kSpilledInvocations, found_one ? 0.0 : 1.0}, Sample{kProvisionedExecutions, used},
      Sample{kProvisionedUtilization, wanted == 0 ? 0.0 : used / static_cast<double>(wanted)}};
  record(what, samples);
}

void LambdaFigures::extensions_ended(const functions::InvocationReport& what,
                                     std::chrono::nanoseconds duration) {
  const double ms = std::chrono::duration<double, std::milli>(duration).count();
  const std::array samples{Sample{kExtensionsDuration, ms}};
  record(what, samples);
}

void LambdaFigures::iterator_age(const functions::InvocationReport& what, base::Milliseconds age) {
  const std::array samples{Sample{kIteratorAge, static_cast<double>(age.count())}};
  record(what, samples);
}

void LambdaFigures::events(const mapping::MappingName& mapping,
                           const mapping::EventCounts& events) {
  // What did not happen is no sample of what did.
  const std::pair<MappingMetric, std::uint64_t> all[] = {
      {kPolled, events.polled},   {kFilteredOut, events.filtered_out},
      {kInvoked, events.invoked}, {kFailedInvoke, events.failed},
      {kDropped, events.dropped}, {kDelivered, events.delivered}};
  std::vector<Sample> samples;
  for (const auto& [metric, count] : all)
    if (count > 0) samples.push_back({metric, static_cast<double>(count)});
  if (samples.empty()) return;
  recorder_.record({kMappings, mapping.account_id, mapping.region, {mapping.id}}, clock_.now(),
                   samples);
}

}  // namespace server
