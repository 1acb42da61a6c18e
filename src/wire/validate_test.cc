#include "wire/validate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "api/cloudformation/operations.h"
#include "api/dynamodb/operations.h"
#include "api/dynamodbstreams/operations.h"
#include "api/iam/operations.h"
#include "api/kinesis/operations.h"
#include "api/lambda/operations.h"
#include "api/logs/operations.h"
#include "api/s3/operations.h"
#include "api/sts/operations.h"
#include "wire/java_order.h"
#include "wire/json_codec.h"

namespace wire {
namespace {

// The answer to an operation's input given as JSON.
template <class Op>
std::string answer(std::string_view json) {
  const api::Operation& operation = Op::info();
  typename Op::Input input;
  const auto decoded =
      decode_json(json, *operation.input, &input, json_flavour(*operation.service));
  if (!decoded) return "not JSON";
  const auto error = validate(*operation.input, &input, *operation.service);
  return error ? error->code + ": " + error->message : "valid";
}

namespace kin = api::kinesis::op;
namespace ddb = api::dynamodb::op;
namespace lam = api::lambda::op;

// The words, and how they follow each other, are those that kinesalite's and dynalite's tests
// recorded on AWS; names, lengths, ranges and patterns are those of AWS's service models.
std::string one(const std::string& text) {
  return "ValidationException: 1 validation error detected: " + text;
}

TEST(Validate, AcceptsWhatIsWithinLimits) {
  EXPECT_EQ(answer<kin::PutRecord>(R"({"StreamName":"a.b-c_1","Data":"","PartitionKey":"k"})"),
            "valid");
  EXPECT_EQ(answer<kin::AddTagsToStream>(R"({"StreamName":"a","Tags":{"k":""}})"), "valid");
}

TEST(Validate, NamesMissingMembers) {
  EXPECT_EQ(answer<kin::RemoveTagsFromStream>("{}"),
            one("Value null at 'tagKeys' failed to satisfy constraint: Member must not be null"));
}

TEST(Validate, LetsDynamoNameWhatItLacksItself) {
  const std::string table =
      "ValidationException: The parameter 'TableName' is required but was not present in the "
      "request";
  EXPECT_EQ(answer<ddb::CreateTable>("{}"), table);
  EXPECT_EQ(answer<ddb::DescribeTable>("{}"), table);
  EXPECT_EQ(answer<ddb::TagResource>("{}"), "ValidationException: Invalid TableArn");
  EXPECT_EQ(answer<ddb::BatchGetItem>(R"({"RequestItems":{}})"),
            "ValidationException: The requestItems parameter is required for BatchGetItem");
  EXPECT_EQ(answer<ddb::Query>(R"({"TableName":"abc","Limit":0})"),
            "ValidationException: 1 validation error detected: Value at 'Limit' failed to satisfy "
            "constraint: Member must have value greater than or equal to 1");
  std::string keys = R"({"a":{"S":"0"}})";
  for (int i = 1; i < 101; ++i) keys += R"(,{"a":{"S":")" + std::to_string(i) + R"("}})";
  EXPECT_EQ(answer<ddb::BatchGetItem>(R"({"RequestItems":{"abc":{"Keys":[)" + keys + "]}}}"),
            "ValidationException: 1 validation error detected: Value at "
            "'RequestItems.abc.member.Keys' failed to satisfy constraint: Member must have length "
            "less than or equal to 100");
  EXPECT_EQ(answer<ddb::GetItem>(R"({"Key":{}})"),
            one("Value null at 'tableName' failed to satisfy constraint: Member must not be null"));
}

TEST(Validate, HoldsDynamosNamesToTheirPattern) {
  EXPECT_EQ(
      answer<ddb::CreateTable>(
          R"({"TableName":"x!","KeySchema":[],"AttributeDefinitions":[],)"
          R"("ProvisionedThroughput":{"ReadCapacityUnits":1,"WriteCapacityUnits":1}})"),
      "ValidationException: 3 validation errors detected: Value '[]' at 'keySchema' failed to "
      "satisfy constraint: Member must have length greater than or equal to 1; Value 'x!' at "
      "'tableName' failed to satisfy constraint: Member must satisfy regular expression "
      "pattern: [a-zA-Z0-9_.-]+; Value 'x!' at 'tableName' failed to satisfy constraint: "
      "Member must have length greater than or equal to 3");
  EXPECT_EQ(
      answer<ddb::Query>(R"({"TableName":"abc","IndexName":"a;"})"),
      "ValidationException: 2 validation errors detected: Value 'a;' at 'indexName' failed to "
      "satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+; "
      "Value 'a;' at 'indexName' failed to satisfy constraint: Member must have length "
      "greater than or equal to 3");
}

TEST(Validate, NamesLengthsRangesAndPatterns) {
  const std::string long_name(129, 'a');
  EXPECT_EQ(answer<kin::DeleteStream>(R"({"StreamName":")" + long_name + R"("})"),
            one("Value '" + long_name +
                "' at 'streamName' failed to satisfy constraint: Member must have length less than "
                "or equal to 128"));
  EXPECT_EQ(
      answer<kin::DeleteStream>(R"({"StreamName":""})"),
      "ValidationException: 2 validation errors detected: Value '' at 'streamName' failed to "
      "satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+; "
      "Value '' at 'streamName' failed to satisfy constraint: Member must have length greater "
      "than or equal to 1");
  EXPECT_EQ(answer<kin::ListStreams>(R"({"Limit":0})"),
            one("Value '0' at 'limit' failed to satisfy constraint: Member must have value greater "
                "than or equal to 1"));
  EXPECT_EQ(answer<kin::GetRecords>(R"({"ShardIterator":"x","Limit":100000})"),
            one("Value '100000' at 'limit' failed to satisfy constraint: Member must have value "
                "less than or equal to 10000"));
}

TEST(Validate, ListsEnumerationsInJavasOrder) {
  EXPECT_EQ(
      answer<kin::GetShardIterator>(R"({"StreamName":"s","ShardId":"x","ShardIteratorType":""})"),
      one("Value '' at 'shardIteratorType' failed to satisfy constraint: Member must satisfy "
          "enum value set: [AFTER_SEQUENCE_NUMBER, LATEST, AT_TIMESTAMP, "
          "AT_SEQUENCE_NUMBER, TRIM_HORIZON]"));
  const std::vector<std::vector<std::string_view>> recorded = {
      {"INDEXES", "TOTAL", "NONE"},
      {"B", "N", "S"},
      {"ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE", "UPDATED_NEW"},
      {"SIZE", "NONE"},
      {"ALL", "INCLUDE", "KEYS_ONLY"},
      {"SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES"},
      {"IN", "NULL", "BETWEEN", "LT", "NOT_CONTAINS", "EQ", "GT", "NOT_NULL", "NE", "LE",
       "BEGINS_WITH", "GE", "CONTAINS"},
      {"LATEST", "AT_TIMESTAMP", "TRIM_HORIZON"},
      {"x86_64", "arm64"},
      {"PublishedVersions", "None"},
      {"RESPONSE_STREAM", "BUFFERED"},
      {"Terminate", "Allow"},
  };
  for (const auto& order : recorded) {
    std::vector<std::string_view> declared(order.rbegin(), order.rend());
    EXPECT_EQ(enum_order(declared), order);
  }
}

TEST(Validate, ListsMembersInJavasOrder) {
  const std::string text = answer<kin::GetShardIterator>(
      R"({"StreamName":"","ShardIteratorType":"","ShardId":"","StartingSequenceNumber":""})");
  std::vector<std::size_t> places;
  for (const char* member :
       {"'shardId'", "'shardIteratorType'", "'startingSequenceNumber'", "'streamName'"})
    places.push_back(text.find(member));
  EXPECT_TRUE(std::ranges::is_sorted(places)) << text;
}

TEST(Validate, NamesElementsOfLists) {
  EXPECT_EQ(answer<kin::PutRecords>(
                R"({"StreamName":"s","Records":[{"PartitionKey":"a","Data":""},
                    {"PartitionKey":"a","Data":"","ExplicitHashKey":"01"}]})"),
            one("Value '01' at 'records.2.member.explicitHashKey' failed to satisfy constraint: "
                "Member must satisfy regular expression pattern: 0|([1-9]\\d{0,38})"));
  const std::string text = answer<kin::PutRecords>(R"({"StreamName":"s","Records":[]})");
  EXPECT_EQ(text, one("Value '[]' at 'records' failed to satisfy constraint: Member must have "
                      "length greater than or equal to 1"));
}

