#pragma once

// Journal: every log group of this server with its streams and events. One per server; changes
// happen on its control core, those of a group one after another; reading works from any core. What
// a change answers is durable, and so is what a reader is shown; a crash loses nothing answered.
//
// In memory are the groups only (at most kGroupsMax); streams and events are read from the store in
// pages. Events stand ordered by (time, order of arrival), once by stream, and by a small index for
// the group as a whole. Expired events are not shown, and erased from time to time.
//
// Errors: kNotFound (no such group or stream), kAlreadyExists, kConflict (protected), kLimit.

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <vector>

#include "async/gate.h"
#include "async/mutex.h"
#include "async/signal.h"
#include "base/snapshot.h"
#include "journal/event.h"
#include "journal/group_info.h"
#include "store/store.h"

namespace journal {

inline constexpr std::size_t kGroupsMax = 10'000;

// What runs for a group, shared by the versions of its description.
struct GroupState {
  async::Signal tail;  // notified after each durable append
  std::atomic<std::uint64_t> stored_bytes = 0;

  // On the control core only.
  async::Mutex changing;  // one change to the group's streams at a time
  std::uint64_t last_order = 0;
  bool removed = false;
};

// Immutable; replaced as a whole when the description changes.
struct Group {
  GroupInfo info;
  std::shared_ptr<GroupState> state;
};
using GroupPtr = std::shared_ptr<const Group>;

struct GroupOptions {
  std::string log_class = "STANDARD";
  std::string kms_key_id;
  bool deletion_protected = false;
  std::map<std::string, std::string> tags;
};

struct Appended {
  std::uint64_t stream_id = 0;
  std::uint64_t last_order = 0;  // of the stream's last event
};

// How much one call reads at most.
struct ReadLimits {
  std::size_t events = 1000;
  std::size_t bytes = 1U << 20U;  // stops after the event that passes it
};

// Streams of a group, a page at a time.
struct StreamQuery {
  std::string prefix;  // by name only
  bool by_last_event = false;
  bool descending = false;
  std::size_t limit = 50;
  std::string after;  // StreamPage::next; empty: from the start
};
struct StreamPage {
  std::vector<StreamInfo> streams;
  std::string next;  // empty: that was all
};

struct GroupEvent {
  Event event;
  std::uint64_t stream_id = 0;
  std::string stream;
};
// What is read of a group: which streams, empty means all.
struct GroupQuery {
  Range range;
  std::vector<std::uint64_t> stream_ids;
  std::string stream_prefix;
};
struct GroupPage {
  std::vector<GroupEvent> events;
  // Where to go on; nullopt: the range has been read to its end. A page without events may still
  // have one.
  std::optional<Position> next;
};

class Journal {
 public:
  Journal(store::Store& store, async::Core& control, const base::Clock& clock);

  // Loads the groups. Once, before anything else.
  async::Task<base::Status> open();
  // Erases what has expired or was deleted, in the background, until stop().
  void start();
  async::Task<void> stop();

  // Any core, no waiting. nullptr: no such group.
  GroupPtr find(const GroupKey& key) const;
  // Of one account and region, by name.
  std::vector<GroupPtr> list(const std::string& account_id, const std::string& region) const;

  async::Task<base::Result<GroupPtr>> create_group(GroupKey key, GroupOptions options);
  async::Task<base::Status> remove_group(GroupKey key);
  // Changes everything but key and id. `change` may refuse.
  async::Task<base::Result<GroupPtr>> update_group(GroupKey key,
                                                   std::function<base::Status(GroupInfo&)> change);

  async::Task<base::Status> create_stream(GroupPtr group, std::string name);
  async::Task<base::Status> remove_stream(GroupPtr group, std::string name);
  // kNotFound: no such stream.
  async::Task<base::Result<StreamInfo>> find_stream(GroupPtr group, std::string name) const;
  async::Task<base::Result<StreamPage>> streams(GroupPtr group, StreamQuery query) const;

