#include "async/departures.h"

#include <utility>

namespace async {

void Departures::add(Traveller& traveller) {
  if (all_.empty()) core_.post([this] { turn(); });
  all_.push_back(&traveller);
  // Whoever came first has waited enough.
  if (all_.size() - departed_ > kTogetherMax) depart();
}

// All but the last, whose add() has not returned yet if it is that which called.
void Departures::depart() {
  const std::size_t end = all_.size() - 1;
  for (; departed_ < end; ++departed_) all_[departed_]->depart();
}

void Departures::turn() {
  const std::vector<Traveller*> now = std::exchange(all_, {});
  for (std::size_t i = std::exchange(departed_, 0); i < now.size(); ++i) now[i]->depart();
  for (Traveller* const traveller : now) traveller->arrive();
}

}  // namespace async
