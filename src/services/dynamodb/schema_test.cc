// Texts of AWS's control plane, as answered in October 2026.

#include <gtest/gtest.h>

#include "services/dynamodb/service_fixture.h"

namespace services::dynamodb {
namespace {

const std::string kInvalid = "One or more parameter values were invalid: ";

d::GlobalSecondaryIndex index_on(const std::string& name, std::vector<d::KeySchemaElement> keys) {
  d::GlobalSecondaryIndex made;
  made.index_name = name;
  made.key_schema = std::move(keys);
  made.projection.emplace().projection_type = "ALL";
  return made;
}

d::ProvisionedThroughput units(std::int64_t each) {
  d::ProvisionedThroughput made;
  made.read_capacity_units = made.write_capacity_units = each;
  return made;
}

class SchemaTest : public DynamoDbFixture {
 protected:
  // An on-demand table with the global index by_g.
  d::CreateTableInput table() {
    d::CreateTableInput input;
    input.table_name = "abc";
    input.billing_mode = "PAY_PER_REQUEST";
    input.attribute_definitions = {attribute("g", "S"), attribute("a", "S")};
    input.key_schema = {element("a", "HASH")};
    input.global_secondary_indexes = {index_on("by_g", {element("g", "HASH")})};
    return input;
  }
  void SetUp() override {
    DynamoDbFixture::SetUp();
    ASSERT_TRUE(call<d::op::CreateTable>(table()));
  }
  std::string refused(const d::CreateTableInput& input) {
    const auto made = call<d::op::CreateTable>(input);
    return made ? "" : made.error().message;
  }
  std::string refused(d::UpdateTableInput input) {
    input.table_name = "abc";
    const auto made = call<d::op::UpdateTable>(input);
    return made ? "" : made.error().message;
  }
  static d::UpdateTableInput on_index(const std::string& name) {
    d::UpdateTableInput input;
    input.global_secondary_index_updates.emplace().emplace_back().update.emplace().index_name =
        name;
    return input;
  }
};

TEST_F(SchemaTest, DefinitionsAreTheKeysAndNothingElse) {
  auto input = table();
  input.attribute_definitions->push_back(attribute("g", "N"));
  EXPECT_EQ(refused(input), "Attribute Name is duplicated: g");
  input = table();
  input.attribute_definitions->push_back(attribute("z", "N"));
  input.global_secondary_indexes->front().projection->projection_type.reset();
  EXPECT_EQ(refused(input), kInvalid +
                                "Some AttributeDefinitions are not used. AttributeDefinitions: [g, "
                                "a, z], keys used: [a, g]");
  input = table();
  input.global_secondary_indexes->front().key_schema->front().attribute_name = "q";
  EXPECT_EQ(refused(input), kInvalid +
                                "Some index key attributes are not defined in "
                                "AttributeDefinitions. Keys: [q], AttributeDefinitions: [g, a]");
}

TEST_F(SchemaTest, KeysOfGlobalIndexesHaveTheirOwnTexts) {
  const auto with = [&](std::vector<d::KeySchemaElement> keys) {
    auto input = table();
    input.global_secondary_indexes = {index_on("by_g", std::move(keys))};
    return refused(input);
  };
  EXPECT_EQ(with({element("g", "HASH"), element("a", "RANGE"), element("a", "HASH")}),
            "The KeySchema contains multiple key attributes with the same name");
  EXPECT_EQ(with({element("a", "RANGE"), element("g", "HASH")}),
            "Invalid KeySchema: The first KeySchemaElement is not a HASH key type");
}

TEST_F(SchemaTest, AnIndexSaysWhichThroughputItLacks) {
  auto input = table();
  input.billing_mode.reset();
  input.provisioned_throughput = units(1);
  EXPECT_EQ(refused(input), kInvalid + "ProvisionedThroughput is not specified for index: by_g");
  d::UpdateTableInput update;
  update.billing_mode = "PROVISIONED";
  update.provisioned_throughput = units(1);
  EXPECT_EQ(refused(update), kInvalid + "ProvisionedThroughput must be specified for index: by_g");
}

TEST_F(SchemaTest, UpdateTakesOneThingAtATime) {
  const std::string only = " must be the only operation in the request";
  d::UpdateTableInput input;
  input.deletion_protection_enabled = true;
  input.warm_throughput.emplace().read_units_per_second = 13'000;
  EXPECT_EQ(refused(input), kInvalid + "DeletionProtection modification" + only);
  input.table_class = "STANDARD";
  EXPECT_EQ(refused(input), kInvalid + "TableClass modification" + only);
  input.sse_specification.emplace().enabled = true;
  EXPECT_EQ(refused(input), kInvalid + "Server-Side Encryption modification" + only);
  d::UpdateTableInput stream;
  stream.stream_specification.emplace().stream_enabled = true;
  stream.stream_specification->stream_view_type = "KEYS_ONLY";
  stream.provisioned_throughput = units(1);
  EXPECT_EQ(refused(stream),
            kInvalid + "You cannot modify stream status while updating table IOPS");
  stream.provisioned_throughput.reset();
  stream.billing_mode = "PAY_PER_REQUEST";
  EXPECT_EQ(refused(stream), "");
}

TEST_F(SchemaTest, IndexesAreNotMadeBesideOtherChanges) {
  d::UpdateTableInput input;
  auto& create = input.global_secondary_index_updates.emplace().emplace_back().create.emplace();
  create.index_name = "by_h";
  create.key_schema = {element("h", "HASH")};
  create.projection.emplace().projection_type = "ALL";
  EXPECT_EQ(refused(input), kInvalid + "AttributeDefinitions is not specified for index: by_h");
  input.attribute_definitions = {attribute("h", "S"), attribute("a", "N")};
  d::UpdateTableInput with = input;
  with.provisioned_throughput = units(1);
  EXPECT_EQ(refused(with),
            kInvalid + "You cannot create or delete index while updating table IOPS");
  with = input;
  with.stream_specification.emplace().stream_enabled = true;
  EXPECT_EQ(refused(with),
            kInvalid + "You cannot create or delete index while changing stream status");
  with = input;
  with.warm_throughput.emplace().read_units_per_second = 13'000;
  EXPECT_EQ(refused(with), kInvalid +
                               "Create global secondary index cannot be specified when updating "
                               "WarmThroughput");
  create.provisioned_throughput = units(1);
  EXPECT_EQ(refused(input), kInvalid +
                                "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified "
                                "for index: by_h when BillingMode is PAY_PER_REQUEST");
  create.provisioned_throughput.reset();
  EXPECT_EQ(refused(input), "");  // that it defines "a" otherwise is passed over
  EXPECT_EQ(refused(input), "Attempting to create an index which already exists");
}

TEST_F(SchemaTest, IndexesOfOnDemandTablesTakeNoUnits) {
  const std::string only = kInvalid +
                           "The only Updates for index: by_g when TableThroughputMode is "
                           "PAY_PER_REQUEST can be to OnDemandThroughput, WarmThroughput";
  d::UpdateTableInput input = on_index("by_g");
  EXPECT_EQ(refused(input), only);
  auto& update = *input.global_secondary_index_updates->front().update;
  update.provisioned_throughput = units(1);
  EXPECT_EQ(refused(input), only);
  input = on_index("ghost");
  EXPECT_EQ(refused(input), "Requested resource not found: Index ghost for table abc");
  input.global_secondary_index_updates->front().update->warm_throughput.emplace();
  EXPECT_EQ(refused(input), kInvalid +
                                "WarmThroughput must have at least one of ReadUnitsPerSecond or "
                                "WriteUnitsPerSecond specified for index: ghost");
}

TEST_F(SchemaTest, AnUpdateOfNothingNamesAllThereIs) {
  const std::string text =
      "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, "
      "GlobalSecondaryIndexUpdates, SSESpecification, ReplicaUpdates, MultiAccountReplicaReady, "
      "ReplicaTransitRoleArn, MultiRegionConsistency, DeletionProtectionEnabled, "
      "OnDemandThroughput, WarmThroughput or TableClass is required";
  d::UpdateTableInput input;
  EXPECT_EQ(refused(input), text);
  input.global_secondary_index_updates.emplace();
  EXPECT_EQ(refused(input), text);
  input.deletion_protection_enabled = true;
  EXPECT_EQ(refused(input), kInvalid + "List of GlobalSecondaryIndexUpdates is empty");
}

TEST_F(SchemaTest, DescriptionsSortByName) {
  auto input = table();
  input.table_name = "sorted";
  auto& projection = *input.global_secondary_indexes->front().projection;
  projection.projection_type = "INCLUDE";
  projection.non_key_attributes = {{"z", "b"}};
  const auto made = call<d::op::CreateTable>(input);
  ASSERT_TRUE(made);
  const auto& shown = *made->table_description;
  EXPECT_EQ(shown.attribute_definitions->front().attribute_name, "a");
  EXPECT_EQ(shown.global_secondary_indexes->front().projection->non_key_attributes->front(), "b");
}

TEST_F(SchemaTest, TagsAreCheckedInTheServicesWords) {
  const auto tag = [&](std::optional<std::string> key, std::optional<std::string> value) {
    d::TagResourceInput input;
    input.resource_arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/abc";
    auto& one = input.tags.emplace().emplace_back();
    one.key = std::move(key);
    one.value = std::move(value);
    const auto made = call<d::op::TagResource>(input);
    return made ? std::string() : made.error().message;
  };
  EXPECT_EQ(tag("sp ace", "a+b-c=d.e_f:g/h@i"), "");
  EXPECT_EQ(tag("ключ", "表"), "");
  EXPECT_EQ(tag(std::string(128, 'k'), std::string(256, 'v')), "");
  EXPECT_EQ(tag("bad#char", "v"), "The Tag Key provided is invalid, Key: bad#char");
  EXPECT_EQ(tag(std::nullopt, "v"), "The Tag Key provided is invalid, Key: null");
  EXPECT_EQ(tag("k", std::nullopt), "The Tag Value provided is invalid, Value: null");
  EXPECT_EQ(tag("k", "a,b"), "The Tag Value provided is invalid, Value: a,b");
  EXPECT_EQ(tag("AWS:foo", "v"), "Tag Key cannot be prefixed with aws:, Key: AWS:foo");
  EXPECT_EQ(tag(std::string(129, 'k'), "v"),
            "The Tag Key provided is invalid, Key: " + std::string(129, 'k'));
}

TEST_F(SchemaTest, ArnsNameTablesOfThisRegion) {
  const auto described = [&](const std::string& name) {
    d::DescribeTableInput input;
    input.table_name = name;
    const auto made = call<d::op::DescribeTable>(input);
    return made ? std::string() : made.error().message;
  };
  EXPECT_EQ(described("arn:aws:dynamodb:eu-west-1:123456789012:table/abc"), "");
  const std::string elsewhere = "arn:aws:dynamodb:us-east-1:123456789012:table/abc";
  EXPECT_EQ(described(elsewhere),
            "1 validation error detected: Invalid AWS region in '" + elsewhere + "'");
  EXPECT_EQ(described(""),
            "2 validation errors detected: Value '' at 'tableName' failed to satisfy constraint: "
            "Member must have length greater than or equal to 3; Value '' at 'tableName' failed to "
            "satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+");
}

}  // namespace
}  // namespace services::dynamodb
