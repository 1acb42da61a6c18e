#include "feed/feed.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdlib>

#include "async/gate.h"
#include "async/timer.h"
#include "feed/conveyor.h"
#include "feed/live_source.h"
#include "feed/resume.h"
#include "io/real_files.h"

namespace feed {
namespace {

using async::Task;
using base::ErrorCode;
using std::chrono::milliseconds;

constexpr milliseconds kSaveEvery{250};     // between writes of the position, while all goes well
constexpr std::uint64_t kYieldEvery = 64;   // events of a source that never waits
constexpr std::uint64_t kWarningsMax = 20;  // of malformed lines; then only counted

constexpr std::string_view kXv2Url =
    "https://api.x.com/2/tweets/search/stream"
    "?tweet.fields=created_at,lang&expansions=author_id&user.fields=name,username";
constexpr std::string_view kXv1Url = "https://stream.twitter.com/1.1/statuses/filter.json";
constexpr std::string_view kMastodonUrl = "https://mastodon.social/api/v1/streaming/public";
constexpr std::string_view kWikimediaUrl = "https://stream.wikimedia.org/v2/stream/recentchange";

bool is_live(From from) { return from != From::kLines && from != From::kGenerator; }
bool has_positions(const Settings& settings) {
  if (settings.from == From::kLines) return settings.path != "-";
  return settings.from != From::kXv2 && settings.from != From::kXv1 &&
         settings.from != From::kNdjson;
}

std::string url_of(const Settings& settings) {
  if (!settings.url.empty()) return settings.url;
  if (settings.from == From::kXv2) return std::string(kXv2Url);
  if (settings.from == From::kXv1) return std::string(kXv1Url);
  if (settings.from == From::kMastodon) return std::string(kMastodonUrl);
  return std::string(kWikimediaUrl);
}

Shape shape_of(const Settings& settings) {
  if (settings.from == From::kXv1) return Shape::kTweet;
  if (settings.as_is) return Shape::kAsIs;
  if (settings.from == From::kXv2) return Shape::kXv2;
  if (settings.from == From::kMastodon) return Shape::kMastodon;
  if (settings.from == From::kWikimedia) return Shape::kWikimedia;
  return Shape::kAsIs;
}

// What a position belongs to.
std::string source_name(const Settings& settings) {
  if (settings.from == From::kGenerator) return fmt::format("generator:{}", settings.seed);
  if (is_live(settings.from)) return url_of(settings);
  char* const whole = realpath(settings.path.c_str(), nullptr);
  const std::string name = "file:" + (whole == nullptr ? settings.path : std::string(whole));
  std::free(whole);
  return name;
}

class Feed {
 public:
  Feed(const Settings& settings, std::function<void(std::string)> say, std::stop_token stop)
      : settings_(settings),
        say_(std::move(say)),
        client_(core_, {.authorities_pem = settings.authorities_pem}),
        conveyor_(settings.one_of_each_key),
        resume_(files_, settings.resume_path) {
    core_.start();
    // Whoever waits for the stop is resumed on the core.
    forward_.emplace(std::move(stop), [this] { core_.post([this] { stop_.request_stop(); }); });
  }
  ~Feed() {
    forward_.reset();
    core_.stop();
  }

  Ended run() {
    started_ = core_.now();
    async::wait_for(core_, whole());
    const std::chrono::duration<double> spent = core_.now() - started_;
    return {std::move(status_), figures_, spent.count()};
  }

 private:
  Task<void> whole() {
    status_ = open();
    if (status_) {
      async::Gate gate;
      std::stop_source done;
      async::spawn(core_, gate, report(done.get_token()));
      async::spawn(core_, gate, read());
      co_await put();
      stop_.request_stop();
      done.request_stop();
      co_await gate.close();
    }
    client_.close();
  }

  base::Status open() {
    std::string from;
    if (!settings_.resume_path.empty()) {
      if (!has_positions(settings_))
        return base::error(ErrorCode::kInvalidArgument,
                           "this source has no positions: it cannot be resumed");
      ASSIGN_OR_RETURN(auto kept, resume_.load(source_name(settings_), settings_.target.stream));
      from = kept.value_or("");
    }
    saved_ = from;
    if (settings_.print) {
      sink_ = make_printer(figures_);
    } else {
      sink_ = make_kinesis(core_, client_, settings_.target, clock_, random_, figures_, say_,
                           stop_.get_token());
    }
    return open_source(from);
  }

  base::Status open_source(const std::string& from) {
    if (is_live(settings_.from)) {
      source_ = make_live(core_, client_, live_options(from), stop_.get_token());
      return {};
    }
    std::uint64_t at = 0;
    const auto [end, failed] = std::from_chars(from.data(), from.data() + from.size(), at);
    if (!from.empty() && (failed != std::errc() || end != from.data() + from.size()))
      return base::error(ErrorCode::kCorruption, "the resume file's position is no number");
    if (settings_.from == From::kGenerator) {
      source_ = make_generated(settings_.seed, at, settings_.count, stop_.get_token());
      return {};
    }
    ASSIGN_OR_RETURN(source_, open_lines(settings_.path, at, pool_, stop_.get_token()));
    return {};
  }

