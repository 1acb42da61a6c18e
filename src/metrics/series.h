#pragma once

// What a metric is called: account, region, namespace, name, dimensions; and, since AWS keeps
// values of different units apart, its unit. Values; the stored form is described in
// docs/formats/metrics.md.

#include <compare>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace metrics {

struct Dimension {
  std::string name;
  std::string value;

  auto operator<=>(const Dimension&) const = default;
};

struct MetricKey {
  std::string account_id;
  std::string region;
  std::string space;  // the namespace: "AWS/Kinesis"
  std::string name;
  std::vector<Dimension> dimensions;  // by name

  auto operator<=>(const MetricKey&) const = default;
};

struct SeriesKey {
  MetricKey metric;
  std::string unit = "None";

  auto operator<=>(const SeriesKey&) const = default;
};

std::string encode_series(const SeriesKey& key);
base::Result<SeriesKey> decode_series(std::string_view bytes);

}  // namespace metrics
