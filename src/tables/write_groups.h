#pragma once

// WriteGroups: joins what the writes of one lane do to the store. Writes that become ready in the
// same turns of the lane's core share one batch, one row of counts for each table and one record of
// the journal; a key may be written several times in one group. Owned by the lane, used only on its
// core.
//
// A key's lock is given back once its write has joined: who holds the lock next sees what the group
// leaves of the item with after(), or calls submit() before it reads the store. All writes of a
// group are durable together, or fail together.

#include <map>
#include <memory>

#include "async/task.h"
#include "tables/write.h"

namespace tables {

class WriteGroups {
 public:
  static constexpr std::size_t kWritesMax = 256;
  static constexpr std::size_t kBytesMax = 1U << 20U;

  WriteGroups(store::Store& store, ChangeSink* sink, std::size_t lane)
      : store_(store), sink_(sink), lane_(lane) {}

  struct Joining {
    std::shared_ptr<Table> table;
    std::shared_ptr<const Definition> definition;
    std::string key;  // in the store
    std::uint16_t hash = 0;
    LazyItem before;
    LazyItem after;
    Written* written = nullptr;  // filled; it stays where it is until the group is settled
  };

  // What the writes that have joined leave of the item; nullptr: they do not touch it.
  const LazyItem* after(const std::string& key) const;
  void join(Joining write);
  // Waits until all that has joined before is durable: to be awaited by everybody who has joined or
  // has looked at after(), at once.
  async::Task<base::Status> settled();
  // Hands what has joined to the store.
  void submit();

 private:
  struct Group;

  async::Task<base::Status> lead(std::shared_ptr<Group> group);

  store::Store& store_;
  ChangeSink* const sink_;
  const std::size_t lane_;
  std::shared_ptr<Group> gathering_;  // nullptr: the next write begins one
};

}  // namespace tables
