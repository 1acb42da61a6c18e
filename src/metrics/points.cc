// Reading and listing; making old points coarser, and removing them.
#include <algorithm>

#include "metrics/keys.h"
#include "metrics/metrics.h"

namespace metrics {
namespace {

constexpr std::int64_t kMinuteMs = 60'000;
constexpr std::int64_t kFive = 5;
constexpr std::size_t kPage = 1000;

std::int64_t minute_of(base::Timestamp time) { return base::to_epoch_ms(time) / kMinuteMs; }
// The first minute that begins at `time` or later.
std::int64_t minute_from(base::Timestamp time) {
  return (base::to_epoch_ms(time) + kMinuteMs - 1) / kMinuteMs;
}

bool has_dimensions(const MetricKey& metric, const Filter& filter) {
  return std::ranges::all_of(filter.dimensions, [&](const Filter::DimensionFilter& wanted) {
    return std::ranges::any_of(metric.dimensions, [&](const Dimension& dimension) {
      return dimension.name == wanted.name && (!wanted.value || dimension.value == *wanted.value);
    });
  });
}

bool passes(const MetricKey& metric, const Filter& filter) {
  if (filter.space && metric.space != *filter.space) return false;
  if (filter.name && metric.name != *filter.name) return false;
  return has_dimensions(metric, filter);
}

// Which period a point belongs to.
std::int64_t slot_of(const Query& query, std::int64_t minute) {
  const std::int64_t period_ms = query.period.count() * 1000;
  const std::int64_t offset = minute * kMinuteMs - base::to_epoch_ms(query.origin);
  std::int64_t slot = offset / period_ms;
  if (offset % period_ms < 0) --slot;
  return base::to_epoch_ms(query.origin) + slot * period_ms;
}

}  // namespace

async::Task<base::Result<std::vector<Points>>> Metrics::read(Query query) {
  return async::run_on(control_, read_here(std::move(query)));
}

// What is shown is durable, but for what was recorded and not stored yet, which is not promised.
async::Task<base::Result<std::vector<Points>>> Metrics::read_here(Query query) {
  auto points = co_await read_series(std::move(query));
  if (!points) co_return points;
  const base::Status durable = co_await store_.durable(store_.applied());
  if (!durable) co_return std::unexpected(durable.error());
  co_return points;
}

async::Task<base::Result<std::vector<Points>>> Metrics::read_series(Query query) {
  const auto lock = co_await changing_.lock();
  gather();
  std::vector<Points> all;
  // The lock keeps the directory's entries where they are; others may be added.
  for (auto at = directory_.lower_bound({.metric = query.metric, .unit = ""});
       at != directory_.end() && at->first.metric == query.metric; ++at) {
    if (query.unit && at->first.unit != *query.unit) continue;
    std::map<std::int64_t, Bucket> slots;
    const base::Status loaded = co_await load_points(at->second, query, slots);
    if (!loaded) co_return std::unexpected(loaded.error());
    if (slots.empty()) continue;
    Points points{.unit = at->first.unit, .points = {}};
    for (auto& [time_ms, values] : slots)
      points.points.push_back({base::from_epoch_ms(time_ms), std::move(values)});
    all.push_back(std::move(points));
  }
  co_return all;
}

async::Task<base::Status> Metrics::load_points(const Series& series, const Query& query,
                                               std::map<std::int64_t, Bucket>& slots) {
  const std::int64_t from = std::max<std::int64_t>(minute_from(query.from), 0);
  const std::int64_t to = std::max<std::int64_t>(minute_from(query.to), 0);
  for (auto at = open_.lower_bound({const_cast<Series*>(&series), from});
       at != open_.end() && at->first.first == &series && at->first.second < to; ++at)
    slots[slot_of(query, at->first.second)].merge(at->second);
  for (const keys::Grain grain : {keys::Grain::kMinute, keys::Grain::kFiveMinutes}) {
    std::string next = keys::point(grain, series.id, from);
    const std::string end = keys::point(grain, series.id, to);
    while (next < end) {
      const auto page = co_await store_.scan(next, end, {.limit = kPage});
      if (!page) co_return std::unexpected(page.error());
      for (const store::KeyValue& point : *page) {
        const auto values = Bucket::decode(point.value);
        if (!values) co_return std::unexpected(values.error());
        const auto minute = static_cast<std::int64_t>(keys::last_number(point.key));
        slots[slot_of(query, minute)].merge(*values);
      }
      if (page->empty()) break;
      next = page->back().key + '\0';
    }
  }
  co_return base::Status();
}

async::Task<Page> Metrics::list(Filter filter, std::optional<MetricKey> after, std::size_t limit) {
  return async::run_on(control_, list_here(std::move(filter), std::move(after), limit));
}

// A metric of several units stands in the directory several times, one after the other.
async::Task<Page> Metrics::list_here(Filter filter, std::optional<MetricKey> after,
                                     std::size_t limit) {
  gather();
  const std::int64_t since = filter.active_since ? minute_of(*filter.active_since) : 0;
  const MetricKey start{.account_id = filter.account_id,
                        .region = filter.region,
                        .space = {},
                        .name = {},
                        .dimensions = {}};
  Page page;
  for (auto at =
           directory_.lower_bound({.metric = after ? std::max(*after, start) : start, .unit = ""});
       at != directory_.end(); ++at) {
    const MetricKey& metric = at->first.metric;
    if (metric.account_id != filter.account_id || metric.region != filter.region) break;
    if (after && metric == *after) continue;
    if (!page.metrics.empty() && metric == page.metrics.back()) continue;
    if (at->second.newest < since || !passes(metric, filter)) continue;
    if (page.metrics.size() == limit) {
      page.last = page.metrics.back();
      break;
    }
    page.metrics.push_back(metric);
  }
  co_return page;
}

async::Task<base::Status> Metrics::fold_and_expire() {
  return async::run_on(control_, fold_and_expire_here());
}

async::Task<base::Status> Metrics::fold_and_expire_here() {
  const base::Timestamp now = clock_.now();
  const std::int64_t minutes_before = minute_of(now - kMinutesKept) / kFive * kFive;
  const std::int64_t five_before = minute_of(now - kFiveMinutesKept);
  std::vector<SeriesKey> keys;
  for (const auto& [key, series] : directory_)
    if (series.stored) keys.push_back(key);
  for (SeriesKey& key : keys) {
    const auto lock = co_await changing_.lock();
    const auto found = directory_.find(key);
    if (found == directory_.end()) continue;
    base::Status done = co_await fold(found->second, minutes_before);
    if (!done) co_return done;
    done = co_await expire(std::move(key), five_before);
    if (!done) co_return done;
  }
  co_return base::Status();
}

// Under the lock.
async::Task<base::Status> Metrics::fold(Series& series, std::int64_t before) {
  if (series.oldest >= before) co_return base::Status();
  const std::string from = keys::points(keys::Grain::kMinute, series.id);
  const std::string end = keys::point(keys::Grain::kMinute, series.id, before);
  for (;;) {
    const auto page = co_await store_.scan(from, end, {.limit = kPage});
    if (!page) co_return std::unexpected(page.error());
    if (page->empty()) break;
    std::map<std::int64_t, Bucket> fives;
    for (const store::KeyValue& point : *page) {
      const auto values = Bucket::decode(point.value);
      if (!values) co_return std::unexpected(values.error());
      const auto minute = static_cast<std::int64_t>(keys::last_number(point.key));
      fives[minute / kFive * kFive].merge(*values);
    }
    store::Batch batch;
    batch.erase_range(from, page->back().key + '\0');
    for (auto& [minute, values] : fives) {
      std::string key = keys::point(keys::Grain::kFiveMinutes, series.id, minute);
      const auto stored = co_await store_.get(key);
      if (!stored) co_return std::unexpected(stored.error());
      if (stored->has_value()) {
        const auto before_now = Bucket::decode(**stored);
        if (!before_now) co_return std::unexpected(before_now.error());
        values.merge(*before_now);
      }
      batch.put(std::move(key), values.encode());
    }
    const auto submitted = store_.submit(std::move(batch));
    if (!submitted) co_return std::unexpected(submitted.error());
  }
  series.oldest = before;
  co_return base::Status();
}

// Under the lock. A metric whose last point goes is forgotten.
async::Task<base::Status> Metrics::expire(SeriesKey key, std::int64_t before) {
  const auto found = directory_.find(key);
  Series& series = found->second;
  const std::string from = keys::points(keys::Grain::kFiveMinutes, series.id);
  const std::string end = keys::point(keys::Grain::kFiveMinutes, series.id, before);
  const auto old = co_await store_.scan(from, end, {.limit = 1, .bytes_max = 1});
  if (!old) co_return std::unexpected(old.error());
  store::Batch batch;
  if (!old->empty()) batch.erase_range(from, end);
  const auto open = open_.lower_bound({&series, INT64_MIN});
  const bool recorded = open != open_.end() && open->first.first == &series;
  if (series.newest < before && !recorded) {
    batch.erase(keys::series(series.id));
    directory_.erase(found);
  }
  if (batch.empty()) co_return base::Status();
  const auto submitted = store_.submit(std::move(batch));
  if (!submitted) co_return std::unexpected(submitted.error());
  co_return base::Status();
}

}  // namespace metrics
