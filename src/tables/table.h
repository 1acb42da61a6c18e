#pragma once

// Table: one table at run time: its definition's snapshot, true counts, and which writes may not be
// durable yet. Made by the Catalogue, shared by whoever works on it; thread-safe. Counts survive a
// crash because they are written in the batch of the write that changes them.

#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "store/store.h"
#include "tables/definition.h"

namespace tables {

// Items and bytes of a table (IndexId 0) and of its indexes. Differences, when a write makes them.
struct Count {
  std::int64_t items = 0;
  std::int64_t bytes = 0;
};
using Counts = std::map<IndexId, Count>;

// Remembers how far a reader of freshly written data has to wait: nothing is shown before it is
// durable. Lock-free.
class RecentWrites {
 public:
  // Around a submit(), so that a reader who sees its effect also sees it here.
  class InFlight {
   public:
    explicit InFlight(RecentWrites& owner) : owner_(owner) { ++owner_.in_flight_; }
    ~InFlight() { --owner_.in_flight_; }
    InFlight(const InFlight&) = delete;
    InFlight& operator=(const InFlight&) = delete;
    void submitted(store::Sequence sequence) {
      store::Sequence last = owner_.last_;
      while (last < sequence && !owner_.last_.compare_exchange_weak(last, sequence)) {
      }
    }

   private:
    RecentWrites& owner_;
  };

  // After reading: what has to be durable before the reading is shown.
  store::Sequence to_wait_for(const store::Store& store) const {
    return in_flight_ > 0 ? store.applied() : store::Sequence(last_);
  }

 private:
  std::atomic<std::uint32_t> in_flight_ = 0;
  std::atomic<store::Sequence> last_ = 0;
};

class Table {
 public:
  // `lanes`: how many writers of counts there are.
  Table(std::shared_ptr<const Definition> definition, std::size_t lanes);

  TableId id() const { return id_; }
  std::shared_ptr<const Definition> definition() const;
  void publish(std::shared_ptr<const Definition> definition);
  // No write starts after this; who holds a key's lock still finishes.
  void drop() { dropped_ = true; }
  bool dropped() const { return dropped_; }
  // Restored or imported right now.
  bool filling() const { return filling_; }

  RecentWrites& recent(std::uint16_t hash) { return recent_[hash >> 8U]; }
  RecentWrites& recent_of_all() { return recent_of_all_; }

  Counts counts() const;
  // Adds the difference to the lane's counts and the new counts to the batch.
  void count(std::size_t lane, const Counts& difference, store::Batch& batch);
  // At start, and for counts of lanes that are no more.
  void add_counts(std::size_t lane, const Counts& counts);
  // Forgets an index's counts.
  void forget(IndexId index);

 private:
  const TableId id_;
  mutable std::mutex mutex_;  // definition_, counts_
  std::shared_ptr<const Definition> definition_;
  std::vector<Counts> counts_;
  std::atomic<bool> dropped_ = false;
  std::atomic<bool> filling_ = false;
  std::array<RecentWrites, 256> recent_;
  RecentWrites recent_of_all_;
};

// Keys in the store: see docs/formats/tables.md.
namespace keys {
std::string definition(std::string_view account, std::string_view region, std::string_view name);
std::string all_definitions();
std::string next_table();
std::string items(TableId table);  // + encode_key
std::string item(const Definition& table, const Item& item_or_key);
std::string item(const Definition& table, const LazyItem& item_or_key);
std::uint16_t partition_of(std::string_view item);  // the hash in such a key
std::string entries(TableId table, IndexId index);  // + encode_index_key
std::string all_entries(TableId table);
std::string counts(TableId table, std::size_t lane);
std::string all_counts(TableId table);
std::string all_counts();
std::string expiries();  // + u64 seconds, u32 table, encode_key
std::string token(std::string_view account, std::string_view region, std::string_view token);
}  // namespace keys

std::string encode_counts(const Counts& counts);
base::Result<Counts> decode_counts(std::string_view bytes);

}  // namespace tables
