#pragma once

// Time to live: when an item ends, where the store keeps that, and who removes items whose time is
// over. A row of keys::expiries() for each item with an end, written in the batch of the item's own
// write, so the sweep reads only what is due. A row is a hint: the item itself decides, under its
// lock.

#include <stop_token>

#include "async/gate.h"
#include "tables/catalogue.h"

namespace tables {

inline constexpr std::chrono::seconds kSweepEvery{1};
inline constexpr std::size_t kSweepPage = 200;

// Seconds since 1970 at which the item ends; nullopt: it has no end.
std::optional<std::int64_t> expiry_of(const Definition& definition, const Item& item);
// `item_key` is the whole key of the item in the store.
std::string expiry_key(std::int64_t seconds, TableId table, std::string_view item_key);
// As AWS: over, but not so long ago that it must be a mistake (five years).
bool is_over(std::int64_t expiry_seconds, std::int64_t now_seconds);

// Removes expired items within seconds of their end. Owned by Tables; runs on the first lane's
// core.
class Sweeper {
 public:
  Sweeper(store::Store& store, Lanes& lanes, Writer& writer, Catalogue& catalogue,
          const base::Clock& clock)
      : store_(store), lanes_(lanes), writer_(writer), catalogue_(catalogue), clock_(clock) {}

  void start();
  async::Task<void> stop();

  // One pass over what is due now; answers how many rows it has dealt with.
  async::Task<base::Result<std::size_t>> sweep();

 private:
  async::Task<void> run();

  store::Store& store_;
  Lanes& lanes_;
  Writer& writer_;
  Catalogue& catalogue_;
  const base::Clock& clock_;
  async::Gate gate_;
  std::stop_source stop_;
};

}  // namespace tables
