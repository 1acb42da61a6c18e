#pragma once

// Finds out, by making a throw-away sandbox, what the host allows.

#include <string>

#include "base/result.h"
#include "sandbox/fd.h"
#include "sandbox/planning.h"

namespace sandbox {

// Gives out the user that a sandbox runs as on the host.
struct UserRange {
  bool own = false;  // only the server's own ids can be had
  std::uint32_t first = 0;
  std::uint32_t count = 1;

  Identity at(std::size_t slot) const;
};

struct Trial {
  bool works = false;
  Shape shape;
  UserRange users;
  // Why the first, best shape did not work; empty if it did.
  std::string obstacle;
};

// Blocks for some 10 ms. `id` spreads the users of several servers on one host.
Trial try_shapes(const Fd& image, const std::string& id, const std::string& seccomp);

}  // namespace sandbox
