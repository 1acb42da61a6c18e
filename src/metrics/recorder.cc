#include "metrics/recorder.h"

#include <functional>
#include <mutex>
#include <unordered_map>

namespace metrics {
namespace {

constexpr std::int64_t kMinuteMs = 60'000;
constexpr std::size_t kClosedMax = 4;  // minutes that nobody drained

struct Key {
  const Family* family = nullptr;
  std::string account_id;
  std::string region;
  std::array<std::string, kSourceDimensionsMax> values;
};

std::size_t mix(std::size_t seed, std::string_view text) {
  return (seed ^ std::hash<std::string_view>()(text)) * 0x9e3779b97f4a7c15ULL;
}

// Of a Key and a Source, which look alike.
struct Hash {
  using is_transparent = void;
  std::size_t operator()(const Key& key) const { return of(key.family, key); }
  std::size_t operator()(const Source& source) const { return of(&source.family, source); }

  template <class T>
  static std::size_t of(const Family* family, const T& source) {
    std::size_t hash = std::hash<const void*>()(family);
    for (std::size_t i = 0; i < kSourceDimensionsMax && !family->dimensions[i].empty(); ++i)
      hash = mix(hash, source.values[i]);
    return mix(hash, source.region);
  }
};

struct Equal {
  using is_transparent = void;
  bool operator()(const Key& a, const Key& b) const { return a.family == b.family && same(a, b); }
  bool operator()(const Source& a, const Key& b) const {
    return &a.family == b.family && same(a, b);
  }
  bool operator()(const Key& a, const Source& b) const { return (*this)(b, a); }

  template <class A, class B>
  static bool same(const A& a, const B& b) {
    for (std::size_t i = 0; i < kSourceDimensionsMax; ++i)
      if (a.values[i] != b.values[i]) return false;
    return a.region == b.region && a.account_id == b.account_id;
  }
};

using Sources = std::unordered_map<Key, std::vector<Bucket>, Hash, Equal>;

Key key_of(const Source& source) {
  Key key{.family = &source.family,
          .account_id = std::string(source.account_id),
          .region = std::string(source.region),
          .values = {}};
  for (std::size_t i = 0; i < kSourceDimensionsMax; ++i) key.values[i] = source.values[i];
  return key;
}

struct Minute {
  std::int64_t minute = 0;
  Sources sources;
};

}  // namespace

// Aligned so that no two cores write to one cache line.
struct alignas(64) Recorder::Part {
  std::mutex mutex;
  Minute open;
  std::vector<Minute> closed;
};

Recorder::Recorder(std::vector<const async::Core*> cores) : cores_(std::move(cores)) {
  for (std::size_t i = 0; i <= cores_.size(); ++i) parts_.push_back(std::make_unique<Part>());
}
Recorder::~Recorder() = default;

Recorder::Part& Recorder::part_of_here() {
  const async::Core* const here = async::Core::current();
  std::size_t i = 0;
  while (i < cores_.size() && cores_[i] != here) ++i;
  return *parts_[i];
}

void Recorder::record(const Source& source, base::Timestamp now, std::span<const Sample> samples) {
  const std::int64_t minute = base::to_epoch_ms(now) / kMinuteMs;
  Part& part = part_of_here();
  const std::lock_guard lock(part.mutex);
  if (part.open.minute != minute) {
    if (part.closed.size() >= kClosedMax)
      dropped_.fetch_add(part.open.sources.size(), std::memory_order_relaxed);
    else if (!part.open.sources.empty()) part.closed.push_back(std::move(part.open));
    part.open = {.minute = minute, .sources = {}};
  }
  Sources& sources = part.open.sources;
  auto found = sources.find(source);
  if (found == sources.end()) {
    if (sources.size() >= kSourcesMax) {
      dropped_.fetch_add(samples.size(), std::memory_order_relaxed);
      return;
    }
    found = sources.emplace(key_of(source), source.family.metrics.size()).first;
  }
  for (const Sample& sample : samples) found->second[sample.metric].add(sample.value, sample.count);
}

std::vector<Recorded> Recorder::drain() {
  std::vector<Minute> minutes;
  for (const auto& part : parts_) {
    const std::lock_guard lock(part->mutex);
    for (Minute& closed : part->closed) minutes.push_back(std::move(closed));
    part->closed.clear();
    if (part->open.sources.empty()) continue;
    minutes.push_back({.minute = part->open.minute, .sources = std::move(part->open.sources)});
    part->open.sources = {};
  }
  std::vector<Recorded> all;
  for (Minute& minute : minutes)
    for (auto& [key, buckets] : minute.sources)
      all.push_back({.family = key.family,
                     .account_id = key.account_id,
                     .region = key.region,
                     .values = key.values,
                     .minute = minute.minute,
                     .buckets = std::move(buckets)});
  return all;
}

}  // namespace metrics
