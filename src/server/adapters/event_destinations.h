#pragma once

// Records of asynchronous invocations on their way to S3 or to another function, in the name of the
// function's role. Thread-safe; owned by the server.

#include "functions/ports.h"
#include "identity/identity.h"
#include "wire/caller.h"

namespace server {

class EventDestinations final : public functions::Destinations {
 public:
  EventDestinations(const wire::Caller& caller, const identity::Identity& identity,
                    const base::Clock& clock, base::Random& random)
      : caller_(caller), identity_(identity), clock_(clock), random_(random) {}

  async::Task<base::Status> deliver(functions::InvocationNote note) override;

 private:
  std::string key_of(const functions::InvocationNote& note);

  const wire::Caller& caller_;
  const identity::Identity& identity_;
  const base::Clock& clock_;
  base::Random& random_;
};

}  // namespace server
