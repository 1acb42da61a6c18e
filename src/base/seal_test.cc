#include "base/seal.h"

#include <gtest/gtest.h>

namespace base {
namespace {

TEST(Sealer, OpensItsOwnTokensOnly) {
  SeededRandom random(1);
  const Sealer sealer(std::string(Sealer::kKeyBytes, 'k'), random);
  const Sealer other(std::string(Sealer::kKeyBytes, 'x'), random);
  const std::string token = sealer.seal("shard 3");
  EXPECT_EQ(sealer.open(token), "shard 3");
  EXPECT_EQ(other.open(token), std::nullopt);
  EXPECT_EQ(sealer.open("AAAA"), std::nullopt);
  for (std::size_t i = 0; i + 4 < token.size(); ++i) {
    std::string altered = token;
    altered[i] = altered[i] == 'A' ? 'B' : 'A';
    EXPECT_EQ(sealer.open(altered), std::nullopt) << i;
  }
}

}  // namespace
}  // namespace base
