#include "client/follow.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "async/when_all.h"

namespace client {
namespace {

namespace k = api::kinesis;
using async::Task;
using std::chrono::milliseconds;

constexpr unsigned kQuietAttempts = 4;  // throttling that passes soon is not worth a word
// A page may be empty although there is more: AWS looks through a stretch of the log at a time.
constexpr milliseconds kAfterEmptyPage{200};

struct Reading {
  enum class State {
    kWaits,  // for its parents
    kReads,
    kDone,
  };
  std::string id;
  std::vector<std::string> parents;
  bool closed = false;
  State state = State::kWaits;
  From from;
  std::string last_sequence;    // of the last record that was taken
  base::Timestamp looked_at{};  // when it was read last
  std::optional<std::string> iterator;
  base::SteadyTime due{};
  unsigned attempt = 0;  // failures in a row
  base::SteadyTime failing_since{};
};

using State = Reading::State;

base::SteadyTime now() { return async::Core::current()->now(); }

// Decimal numbers of any length.
bool less_or_equal(std::string_view a, std::string_view b) {
  return a.size() != b.size() ? a.size() < b.size() : a <= b;
}

k::GetShardIteratorInput iterator_input(const std::string& stream, const Reading& shard) {
  k::GetShardIteratorInput input{.stream_name = stream, .shard_id = shard.id};
  if (!shard.last_sequence.empty()) {
    input.shard_iterator_type = "AFTER_SEQUENCE_NUMBER";
    input.starting_sequence_number = shard.last_sequence;
    return input;
  }
  switch (shard.from.kind) {
    case From::Kind::kTrim: input.shard_iterator_type = "TRIM_HORIZON"; break;
    case From::Kind::kLatest: input.shard_iterator_type = "LATEST"; break;
    case From::Kind::kTime:
      input.shard_iterator_type = "AT_TIMESTAMP";
      input.timestamp = shard.from.time;
      break;
    case From::Kind::kSequence:
      input.shard_iterator_type = "AT_SEQUENCE_NUMBER";
      input.starting_sequence_number = shard.from.sequence;
      break;
  }
  return input;
}

class Follower {
 public:
  Follower(Retries with, FollowOptions options, FollowSink& sink, base::Clock& clock)
      : with_(std::move(with)), options_(std::move(options)), sink_(sink), clock_(clock) {}

  Task<Answer<void>> run() {
    auto begun = co_await begin();
    if (!begun) co_return begun;
    while (!over()) {
      if (list_again_) {
        list_again_ = false;
        auto listed = co_await list({options_.give_up_after, true});
        if (!listed) co_return with_.stop.stop_requested() ? Answer<void>() : listed;
      }
      start_ready();
      const auto due = next_due();
      if (!due) break;
      if (*due > now()) co_await async::sleep_until(*due, with_.stop);
      else co_await read_wave();
    }
    if (failure_) co_return std::unexpected(*std::move(failure_));
    co_return Answer<void>();
  }

 private:
  bool over() const { return failure_ || enough_ || with_.stop.stop_requested(); }

  // --- which shards there are ------------------------------------------------------------------
  Task<Answer<void>> list(Patience patience) {
    auto shards = co_await list_shards(with_, options_.stream, patience);
    if (!shards) co_return std::unexpected(std::move(shards).error());
    for (const k::Shard& shard : *shards)
      learn(shard.shard_id.value_or(""), parents_of(shard), !is_open(shard));
    listed_ = *std::move(shards);
    co_return Answer<void>();
  }

  void learn(const std::string& id, std::vector<std::string> parents, bool closed) {
    if (!options_.shard.empty() && id != options_.shard) return;
    if (!options_.shard.empty()) parents.clear();
    auto [at, fresh] = shards_.try_emplace(id);
    at->second.closed = closed;
    if (!fresh) return;
    at->second.id = id;
    at->second.parents = std::move(parents);
  }

  Task<Answer<void>> begin() {
    auto listed = co_await list({});
    if (!listed) co_return listed;
    if (!options_.shard.empty() && shards_.empty())
      co_return std::unexpected(
          Failure{.message = fmt::format("stream {} has no shard {}. Which it has: millrace stream "
                                         "describe {}",
                                         options_.stream, options_.shard, options_.stream)});
    auto placed = co_await place();
    if (!placed) co_return placed;
    start_ready();
    while (!over()) {
      const auto readings = due_readings([](const Reading& shard) { return !shard.iterator; });
      if (readings.empty()) break;
      co_await in_wave(readings, &Follower::fetch_iterator);
    }
    if (options_.follow && !over()) {
      const auto reading = std::ranges::count(shards_, State::kReads,
                                              [](const auto& entry) { return entry.second.state; });
      sink_.note(fmt::format("following {} shard{} of {}", reading, reading == 1 ? "" : "s",
                             options_.stream));
    }
    co_return Answer<void>();
  }

