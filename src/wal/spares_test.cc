#include "wal/spares.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "io/faulty_files.h"

namespace wal {
namespace {

constexpr std::uint64_t kBytes = 1 << 20;

struct SparesTest : testing::Test {
  base::SeededRandom random{1};
  io::FaultyFiles files{random};

  SparesTest() { EXPECT_TRUE(files.make_folder("/j")); }
  void make(const std::string& path, std::uint64_t bytes) {
    const auto file = files.open(path, io::OpenMode::kCreateNew);
    ASSERT_TRUE(file && (*file)->write_at(std::string(bytes, 'x'), 0));
  }
  std::uint64_t size_of(const std::string& path) {
    return *(*files.open(path, io::OpenMode::kRead))->size();
  }
};

TEST_F(SparesTest, KeepsAsManyAsItMayAndRemovesTheRest) {
  Spares spares(files, "/j", kBytes, 2);
  ASSERT_TRUE(spares.open());
  for (const char* const path : {"/j/a", "/j/b", "/j/c"}) {
    make(path, kBytes);
    EXPECT_TRUE(spares.keep_or_remove(path));
  }
  EXPECT_EQ(spares.count(), 2U);
  EXPECT_THAT(*files.list("/j"), testing::ElementsAre("1.spare", "2.spare"));
  EXPECT_TRUE(spares.take() && spares.take());
  EXPECT_FALSE(spares.take());
}

TEST_F(SparesTest, RemovesWhatHasAnotherSize) {
  Spares spares(files, "/j", kBytes, 2);
  make("/j/short", 100);
  make("/j/long", kBytes + 1);
  EXPECT_TRUE(spares.keep_or_remove("/j/short"));
  EXPECT_TRUE(spares.keep_or_remove("/j/long"));
  EXPECT_THAT(*files.list("/j"), testing::IsEmpty());
}

TEST_F(SparesTest, PreparesOneOfFullSizeAndNoMore) {
  Spares spares(files, "/j", kBytes + 5, 2);
  EXPECT_TRUE(spares.prepare());
  EXPECT_TRUE(spares.prepare());
  EXPECT_EQ(spares.count(), 1U);
  EXPECT_EQ(size_of(*spares.take()), kBytes + 5);
}

TEST_F(SparesTest, LeavesNothingBehindWhenItIsStopped) {
  Spares spares(files, "/j", kBytes, 2);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_TRUE(spares.prepare(stop.get_token()));
  EXPECT_EQ(spares.count(), 0U);
  EXPECT_THAT(*files.list("/j"), testing::IsEmpty());
}

TEST_F(SparesTest, LeavesNothingBehindOnAFullDisk) {
  Spares spares(files, "/j", kBytes, 2);
  files.limit_space(kBytes / 2);
  EXPECT_TRUE(spares.prepare());
  EXPECT_EQ(spares.count(), 0U);
  EXPECT_THAT(*files.list("/j"), testing::IsEmpty());
}

TEST_F(SparesTest, LeavesNothingBehindWhenTheDiskFails) {
  Spares spares(files, "/j", kBytes, 2);
  files.fail_syncs(1);
  EXPECT_EQ(spares.prepare().error().code, base::ErrorCode::kIo);
  EXPECT_EQ(spares.count(), 0U);
  EXPECT_THAT(*files.list("/j"), testing::IsEmpty());
}

TEST_F(SparesTest, FindsWhatAnEarlierLifeHasLeft) {
  make("/j/7.spare", kBytes);
  make("/j/8.spare.new", 10);
  make("/j/00000000000000000001.journal", 10);
  Spares spares(files, "/j", kBytes, 2);
  ASSERT_TRUE(spares.open());
  EXPECT_THAT(*files.list("/j"), testing::ElementsAre("00000000000000000001.journal", "7.spare"));
  EXPECT_EQ(spares.take(), "/j/7.spare");
  ASSERT_TRUE(spares.prepare());
  EXPECT_EQ(spares.take(), "/j/8.spare");
}

}  // namespace
}  // namespace wal
