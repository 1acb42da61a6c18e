#include "tables/throttle.h"

#include <gtest/gtest.h>

namespace tables {
namespace {

using namespace std::chrono_literals;

Definition provisioned(std::int64_t read, std::int64_t write) {
  Definition made;
  made.id = TableId(1);
  made.throughput.read = read;
  made.throughput.write = write;
  return made;
}

Definition on_demand() {
  Definition made;
  made.id = TableId(1);
  made.on_demand = true;
  return made;
}

class ThrottleTest : public testing::Test {
 protected:
  // Draws unit by unit until it is refused.
  int drain(const Draw& draw) {
    int units = 0;
    for (; !throttle.check(draw) && units < 2'000'000; ++units) throttle.charge(draw, 1);
    return units;
  }

  base::ManualClock clock;
  Throttle throttle{clock};
};

TEST_F(ThrottleTest, ProvisionedUnitsAreSavedForFiveMinutes) {
  const Definition table = provisioned(1, 2);
  EXPECT_EQ(drain({.table = table, .writes = true}), 600);
  EXPECT_EQ(throttle.check({.table = table, .writes = true}), Limit::kProvisioned);
  EXPECT_EQ(throttle.check({.table = table}), std::nullopt);  // reads draw on their own
  clock.advance(10s);
  EXPECT_EQ(drain({.table = table, .writes = true}), 20);
  clock.advance(1h);
  EXPECT_EQ(drain({.table = table, .writes = true}), 600);
}

TEST_F(ThrottleTest, ALargeOperationPassesAndLeavesADebt) {
  const Definition table = provisioned(1, 1);
  const Draw draw{.table = table, .writes = true};
  throttle.charge(draw, 310);
  clock.advance(10s);
  EXPECT_EQ(throttle.check(draw), Limit::kProvisioned);
  clock.advance(1s);
  EXPECT_EQ(throttle.check(draw), std::nullopt);
}

TEST_F(ThrottleTest, APartitionGivesNoMoreThanItsShare) {
  const Definition table = provisioned(30'000, 10'000);
  EXPECT_EQ(partitions_of({.table = table}), 20);
  const Draw hot{.table = table, .writes = true, .hash = std::uint16_t{0}};
  EXPECT_EQ(drain(hot), kPartitionWrites);
  EXPECT_EQ(throttle.check(hot), Limit::kKeyRange);
  EXPECT_EQ(throttle.check({.table = table, .writes = true, .hash = std::uint16_t{0xFFFF}}),
            std::nullopt);
  clock.advance(1s);
  EXPECT_EQ(drain(hot), kPartitionWrites);
}

TEST_F(ThrottleTest, OnDemandTablesHaveFourPartitionsAndTheirMaxima) {
  Definition table = on_demand();
  EXPECT_EQ(partitions_of({.table = table}), 4);
  EXPECT_EQ(partitions_of({.table = table, .bytes = 5 * kPartitionBytes}), 5);
  EXPECT_EQ(drain({.table = table}), kTableUnitsMax);
  EXPECT_EQ(throttle.check({.table = table}), Limit::kAccount);
  table.maxima.write = 7;
  EXPECT_EQ(drain({.table = table, .writes = true}), 7);
  EXPECT_EQ(throttle.check({.table = table, .writes = true}), Limit::kMaxOnDemand);
}

TEST_F(ThrottleTest, AGlobalIndexHasItsOwnUnitsAndALocalOneTheTables) {
  Definition table = provisioned(1, 1);
  Index global{.name = "g", .id = IndexId(1), .global = true};
  global.throughput.write = 3;
  const Index local{.name = "l", .id = IndexId(2)};
  EXPECT_EQ(drain({.table = table, .index = &global, .writes = true}), 900);
  EXPECT_EQ(drain({.table = table, .index = &local, .writes = true}), 300);
  EXPECT_EQ(throttle.check({.table = table, .writes = true}), Limit::kProvisioned);
}

TEST_F(ThrottleTest, ARateThatGrowsHelpsAtOnce) {
  Definition table = provisioned(1, 1);
  drain({.table = table});
  table.throughput.read = 100;
  clock.advance(1s);
  EXPECT_EQ(drain({.table = table}), 100);
}

}  // namespace
}  // namespace tables
