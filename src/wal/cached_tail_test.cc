#include "wal/cached_tail.h"

#include <gtest/gtest.h>

#include "io/faulty_files.h"

namespace wal {
namespace {

constexpr std::uint64_t kMiB = 1U << 20U;

class CachedTailTest : public testing::Test {
 protected:
  CachedTailTest() {
    EXPECT_TRUE(files_.make_folder("/t"));
    for (const char* const path : {"/t/a", "/t/b"})
      EXPECT_TRUE(files_.open(path, io::OpenMode::kCreateNew));
  }

  base::SeededRandom random_{7};
  io::FaultyFiles files_{random_};
  CachedTail tail_{files_, 16 * kMiB};
};

TEST_F(CachedTailTest, KeepsWhatWasWrittenLast) {
  for (std::uint64_t at = 0; at < 64 * kMiB; at += kMiB) {
    tail_.add("/t/a", at, at + kMiB);
    tail_.trim();
  }
  EXPECT_EQ(files_.released("/t/a"), 48 * kMiB);
}

TEST_F(CachedTailTest, GoesFromFileToFile) {
  tail_.add("/t/a", 64, 6 * kMiB);
  tail_.add("/t/b", 64, 20 * kMiB);
  tail_.trim();
  EXPECT_EQ(files_.released("/t/a"), 6 * kMiB);
  tail_.add("/t/b", 20 * kMiB, 40 * kMiB);
  tail_.trim();
  EXPECT_EQ(files_.released("/t/b"), 20 * kMiB + 64);
}

TEST_F(CachedTailTest, PassesOverFilesThatAreGone) {
  tail_.add("/t/gone", 0, 32 * kMiB);
  tail_.add("/t/a", 0, 32 * kMiB);
  tail_.trim();
  EXPECT_EQ(files_.released("/t/a"), 16 * kMiB);
}

}  // namespace
}  // namespace wal
