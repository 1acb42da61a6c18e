#include "feed/conveyor.h"

namespace feed {

using async::Task;

bool Conveyor::has_room(const Item& item) const {
  if (items_.empty()) return true;
  if (items_.size() >= kQueueRecordsMax) return false;
  return !item.record || bytes_ + item.record->bytes() <= kQueueBytesMax;
}

Task<bool> Conveyor::push(Item item) {
  for (;;) {
    if (given_up_) co_return false;
    const auto seen = changed_.version();
    if (has_room(item)) break;
    co_await changed_.wait_past(seen);
  }
  if (item.record) bytes_ += item.record->bytes();
  items_.push_back(std::move(item));
  changed_.notify();
  co_return true;
}

void Conveyor::end() {
  ended_ = true;
  changed_.notify();
}

void Conveyor::give_up() {
  given_up_ = true;
  changed_.notify();
}

bool Conveyor::fill(Gathered& gathered) {
  const std::size_t before = items_.size();
  bool full = false;
  while (!items_.empty() && !full) {
    Item& item = items_.front();
    full = item.record && !gathered.batch.has_room_for(*item.record);
    if (full) break;
    if (item.record) {
      bytes_ -= item.record->bytes();
      gathered.batch.add(*std::move(item.record));
    }
    if (!item.position.empty()) gathered.position = std::move(item.position);
    items_.pop_front();
  }
  if (items_.size() != before) changed_.notify();
  return full || gathered.batch.full();
}

Task<Gathered> Conveyor::gather(std::chrono::milliseconds linger) {
  Gathered gathered{.batch = Batch(one_of_each_key_)};
  auto until = base::SteadyTime::max();
  for (;;) {
    const bool full = fill(gathered);
    gathered.last = ended_ && items_.empty();
    if (full || gathered.last) co_return gathered;
    const auto now = async::Core::current()->now();
    if (!gathered.batch.empty() && until == base::SteadyTime::max()) until = now + linger;
    if (now >= until) co_return gathered;
    co_await changed_.wait_past(changed_.version(), until);
  }
}

}  // namespace feed
