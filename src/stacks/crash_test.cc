// The process may die between any two things it stores. Whatever the place, the next start brings
// the operation to the same end, with nothing left behind and nothing made twice.

#include <gmock/gmock.h>

#include "stacks/engine_fixture.h"

namespace stacks {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr const char* kFirst = R"({"Resources": {
  "A": {"Type": "Fake::Thing", "Properties": {"Value": "old", "Name": "named"}},
  "B": {"Type": "Fake::Thing", "Properties": {"Value": {"Fn::GetAtt": ["A", "Attr"]}}},
  "C": {"Type": "Fake::Thing", "DependsOn": ["A"]}}})";
constexpr const char* kSecond = R"({"Resources": {
  "A": {"Type": "Fake::Thing", "Properties": {"Value": "new", "Name": "named"}},
  "B": {"Type": "Fake::Thing", "Properties": {"Key": "k", "Value": {"Fn::GetAtt": ["A", "Attr"]}}},
  "D": {"Type": "Fake::Thing", "DependsOn": ["B"], "Properties": {"Value": "old"}}}})";

class CrashTest : public EngineTest {
 protected:
  // Lets everything ready run, then ends the process and starts it anew.
  void crash() {
    core_.run_ready();
    close();
    open();
  }
  // True if the store was cut off before the operation ended.
  bool cut() const { return store_->was_cut(); }
};

TEST_F(CrashTest, DuringCreation) {
  for (std::size_t batches = 1; batches < 100; ++batches) {
    SCOPED_TRACE(batches);
    store_->cut_after(batches);
    ASSERT_TRUE(create(kFirst));
    core_.run_ready();
    const bool was_cut = cut();
    crash();
    const StackView stack = settled();
    ASSERT_EQ(stack.record.status, "CREATE_COMPLETE") << stack.record.status_reason;
    ASSERT_THAT(world_.things, SizeIs(3));
    const std::string id = stack.record.id;
    ASSERT_TRUE(core_.run(engine_->remove({.caller = caller(), .stack = "stack"})));
    settled(id);
    ASSERT_THAT(world_.things, IsEmpty());
    if (!was_cut) return;
  }
  FAIL() << "never got through";
}

TEST_F(CrashTest, DuringRollback) {
  for (std::size_t batches = 1; batches < 100; ++batches) {
    SCOPED_TRACE(batches);
    world_.fail_create = {"C"};
    store_->cut_after(batches);
    ASSERT_TRUE(create(kFirst));
    core_.run_ready();
    const bool was_cut = cut();
    crash();
    const StackView stack = settled();
    ASSERT_EQ(stack.record.status, "ROLLBACK_COMPLETE") << stack.record.status_reason;
    ASSERT_THAT(stack.record.status_reason, ::testing::HasSubstr("[C]"));
    ASSERT_THAT(world_.things, IsEmpty());
    ASSERT_TRUE(core_.run(engine_->remove({.caller = caller(), .stack = "stack"})));
    settled(stack.record.id);
    if (!was_cut) return;
  }
  FAIL() << "never got through";
}

TEST_F(CrashTest, DuringUpdateAndItsRollback) {
  for (const bool fails : {false, true}) {
    bool got_through = false;
    for (std::size_t batches = 1; batches < 100 && !got_through; ++batches) {
      SCOPED_TRACE(testing::Message() << "fails " << fails << " after " << batches);
      world_ = World();
      ASSERT_TRUE(create(kFirst));
      const StackView before = settled();
      if (fails) world_.fail_create = {"D"};
      store_->cut_after(batches);
      ASSERT_TRUE(update(kSecond));
      core_.run_ready();
      got_through = !cut();
      crash();
      const StackView after = settled();
      ASSERT_EQ(after.record.status, fails ? "UPDATE_ROLLBACK_COMPLETE" : "UPDATE_COMPLETE")
          << after.record.status_reason;
      ASSERT_THAT(world_.things, SizeIs(3));
      ASSERT_EQ(world_.things.at("named").text_of("Value"), fails ? "old" : "new");
      ASSERT_EQ(after.resources.at("B").now.id == before.resources.at("B").now.id, fails);
      for (const auto& [id, record] : after.resources) {
        ASSERT_TRUE(world_.things.contains(record.now.id)) << id;
        ASSERT_FALSE(record.step);
        ASSERT_FALSE(record.before);
      }
      ASSERT_TRUE(core_.run(engine_->remove({.caller = caller(), .stack = "stack"})));
      settled(after.record.id);
      ASSERT_THAT(world_.things, IsEmpty());
    }
    ASSERT_TRUE(got_through);
  }
}

TEST_F(CrashTest, DuringDeletion) {
  for (std::size_t batches = 1; batches < 100; ++batches) {
    SCOPED_TRACE(batches);
    ASSERT_TRUE(create(kFirst));
    const std::string id = settled().record.id;
    store_->cut_after(batches);
    ASSERT_TRUE(core_.run(engine_->remove({.caller = caller(), .stack = "stack"})));
    core_.run_ready();
    const bool was_cut = cut();
    crash();
    ASSERT_EQ(settled(id).record.status, "DELETE_COMPLETE");
    ASSERT_THAT(world_.things, IsEmpty());
    if (!was_cut) return;
  }
  FAIL() << "never got through";
}

}  // namespace
}  // namespace stacks
