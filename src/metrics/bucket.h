#pragma once

// Bucket: what is known of the values that one metric took within one minute or five: how many,
// their sum, the least, the greatest, and where they lie. A value; no locks. Its stored form is
// described in docs/formats/metrics.md.
//
// Values are kept in bins: 64 to each power of two, fewer where they spread far, at most kBinsMax.
// A bin knows the sum of its values, so that values which are the same, or far from each other,
// have exact percentiles; others are off by less than the width of a bin (1.6 % at best, 6 % where
// values spread over a factor of 250). Statistics that came without their values have no
// percentiles.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace metrics {

inline constexpr std::size_t kBinsMax = 128;

// What PutMetricData calls a StatisticSet.
struct Statistics {
  double count = 0;
  double sum = 0;
  double min = 0;
  double max = 0;
};

class Bucket {
 public:
  bool empty() const { return all_.count == 0; }
  const Statistics& statistics() const { return all_; }
  double average() const { return all_.count == 0 ? 0 : all_.sum / all_.count; }
  // `percent` in [0, 100]. nullopt: empty, or some values are not known.
  std::optional<double> percentile(double percent) const;

  // `count` times `value`; both finite, count > 0.
  void add(double value, double count = 1);
  // Where all values have to be the same, they are known.
  void add(const Statistics& statistics);
  void merge(const Bucket& other);

  std::string encode() const;
  static base::Result<Bucket> decode(std::string_view bytes);

 private:
  // Bins stand in the order of their values.
  struct Bin {
    std::int32_t key = 0;  // 0: zero; negative for negative values
    double count = 0;
    double sum = 0;
  };

  void widen(const Statistics& statistics);
  void add_to_bin(Bin bin);
  void coarsen();

  Statistics all_;
  std::vector<Bin> bins_;
  std::uint8_t level_ = 0;  // each makes bins twice as wide
  bool unknown_ = false;    // some values are in no bin
};

}  // namespace metrics
