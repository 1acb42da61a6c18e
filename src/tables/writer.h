#pragma once

// Writer: applies writes to the store. A write hops to its key's lane, takes the key's lock, reads,
// decides, joins the lane's group of writes, gives the lock back and only then waits until the
// group is durable (where nobody holds the lock and memory knows the item, nothing comes in
// between, and no lock is taken): a hot key is limited by the lane, not by the disk's syncs, and
// batches and syncs are shared by whoever waits. Nothing is answered before what it rests on is
// durable, refusals included. Thread-safe; everything it refers to outlives it.

#include "async/task.h"
#include "base/clock.h"
#include "store/peeking.h"
#include "tables/lanes.h"
#include "tables/write.h"

namespace tables {

inline constexpr std::size_t kTransactionItemsMax = 100;
inline constexpr std::size_t kTransactionBytesMax = 4U << 20U;

using TablePtr = std::shared_ptr<Table>;

struct TableWrite {
  TablePtr table;
  Write write;
  // The keys::item() of who has made it already and has checked the write.
  std::string key = {};
};

class Writer {
 public:
  Writer(store::Store& store, Lanes& lanes, const base::Clock& clock, ChangeSink* sink)
      : store_(store),
        peeking_(dynamic_cast<store::Peeking*>(&store)),
        lanes_(lanes),
        clock_(clock),
        sink_(sink) {}

  async::Task<api::Outcome<Written>> write(TablePtr table, Write write);

  // Writes without conditions, each for itself (BatchWriteItem): no two name the same item. Answers
  // in order; the first error if any failed.
  async::Task<api::Outcome<std::vector<Written>>> write_all(std::vector<TableWrite> writes);

  // All or nothing, over any tables. `token` (the whole store key) makes a repetition within ten
  // minutes a success that does nothing; `fingerprint` tells whether it is the same request.
  struct Token {
    std::string key;
    std::string fingerprint;
  };
  async::Task<api::Outcome<std::vector<Written>>> transact(std::vector<TableWrite> writes,
                                                           std::optional<Token> token);

  // The items as they are at one moment.
  struct TableKey {
    TablePtr table;
    Item key;
  };
  async::Task<api::Outcome<std::vector<std::optional<Item>>>> transact_get(
      std::vector<TableKey> wanted);

  // Takes and gives back every lock that is held now: afterwards every write knows the definition
  // that was published before the call.
  async::Task<void> drain();

  // Rewrites the item's entry in an index that is being built. Nothing if the item is gone.
  async::Task<base::Status> backfill(TablePtr table, IndexId index, std::string item_key);

  // Notes when the item ends, for items from before time to live was enabled.
  async::Task<base::Status> note_expiry(TablePtr table, std::string item_key);
  // Removes the item if its time is over, and the row that said so in any case.
  async::Task<base::Status> expire(TablePtr table, std::string item_key, std::string row,
                                   std::int64_t now_seconds);

 private:
  struct Place {  // where a write happens
    std::string key;
    std::uint16_t hash;
  };
  static Place place_of(const Definition& definition, const LazyItem& item);
  struct Placed {  // both stay where they are until it is done
    TableWrite* write;
    Written* written;
  };
  async::Task<base::Result<std::optional<Item>>> read(std::string key);
  async::Task<base::Result<LazyItem>> find(std::string key);
  // The item as it is for who holds its key's lock, on its lane.
  async::Task<base::Result<LazyItem>> look(Lane& lane, const std::string& key);
  // The same of a key that nobody has locked, good until the next wait; nullopt: that takes a lock.
  std::optional<LazyItem> peek(Lane& lane, const std::string& key);
  std::optional<std::vector<LazyItem>> peek_all(Lane& lane, const std::vector<Placed>& writes);
  async::Task<api::Outcome<Written>> write_here(Lane& lane, TablePtr table, Write write,
                                                Place place);
  async::Task<api::Outcome<void>> write_lane(Lane& lane, std::vector<Placed> writes);
  async::Task<std::vector<KeyLocks::Lock>> lock_here(Lane& lane, const std::vector<Placed>& writes);
  async::Task<base::Status> settle(store::Sequence sequence);

  struct Held;  // the locks of a transaction
  async::Task<void> lock_all(std::vector<std::pair<std::size_t, std::string>> wanted, Held& held);
  async::Task<void> release_all(Held& held);
  async::Task<api::Outcome<std::vector<Written>>> transact_locked(
      std::vector<TableWrite>& writes, const std::vector<Place>& places,
      const std::optional<Token>& token);

  store::Store& store_;
  store::Peeking* const peeking_;  // the same store, if it can do that
  Lanes& lanes_;
  const base::Clock& clock_;
  ChangeSink* const sink_;
};

}  // namespace tables