TEST(Validate, ShowsTenViolationsAtMost) {
  std::string records = R"({"PartitionKey":"","Data":""})";
  for (int i = 1; i < 501; ++i) records += R"(,{"PartitionKey":"","Data":""})";
  const std::string text =
      answer<kin::PutRecords>(R"({"StreamName":"s","Records":[)" + records + "]}");
  EXPECT_TRUE(
      text.starts_with("ValidationException: 10 validation errors detected: Value "
                       "'[com.amazonaws.kinesis.v20131202.PutRecordsRequestEntry@c965e310, "))
      << text.substr(0, 200);
  EXPECT_NE(text.find("'records.9.member.partitionKey'"), std::string::npos);
  EXPECT_EQ(text.find("'records.10.member.partitionKey'"), std::string::npos);
}

TEST(Validate, ShowsWholeListsAndMapsOfScalars) {
  const std::string name(129, 'a');
  EXPECT_EQ(answer<kin::RemoveTagsFromStream>(R"({"StreamName":"s","TagKeys":["a",")" + name +
                                              R"(","b"]})"),
            one("Value '[a, " + name +
                ", b]' at 'tagKeys' failed to satisfy constraint: Member must satisfy constraint: "
                "[Member must have length less than or equal to 128, Member must have length "
                "greater than or equal to 1]"));
  EXPECT_EQ(answer<kin::AddTagsToStream>(R"({"StreamName":"s","Tags":{")" + name + R"(":"3"}})"),
            one("Value '{" + name +
                "=3}' at 'tags' failed to satisfy constraint: Map keys must satisfy constraint: "
                "[Member must have length less than or equal to 128, Member must have length "
                "greater than or equal to 1]"));
}

