#include "streamlog/account_settings.h"

#include <gtest/gtest.h>

#include "async/manual_core.h"
#include "store/memory_store.h"

namespace streamlog {
namespace {

using namespace std::chrono_literals;

class AccountSettingsTest : public testing::Test {
 protected:
  Commitment commit(bool wanted) { return *core.run(settings.commit("1", "eu-west-1", wanted)); }

  base::ManualClock clock;
  async::ManualCore core{clock};
  store::MemoryStore store;
  AccountSettings settings{store, core, clock};
};

TEST_F(AccountSettingsTest, ACommitmentEndsAfterADayAtTheEarliest) {
  const auto begun = clock.now();
  EXPECT_FALSE(settings.commitment("1", "eu-west-1").is_running(begun));
  EXPECT_EQ(commit(true).earliest_end(), begun + 24h);
  clock.advance(1h);
  const Commitment ending = commit(false);
  EXPECT_EQ(ending.ends, begun + 24h);
  EXPECT_TRUE(ending.is_running(clock.now()));
  clock.advance(23h);
  EXPECT_FALSE(settings.commitment("1", "eu-west-1").is_running(clock.now()));
}

TEST_F(AccountSettingsTest, AfterTheLeastTimeItEndsAtOnce) {
  commit(true);
  clock.advance(25h);
  const Commitment ended = commit(false);
  EXPECT_EQ(ended.ends, clock.now());
  EXPECT_FALSE(ended.is_running(clock.now()));
  EXPECT_EQ(commit(false), ended);
  EXPECT_EQ(commit(true).started, clock.now());
}

TEST_F(AccountSettingsTest, WhatIsAboutToEndCanGoOn) {
  const Commitment first = commit(true);
  commit(false);
  EXPECT_EQ(commit(true), first);
}

TEST_F(AccountSettingsTest, IsKeptAndBelongsToOneRegion) {
  const Commitment made = commit(true);
  AccountSettings again(store, core, clock);
  ASSERT_TRUE(core.run(again.open()).has_value());
  EXPECT_EQ(again.commitment("1", "eu-west-1"), made);
  EXPECT_EQ(again.commitment("1", "us-east-1"), Commitment());
}

TEST_F(AccountSettingsTest, AFailedSyncChangesNothing) {
  store.fail();
  EXPECT_FALSE(core.run(settings.commit("1", "eu-west-1", true)).has_value());
  EXPECT_EQ(settings.commitment("1", "eu-west-1"), Commitment());
}

}  // namespace
}  // namespace streamlog
