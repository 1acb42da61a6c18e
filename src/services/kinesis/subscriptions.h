#pragma once

// Subscriptions: who is subscribed to which shard, at most one for each consumer and shard. One per
// server; thread-safe, and so are its leases. Nothing survives a restart: connections do not
// either.
//
// A lease is held as long as its subscription lives, and may outlive the Subscriptions. It is ended
// from outside with the error that the subscriber is told: by the next one that takes over, or
// because its consumer went.

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "api/error.h"
#include "base/clock.h"

namespace services::kinesis {

// From a subscription on nobody else may subscribe, even if it has ended meanwhile.
inline constexpr std::chrono::seconds kSubscriptionAlone{5};
// Calls for the same consumer and shard that have led to nothing.
inline constexpr std::chrono::seconds kSubscribeEvery{1};

struct SubscriptionKey {
  std::string consumer_arn;
  std::uint32_t shard = 0;

  auto operator<=>(const SubscriptionKey&) const = default;
};

class Subscriptions {
 public:
  class Lease;
  enum class Admission { kAdmitted, kInUse, kTooOften };

  Subscriptions();
  ~Subscriptions();

  // Counts a call, before its starting position is looked at.
  Admission admit(const SubscriptionKey& key, base::SteadyTime now);
  // Takes the shard over; whoever had it is told `to_former`. nullptr: in use, as for admit().
  std::unique_ptr<Lease> open(SubscriptionKey key, base::SteadyTime now,
                              const api::Error& to_former);
  // Ends every subscription of a consumer that is gone.
  void end(const std::string& consumer_arn, const api::Error& why);
  std::size_t count() const;

 private:
  struct Table;
  std::shared_ptr<Table> table_;
};

class Subscriptions::Lease {
 public:
  ~Lease();
  // Requested by stop() and by whoever ends the lease.
  std::stop_token stop_token() const;
  void stop();
  // What the subscriber is to be told; nullopt unless it was ended from outside.
  std::optional<api::Error> why() const;

 private:
  friend class Subscriptions;
  struct Ending;
  Lease(std::shared_ptr<Table> table, SubscriptionKey key, std::shared_ptr<Ending> ending);

  const std::shared_ptr<Table> table_;
  const SubscriptionKey key_;
  const std::shared_ptr<Ending> ending_;
};

}  // namespace services::kinesis
