#include "stacks/engine.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "stacks/engine_fixture.h"

namespace stacks {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

constexpr const char* kChain = R"({"Resources": {
  "A": {"Type": "Fake::Thing", "Properties": {"Value": "old"}},
  "B": {"Type": "Fake::Thing", "Properties": {"Value": {"Fn::GetAtt": ["A", "Attr"]}}},
  "C": {"Type": "Fake::Thing", "DependsOn": ["B"]}},
  "Outputs": {"Out": {"Value": {"Ref": "B"}, "Export": {"Name": "exported"}}}})";

std::string one(const std::string& properties) {
  return R"({"Resources": {"A": {"Type": "Fake::Thing", "Properties": {)" + properties + "}}}}";
}

TEST_F(EngineTest, CreatesInOrderAndGivesOutputs) {
  ASSERT_TRUE(create(kChain));
  const StackView stack = settled();
  EXPECT_EQ(stack.record.status, "CREATE_COMPLETE");
  EXPECT_THAT(world_.calls, ElementsAre("create A", "create B", "create C"));
  ASSERT_THAT(stack.record.outputs, SizeIs(1));
  EXPECT_EQ(stack.record.outputs[0].value, stack.resources.at("B").now.id);
  EXPECT_TRUE(stack.resources.at("B").now.id.starts_with("stack-B-"));
  EXPECT_EQ(world_.things.at(stack.resources.at("B").now.id).text_of("Value"), "old");
  EXPECT_THAT(history(),
              ElementsAre("stack CREATE_IN_PROGRESS", "A CREATE_IN_PROGRESS",
                          "A CREATE_IN_PROGRESS", "A CREATE_COMPLETE", "B CREATE_IN_PROGRESS",
                          "B CREATE_IN_PROGRESS", "B CREATE_COMPLETE", "C CREATE_IN_PROGRESS",
                          "C CREATE_IN_PROGRESS", "C CREATE_COMPLETE", "stack CREATE_COMPLETE"));
}

TEST_F(EngineTest, RefusesASecondStackOfTheName) {
  ASSERT_TRUE(create(kChain));
  EXPECT_EQ(create(kChain).error().message, "Stack [stack] already exists");
}

TEST_F(EngineTest, DeletesInReverseAndIsFoundByIdOnly) {
  const auto id = create(kChain);
  settled();
  world_.calls.clear();
  ASSERT_TRUE(core_.run(engine_->remove({.caller = caller(), .stack = "stack"})));
  EXPECT_EQ(settled(*id).record.status, "DELETE_COMPLETE");
  EXPECT_THAT(world_.calls, ElementsAre("remove C", "remove B", "remove A"));
  EXPECT_THAT(world_.things, IsEmpty());
  EXPECT_FALSE(core_.run(engine_->find("123456789012", "us-east-1", "stack")));
  EXPECT_EQ(view(*id).record.status, "DELETE_COMPLETE");
}

TEST_F(EngineTest, RollsBackAndKeepsTheReason) {
  world_.fail_create = {"B"};
  const auto id = create(kChain);
  const StackView stack = settled();
  EXPECT_EQ(stack.record.status, "ROLLBACK_COMPLETE");
  EXPECT_EQ(stack.record.status_reason,
            "The following resource(s) failed to create: [B]. Rollback requested by user.");
  EXPECT_THAT(world_.things, IsEmpty());
  const auto events = core_.run(engine_->events(stack.record.uuid, 0, 100));
  const auto failed = std::find_if(events->begin(), events->end(), [](const EventRecord& event) {
    return event.status == "CREATE_FAILED";
  });
  ASSERT_NE(failed, events->end());
  EXPECT_THAT(failed->reason, HasSubstr("it cannot be"));
  EXPECT_THAT(failed->reason, HasSubstr("Service: Thing"));
}

TEST_F(EngineTest, KeepsWhatWasMadeIfAskedTo) {
  world_.fail_create = {"B"};
  ASSERT_TRUE(create(kChain, [](CreateRequest& request) { request.on_failure = "DO_NOTHING"; }));
  EXPECT_EQ(settled().record.status, "CREATE_FAILED");
  EXPECT_THAT(world_.things, SizeIs(1));
}

