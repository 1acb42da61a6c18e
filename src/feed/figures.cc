#include "feed/figures.h"

#include <fmt/format.h>

#include <algorithm>

namespace feed {

std::string to_string(const Figures& figures, double seconds) {
  const double rate = static_cast<double>(figures.records) / std::max(seconds, 0.001);
  return fmt::format(
      "records={} bytes={} requests={} retried={} malformed={} skipped={} seconds={:.2f} "
      "rate={:.0f}/s",
      figures.records, figures.bytes, figures.requests, figures.retried, figures.malformed,
      figures.skipped, seconds, rate);
}

}  // namespace feed