TEST(Validate, LambdaAddsNotNullAndDecimalBounds) {
  EXPECT_EQ(
      answer<lam::CreateAlias>(
          R"({"Name":"a","FunctionVersion":"1",
                    "RoutingConfig":{"AdditionalVersionWeights":{"2":2}}})"),
      "ValidationException: 2 validation errors detected: Value null at 'functionName' failed "
      "to satisfy constraint: Member must not be null; Value '{2=2.0}' at "
      "'routingConfig.additionalVersionWeights' failed to satisfy constraint: Map value must "
      "satisfy constraint: [Member must have value less than or equal to 1.0, Member must "
      "have value greater than or equal to 0.0, Member must not be null]");
}

TEST(Validate, DynamoLeavesPatternsAndItemsToItsService) {
  EXPECT_EQ(answer<ddb::PutItem>(R"({"TableName":"a;b","Item":{"a":{}}})"), "valid");
  EXPECT_EQ(answer<ddb::PutItem>(R"({"TableName":"abc","Item":{},"ReturnValues":"hi"})"),
            one("Value 'hi' at 'returnValues' failed to satisfy constraint: Member must satisfy "
                "enum value set: [ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW]"));
  EXPECT_EQ(answer<ddb::BatchWriteItem>(R"({"RequestItems":{"aaa":[{"DeleteRequest":{}}]}})"),
            one("Value null at 'requestItems.aaa.member.1.member.deleteRequest.key' failed to "
                "satisfy constraint: Member must not be null"));
  EXPECT_EQ(answer<ddb::BatchGetItem>(R"({"RequestItems":{"aaa":{"Keys":[]}}})"),
            one("Value '[]' at 'requestItems.aaa.member.keys' failed to satisfy constraint: Member "
                "must have length greater than or equal to 1"));
}

TEST(Validate, EachServiceHasItsCode) {
  api::iam::op::GetUser::Input user;
  user.user_name = "a b";
  EXPECT_EQ(validate(*api::iam::op::GetUser::info().input, &user, api::iam::kService)->code,
            "ValidationError");
  api::logs::op::GetLogEvents::Input events;
  EXPECT_EQ(
      validate(*api::logs::op::GetLogEvents::info().input, &events, api::logs::kService)->code,
      "InvalidParameterException");
  api::s3::op::PutObject::Input object;
  EXPECT_FALSE(validate(*api::s3::op::PutObject::info().input, &object, api::s3::kService));
}

