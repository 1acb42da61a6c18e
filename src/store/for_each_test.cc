#include "store/for_each.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "async/manual_core.h"
#include "base/clock.h"
#include "store/memory_store.h"

namespace store {
namespace {

struct ForEach : testing::Test {
  base::ManualClock clock;
  async::ManualCore core{clock};
  MemoryStore store;

  void fill(int count) {
    Batch batch;
    batch.put("a/last", "before");
    for (int i = 0; i < count; ++i) batch.put(fmt::format("b/{:05}", i), fmt::format("{}", i));
    batch.put("c/first", "after");
    ASSERT_TRUE(core.run(store.commit(std::move(batch))));
  }
};

TEST_F(ForEach, WalksOverManyPagesInOrderAndStaysUnderThePrefix) {
  fill(2'500);
  int next = 0;
  const auto walked = core.run(for_each(store, "b/", [&next](const KeyValue& entry) {
    EXPECT_EQ(entry.value, fmt::format("{}", next));
    ++next;
    return base::Status();
  }));
  EXPECT_TRUE(walked);
  EXPECT_EQ(next, 2'500);
}

TEST_F(ForEach, EndsAtTheFirstError) {
  fill(10);
  int seen = 0;
  const auto walked = core.run(for_each(store, "b/", [&seen](const KeyValue&) -> base::Status {
    if (++seen == 3) return std::unexpected(base::Error{base::ErrorCode::kCorruption, "third"});
    return {};
  }));
  ASSERT_FALSE(walked);
  EXPECT_EQ(walked.error().message, "third");
  EXPECT_EQ(seen, 3);
}

TEST_F(ForEach, HandsOverWhatWasDecoded) {
  fill(3);
  std::vector<int> seen;
  const auto decode = [](const std::string& value) { return base::Result<int>(std::stoi(value)); };
  const auto walked = core.run(
      for_each_decoded(store, "b/", decode, [&seen](int value) { seen.push_back(value); }));
  EXPECT_TRUE(walked);
  EXPECT_EQ(seen, (std::vector<int>{0, 1, 2}));
}

}  // namespace
}  // namespace store
