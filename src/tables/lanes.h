#pragma once

// Lanes: the cores that write items. A key belongs to one lane, by its partition's hash; its lock
// lives there and every write to it is decided there, and submitted there in a group of writes.
// Fixed for the process's life.

#include <memory>
#include <vector>

#include "tables/locks.h"
#include "tables/write_groups.h"

namespace tables {

struct Lane {
  const std::size_t number;
  async::Core* const core;
  KeyLocks locks;      // on `core` only
  WriteGroups groups;  // the same
};

class Lanes {
 public:
  Lanes(const std::vector<async::Core*>& cores, store::Store& store, ChangeSink* sink) {
    CHECK(!cores.empty());
    for (async::Core* core : cores) {
      const std::size_t number = lanes_.size();
      lanes_.push_back(
          std::make_unique<Lane>(number, core, KeyLocks(), WriteGroups(store, sink, number)));
    }
  }

  Lane& of(std::uint16_t hash) { return *lanes_[hash * lanes_.size() >> 16U]; }
  Lane& at(std::size_t number) { return *lanes_[number]; }
  std::size_t size() const { return lanes_.size(); }
  // Writers of counts: the lanes, and the transactions.
  std::size_t counters() const { return lanes_.size() + 1; }

 private:
  std::vector<std::unique_ptr<Lane>> lanes_;
};

}  // namespace tables