TEST(Validate, MeasuresTextInUtf16Units) {
  std::string faces;
  for (int i = 0; i < 129; ++i) faces += "\xf0\x9f\x98\x80";
  const std::string json = R"({"StreamName":"s","Data":"","PartitionKey":")" + faces + R"("})";
  EXPECT_NE(answer<kin::PutRecord>(json), "valid");
  EXPECT_EQ(answer<kin::PutRecord>(R"({"StreamName":"s","Data":"","PartitionKey":")" +
                                   faces.substr(4) + R"("})"),
            "valid");
}

TEST(Pattern, MatchesAsJavaDoes) {
  struct Case {
    const char* pattern;
    const char* text;
    bool matches;
  };
  for (const Case& c : {
           Case{"[a-zA-Z0-9_.-]+", "a-b_c.9", true},
           Case{"[a-zA-Z0-9_.-]+", "a b", false},
           Case{"[a-zA-Z0-9_.-]+", "", false},
           Case{"[\\w+=,.@-]*", "", true},
           Case{"[\\w+=,.@-]+", "a=b,c.d@e-f_9+", true},
           Case{"[\\w+=,.@-]+", "Session1:2", false},
           Case{"[^:*]*", "arn", true},
           Case{"[^:*]*", "a:b", false},
           Case{"0|([1-9]\\d{0,38})", "0", true},
           Case{"0|([1-9]\\d{0,38})", "01", false},
           Case{"[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+", "h\xc3\xa9\n", true},
           Case{"[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+", "\xe2\x82\xac", false},
           Case{"[\\u0020-\\uD7FF\\uE000-\\uFFFD\\uD800\\uDC00-\\uDBFF\\uDFFF\\r\\n\\t]*",
                "\xf0\x9f\x98\x80", true},
           Case{"^([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+)$", "\xc3\xa9 1", true},
           Case{"\\p{Print}+", "a b", true},
           Case{"(?!^[0-9]+$)([a-zA-Z0-9-_]+)", "2024", false},
           Case{"(?!^[0-9]+$)([a-zA-Z0-9-_]+)", "v2024", true},
           Case{"((?!^\\d+$)^[0-9a-zA-Z-_]+$)", "$LATEST", false},
           Case{"((?!^\\d+$)^[0-9a-zA-Z-_]+$)", "live", true},
           Case{"[0-9A-Za-z\\.\\-_]*(?<!\\.)", "a.", false},
           Case{"[0-9A-Za-z\\.\\-_]*(?<!\\.)", "a.b", true},
           Case{"\\$(LATEST(\\.PUBLISHED)?)|[a-zA-Z0-9-_$]+", "$LATEST", true},
       })
    EXPECT_EQ(matches_pattern(c.pattern, c.text), c.matches) << c.pattern << " " << c.text;
}

void collect(const api::Shape* shape, std::set<const api::Shape*>& seen) {
  if (shape == nullptr || !seen.insert(shape).second) return;
  collect(shape->element, seen);
  collect(shape->key, seen);
  for (const api::Member& member : shape->members) collect(member.shape, seen);
}

TEST(Pattern, EveryPatternOfEveryServiceIsUnderstood) {
  std::set<const api::Shape*> shapes;
  for (const auto operations :
       {api::kinesis::operations(), api::dynamodb::operations(), api::lambda::operations(),
        api::iam::operations(), api::sts::operations(), api::s3::operations(),
        api::logs::operations(), api::cloudformation::operations(),
        api::dynamodbstreams::operations()})
    for (const api::Operation* operation : operations) {
      collect(operation->input, shapes);
      collect(operation->output, shapes);
    }
  for (const api::Shape* shape : shapes) {
    if (shape->pattern.empty()) continue;
    EXPECT_TRUE(matches_pattern(shape->pattern, "x").has_value()) << shape->pattern;
  }
}

}  // namespace
}  // namespace wire
