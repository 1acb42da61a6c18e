#pragma once

// Departures: small writes of one core's connections leave together, once everything that is ready
// on the core has run. A peer that sleeps has to be woken for its first bytes, which costs the
// sender more than the rest of the system call; with the others' bytes right behind it finds them
// when it looks again. A write waits for at most kTogetherMax others, or one turn of the core.
//
// Owned by its AsioCore; used by the core's own work only.

#include <cstddef>
#include <vector>

#include "async/core.h"

namespace async {

class Departures {
 public:
  static constexpr std::size_t kTogetherMax = 16;

  class Traveller {
   public:
    // Hands its bytes to the system, and resumes nobody.
    virtual void depart() = 0;
    // Then, once: goes on. Both are called after add() has returned.
    virtual void arrive() = 0;

   protected:
    ~Traveller() = default;
  };

  explicit Departures(Core& core) : core_(core) {}

  // The traveller stays where it is until arrive() was called.
  void add(Traveller& traveller);

 private:
  void depart();
  void turn();

  Core& core_;
  std::vector<Traveller*> all_;  // departed up to departed_
  std::size_t departed_ = 0;
};

}  // namespace async
