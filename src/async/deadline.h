#pragma once

// Deadline: a point in time that moves often and is seldom reached. It keeps at most one timer,
// and moving the deadline later costs nothing: a timer that fires too early looks again. For the
// streams of this module; lives on their core.

#include <memory>

#include "async/core.h"

namespace async {

class Deadline {
 public:
  // `on_passed` runs on the core, while this Deadline lives.
  Deadline(Core& core, std::function<void()> on_passed);
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;
  ~Deadline();

  void set(base::SteadyTime when);
  bool passed() const { return passed_; }

 private:
  void arm();
  struct Link {
    Deadline* owner;  // nullptr once the owner died
  };
  void fired();

  Core& core_;
  std::function<void()> on_passed_;
  base::SteadyTime when_ = base::SteadyTime::max();
  base::SteadyTime armed_for_ = base::SteadyTime::max();
  TimerId timer_ = 0;
  bool passed_ = false;
  std::shared_ptr<Link> link_;
};

}  // namespace async
