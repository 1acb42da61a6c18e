// The names of metrics, putting and recording.
#include "metrics/metrics.h"

#include "async/timer.h"
#include "base/log.h"
#include "metrics/keys.h"
#include "store/for_each.h"

namespace metrics {
namespace {

constexpr std::int64_t kMinuteMs = 60'000;
constexpr std::size_t kStoredAtOnce = 500;  // points of one batch
constexpr std::chrono::milliseconds kAfterMinute{200};
constexpr int kFoldEvery = 60;  // minutes

std::int64_t minute_of(base::Timestamp time) { return base::to_epoch_ms(time) / kMinuteMs; }

SeriesKey series_of(const Recorded& recorded, std::size_t metric) {
  const Family& family = *recorded.family;
  SeriesKey key{.metric = {.account_id = recorded.account_id,
                           .region = recorded.region,
                           .space = std::string(family.space),
                           .name = std::string(family.metrics[metric].name),
                           .dimensions = {}},
                .unit = std::string(family.metrics[metric].unit)};
  for (std::size_t i = 0; i < kSourceDimensionsMax; ++i)
    if (!family.dimensions[i].empty())
      key.metric.dimensions.push_back({std::string(family.dimensions[i]), recorded.values[i]});
  std::ranges::sort(key.metric.dimensions);
  return key;
}

}  // namespace

Metrics::Metrics(store::Store& store, async::Core& control, const base::Clock& clock,
                 Recorder& recorder)
    : store_(store), control_(control), clock_(clock), recorder_(recorder) {}

async::Task<base::Status> Metrics::open() {
  const auto next = co_await store_.get(std::string(keys::kNextId));
  if (!next) co_return std::unexpected(next.error());
  if (next->has_value() && (*next)->size() == 8) next_id_ = base::read_u64(**next);
  const base::Status read = co_await store::for_each(
      store_, std::string(keys::kSeries), [this](const store::KeyValue& entry) -> base::Status {
        auto key = decode_series(entry.value);
        if (!key) return std::unexpected(std::move(key).error());
        directory_.emplace(*std::move(key),
                           Series{.id = keys::last_number(entry.key), .stored = true, .oldest = 0});
        return {};
      });
  if (!read) co_return read;
  for (auto& [key, series] : directory_) {
    const base::Status loaded = co_await load_newest(series);
    if (!loaded) co_return loaded;
  }
  co_return base::Status();
}

async::Task<base::Status> Metrics::load_newest(Series& series) {
  for (const keys::Grain grain : {keys::Grain::kMinute, keys::Grain::kFiveMinutes}) {
    const std::string from = keys::points(grain, series.id);
    const auto last = co_await store_.scan(from, store::prefix_end(from),
                                           {.limit = 1, .bytes_max = 1, .reverse = true});
    if (!last) co_return std::unexpected(last.error());
    if (last->empty()) continue;
    series.newest = static_cast<std::int64_t>(keys::last_number(last->front().key));
    co_return base::Status();
  }
  co_return base::Status();
}

Metrics::Series* Metrics::find_or_make(const SeriesKey& key) {
  const auto found = directory_.find(key);
  if (found != directory_.end()) return &found->second;
  if (directory_.size() >= kSeriesMax) return nullptr;
  const auto made = directory_.emplace(key, Series{.id = next_id_++}).first;
  unsaved_.push_back(&*made);
  return &made->second;
}

void Metrics::note_point(Series& series, std::int64_t minute) {
  series.oldest = std::min(series.oldest, minute);
  series.newest = std::max(series.newest, minute);
}

void Metrics::gather() {
  for (const Recorded& recorded : recorder_.drain()) {
    for (std::size_t i = 0; i < recorded.buckets.size(); ++i) {
      const Bucket& values = recorded.buckets[i];
      Series* const series = values.empty() ? nullptr : find_or_make(series_of(recorded, i));
      if (series == nullptr) continue;
      note_point(*series, recorded.minute);
      series->count += values.statistics().count;
      series->sum += values.statistics().sum;
      open_[{series, recorded.minute}].merge(values);
    }
  }
}

async::Task<base::Status> Metrics::put(std::vector<Datum> data) {
  return async::run_on(control_, put_here(std::move(data)));
}

async::Task<base::Status> Metrics::put_here(std::vector<Datum> data) {
  const auto submitted = co_await submit_put(std::move(data));
  if (!submitted) co_return std::unexpected(submitted.error());
  base::Status durable = co_await store_.durable(*submitted);
  co_return durable;
}

// The lock is not held while the batch syncs, so many puts share one sync.
async::Task<base::Result<store::Sequence>> Metrics::submit_put(std::vector<Datum> data) {
  const auto lock = co_await changing_.lock();
  std::size_t fresh = 0;
  for (const Datum& datum : data) fresh += directory_.contains(datum.series) ? 0 : 1;
  if (directory_.size() + fresh > kSeriesMax)
    co_return base::error(base::ErrorCode::kLimit, "too many metrics");
  Pending points;
  for (const Datum& datum : data)
    points[{find_or_make(datum.series), minute_of(datum.time)}].merge(datum.values);
  const auto submitted = co_await submit_points(points);
  if (!submitted) co_return submitted;
  for (const auto& [place, values] : points) {
    note_point(*place.first, place.second);
    place.first->count += values.statistics().count;
    place.first->sum += values.statistics().sum;
  }
  co_return submitted;
}

// Under the lock: what is stored of these minutes is read and written back with what is new.
async::Task<base::Result<store::Sequence>> Metrics::submit_points(const Pending& points) {
  store::Batch batch;
  for (const auto& [place, fresh] : points) {
    std::string key = keys::point(keys::Grain::kMinute, place.first->id, place.second);
    const auto stored = co_await store_.get(key);
    if (!stored) co_return std::unexpected(stored.error());
    Bucket values;
    if (stored->has_value()) {
      auto decoded = Bucket::decode(**stored);
      if (!decoded) co_return std::unexpected(decoded.error());
      values = *std::move(decoded);
    }
    values.merge(fresh);
    batch.put(std::move(key), values.encode());
  }
  co_return submit(std::move(batch));
}

// With the names of what is new.
base::Result<store::Sequence> Metrics::submit(store::Batch batch) {
  for (const Entry* entry : unsaved_)
    batch.put(keys::series(entry->second.id), encode_series(entry->first));
  if (!unsaved_.empty()) {
    std::string next;
    base::append_u64(next, next_id_);
    batch.put(std::string(keys::kNextId), std::move(next));
  }
  auto submitted = store_.submit(std::move(batch));
  if (!submitted) return submitted;
  for (const Entry* entry : unsaved_) directory_.find(entry->first)->second.stored = true;
  unsaved_.clear();
  return submitted;
}

async::Task<base::Status> Metrics::store_recorded() {
  return async::run_on(control_, store_recorded_here(minute_of(clock_.now())));
}

async::Task<base::Status> Metrics::store_recorded_here(std::int64_t before_minute) {
  gather();
  for (;;) {
    const auto lock = co_await changing_.lock();
    // Taken out first: more may be gathered meanwhile. Nobody reads without the lock.
    Pending points;
    for (auto at = open_.begin(); at != open_.end() && points.size() < kStoredAtOnce;) {
      const auto here = at++;
      if (here->first.second < before_minute) points.insert(open_.extract(here));
    }
    if (points.empty()) co_return base::Status();
    const auto submitted = co_await submit_points(points);
    if (!submitted) co_return std::unexpected(submitted.error());
  }
}

async::Task<std::vector<Total>> Metrics::totals() { return async::run_on(control_, totals_here()); }

async::Task<std::vector<Total>> Metrics::totals_here() {
  gather();
  std::vector<Total> all;
  for (const auto& [key, series] : directory_)
    if (series.count > 0) all.push_back({.series = key, .count = series.count, .sum = series.sum});
  co_return all;
}

void Metrics::start() { async::spawn(control_, gate_, work()); }

async::Task<void> Metrics::work() {
  for (int round = 0;; ++round) {
    const std::int64_t into_minute = base::to_epoch_ms(clock_.now()) % kMinuteMs;
    const bool slept = co_await async::sleep_for(
        std::chrono::milliseconds(kMinuteMs - into_minute) + kAfterMinute, stop_.get_token());
    if (!slept) co_return;
    const base::Status stored = co_await store_recorded();
    if (!stored) base::log_error("storing metrics: {}", stored.error().to_string());
    if (round % kFoldEvery != 0) continue;
    const base::Status folded = co_await fold_and_expire();
    if (!folded) base::log_error("expiring metrics: {}", folded.error().to_string());
  }
}

async::Task<void> Metrics::stop() {
  stop_.request_stop();
  co_await gate_.close();
  const base::Status stored = co_await async::run_on(control_, store_recorded_here(INT64_MAX));
  if (!stored) base::log_error("storing metrics: {}", stored.error().to_string());
}

}  // namespace metrics