  // Says for each shard where to begin.
  Task<Answer<void>> place() {
    From from = options_.from;
    std::string owner = options_.shard;
    if (from.kind == From::Kind::kSequence && owner.empty()) {
      auto found = co_await find_owner();
      if (!found) co_return std::unexpected(std::move(found).error());
      owner = *std::move(found);
      from = others_from_;
    }
    for (auto& [id, shard] : shards_) {
      shard.from = id == owner ? options_.from : from;
      if (from.kind != From::Kind::kLatest || id == owner) continue;
      shard.state = shard.closed ? State::kDone : State::kReads;
    }
    co_return Answer<void>();
  }

  // Whose sequence number it is, and from when on its record lets the others begin.
  Task<Answer<std::string>> find_owner() {
    const std::string& number = options_.from.sequence;
    Failure last{.message = "no shard has had sequence number " + number};
    for (const k::Shard& shard : listed_) {
      const auto range = shard.sequence_number_range.value_or(k::SequenceNumberRange());
      if (!less_or_equal(range.starting_sequence_number.value_or("0"), number)) continue;
      if (range.ending_sequence_number && !less_or_equal(number, *range.ending_sequence_number))
        continue;
      k::GetShardIteratorInput input{.stream_name = options_.stream, .shard_id = shard.shard_id};
      input.shard_iterator_type = "AT_SEQUENCE_NUMBER";
      input.starting_sequence_number = number;
      const auto iterator = co_await call_patiently<k::op::GetShardIterator>(with_, input);
      if (!iterator && iterator.error().code != "InvalidArgumentException")
        co_return std::unexpected(iterator.error());
      if (!iterator) continue;
      const auto page = co_await call_patiently<k::op::GetRecords>(
          with_, {.shard_iterator = iterator->shard_iterator, .limit = 1});
      if (!page) co_return std::unexpected(page.error());
      others_from_ = {.kind = From::Kind::kLatest};
      if (page->records && !page->records->empty())
        others_from_ = {.kind = From::Kind::kTime,
                        .time = page->records->front().approximate_arrival_timestamp.value_or(
                            base::Timestamp())};
      co_return *shard.shard_id;
    }
    co_return std::unexpected(std::move(last));
  }

  // Those whose parents have all been read.
  void start_ready() {
    for (auto& [id, shard] : shards_) {
      if (shard.state != State::kWaits) continue;
      const bool ready = std::ranges::all_of(shard.parents, [this](const std::string& parent) {
        const auto at = shards_.find(parent);
        return at == shards_.end() || at->second.state == State::kDone;
      });
      if (ready) shard.state = State::kReads;
    }
  }

  // --- reading ---------------------------------------------------------------------------------
  std::optional<base::SteadyTime> next_due() const {
    std::optional<base::SteadyTime> first;
    for (const auto& [id, shard] : shards_)
      if (shard.state == State::kReads && (!first || shard.due < *first)) first = shard.due;
    return first;
  }

  // At most kReadsAtOnce, those first that have waited longest.
  template <class Wanted>
  std::vector<Reading*> due_readings(Wanted wanted) {
    std::vector<Reading*> readings;
    for (auto& [id, shard] : shards_)
      if (shard.state == State::kReads && wanted(shard)) readings.push_back(&shard);
    std::ranges::sort(readings, [](const Reading* a, const Reading* b) {
      return a->due != b->due ? a->due < b->due : a->id < b->id;
    });
    if (readings.size() > kReadsAtOnce) readings.resize(kReadsAtOnce);
    return readings;
  }

  Task<void> read_wave() {
    const auto at = now();
    const auto readings = due_readings([at](const Reading& shard) { return shard.due <= at; });
    co_await in_wave(readings, &Follower::read_page);
  }

  Task<void> in_wave(const std::vector<Reading*>& readings,
                     Task<bool> (Follower::*step)(Reading&)) {
    std::vector<Task<bool>> steps;
    for (Reading* const shard : readings) steps.push_back((this->*step)(*shard));
    co_await async::when_all(std::move(steps));
  }

