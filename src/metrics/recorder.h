#pragma once

// Recorder: where Millrace's own rooms leave figures about what they do. Thread-safe and made for
// hot paths: each core has a part of its own, whose lock nobody else takes but drain(), once a
// minute or when somebody looks. One per server; it outlives all that records. What it holds is
// lost in a crash: at most the last minute, of which nobody was promised anything.
//
//   constexpr Metric kMetrics[] = {{"IncomingBytes", "Bytes"}, ...};
//   constexpr Family kStreams{"AWS/Kinesis", {"StreamName"}, kMetrics};
//   recorder.record({kStreams, account, region, {name}}, clock.now(), {{kIncomingBytes, 1024}});
//
// Limits: kSourcesMax things measured by one core in one minute; what is beyond is counted in
// dropped() and forgotten.

#include <array>
#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "async/core.h"
#include "base/clock.h"
#include "metrics/bucket.h"

namespace metrics {

inline constexpr std::size_t kSourcesMax = 4096;
inline constexpr std::size_t kSourceDimensionsMax = 2;

struct Metric {
  std::string_view name;
  std::string_view unit;
};

// Metrics that are always measured together. A constant, compared by its address.
struct Family {
  std::string_view space;
  std::array<std::string_view, kSourceDimensionsMax> dimensions;  // empty: fewer
  std::span<const Metric> metrics;
};

// The one thing measured.
struct Source {
  const Family& family;
  std::string_view account_id;
  std::string_view region;
  std::array<std::string_view, kSourceDimensionsMax> values;  // of the family's dimensions
};

struct Sample {
  std::uint8_t metric = 0;  // index in the family
  double value = 0;
  double count = 1;
};

// What was recorded of one source in one minute.
struct Recorded {
  const Family* family = nullptr;
  std::string account_id;
  std::string region;
  std::array<std::string, kSourceDimensionsMax> values;
  std::int64_t minute = 0;      // since 1970
  std::vector<Bucket> buckets;  // one for each metric of the family; some may be empty
};

class Recorder {
 public:
  // `cores`: those that record; any other thread may too, and shares one part with its like.
  explicit Recorder(std::vector<const async::Core*> cores);
  ~Recorder();

  void record(const Source& source, base::Timestamp now, std::span<const Sample> samples);
  void record(const Source& source, base::Timestamp now, std::initializer_list<Sample> samples) {
    record(source, now, std::span<const Sample>(samples.begin(), samples.size()));
  }

  // Takes all that has been recorded.
  std::vector<Recorded> drain();
  // Samples that there was no room for.
  std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

 private:
  struct Part;
  Part& part_of_here();

  std::vector<const async::Core*> cores_;
  std::vector<std::unique_ptr<Part>> parts_;  // one for each core, and the strangers'
  std::atomic<std::uint64_t> dropped_ = 0;
};

}  // namespace metrics
