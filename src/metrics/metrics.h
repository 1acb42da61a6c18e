#pragma once

// Metrics: every metric of this server with its points. One per server. All of it lives on its
// control core; functions may be called from any. put() answers when its data are synced; what
// Millrace itself records (recorder.h) is gathered when somebody looks, and stored once a minute:
// a crash loses at most the minute that is not over.
//
// Points of one minute are kept for kMinutesKept, then folded into points of five minutes, which
// are kept for kFiveMinutesKept. A metric without points is forgotten. In memory are the metrics'
// names (at most kSeriesMax) and the points of minutes that are not over.
//
// Errors: kLimit (more than kSeriesMax metrics), and what the store says.

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <vector>

#include "async/gate.h"
#include "async/mutex.h"
#include "base/clock.h"
#include "metrics/bucket.h"
#include "metrics/recorder.h"
#include "metrics/series.h"
#include "store/store.h"

namespace metrics {

inline constexpr std::size_t kSeriesMax = 20'000;
inline constexpr std::chrono::hours kMinutesKept{24};
inline constexpr std::chrono::hours kFiveMinutesKept{15 * 24};

struct Datum {
  SeriesKey series;
  base::Timestamp time;
  Bucket values;
};

struct Point {
  base::Timestamp time;
  Bucket values;
};

struct Query {
  MetricKey metric;
  std::optional<std::string> unit;  // nullopt: each that there is
  base::Timestamp from;             // points that begin in [from, to)
  base::Timestamp to;
  std::chrono::seconds period{60};  // a multiple of 60
  base::Timestamp origin;           // where a period begins
};
// The points of one unit, by time.
struct Points {
  std::string unit;
  std::vector<Point> points;
};

// Which metrics of an account and region; what is not set does not matter.
struct Filter {
  std::string account_id;
  std::string region;
  std::optional<std::string> space;
  std::optional<std::string> name;
  struct DimensionFilter {
    std::string name;
    std::optional<std::string> value;
  };
  std::vector<DimensionFilter> dimensions;  // each of them has to be there
  std::optional<base::Timestamp> active_since;
};
struct Page {
  std::vector<MetricKey> metrics;
  std::optional<MetricKey> last;  // list on after this one; nullopt: that was all
};

// What came in since the server was started.
struct Total {
  SeriesKey series;
  double count = 0;
  double sum = 0;
};

class Metrics {
 public:
  Metrics(store::Store& store, async::Core& control, const base::Clock& clock, Recorder& recorder);

  // Loads the metrics' names. Once, before anything else.
  async::Task<base::Status> open();
  // Stores what was recorded and removes what is old, in the background, until stop().
  void start();
  // Stores what is left.
  async::Task<void> stop();

  // All of them or none.
  async::Task<base::Status> put(std::vector<Datum> data);
  // Empty: no such metric, or nothing in that time.
  async::Task<base::Result<std::vector<Points>>> read(Query query);
  async::Task<Page> list(Filter filter, std::optional<MetricKey> after, std::size_t limit);
  async::Task<std::vector<Total>> totals();

  // The background's work, for tests to do at once.
  async::Task<base::Status> store_recorded();
  async::Task<base::Status> fold_and_expire();

 private:
  struct Series {
    std::uint64_t id = 0;
    bool stored = false;
    std::int64_t oldest = INT64_MAX;  // no point of one minute begins before this one
    std::int64_t newest = 0;          // minute of the last point
    double count = 0;                 // totals
    double sum = 0;
  };
  using Directory = std::map<SeriesKey, Series>;
  using Entry = Directory::value_type;
  // Points by series and minute.
  using Pending = std::map<std::pair<Series*, std::int64_t>, Bucket>;

  async::Task<base::Status> put_here(std::vector<Datum> data);
  async::Task<base::Result<store::Sequence>> submit_put(std::vector<Datum> data);
  async::Task<base::Result<std::vector<Points>>> read_here(Query query);
  async::Task<base::Result<std::vector<Points>>> read_series(Query query);
  async::Task<Page> list_here(Filter filter, std::optional<MetricKey> after, std::size_t limit);
  async::Task<std::vector<Total>> totals_here();
  async::Task<base::Status> store_recorded_here(std::int64_t before_minute);
  async::Task<base::Status> fold_and_expire_here();

  // nullptr: there are too many.
  Series* find_or_make(const SeriesKey& key);
  static void note_point(Series& series, std::int64_t minute);
  // Takes what was recorded into `open_`.
  void gather();
  async::Task<base::Result<store::Sequence>> submit_points(const Pending& points);
  base::Result<store::Sequence> submit(store::Batch batch);
  async::Task<base::Status> load_points(const Series& series, const Query& query,
                                        std::map<std::int64_t, Bucket>& slots);
  async::Task<base::Status> load_newest(Series& series);
  async::Task<base::Status> fold(Series& series, std::int64_t before);
  async::Task<base::Status> expire(SeriesKey key, std::int64_t before);
  async::Task<void> work();

  store::Store& store_;
  async::Core& control_;
  const base::Clock& clock_;
  Recorder& recorder_;

  async::Mutex changing_;  // one change to stored points at a time
  Directory directory_;
  std::vector<const Entry*> unsaved_;  // series that no batch has stored yet
  std::uint64_t next_id_ = 1;
  Pending open_;  // recorded, not yet stored
  async::Gate gate_;
  std::stop_source stop_;
};

}  // namespace metrics
