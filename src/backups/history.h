#pragma once

// Histories: every change to the tables whose past is wanted, in the order in which it happened.
// Owned by the server; one; thread-safe. open() before any table is written, stop() before it dies.
//
// How a table's past is kept. There is no base picture: today's table is the base, and its past is
// what comes out when changes are undone, newest first. So turning recovery on copies nothing,
// its window begins at that very moment, and forgetting what is older than the window is trimming a
// log: nothing is ever folded into a base. One log a table holds each change with the item before
// and after it, in the batch that makes the change; the log's order is the journal's. It is kept as
// keys, not as a log of the store: those pin the journal's segments, for 35 days here. A record's
// time never runs backwards, and the records of one transaction share theirs, so a moment in time
// is one position of the log and never cuts a transaction in two.
//
// A history is kept while point-in-time recovery is on, and for as long as a picture of the table
// is taken (picture.h): see tables::Definition::settle_history(). With nobody left its log goes.
// Bytes: docs/formats/backups.md.

#include <atomic>
#include <map>
#include <mutex>
#include <stop_token>

#include "async/gate.h"
#include "base/random.h"
#include "base/snapshot.h"
#include "changes/record.h"
#include "store/store.h"
#include "tables/changes.h"

namespace backups {

using changes::Position;

inline constexpr std::chrono::seconds kTrimEvery{60};
// Kept beyond the window, so that its oldest moment can still be asked for.
inline constexpr std::chrono::minutes kTrimSlack{5};
// Of changes that are read at a time.
inline constexpr std::size_t kHistoryPage = 256;
inline constexpr std::size_t kHistoryPageBytes = 4U << 20U;

class History {
 public:
  History(tables::TableId table, std::uint16_t capture, store::Store& store)
      : table_(table), capture_(capture), store_(store) {}

  // Finds where the log begins and ends. Once, for one that was there before; before all else.
  async::Task<base::Status> open();

  tables::TableId table() const { return table_; }
  std::uint16_t capture() const { return capture_; }

  // The position of the change to come: whoever reads the store after this call sees all changes
  // below it.
  Position cut();
  // Of the oldest change that is kept.
  Position first() const { return first_; }
  // The position of the first change after `time`; never beyond cut().
  async::Task<base::Result<Position>> position_after(base::Timestamp time);

  // Changes in [from, until), ascending: a page of them, at least one if there is one.
  async::Task<base::Result<std::vector<changes::Record>>> read(Position from, Position until);
  // The same from the end down.
  async::Task<base::Result<std::vector<changes::Record>>> read_back(Position from, Position until);

  // Forgets what was made before `time`.
  async::Task<base::Status> trim_before(base::Timestamp time);

 private:
  friend class Histories;
  async::Task<base::Result<std::vector<changes::Record>>> page(Position from, Position until,
                                                               bool reverse);

  const tables::TableId table_;
  const std::uint16_t capture_;
  store::Store& store_;
  // Held by a writer from giving a position until the batch has its place in the journal, in one
  // thread, without a suspension.
  std::mutex mutex_;  // next_, last_time_
  Position next_ = 1;
  base::Timestamp last_time_{};
  std::atomic<Position> first_ = 1;
  std::atomic<std::uint8_t> days_ = 0;  // of the window; 0: there is none to trim to
};

using HistoryPtr = std::shared_ptr<History>;

class Histories final : public tables::ChangeSink {
 public:
  Histories(store::Store& store, async::Core& control, const base::Clock& clock,
            base::Random& random)
      : store_(store), control_(control), clock_(clock), random_(random) {}

  async::Task<base::Status> open();
  // Trimming begins.
  void start();
  async::Task<void> stop();

  // nullptr: none is kept.
  HistoryPtr find(const tables::Definition& table) const;
  // Forgets those that no table of `tables` keeps: what a crash has left. At start.
  async::Task<base::Status> forget_others(
      std::vector<std::shared_ptr<const tables::Definition>> tables);
  // One pass over what is older than the windows.
  async::Task<base::Status> trim();

  std::unique_ptr<Recording> record(std::span<const tables::Change> changes,
                                    store::Batch& batch) override;
  void redefine(const tables::Definition* before, const tables::Definition* after,
                store::Batch& batch) override;
  void redefined(const tables::Definition* before, const tables::Definition* after) override;
  // A table with point-in-time recovery leaves a SYSTEM backup.
  void removing(const tables::Table& table, store::Batch& batch) override;

 private:
  class Held;
  using Id = std::pair<tables::TableId, std::uint16_t>;
  using Known = std::map<Id, HistoryPtr>;

  HistoryPtr of(tables::TableId table, std::uint16_t capture) const;
  void add(HistoryPtr history);
  async::Task<base::Status> drop(HistoryPtr history);
  async::Task<void> drop_later(HistoryPtr history);
  async::Task<void> sweep();

  store::Store& store_;
  async::Core& control_;
  const base::Clock& clock_;
  base::Random& random_;
  std::mutex changing_;  // of known_
  base::Snapshot<Known> known_;
  async::Gate gate_;
  std::stop_source stop_;
};

}  // namespace backups
