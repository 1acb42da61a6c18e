#pragma once

// Conveyor: the bounded queue between what reads a source and what puts its records. It holds at
// most two requests' worth, so a stream that takes nothing stops the source from being read.
//
// One pusher and one gatherer, both on one core.

#include <deque>
#include <optional>

#include "async/signal.h"
#include "feed/batch.h"

namespace feed {

inline constexpr std::size_t kQueueRecordsMax = 2 * kBatchRecordsMax;
inline constexpr std::size_t kQueueBytesMax = 2 * kBatchBytesMax;

// A record, or none: then only the position moves once all before it are acknowledged.
struct Item {
  std::optional<Record> record;
  std::string position;
};

struct Gathered {
  Batch batch;
  std::string position;  // behind the batch; empty: unknown, as before
  bool last = false;     // nothing comes after it
};

class Conveyor {
 public:
  explicit Conveyor(bool one_of_each_key) : one_of_each_key_(one_of_each_key) {}

  // Waits for room. False: the gatherer has given up.
  async::Task<bool> push(Item item);
  void end();  // nothing more is pushed

  // Waits for a record, then for as many as fit into a request, at most `linger` longer.
  async::Task<Gathered> gather(std::chrono::milliseconds linger);
  void give_up();

 private:
  bool has_room(const Item& item) const;
  // Moves what fits; true if the batch is as full as it gets.
  bool fill(Gathered& gathered);

  bool one_of_each_key_;
  std::deque<Item> items_;
  std::size_t bytes_ = 0;
  bool ended_ = false;
  bool given_up_ = false;
  async::Signal changed_;
};

}  // namespace feed
