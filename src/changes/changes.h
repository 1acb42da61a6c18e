#pragma once

// Changes: every stream of every table's changes: makes, ends, finds, trims and forgets them, and
// adds records to the batches that change items. Owned by the server; one; thread-safe. open()
// before anything, stop() before it dies.
//
// Durable and in agreement: a record is part of the batch of its change, a stream's beginning and
// end are part of the batch that changes the table's definition. Kept for 24 hours.

#include "async/gate.h"
#include "base/snapshot.h"
#include "changes/stream.h"
#include "tables/changes.h"

namespace changes {

inline constexpr std::chrono::hours kRetention{24};
inline constexpr std::chrono::seconds kSweepEvery{60};

class Changes final : public tables::ChangeSink {
 public:
  Changes(store::Store& store, async::Core& control, const base::Clock& clock)
      : store_(store), control_(control), clock_(clock) {}

  async::Task<base::Status> open();
  void start();  // trimming
  async::Task<void> stop();

  // nullptr: no such stream. Feeds are not found.
  StreamPtr find(const StreamName& name) const;
  // At most `limit` streams of the account and region, of one table if it is named, above `after`.
  // Those that have ended come along.
  std::vector<StreamPtr> list(std::string_view account, std::string_view region,
                              std::string_view table, const std::optional<StreamName>& after,
                              std::size_t limit) const;
  std::vector<StreamPtr> feeds() const;
  // Notified when a stream or a feed comes, ends or goes.
  async::Signal& changed() { return changed_; }

  // One pass over what is to be forgotten.
  async::Task<base::Status> trim();

  std::unique_ptr<Recording> record(std::span<const tables::Change> changes,
                                    store::Batch& batch) override;
  void redefine(const tables::Definition* before, const tables::Definition* after,
                store::Batch& batch) override;
  void redefined(const tables::Definition* before, const tables::Definition* after) override;

 private:
  class Held;
  using CaptureId = std::pair<tables::TableId, std::uint16_t>;
  struct Known {
    std::map<CaptureId, StreamPtr> by_capture;
    std::map<StreamName, StreamPtr> by_name;  // without feeds
  };

  StreamPtr of(const tables::Definition& table, const tables::Capture& capture) const;
  void add(StreamPtr stream);
  void forget(const Stream& stream);
  async::Task<void> sweep();

  store::Store& store_;
  async::Core& control_;
  const base::Clock& clock_;
  std::mutex changing_;  // of known_
  base::Snapshot<Known> known_;
  mutable std::mutex ended_mutex_;
  std::map<CaptureId, base::Timestamp> ended_;
  async::Signal changed_;
  async::Gate gate_;
  std::stop_source stop_;
};

}  // namespace changes
