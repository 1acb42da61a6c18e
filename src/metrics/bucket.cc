#include "metrics/bucket.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/encoding.h"

namespace metrics {
namespace {

constexpr char kVersion = 1;
constexpr std::size_t kHeadBytes = 1 + 4 * 8 + 1 + 1 + 2;
constexpr std::size_t kBinBytes = 4 + 8 + 8;
constexpr std::uint8_t kUnknown = 1;  // flags
constexpr std::uint8_t kOneValue = 2;
constexpr std::uint8_t kLevelMax = 17;
// Of a double's bits: the exponent and the first six of the fraction make its bin.
constexpr unsigned kBinShift = 52 - 6;

std::int32_t key_of(double value, std::uint8_t level) {
  const std::uint64_t bits = std::bit_cast<std::uint64_t>(std::fabs(value)) >> kBinShift;
  if (bits == 0) return 0;
  const auto magnitude = static_cast<std::int32_t>((bits >> level) + 1);
  return value < 0 ? -magnitude : magnitude;
}

// The key one level up.
std::int32_t wider(std::int32_t key) {
  if (key == 0) return 0;
  const std::int32_t magnitude = ((std::abs(key) - 1) >> 1) + 1;
  return key < 0 ? -magnitude : magnitude;
}

void append_double(std::string& out, double value) {
  base::append_u64(out, std::bit_cast<std::uint64_t>(value));
}
double read_double(std::string_view bytes) { return std::bit_cast<double>(base::read_u64(bytes)); }

}  // namespace

void Bucket::widen(const Statistics& statistics) {
  if (empty()) {
    all_ = statistics;
    return;
  }
  all_.count += statistics.count;
  all_.sum += statistics.sum;
  all_.min = std::min(all_.min, statistics.min);
  all_.max = std::max(all_.max, statistics.max);
}

// While all values are the same there are no bins, and hardly any work: most figures are like that.
// Where some are not known there are none either, because nothing could be said from them.
void Bucket::add(double value, double count) {
  const bool same = bins_.empty() && !unknown_ && !empty();
  if (same && value == all_.min) {
    all_.count += count;
    all_.sum += value * count;
    return;
  }
  if (same) add_to_bin({.key = key_of(all_.min, level_), .count = all_.count, .sum = all_.sum});
  const bool first = empty();
  widen({.count = count, .sum = value * count, .min = value, .max = value});
  if (!first && !unknown_)
    add_to_bin({.key = key_of(value, level_), .count = count, .sum = value * count});
}

void Bucket::add(const Statistics& statistics) {
  if (statistics.min == statistics.max) {
    add(statistics.min, statistics.count);
    return;
  }
  widen(statistics);
  unknown_ = true;
  bins_.clear();
}

void Bucket::add_to_bin(Bin bin) {
  const auto at = std::ranges::lower_bound(bins_, bin.key, {}, &Bin::key);
  if (at != bins_.end() && at->key == bin.key) {
    at->count += bin.count;
    at->sum += bin.sum;
    return;
  }
  bins_.insert(at, bin);
  while (bins_.size() > kBinsMax && level_ < kLevelMax) coarsen();
}

void Bucket::coarsen() {
  ++level_;
  std::vector<Bin> merged;
  merged.reserve(kBinsMax);
  for (const Bin& bin : bins_) {
    const std::int32_t key = wider(bin.key);
    if (merged.empty() || merged.back().key != key) {
      merged.push_back({.key = key, .count = bin.count, .sum = bin.sum});
    } else {
      merged.back().count += bin.count;
      merged.back().sum += bin.sum;
    }
  }
  bins_ = std::move(merged);
}

void Bucket::merge(const Bucket& other) {
  if (other.empty()) return;
  if (empty()) {
    *this = other;
    return;
  }
  if (unknown_ || other.unknown_) {
    widen(other.all_);
    unknown_ = true;
    bins_.clear();
    return;
  }
  if (other.bins_.empty()) {
    add(other.all_.min, other.all_.count);
    return;
  }
  if (bins_.empty())
    add_to_bin({.key = key_of(all_.min, level_), .count = all_.count, .sum = all_.sum});
  widen(other.all_);
  while (level_ < other.level_) coarsen();
  for (Bin bin : other.bins_) {
    // Adding may have made the bins wider still.
    for (std::uint8_t level = other.level_; level < level_; ++level) bin.key = wider(bin.key);
    add_to_bin(bin);
  }
}

std::optional<double> Bucket::percentile(double percent) const {
  if (empty() || unknown_) return std::nullopt;
  const double wanted = all_.count * percent / 100;
  double seen = 0;
  for (const Bin& bin : bins_) {
    seen += bin.count;
    if (seen >= wanted && percent > 0)
      return percent >= 100 ? all_.max : std::clamp(bin.sum / bin.count, all_.min, all_.max);
  }
  return percent > 0 ? all_.max : all_.min;
}

std::string Bucket::encode() const {
  const bool one_value = !unknown_ && bins_.empty();
  const std::size_t bins = bins_.size();
  std::string bytes;
  bytes.reserve(kHeadBytes + bins * kBinBytes);
  bytes += kVersion;
  append_double(bytes, all_.count);
  append_double(bytes, all_.sum);
  append_double(bytes, all_.min);
  append_double(bytes, all_.max);
  bytes += static_cast<char>((unknown_ ? kUnknown : 0) | (one_value ? kOneValue : 0));
  bytes += static_cast<char>(level_);
  base::append_u16(bytes, static_cast<std::uint16_t>(bins));
  for (std::size_t i = 0; i < bins; ++i) {
    base::append_u32(bytes, static_cast<std::uint32_t>(bins_[i].key));
    append_double(bytes, bins_[i].count);
    append_double(bytes, bins_[i].sum);
  }
  return bytes;
}

base::Result<Bucket> Bucket::decode(std::string_view bytes) {
  const auto corrupt = [] {
    return base::error(base::ErrorCode::kCorruption, "points of a metric of an unknown form");
  };
  if (bytes.size() < kHeadBytes || bytes[0] != kVersion) return corrupt();
  Bucket bucket;
  bucket.all_ = {.count = read_double(bytes.substr(1)),
                 .sum = read_double(bytes.substr(9)),
                 .min = read_double(bytes.substr(17)),
                 .max = read_double(bytes.substr(25))};
  const auto flags = static_cast<std::uint8_t>(bytes[33]);
  bucket.unknown_ = (flags & kUnknown) != 0;
  bucket.level_ = static_cast<std::uint8_t>(bytes[34]);
  const std::size_t bins = base::read_u16(bytes.substr(35));
  if (bins > kBinsMax || bucket.level_ > kLevelMax) return corrupt();
  if (bytes.size() != kHeadBytes + bins * kBinBytes) return corrupt();
  for (std::size_t i = 0; i < bins; ++i) {
    const std::string_view bin = bytes.substr(kHeadBytes + i * kBinBytes);
    bucket.bins_.push_back({.key = static_cast<std::int32_t>(base::read_u32(bin)),
                            .count = read_double(bin.substr(4)),
                            .sum = read_double(bin.substr(12))});
  }
  return bucket;
}

}  // namespace metrics
