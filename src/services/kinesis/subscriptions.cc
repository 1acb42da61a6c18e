#include "services/kinesis/subscriptions.h"

#include <vector>

namespace services::kinesis {

struct Subscriptions::Lease::Ending {
  std::stop_source stop;
  std::mutex mutex;
  std::optional<api::Error> why;  // the first one counts

  void end(const api::Error& error) {
    {
      const std::lock_guard lock(mutex);
      if (!why) why = error;
    }
    stop.request_stop();
  }
};

struct Subscriptions::Table {
  struct Slot {
    std::optional<base::SteadyTime> called;
    std::optional<base::SteadyTime> opened;
    std::shared_ptr<Lease::Ending> active;

    bool alone_at(base::SteadyTime now) const {
      return opened && now - *opened < kSubscriptionAlone;
    }
    bool called_at(base::SteadyTime now) const { return called && now - *called < kSubscribeEvery; }
  };

  mutable std::mutex mutex;
  std::map<SubscriptionKey, Slot> slots;
  base::SteadyTime swept{};

  // Forgets what no rule needs any more, so that the table holds little more than what is open.
  void sweep(base::SteadyTime now) {
    if (now - swept < kSubscriptionAlone) return;
    swept = now;
    std::erase_if(slots, [now](const auto& entry) {
      const Slot& slot = entry.second;
      return slot.active == nullptr && !slot.alone_at(now) && !slot.called_at(now);
    });
  }
};

Subscriptions::Subscriptions() : table_(std::make_shared<Table>()) {}
Subscriptions::~Subscriptions() = default;

Subscriptions::Admission Subscriptions::admit(const SubscriptionKey& key, base::SteadyTime now) {
  const std::lock_guard lock(table_->mutex);
  table_->sweep(now);
  Table::Slot& slot = table_->slots[key];
  if (slot.alone_at(now)) return Admission::kInUse;
  if (slot.called_at(now)) return Admission::kTooOften;
  slot.called = now;
  return Admission::kAdmitted;
}

std::unique_ptr<Subscriptions::Lease> Subscriptions::open(SubscriptionKey key, base::SteadyTime now,
                                                          const api::Error& to_former) {
  auto ending = std::make_shared<Lease::Ending>();
  std::shared_ptr<Lease::Ending> former;
  {
    const std::lock_guard lock(table_->mutex);
    Table::Slot& slot = table_->slots[key];
    if (slot.alone_at(now)) return nullptr;
    slot.opened = now;
    former = std::exchange(slot.active, ending);
  }
  // Outside of the lock: what waits for it runs at once.
  if (former != nullptr) former->end(to_former);
  return std::unique_ptr<Lease>(new Lease(table_, std::move(key), std::move(ending)));
}

void Subscriptions::end(const std::string& consumer_arn, const api::Error& why) {
  std::vector<std::shared_ptr<Lease::Ending>> ended;
  {
    const std::lock_guard lock(table_->mutex);
    for (auto at = table_->slots.lower_bound({consumer_arn, 0});
         at != table_->slots.end() && at->first.consumer_arn == consumer_arn; ++at)
      if (at->second.active != nullptr) ended.push_back(at->second.active);
  }
  for (const auto& ending : ended) ending->end(why);
}

std::size_t Subscriptions::count() const {
  const std::lock_guard lock(table_->mutex);
  std::size_t count = 0;
  for (const auto& [key, slot] : table_->slots) count += slot.active != nullptr ? 1 : 0;
  return count;
}

Subscriptions::Lease::Lease(std::shared_ptr<Table> table, SubscriptionKey key,
                            std::shared_ptr<Ending> ending)
    : table_(std::move(table)), key_(std::move(key)), ending_(std::move(ending)) {}

Subscriptions::Lease::~Lease() {
  const std::lock_guard lock(table_->mutex);
  const auto slot = table_->slots.find(key_);
  if (slot != table_->slots.end() && slot->second.active == ending_) slot->second.active = nullptr;
}

std::stop_token Subscriptions::Lease::stop_token() const { return ending_->stop.get_token(); }
void Subscriptions::Lease::stop() { ending_->stop.request_stop(); }

std::optional<api::Error> Subscriptions::Lease::why() const {
  const std::lock_guard lock(ending_->mutex);
  return ending_->why;
}

}  // namespace services::kinesis
