#pragma once

// Context: what an operation knows of its request besides the input. A value that lives as long as
// the call; handlers take it by reference and may keep that reference until they have answered.

#include <memory>
#include <optional>
#include <string>

#include "auth/context.h"
#include "auth/principal.h"
#include "base/clock.h"
#include "wire/event_format.h"

namespace wire {

struct HttpRequest;

struct Context {
  std::shared_ptr<const auth::Principal> principal;  // never null
  std::string account_id;                            // the account whose resources are meant
  std::string region;                                // from the signature's scope
  std::string request_id;
  auth::RequestFacts facts;
  base::SteadyTime deadline = base::SteadyTime::max();
  // How the caller wants to be sent events.
  EventFormat event_format = EventFormat::kJson;
  // The HTTP request behind the call; nullptr for calls from within.
  const HttpRequest* http = nullptr;
};

}  // namespace wire