TEST_F(EngineTest, CancelsSiblingsOfAFailure) {
  world_.fail_create = {"B"};
  world_.wait_forever = {"A"};
  ASSERT_TRUE(
      create(R"({"Resources": {"B": {"Type": "Fake::Thing"}, "A": {"Type": "Fake::Thing"}}})"));
  const StackView stack = settled();
  EXPECT_EQ(stack.record.status, "ROLLBACK_COMPLETE");
  EXPECT_EQ(stack.record.status_reason,
            "The following resource(s) failed to create: [A, B]. Rollback requested by user.");
  EXPECT_THAT(history(), ::testing::Contains("A CREATE_FAILED"));
}

TEST_F(EngineTest, TimesOut) {
  world_.wait_forever = {"A"};
  ASSERT_TRUE(create(one(""), [](CreateRequest& request) { request.timeout_minutes = 2; }));
  const StackView stack = settled();
  EXPECT_EQ(stack.record.status, "ROLLBACK_COMPLETE");
  EXPECT_THAT(stack.record.status_reason, HasSubstr("exceeded the specified timeout"));
}

TEST_F(EngineTest, DeletesAStackThatIsStillBeingMade) {
  world_.wait_forever = {"C"};
  const auto id = create(kChain);
  core_.run_ready();
  ASSERT_TRUE(core_.run(engine_->remove({.caller = caller(), .stack = "stack"})));
  EXPECT_EQ(settled(*id).record.status, "DELETE_COMPLETE");
  EXPECT_THAT(world_.things, IsEmpty());
}

TEST_F(EngineTest, MakesNothingIfAPropertyIsUnknown) {
  ASSERT_TRUE(create(R"({"Resources": {"A": {"Type": "Fake::Thing"},
      "B": {"Type": "Fake::Thing", "DependsOn": "A", "Properties": {"Nonsense": 1}},
      "C": {"Type": "Fake::Thing", "DependsOn": "A", "Properties": {"Exotic": 1}}}})"));
  const StackView stack = settled();
  EXPECT_EQ(stack.record.status, "ROLLBACK_COMPLETE");
  EXPECT_THAT(world_.calls, IsEmpty());
  EXPECT_THAT(stack.record.status_reason, HasSubstr("[B, C]"));
  const auto events = core_.run(engine_->events(stack.record.uuid, 0, 100));
  std::string reasons;
  for (const EventRecord& event : *events) reasons += event.reason + "\n";
  EXPECT_THAT(reasons, HasSubstr("extraneous key [Nonsense] is not permitted"));
  EXPECT_THAT(reasons, HasSubstr("Property Exotic of Fake::Thing (resource C) is not supported by "
                                 "Millrace"));
}

TEST_F(EngineTest, RefusesUnknownTypesAtOnce) {
  EXPECT_EQ(create(R"({"Resources": {"A": {"Type": "AWS::Un::Known"}}})").error().message,
            "Template format error: Unrecognized resource types: [AWS::Un::Known]");
}

TEST_F(EngineTest, RefusesToTakeWhatIsSomebodyElses) {
  world_.things["theirs"] = Value::object();
  ASSERT_TRUE(create(one(R"("Name": "theirs")")));
  EXPECT_EQ(settled().record.status, "ROLLBACK_COMPLETE");
  EXPECT_TRUE(world_.things.contains("theirs"));
}

TEST_F(EngineTest, UpdatesReplacesAndRemoves) {
  ASSERT_TRUE(create(kChain));
  const StackView before = settled();
  world_.calls.clear();
  ASSERT_TRUE(update(R"({"Resources": {
    "A": {"Type": "Fake::Thing", "Properties": {"Value": "new"}},
    "B": {"Type": "Fake::Thing", "Properties": {"Key": "k", "Value": {"Fn::GetAtt": ["A", "Attr"]}}},
    "D": {"Type": "Fake::Thing"}}})"));
  const StackView after = settled();
  EXPECT_EQ(after.record.status, "UPDATE_COMPLETE");
  EXPECT_THAT(world_.calls,
              UnorderedElementsAre("update A", "create D", "create B", "remove B", "remove C"));
  EXPECT_EQ(after.resources.at("A").now.id, before.resources.at("A").now.id);
  EXPECT_NE(after.resources.at("B").now.id, before.resources.at("B").now.id);
  EXPECT_FALSE(after.resources.contains("C"));
  EXPECT_THAT(world_.things, SizeIs(3));
  EXPECT_EQ(world_.things.at(after.resources.at("B").now.id).text_of("Value"), "new");
}

