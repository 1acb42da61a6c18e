#pragma once

// Lanes: the cores that write items. A key belongs to one lane, by its partition's hash; its lock
// lives there and every write to it is decided and submitted there. Fixed for the process's life.

#include <memory>
#include <vector>

#include "tables/locks.h"

namespace tables {

struct Lane {
  std::size_t number = 0;
  async::Core* core = nullptr;
  KeyLocks locks;  // on `core` only
};

class Lanes {
 public:
  explicit Lanes(const std::vector<async::Core*>& cores) {
    CHECK(!cores.empty());
    for (async::Core* core : cores) {
      lanes_.push_back(std::make_unique<Lane>());
      lanes_.back()->number = lanes_.size() - 1;
      lanes_.back()->core = core;
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