  Task<bool> fetch_iterator(Reading& shard) {
    if (shard.due > now()) co_await async::sleep_until(shard.due, with_.stop);
    auto answer =
        co_await with_.caller.call<k::op::GetShardIterator>(iterator_input(options_.stream, shard));
    if (!answer) {
      failed(shard, answer.error());
      co_return false;
    }
    shard.iterator = answer->shard_iterator;
    shard.looked_at = clock_.now();
    co_return true;
  }

  Task<bool> read_page(Reading& shard) {
    if (!shard.iterator) {
      const bool fetched = co_await fetch_iterator(shard);
      if (!fetched) co_return false;
    }
    const auto looked_at = clock_.now();
    auto page = co_await with_.caller.call<k::op::GetRecords>({.shard_iterator = shard.iterator});
    if (!page) {
      failed(shard, page.error());
      co_return false;
    }
    worked(shard);
    shard.looked_at = looked_at;
    const bool empty = !page->records || page->records->empty();
    if (!empty && !enough_) {
      enough_ = !sink_.take(shard.id, *page->records);
      shard.last_sequence = page->records->back().sequence_number.value_or("");
    }
    shard.iterator = page->next_shard_iterator;
    const bool caught_up = page->millis_behind_latest.value_or(0) == 0;
    if (!shard.iterator) ended(shard, page->child_shards.value_or(std::vector<k::ChildShard>()));
    // What is closed has an end that is yet to be seen.
    else if (caught_up && !options_.follow && !shard.closed) shard.state = State::kDone;
    else if (caught_up) shard.due = now() + kPollEvery;
    else shard.due = now() + (empty ? kAfterEmptyPage : milliseconds(0));
    co_return true;
  }

  void ended(Reading& shard, const std::vector<k::ChildShard>& children) {
    shard.state = State::kDone;
    std::vector<std::string> names;
    for (const k::ChildShard& child : children) {
      names.push_back(child.shard_id.value_or(""));
      const auto parents = child.parent_shards.value_or(std::vector<std::string>{shard.id});
      if (!shards_.contains(names.back())) learn(names.back(), parents, false);
    }
    list_again_ = list_again_ || (children.empty() && options_.shard.empty() && !shard.closed);
    if (!options_.follow) return;
    sink_.note(names.empty() ? fmt::format("{} has ended", shard.id)
                             : fmt::format("{} has ended; it goes on in {}", shard.id,
                                           fmt::join(names, " and ")));
  }

  // --- failures --------------------------------------------------------------------------------
  void worked(Reading& shard) {
    shard.attempt = 0;
    if (!unreachable_) return;
    unreachable_ = false;
    sink_.note("reached again");
  }

  void failed(Reading& shard, const Failure& failure) {
    if (failure.code == "ExpiredIteratorException") {
      shard.iterator.reset();
      // LATEST would be a later place now.
      if (shard.from.kind == From::Kind::kLatest)
        shard.from = {.kind = From::Kind::kTime, .time = shard.looked_at};
      return;
    }
    if (shard.attempt++ == 0) shard.failing_since = now();
    if (!failure.passing || now() > shard.failing_since + options_.give_up_after) {
      if (!failure_) failure_ = failure;
      return;
    }
    if (failure.unreachable && !unreachable_)
      sink_.note(fmt::format("{}; trying again", failure.message));
    else if (!failure.unreachable && shard.attempt == kQuietAttempts)
      sink_.note(fmt::format("{}: {}; trying again", shard.id, to_string(failure)));
    unreachable_ = unreachable_ || failure.unreachable;
    shard.due = now() + retry_delay(shard.attempt, with_.random);
  }

  Retries with_;
  FollowOptions options_;
  FollowSink& sink_;
  base::Clock& clock_;
  std::map<std::string, Reading> shards_;  // by id: in the order they were made
  std::vector<k::Shard> listed_;
  From others_from_;
  bool list_again_ = false;
  bool enough_ = false;
  bool unreachable_ = false;
  std::optional<Failure> failure_;
};

}  // namespace

Task<Answer<void>> follow(Retries with, FollowOptions options, FollowSink& sink,
                          base::Clock& clock) {
  Follower follower(std::move(with), std::move(options), sink, clock);
  auto ended = co_await follower.run();
  co_return ended;
}

}  // namespace client