TEST_F(EngineTest, SaysWhenThereIsNothingToUpdate) {
  ASSERT_TRUE(create(kChain));
  settled();
  EXPECT_EQ(update(kChain).error().message, "No updates are to be performed.");
}

TEST_F(EngineTest, RollsAnUpdateBack) {
  ASSERT_TRUE(create(kChain));
  const StackView before = settled();
  const auto things = world_.things;
  world_.fail_update = {"C"};
  ASSERT_TRUE(update(R"({"Resources": {
    "A": {"Type": "Fake::Thing", "Properties": {"Value": "new"}},
    "B": {"Type": "Fake::Thing", "Properties": {"Key": "k"}},
    "C": {"Type": "Fake::Thing", "DependsOn": ["B", "D"], "Properties": {"Value": "bad"}},
    "D": {"Type": "Fake::Thing"}}})"));
  const StackView after = settled();
  EXPECT_EQ(after.record.status, "UPDATE_ROLLBACK_COMPLETE");
  EXPECT_THAT(after.record.status_reason,
              HasSubstr("The following resource(s) failed to update: [C]"));
  EXPECT_EQ(world_.things.size(), things.size());
  EXPECT_EQ(world_.things.at(before.resources.at("A").now.id).text_of("Value"), "old");
  EXPECT_EQ(after.resources.at("B").now.id, before.resources.at("B").now.id);
  EXPECT_FALSE(after.resources.contains("D"));
}

TEST_F(EngineTest, KeepsRetainedResources) {
  ASSERT_TRUE(create(R"({"Resources": {"A": {"Type": "Fake::Thing", "DeletionPolicy": "Retain"},
                                        "B": {"Type": "Fake::Thing"}}})"));
  const std::string id = settled().record.id;
  ASSERT_TRUE(core_.run(engine_->remove({.caller = caller(), .stack = "stack"})));
  EXPECT_EQ(settled(id).record.status, "DELETE_COMPLETE");
  EXPECT_THAT(world_.things, SizeIs(1));
}

TEST_F(EngineTest, SaysWhatCouldNotBeDeleted) {
  ASSERT_TRUE(create(kChain));
  settled();
  world_.fail_remove = {"B"};
  ASSERT_TRUE(core_.run(engine_->remove({.caller = caller(), .stack = "stack"})));
  EXPECT_EQ(settled().record.status, "DELETE_FAILED");
  EXPECT_EQ(settled().record.status_reason, "The following resource(s) failed to delete: [B]. ");
  world_.fail_remove.clear();
  const std::string id = view().record.id;
  ASSERT_TRUE(core_.run(engine_->remove({.caller = caller(), .stack = "stack"})));
  EXPECT_EQ(settled(id).record.status, "DELETE_COMPLETE");
  EXPECT_THAT(world_.things, IsEmpty());
}

TEST_F(EngineTest, DoesNotDeleteWhatOthersImport) {
  ASSERT_TRUE(create(kChain));
  settled();
  ASSERT_TRUE(create(one(R"("Value": {"Fn::ImportValue": "exported"})"),
                     [](CreateRequest& request) { request.name = "user"; }));
  EXPECT_EQ(settled("user").record.status, "CREATE_COMPLETE");
  ASSERT_TRUE(core_.run(engine_->remove({.caller = caller(), .stack = "stack"})));
  EXPECT_EQ(settled().record.status_reason,
            "Export exported cannot be deleted as it is in use by user");
}

TEST_F(EngineTest, MasksSecretsInEvents) {
  ASSERT_TRUE(create(
      R"({"Parameters": {"P": {"Type": "String", "NoEcho": true}}, "Resources": {
          "A": {"Type": "Fake::Thing", "Properties": {"Secret": {"Fn::Sub": "x${P}"}}}}})",
      [](CreateRequest& request) {
        request.input.parameters = {{.name = "P", .value = "hunter2"}};
      }));
  const StackView stack = settled();
  EXPECT_EQ(world_.things.begin()->second.text_of("Secret"), "xhunter2");
  const auto events = core_.run(engine_->events(stack.record.uuid, 0, 100));
  for (const EventRecord& event : *events)
    EXPECT_EQ(event.properties.find("hunter2"), std::string::npos);
}

