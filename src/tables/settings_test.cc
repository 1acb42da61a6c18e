#include "tables/settings.h"

#include <gtest/gtest.h>

#include "tables/definition.h"

namespace tables {
namespace {

constexpr std::string_view kPolicy =
    R"({"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*",)"
    R"("Action":"dynamodb:*","Resource":"*"}]})";

Definition with_everything() {
  Definition made;
  made.name = "things";
  made.keys = {.hash = {"p", Type::kS}, .range = std::nullopt};
  made.policy = {.text = std::string(kPolicy), .revision = "7", .parsed = nullptr};
  made.stream_policy = {.text = std::string(kPolicy), .revision = "8", .parsed = nullptr};
  made.maxima = {.read = 1, .write = std::nullopt};
  made.warm = {.read = 13'000, .write = 0};
  made.encryption.key_arn = "arn:aws:kms:eu-west-1:123456789012:key/k";
  made.insights = {.enabled = true, .throttled_only = true, .updated = base::from_epoch_ms(99)};
  Index index{.name = "i", .id = IndexId(1), .global = true, .keys = made.keys};
  index.maxima = {.read = std::nullopt, .write = 5};
  index.warm = {.read = 1, .write = 2};
  index.insights = {.enabled = false, .throttled_only = false, .updated = base::from_epoch_ms(5)};
  made.indexes.push_back(std::move(index));
  return made;
}

TEST(Settings, SurviveBeingStored) {
  const auto read = decode_definition(encode_definition(with_everything()));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->policy.text, kPolicy);
  EXPECT_EQ(read->policy.revision, "7");
  ASSERT_TRUE(read->policy.parsed);
  EXPECT_FALSE(read->policy.parsed->statements.front().allow);
  EXPECT_EQ(read->stream_policy.revision, "8");
  EXPECT_EQ(read->maxima.read, 1);
  EXPECT_EQ(read->maxima.write, std::nullopt);
  EXPECT_EQ(read->warm.read, 13'000);
  EXPECT_EQ(read->encryption.key_arn, "arn:aws:kms:eu-west-1:123456789012:key/k");
  EXPECT_TRUE(read->insights.enabled && read->insights.throttled_only);
  EXPECT_EQ(read->insights.updated, base::from_epoch_ms(99));
  const Index& index = read->indexes.front();
  EXPECT_EQ(index.maxima.write, 5);
  EXPECT_EQ(index.warm.write, 2);
  EXPECT_FALSE(index.insights.enabled);
  EXPECT_TRUE(index.insights.updated);
}

TEST(Settings, AreAbsentWhereNothingWasSet) {
  Definition plain;
  plain.name = "things";
  plain.keys = {.hash = {"p", Type::kS}, .range = std::nullopt};
  const auto read = decode_definition(encode_definition(plain));
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->policy.empty() && !read->policy.parsed);
  EXPECT_TRUE(read->maxima.empty() && read->warm.empty());
  EXPECT_FALSE(read->insights.updated);
}

TEST(Settings, APolicyThatCannotBeReadIsNotPassedOver) {
  Definition broken = with_everything();
  broken.policy.text = "{";
  EXPECT_EQ(decode_definition(encode_definition(broken)).error().code,
            base::ErrorCode::kCorruption);
}

}  // namespace
}  // namespace tables