  // All of them or none. `events` are in the order of time.
  async::Task<base::Result<Appended>> append(GroupPtr group, std::string stream,
                                             std::vector<NewEvent> events);
  // Events of a stream within `range`, those next to its beginning or, `from_end`, next to its end;
  // ascending either way.
  async::Task<base::Result<std::vector<Event>>> read(GroupPtr group, std::uint64_t stream,
                                                     Range range, ReadLimits limits,
                                                     bool from_end) const;
  // Events of the group's streams, merged by time.
  async::Task<base::Result<GroupPage>> read_group(GroupPtr group, GroupQuery query,
                                                  ReadLimits limits) const;

  // The background's work, for tests to do at once.
  async::Task<base::Status> enforce_retention();
  async::Task<base::Status> purge_deleted();

 private:
  using Groups = std::map<GroupKey, GroupPtr>;
  struct Submitted {
    store::Sequence sequence = 0;
    Appended appended;
  };
  // Events of one stream within a page of the group's.
  struct Stretch {
    Range range;
    Position first_row;
    std::size_t rows = 0;
  };
  struct Plan {
    std::map<std::uint64_t, Stretch> stretches;  // by stream
    std::optional<Position> next;                // as GroupPage::next
  };

  async::Task<base::Result<GroupPtr>> create_group_here(GroupKey key, GroupOptions options);
  async::Task<base::Status> remove_group_here(GroupKey key);
  async::Task<base::Result<GroupPtr>> update_group_here(
      GroupKey key, std::function<base::Status(GroupInfo&)> change);
  async::Task<base::Status> create_stream_here(GroupPtr group, std::string name);
  async::Task<base::Status> remove_stream_here(GroupPtr group, std::string name);
  async::Task<base::Result<Appended>> append_here(GroupPtr group, std::string stream,
                                                  std::vector<NewEvent> events);
  async::Task<base::Result<Submitted>> submit_append(GroupPtr group, std::string stream,
                                                     std::vector<NewEvent> events);

  async::Task<base::Result<StreamInfo>> load_stream(std::uint64_t group, std::string name) const;
  using CountIn = base::Result<std::uint64_t> (*)(std::string_view bytes);
  async::Task<base::Result<std::string>> row_at(std::function<std::string(Position)> key_of,
                                                CountIn count, Position from) const;
  static base::Result<Plan> plan_page(const std::vector<store::KeyValue>& entries,
                                      const GroupQuery& query, const Range& range,
                                      ReadLimits limits);
  async::Task<base::Status> collect(const GroupPtr& group, std::uint64_t stream, Stretch stretch,
                                    const std::string& prefix, GroupPage& page) const;
  async::Task<base::Result<std::string>> name_of(std::uint64_t group, std::uint64_t stream) const;

  async::Task<base::Status> trim_group(GroupPtr group);
  async::Task<base::Result<bool>> trim_page(GroupPtr group, Position before);
  async::Task<base::Result<std::uint64_t>> trim_stream(store::Batch& batch, std::uint64_t group,
                                                       std::uint64_t stream, std::uint64_t bytes,
                                                       Position end);
  async::Task<base::Status> purge_group(GroupPtr group);
  async::Task<base::Status> purge_page(GroupPtr group, std::uint64_t stream);
  async::Task<void> sweep();

  std::uint64_t new_id(store::Batch& batch);
  void put_tally(store::Batch& batch, const Group& group) const;
  void publish(const GroupKey& key, GroupPtr group);
  // Waits until all that a reader can have seen is synced.
  async::Task<base::Status> seen_is_durable() const;
  Range visible(const Group& group, Range range) const;

  store::Store& store_;
  async::Core& control_;
  const base::Clock& clock_;

  async::Mutex changing_;  // one change to the groups at a time, whatever it awaits
  std::uint64_t next_id_ = 1;
  base::Snapshot<Groups> groups_;
  async::Signal work_;  // a stream was deleted: there is something to erase
  async::Gate gate_;
  std::stop_source stop_;
};

}  // namespace journal
