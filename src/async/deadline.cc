#include "async/deadline.h"

namespace async {

Deadline::Deadline(Core& core, std::function<void()> on_passed)
    : core_(core), on_passed_(std::move(on_passed)) {}

Deadline::~Deadline() {
  if (link_) link_->owner = nullptr;
  if (timer_ != 0) core_.cancel(timer_);
}

void Deadline::set(base::SteadyTime when) {
  when_ = when;
  passed_ = false;
  arm();
}

void Deadline::arm() {
  if (when_ == base::SteadyTime::max() || passed_) return;
  if (timer_ != 0 && armed_for_ <= when_) return;
  if (timer_ != 0) core_.cancel(timer_);
  // A timer that was cancelled too late finds an orphaned link.
  if (link_) link_->owner = nullptr;
  link_ = std::make_shared<Link>(this);
  armed_for_ = when_;
  timer_ = core_.schedule(when_, [link = link_] {
    if (link->owner != nullptr) link->owner->fired();
  });
}

void Deadline::fired() {
  timer_ = 0;
  if (when_ == base::SteadyTime::max()) return;
  if (core_.now() < when_) return arm();
  passed_ = true;
  on_passed_();
}

}  // namespace async
