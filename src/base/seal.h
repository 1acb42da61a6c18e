#pragma once

// Sealer: opaque tokens that only this server can make and read (shard iterators, page tokens,
// session tokens): AES-256-GCM under the server's own key, as base64 text. Immutable and
// thread-safe.

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/random.h"

namespace base {

class Sealer {
 public:
  static constexpr std::size_t kKeyBytes = 32;

  Sealer(std::string key, Random& random);  // CHECKs the key's length; `random` must outlive it

  std::string seal(std::string_view plain) const;
  // nullopt: not made by seal() under this key, or altered.
  std::optional<std::string> open(std::string_view token) const;

 private:
  std::string key_;
  Random& random_;
};

}  // namespace base