  LiveOptions live_options(const std::string& last_id) {
    LiveOptions options{.last_id = last_id, .silence_max = settings_.silence_max, .warn = say_};
    const bool events = settings_.from == From::kMastodon || settings_.from == From::kWikimedia ||
                        settings_.from == From::kServerSentEvents;
    if (events) options.format = LiveOptions::Format::kServerSentEvents;
    options.request =
        settings_.from == From::kXv1
            ? filter_request(url_of(settings_), settings_.track, settings_.oauth1, clock_, random_)
            : get_request(url_of(settings_), settings_.bearer, events);
    return options;
  }

  // From the source to the conveyor.
  Task<void> read() {
    const Shape shape = shape_of(settings_);
    for (std::uint64_t count = 1;; ++count) {
      if (count % kYieldEvery == 0) co_await async::yield();
      auto event = co_await source_->next();
      if (!event) fail(event.error());
      if (!event || !*event) break;
      auto record = settings_.raw_lines ? line_record(**event, settings_.key)
                                        : make_record(**event, shape, settings_.key_path);
      if (!record) {
        ++figures_.malformed;
        if (figures_.malformed <= kWarningsMax)
          say_(fmt::format("passed over a malformed message{}: {}",
                           (*event)->position.empty() ? "" : " that ends at " + (*event)->position,
                           record.error().message));
        if (settings_.strict) {
          fail({record.error().code, "a malformed message: " + record.error().message});
          break;
        }
        record = std::optional<Record>();
      } else if (!*record) {
        ++figures_.skipped;
      }
      if (*record) co_await pace();
      const bool taken = co_await conveyor_.push({*std::move(record), (*event)->position});
      if (!taken) break;
    }
    conveyor_.end();
  }

  // Waits until the next record may go. A feed that fell behind does not make up for it in a burst.
  Task<void> pace() {
    if (settings_.rate <= 0) co_return;
    const auto step = std::chrono::nanoseconds(static_cast<std::int64_t>(1e9 / settings_.rate));
    const auto now = core_.now();
    const auto behind_max = std::max<std::chrono::nanoseconds>(step, milliseconds(100));
    next_record_ = std::max(next_record_ + step, now - behind_max);
    if (next_record_ > now) co_await async::sleep_until(next_record_, stop_.get_token());
  }

  // From the conveyor to the stream.
  Task<void> put() {
    for (;;) {
      auto gathered = co_await conveyor_.gather(settings_.linger);
      if (!gathered.batch.empty()) {
        const auto status = co_await sink_->put(std::move(gathered.batch));
        if (!status) {
          fail(status.error());
          break;
        }
      }
      if (!gathered.position.empty()) acknowledged_ = std::move(gathered.position);
      if (!save(gathered.last) || gathered.last) break;
    }
    save(true);
    conveyor_.give_up();
  }

  bool save(bool now) {
    const bool changed = !acknowledged_.empty() && acknowledged_ != saved_;
    if (settings_.resume_path.empty() || !changed) return true;
    if (!now && core_.now() < saved_at_ + kSaveEvery) return true;
    const auto status =
        resume_.save({source_name(settings_), settings_.target.stream, acknowledged_});
    if (!status) {
      fail({status.error().code, "cannot keep the position: " + status.error().message});
      return false;
    }
    saved_ = acknowledged_;
    saved_at_ = core_.now();
    return true;
  }

  Task<void> report(std::stop_token done) {
    while (settings_.progress_every.count() > 0) {
      const bool waited = co_await async::sleep_for(settings_.progress_every, done);
      if (!waited) co_return;
      const std::chrono::duration<double> spent = core_.now() - started_;
      say_(to_string(figures_, spent.count()));
    }
  }

  // The first failure is the one that tells.
  void fail(base::Error error) {
    if (status_) status_ = std::unexpected(std::move(error));
    stop_.request_stop();
  }

  const Settings& settings_;
  std::function<void(std::string)> say_;
  base::SystemClock clock_;
  base::SystemRandom random_;
  io::RealFiles files_;
  async::BlockingPool pool_{1};
  std::stop_source stop_;
  async::AsioCore core_;
  wire::HttpClient client_;
  Conveyor conveyor_;
  ResumeFile resume_;
  Figures figures_;
  base::Status status_;
  std::unique_ptr<Sink> sink_;
  std::unique_ptr<Source> source_;
  base::SteadyTime started_{};
  base::SteadyTime next_record_{};
  base::SteadyTime saved_at_{};
  std::string acknowledged_;
  std::string saved_;
  std::optional<std::stop_callback<std::function<void()>>> forward_;
};

}  // namespace

Ended run(const Settings& settings, std::function<void(std::string)> say, std::stop_token stop) {
  Feed feed(settings, std::move(say), std::move(stop));
  return feed.run();
}

}  // namespace feed
