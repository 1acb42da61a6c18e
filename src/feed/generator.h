#pragma once

// Synthetic tweets in the v1.1 shape: invented people, several scripts and emoji, 1 to 10 kB, some
// users busier than others. Pure: the same seed gives the same tweets on every machine, and each of
// them depends on its number only, so that a feed can begin anywhere.

#include <cstdint>
#include <string>

namespace feed {

class Generator {
 public:
  explicit Generator(std::uint64_t seed) : seed_(seed) {}

  // Tweet `index` (from 0) as a line of JSON without its end mark. About one in fifty shares
  // user.name and created_at with one shortly before it, as real feeds do.
  std::string tweet(std::uint64_t index) const;

 private:
  std::uint64_t seed_;
};

}  // namespace feed
