#pragma once

// Peeking: what a store can do besides that knows some of its keys without waiting. Thread-safe.

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace store {

class Peeking {
 public:
  virtual ~Peeking() = default;
  // What the store's get() answers; nullopt: that needs a wait, so ask get().
  virtual std::optional<base::Result<std::optional<std::string>>> peek(std::string_view key) = 0;
};

}  // namespace store
