#include "services/dynamodb/service_fixture.h"

namespace services::dynamodb {
namespace {

using tables::Item;
using tables::Value;

class DynamoDbTest : public DynamoDbFixture {
 protected:
  void SetUp() override {
    DynamoDbFixture::SetUp();
    create("hash", false);
    create("range", true);
  }

  void create(const std::string& name, bool range) {
    d::CreateTableInput input;
    input.table_name = name;
    input.attribute_definitions = {attribute("a", "S")};
    input.key_schema = {element("a", "HASH")};
    if (range) {
      input.attribute_definitions = {attribute("a", "S"), attribute("b", "S"), attribute("c", "S")};
      input.key_schema->push_back(element("b", "RANGE"));
      d::GlobalSecondaryIndex index;
      index.index_name = "by_c";
      index.key_schema = {element("c", "HASH")};
      index.projection.emplace().projection_type = "KEYS_ONLY";
      input.global_secondary_indexes = {index};
    }
    input.billing_mode = "PAY_PER_REQUEST";
    const auto made = call<d::op::CreateTable>(input);
    ASSERT_TRUE(made) << made.error().message;
  }

  template <class Op>
  std::string error(typename Op::Input input) {
    const auto output = call<Op>(std::move(input));
    if (output) return "";
    return output.error().code == "ValidationException" ? output.error().message
                                                        : output.error().code;
  }
  void put(const std::string& table, Item item) {
    d::PutItemInput input;
    input.table_name = table;
    input.item = std::move(item);
    const auto output = call<d::op::PutItem>(input);
    ASSERT_TRUE(output) << output.error().message;
  }
  static d::UpdateItemInput update(std::string expression,
                                   std::map<std::string, Value> values = {}) {
    d::UpdateItemInput input;
    input.table_name = "hash";
    input.key = Item{{"a", s("k")}};
    input.update_expression = std::move(expression);
    if (!values.empty()) input.expression_attribute_values = std::move(values);
    return input;
  }
  static d::QueryInput query(std::string expression, std::map<std::string, Value> values) {
    d::QueryInput input;
    input.table_name = "range";
    input.key_condition_expression = std::move(expression);
    input.expression_attribute_values = std::move(values);
    return input;
  }
};

TEST_F(DynamoDbTest, DescribesATable) {
  d::DescribeTableInput input;
  input.table_name = "range";
  put("range", {{"a", s("x")}, {"b", s("y")}, {"c", s("z")}});
  const auto output = call<d::op::DescribeTable>(input);
  ASSERT_TRUE(output);
  EXPECT_EQ(output->table->table_status, "ACTIVE");
  EXPECT_EQ(output->table->table_arn, "arn:aws:dynamodb:eu-west-1:123456789012:table/range");
  EXPECT_EQ(output->table->item_count, 1);
  EXPECT_EQ(output->table->table_size_bytes, 6);
  EXPECT_EQ(output->table->global_secondary_indexes->at(0).item_count, 1);
  EXPECT_EQ(output->table->global_secondary_indexes->at(0).index_status, "ACTIVE");
  EXPECT_EQ(output->table->billing_mode_summary->billing_mode, "PAY_PER_REQUEST");
  input.table_name = "arn:aws:dynamodb:eu-west-1:123456789012:table/range";
  EXPECT_TRUE(call<d::op::DescribeTable>(input));
  input.table_name = "nothing";
  const auto absent = call<d::op::DescribeTable>(input);
  EXPECT_EQ(absent.error().message, "Requested resource not found: Table: nothing not found");
}

TEST_F(DynamoDbTest, CreateTableRefusesWithAwsTexts) {
  d::CreateTableInput input;
  input.table_name = "abc";
  input.attribute_definitions = {attribute("a", "S")};
  input.key_schema = {element("a", "HASH")};
  const std::string start = "One or more parameter values were invalid: ";
  EXPECT_EQ(error<d::op::CreateTable>(input),
            start +
                "ReadCapacityUnits and WriteCapacityUnits must both be specified when "
                "BillingMode is PROVISIONED");
  input.billing_mode = "PAY_PER_REQUEST";
  input.key_schema = {element("b", "HASH")};
  EXPECT_EQ(error<d::op::CreateTable>(input),
            start +
                "Some index key attributes are not defined in AttributeDefinitions. Keys: [b], "
                "AttributeDefinitions: [a]");
  input.key_schema = {element("a", "RANGE")};
  EXPECT_EQ(error<d::op::CreateTable>(input),
            "Invalid KeySchema: The first KeySchemaElement is not a HASH key type");
  input.key_schema = {element("a", "HASH")};
  input.attribute_definitions->push_back(attribute("b", "S"));
  EXPECT_EQ(error<d::op::CreateTable>(input),
            start +
                "Number of attributes in KeySchema does not exactly match number of attributes "
                "defined in AttributeDefinitions");
  input.table_name = "ab";
  EXPECT_EQ(error<d::op::CreateTable>(input),
            "1 validation error detected: Value 'ab' at 'tableName' failed to satisfy constraint: "
            "Member must have length greater than or equal to 3");
  input.attribute_definitions->pop_back();
  input.table_name = "hash";
  EXPECT_EQ(error<d::op::CreateTable>(input), "ResourceInUseException");
}

TEST_F(DynamoDbTest, UpdateMakesTheItemAndCounts) {
  auto input = update("SET b = :b ADD hits :one", {{":b", s("x")}, {":one", n("1")}});
  input.return_values = "UPDATED_NEW";
  const auto made = call<d::op::UpdateItem>(input);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_TRUE(tables::equal(*made->attributes, Item{{"b", s("x")}, {"hits", n("1")}}));
  input.return_values = "ALL_OLD";
  const auto again = call<d::op::UpdateItem>(input);
  EXPECT_TRUE(
      tables::equal(*again->attributes, Item{{"a", s("k")}, {"b", s("x")}, {"hits", n("1")}}));
  // Taking away makes nothing; an empty update makes the item.
  d::UpdateItemInput remove = update("REMOVE b");
  remove.key = Item{{"a", s("none")}};
  ASSERT_TRUE(call<d::op::UpdateItem>(remove));
  d::GetItemInput get;
  get.table_name = "hash";
  get.key = Item{{"a", s("none")}};
  EXPECT_FALSE(call<d::op::GetItem>(get)->item);
  remove.update_expression.reset();
  ASSERT_TRUE(call<d::op::UpdateItem>(remove));
  EXPECT_TRUE(call<d::op::GetItem>(get)->item);
}

TEST_F(DynamoDbTest, WritesRefuseWithAwsTexts) {
  EXPECT_EQ(
      error<d::op::UpdateItem>(update("SET a = :v", {{":v", s("x")}})),
      "One or more parameter values were invalid: Cannot update attribute a. This attribute is "
      "part of the key");
  EXPECT_EQ(error<d::op::UpdateItem>(update("SET b = :v")),
            "Invalid UpdateExpression: An expression attribute value used in expression is not "
            "defined; attribute value: :v");
  EXPECT_EQ(error<d::op::UpdateItem>(update("REMOVE b", {{":c", s("x")}})),
            "Value provided in ExpressionAttributeValues unused in expressions: keys: {:c}");
  auto both = update("REMOVE b");
  both.attribute_updates.emplace();
  EXPECT_EQ(error<d::op::UpdateItem>(both),
            "Can not use both expression and non-expression parameters in the same request: "
            "Non-expression parameters: {AttributeUpdates} Expression parameters: "
            "{UpdateExpression}");
  d::PutItemInput input;
  input.table_name = "hash";
  input.item = Item{{"b", s("x")}};
  EXPECT_EQ(error<d::op::PutItem>(input),
            "One or more parameter values were invalid: Missing the key a in the item");
  input.item = Item{{"a", n("1")}};
  EXPECT_EQ(
      error<d::op::PutItem>(input),
      "One or more parameter values were invalid: Type mismatch for key a expected: S actual: "
      "N");
  input.item = Item{{"a", s("")}};
  EXPECT_EQ(error<d::op::PutItem>(input),
            "One or more parameter values are not valid. The AttributeValue for a key attribute "
            "cannot contain an empty string value. Key: a");
  input.item = Item{{"a", s("x")}, {"n", n("1e200")}};
  EXPECT_EQ(error<d::op::PutItem>(input),
            "Number overflow. Attempting to store a number with magnitude larger than supported "
            "range");
  input.item = Item{{"a", s("x")}, {"t", s(std::string(410'000, 'x'))}};
  EXPECT_EQ(error<d::op::PutItem>(input), "Item size has exceeded the maximum allowed size");
  input.item = Item{{"a", s("x")}};
  input.table_name = "nothing";
  EXPECT_EQ(error<d::op::PutItem>(input), "ResourceNotFoundException");
  input.table_name = "a;";
  EXPECT_EQ(
      error<d::op::PutItem>(input),
      "2 validation errors detected: Value 'a;' at 'tableName' failed to satisfy constraint: "
      "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+; Value 'a;' at "
      "'tableName' failed to satisfy constraint: Member must have length greater than or equal "
      "to 3");
}

TEST_F(DynamoDbTest, AFailedConditionShowsTheItemWhereAsked) {
  put("hash", {{"a", s("k")}, {"v", n("1")}});
  d::PutItemInput input;
  input.table_name = "hash";
  input.item = Item{{"a", s("k")}};
  input.condition_expression = "attribute_not_exists(a)";
  input.return_values_on_condition_check_failure = "ALL_OLD";
  const auto refused = call<d::op::PutItem>(input);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "The conditional request failed");
  const auto* const detail =
      static_cast<const d::ConditionalCheckFailedException*>(refused.error().detail.get());
  ASSERT_NE(detail, nullptr);
  EXPECT_TRUE(tables::equal(*detail->item, Item{{"a", s("k")}, {"v", n("1")}}));
  input.condition_expression.reset();
  d::ExpectedAttributeValue expected;
  expected.exists = false;
  input.expected = {{"a", expected}};
  EXPECT_EQ(error<d::op::PutItem>(input), "ConditionalCheckFailedException");
}

TEST_F(DynamoDbTest, BatchWriteAnswersAnEmptyMapAndRefusesDuplicates) {
  d::BatchWriteItemInput input;
  auto& requests = input.request_items.emplace()["hash"];
  for (int i = 0; i < 3; ++i)
    requests.emplace_back().put_request.emplace().item = Item{{"a", s("k" + std::to_string(i))}};
  const auto written = call<d::op::BatchWriteItem>(input);
  ASSERT_TRUE(written) << written.error().message;
  ASSERT_TRUE(written->unprocessed_items);
  EXPECT_TRUE(written->unprocessed_items->empty());
  EXPECT_EQ(last_checks.at(0).action, "dynamodb:BatchWriteItem");
  EXPECT_EQ(last_checks.at(0).resource, "arn:aws:dynamodb:eu-west-1:123456789012:table/hash");
  requests.emplace_back().delete_request.emplace().key = Item{{"a", s("k1")}};
  EXPECT_EQ(error<d::op::BatchWriteItem>(input), "Provided list of item keys contains duplicates");
  d::BatchGetItemInput get;
  get.request_items.emplace()["hash"].keys = {{{"a", s("k0")}}, {{"a", s("absent")}}};
  const auto found = call<d::op::BatchGetItem>(get);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->responses->at("hash").size(), 1U);
  EXPECT_TRUE(found->unprocessed_keys->empty());
}

TEST_F(DynamoDbTest, QueriesFilterProjectAndPage) {
  for (int i = 0; i < 5; ++i)
    put("range", {{"a", s("x")},
                  {"b", s("b" + std::to_string(i))},
                  {"c", s("c")},
                  {"v", n(std::to_string(i))}});
  auto input =
      query("a = :a AND begins_with(b, :b)", {{":a", s("x")}, {":b", s("b")}, {":v", n("2")}});
  input.filter_expression = "v >= :v";
  input.projection_expression = "v";
  input.limit = 3;
  input.return_consumed_capacity = "TOTAL";
  const auto page = call<d::op::Query>(input);
  ASSERT_TRUE(page) << page.error().message;
  EXPECT_EQ(page->count, 1);
  EXPECT_EQ(page->scanned_count, 3);
  EXPECT_TRUE(tables::equal(*page->last_evaluated_key, Item{{"a", s("x")}, {"b", s("b2")}}));
  EXPECT_TRUE(tables::equal(page->items->at(0), Item{{"v", n("2")}}));
  EXPECT_EQ(page->consumed_capacity->capacity_units, 0.5);
  input.exclusive_start_key = page->last_evaluated_key;
  EXPECT_EQ(call<d::op::Query>(input)->count, 2);
  auto by_index = query("c = :c", {{":c", s("c")}});
  by_index.index_name = "by_c";
  const auto entries = call<d::op::Query>(by_index);
  ASSERT_TRUE(entries) << entries.error().message;
  EXPECT_EQ(entries->count, 5);
  EXPECT_EQ(entries->items->at(0).size(), 3U);
  EXPECT_EQ(last_checks.at(0).resource,
            "arn:aws:dynamodb:eu-west-1:123456789012:table/range/index/by_c");
  by_index.consistent_read = true;
  EXPECT_EQ(error<d::op::Query>(by_index),
            "Consistent reads are not supported on global secondary indexes");
}

TEST_F(DynamoDbTest, QueriesRefuseWithAwsTexts) {
  EXPECT_EQ(error<d::op::Query>(query("b = :b", {{":b", s("x")}})),
            "Query condition missed key schema element: a");
  EXPECT_EQ(error<d::op::Query>(query("a > :b", {{":b", s("x")}})),
            "Query key condition not supported");
  EXPECT_EQ(error<d::op::Query>(query("a = :b", {{":b", n("1")}})),
            "One or more parameter values were invalid: Condition parameter type does not match "
            "schema type");
  auto filtered = query("a = :b", {{":b", s("x")}});
  filtered.filter_expression = "b = :b";
  EXPECT_EQ(error<d::op::Query>(filtered),
            "Filter Expression can only contain non-primary key attributes: Primary key attribute: "
            "b");
  d::QueryInput nothing;
  nothing.table_name = "range";
  EXPECT_EQ(error<d::op::Query>(nothing),
            "Either the KeyConditions or KeyConditionExpression parameter must be specified in the "
            "request.");
  d::ScanInput scan;
  scan.table_name = "range";
  scan.index_name = "whatever";
  EXPECT_EQ(error<d::op::Scan>(scan), "The table does not have the specified index: whatever");
  scan.index_name.reset();
  scan.segment = 4;
  scan.total_segments = 4;
  EXPECT_EQ(error<d::op::Scan>(scan),
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: "
            "Segment: 4 is not less than TotalSegments: 4");
}

TEST_F(DynamoDbTest, PermissionsCarryLeadingKeysAndAttributes) {
  d::GetItemInput get;
  get.table_name = "hash";
  get.key = Item{{"a", s("k")}};
  get.projection_expression = "#v, w[0].x";
  get.expression_attribute_names = std::map<std::string, std::string>{{"#v", "value"}};
  ASSERT_TRUE(call<d::op::GetItem>(get));
  ASSERT_EQ(last_checks.size(), 1U);
  std::map<std::string, std::vector<std::string>> keys;
  for (const auto& entry : last_checks[0].context) keys[entry.key] = entry.values;
  EXPECT_EQ(keys["dynamodb:LeadingKeys"], std::vector<std::string>{"k"});
  EXPECT_EQ(keys["dynamodb:Attributes"], (std::vector<std::string>{"value", "w", "a"}));
}

TEST_F(DynamoDbTest, TransactionsAnswerReasonsInOrder) {
  d::TransactWriteItemsInput input;
  auto& items = input.transact_items.emplace(2);
  items[0].put.emplace();
  items[0].put->table_name = "hash";
  items[0].put->item = Item{{"a", s("t1")}};
  items[1].condition_check.emplace();
  items[1].condition_check->table_name = "hash";
  items[1].condition_check->key = Item{{"a", s("t2")}};
  items[1].condition_check->condition_expression = "attribute_exists(a)";
  const auto refused = call<d::op::TransactWriteItems>(input);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "TransactionCanceledException");
  put("hash", {{"a", s("t2")}});
  const auto done = call<d::op::TransactWriteItems>(input);
  EXPECT_TRUE(done) << done.error().message;
  d::TransactGetItemsInput get;
  for (const char* key : {"t1", "t9"}) {
    auto& one = get.transact_items ? get.transact_items->emplace_back()
                                   : get.transact_items.emplace().emplace_back();
    one.get.emplace();
    one.get->table_name = "hash";
    one.get->key = Item{{"a", s(key)}};
  }
  const auto found = call<d::op::TransactGetItems>(get);
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->responses->at(0).item);
  EXPECT_FALSE(found->responses->at(1).item);
}

TEST_F(DynamoDbTest, TagsAndListing) {
  d::TagResourceInput tag;
  tag.resource_arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/hash";
  auto& one = tag.tags.emplace().emplace_back();
  one.key = "k";
  one.value = "v";
  ASSERT_TRUE(call<d::op::TagResource>(tag));
  d::ListTagsOfResourceInput list;
  list.resource_arn = tag.resource_arn;
  EXPECT_EQ(call<d::op::ListTagsOfResource>(list)->tags->at(0).value, "v");
  d::UntagResourceInput untag;
  untag.resource_arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/nothing";
  untag.tag_keys = std::vector<std::string>{"k"};
  EXPECT_EQ(call<d::op::UntagResource>(untag).error().message,
            "Requested resource not found: ResourceArn: " + *untag.resource_arn + " not found");
  d::ListTablesInput tables_input;
  tables_input.limit = 1;
  const auto first = call<d::op::ListTables>(tables_input);
  EXPECT_EQ(first->table_names, std::vector<std::string>{"hash"});
  EXPECT_EQ(first->last_evaluated_table_name, "hash");
}

TEST_F(DynamoDbTest, AScanOfAnOnDemandTablePaysForItsFourPartitions) {
  Item one{{"a", s("k")}};
  put("hash", one);
  d::ScanInput input;
  input.table_name = "hash";
  input.return_consumed_capacity = "TOTAL";
  const auto units = [&] { return call<d::op::Scan>(input)->consumed_capacity->capacity_units; };
  EXPECT_EQ(units(), 2.0);
  input.consistent_read = true;
  EXPECT_EQ(units(), 4.0);
  input.total_segments = 4;
  input.segment = 3;
  EXPECT_EQ(units(), 1.0);
}

TEST_F(DynamoDbTest, AttributesHaveNames) {
  d::PutItemInput with_item;
  with_item.table_name = "hash";
  with_item.item = Item{{"a", s("k")}, {"", n("1")}};
  EXPECT_EQ(error<d::op::PutItem>(with_item),
            "One or more parameter values were invalid: Empty attribute name");
  auto with_names = update("SET #n = :v", {{":v", n("1")}});
  with_names.expression_attribute_names = std::map<std::string, std::string>{{"#n", ""}};
  EXPECT_EQ(error<d::op::UpdateItem>(with_names),
            "ExpressionAttributeNames contains invalid value: Empty attribute name for key #n");
}

TEST_F(DynamoDbTest, ArithmeticMakesANumberWhateverItIsMadeOf) {
  d::UpdateItemInput input = update("SET e = c[1], c = a + :v", {{":v", n("1")}});
  input.table_name = "range";
  input.key = Item{{"a", s("k")}, {"b", s("k")}};
  EXPECT_EQ(error<d::op::UpdateItem>(input),
            "One or more parameter values were invalid: Type mismatch for Index Key c Expected: S "
            "Actual: N IndexName: by_c");
}

TEST_F(DynamoDbTest, AQueryForOneItemCannotGoOn) {
  auto input = query("a = :a", {{":a", s("k")}});
  input.table_name = "hash";
  input.exclusive_start_key = Item{{"a", s("k")}};
  EXPECT_EQ(error<d::op::Query>(input),
            "The provided exclusive start key is invalid: ExclusiveStartKey: {a=AttributeValue: "
            "{S:k}}");
}

TEST_F(DynamoDbTest, UpdateTableRefusesIndexChangesWithAwsTexts) {
  d::UpdateTableInput input;
  input.table_name = "range";
  const auto create = [&](const std::string& name) {
    d::GlobalSecondaryIndexUpdate made;
    auto& action = made.create.emplace();
    action.index_name = name;
    action.key_schema = {element("b", "HASH")};
    action.projection.emplace().projection_type = "ALL";
    return made;
  };
  input.global_secondary_index_updates = {create("one")};
  const std::string start = "One or more parameter values were invalid: ";
  input.attribute_definitions = {attribute("z", "S")};
  EXPECT_EQ(error<d::op::UpdateTable>(input),
            start +
                "Some index key attributes are not defined in AttributeDefinitions. Keys: [b], "
                "AttributeDefinitions: [z]");
  input.attribute_definitions = {attribute("b", "S")};
  input.global_secondary_index_updates->push_back(create("two"));
  EXPECT_EQ(error<d::op::UpdateTable>(input), "LimitExceededException");
  input.global_secondary_index_updates->pop_back();
  input.global_secondary_index_updates->at(0).delete_.emplace().index_name = "by_c";
  EXPECT_EQ(error<d::op::UpdateTable>(input),
            start +
                "Only one global secondary index action is allowed per GlobalSecondaryIndexUpdate "
                "object");
  d::GlobalSecondaryIndexUpdate units;
  units.update.emplace().index_name = "nothing";
  input.global_secondary_index_updates = {units};
  EXPECT_EQ(error<d::op::UpdateTable>(input), "ResourceNotFoundException");
}

TEST_F(DynamoDbTest, UpdateTableSwitchesBillingAndIndexes) {
  d::UpdateTableInput input;
  input.table_name = "hash";
  EXPECT_TRUE(
      error<d::op::UpdateTable>(input).starts_with("At least one of ProvisionedThroughput"));
  input.billing_mode = "PROVISIONED";
  auto& units = input.provisioned_throughput.emplace();
  units.read_capacity_units = 5;
  units.write_capacity_units = 6;
  const auto changed = call<d::op::UpdateTable>(input);
  ASSERT_TRUE(changed) << changed.error().message;
  EXPECT_EQ(changed->table_description->provisioned_throughput->write_capacity_units, 6);
  input.billing_mode.reset();
  EXPECT_TRUE(error<d::op::UpdateTable>(input).starts_with(
      "The provisioned throughput for the table will not change."));
  d::DeleteTableInput gone;
  gone.table_name = "hash";
  const auto removed = call<d::op::DeleteTable>(gone);
  ASSERT_TRUE(removed);
  EXPECT_EQ(removed->table_description->table_status, "DELETING");
  EXPECT_EQ(error<d::op::DeleteTable>(gone), "ResourceNotFoundException");
}

}  // namespace
}  // namespace services::dynamodb