TEST_F(EngineTest, NestsStacks) {
  templates_.bodies["https://t"] = R"({"Parameters": {"V": {"Type": "String"}}, "Resources": {
      "X": {"Type": "Fake::Thing", "Properties": {"Value": {"Ref": "V"}}}},
      "Outputs": {"O": {"Value": {"Fn::GetAtt": "X.Attr"}}}})";
  const auto id = create(R"({"Resources": {
      "N": {"Type": "AWS::CloudFormation::Stack",
            "Properties": {"TemplateURL": "https://t", "Parameters": {"V": "v"}}},
      "A": {"Type": "Fake::Thing", "Properties": {"Value": {"Fn::GetAtt": ["N", "Outputs.O"]}}}}})");
  ASSERT_TRUE(id);
  const StackView stack = settled();
  ASSERT_EQ(stack.record.status, "CREATE_COMPLETE") << stack.record.status_reason;
  EXPECT_EQ(world_.things.at(stack.resources.at("A").now.id).text_of("Value"), "v");
  const StackView child = view(stack.resources.at("N").now.id);
  EXPECT_EQ(child.record.parent_id, *id);
  EXPECT_TRUE(child.record.name.starts_with("stack-N-"));
  ASSERT_TRUE(core_.run(engine_->remove({.caller = caller(), .stack = "stack"})));
  EXPECT_EQ(settled(*id).record.status, "DELETE_COMPLETE");
  EXPECT_THAT(world_.things, IsEmpty());
}

TEST_F(EngineTest, PlansAChangeSetAndExecutesIt) {
  ASSERT_TRUE(create(kChain));
  settled();
  const std::string body = R"({"Resources": {
    "A": {"Type": "Fake::Thing", "Properties": {"Key": "k"}},
    "B": {"Type": "Fake::Thing", "Properties": {"Value": {"Fn::GetAtt": ["A", "Attr"]}}},
    "D": {"Type": "Fake::Thing"}}})";
  ChangeSetRequest request{.caller = caller(), .stack = "stack", .name = "cs", .type = "UPDATE"};
  request.input.source = {.original = body, .processed = body};
  const auto made = core_.run(engine_->create_change_set(request));
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->status, "CREATE_COMPLETE");
  std::vector<std::string> lines;
  for (const Value& change : made->changes.items())
    lines.push_back(change.text_of("Action") + " " + change.text_of("LogicalResourceId") + " " +
                    change.text_of("Replacement"));
  EXPECT_THAT(lines, ElementsAre("Modify A True", "Modify B False", "Remove C ", "Add D "));
  ASSERT_TRUE(core_.run(engine_->execute_change_set(caller(), "stack", "cs", {}, "")));
  EXPECT_EQ(settled().record.status, "UPDATE_COMPLETE");
  EXPECT_EQ(core_.run(engine_->execute_change_set(caller(), "stack", "cs", {}, "")).error().code,
            "InvalidChangeSetStatus");
}

TEST_F(EngineTest, CreatesAStackByChangeSet) {
  ChangeSetRequest request{.caller = caller(), .stack = "stack", .name = "cs", .type = "CREATE"};
  request.input.source = {.original = kChain, .processed = kChain};
  ASSERT_TRUE(core_.run(engine_->create_change_set(request)));
  EXPECT_EQ(view().record.status, "REVIEW_IN_PROGRESS");
  ASSERT_TRUE(core_.run(engine_->execute_change_set(caller(), "stack", "cs", {}, "")));
  EXPECT_EQ(settled().record.status, "CREATE_COMPLETE");
}

TEST(PhysicalName, KeepsTheStackWholeAndCutsTheLogicalId) {
  base::SeededRandom random(1);
  const NameRule rule{.property = "", .max = 64};
  const std::string short_one =
      physical_name(rule, "stream-processing-refarch", "DdbEventProcessorFunction", random);
  EXPECT_TRUE(short_one.starts_with("stream-processing-refarch-DdbEventProcessorFunction-"));
  EXPECT_EQ(short_one.size(), 64U);
  const std::string long_one = physical_name(
      rule, "stream-processing-refarch-ConfigHelperStack-ABCDEFGHIJKL", "AddConfigSetting", random);
  EXPECT_EQ(long_one.size(), 64U);
  EXPECT_NE(long_one.find("-AddConfi-"), std::string::npos);
}

}  // namespace
}  // namespace stacks
