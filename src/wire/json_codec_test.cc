#include "wire/json_codec.h"

#include <gtest/gtest.h>

#include "api/dynamodb/types.h"
#include "api/kinesis/types.h"
#include "api/lambda/types.h"

namespace wire {
namespace {

namespace kinesis = api::kinesis;
namespace dynamodb = api::dynamodb;

template <class T>
std::string message_of(const api::Outcome<T>& outcome) {
  return outcome ? "(accepted)" : outcome.error().code + ": " + outcome.error().message;
}

// ---- what is read

TEST(JsonDecode, ReadsEveryKindOfMember) {
  const auto input = decode_json<kinesis::PutRecordsInput>(
      R"({"Records":[{"Data":"aGVsbG8=","PartitionKey":"k\u00e9\n"},{"PartitionKey":"b","Data":""}],
          "StreamName":"s","Unknown":{"x":[1,2,{}]},"StreamARN":null})",
      kinesis::kPutRecordsInputShape, JsonFlavour::kKinesis);
  ASSERT_TRUE(input) << message_of(input);
  ASSERT_EQ(input->records->size(), 2U);
  EXPECT_EQ(input->records->at(0).data, "hello");
  EXPECT_EQ(input->records->at(0).partition_key, "k\xc3\xa9\n");
  EXPECT_EQ(input->records->at(1).data, "");
  EXPECT_EQ(input->stream_name, "s");
  EXPECT_FALSE(input->stream_arn);
}

TEST(JsonDecode, OfARepeatedNameTheLastCounts) {
  const auto input = decode_json<kinesis::AddTagsToStreamInput>(
      R"({"StreamName":"a","Tags":{"k":"1","k":"2"},"StreamName":"b"})",
      kinesis::kAddTagsToStreamInputShape, JsonFlavour::kKinesis);
  ASSERT_TRUE(input);
  EXPECT_EQ(input->stream_name, "b");
  EXPECT_EQ(*input->tags, (std::map<std::string, std::string>{{"k", "2"}}));
}

TEST(JsonDecode, CutsNumbersToTheirType) {
  struct Case {
    const char* json;
    std::int32_t expected;
  };
  for (const Case& c : {Case{"5", 5}, Case{"5.9", 5}, Case{"100000000000", 2147483647},
                        Case{"-100000000000", -2147483647 - 1}, Case{"1e300", 2147483647},
                        Case{"18446744073709551615", 2147483647}}) {
    const auto input = decode_json<kinesis::CreateStreamInput>(
        R"({"ShardCount":)" + std::string(c.json) + "}", kinesis::kCreateStreamInputShape,
        JsonFlavour::kKinesis);
    ASSERT_TRUE(input) << c.json;
    EXPECT_EQ(input->shard_count, c.expected) << c.json;
  }
}

TEST(JsonDecode, ReadsTimestampsInSecondsAndAsText) {
  for (const char* json : {"1795409460.123", "1.795409460123E9", "\"2026-11-23T04:51:00.123Z\""}) {
    const auto input = decode_json<kinesis::GetShardIteratorInput>(
        R"({"Timestamp":)" + std::string(json) + "}", kinesis::kGetShardIteratorInputShape,
        JsonFlavour::kKinesis);
    ASSERT_TRUE(input) << json;
    EXPECT_EQ(base::to_epoch_ms(*input->timestamp), 1'795'409'460'123) << json;
  }
  const auto far = decode_json<kinesis::GetShardIteratorInput>(
      R"({"Timestamp":1e300})", kinesis::kGetShardIteratorInputShape, JsonFlavour::kKinesis);
  ASSERT_TRUE(far);
}

TEST(JsonDecode, ReadsNestedItemsAndMarksAmbiguousOnes) {
  const auto input = decode_json<dynamodb::PutItemInput>(
      R"({"Item":{"a":{"S":"x"},"l":{"L":[{"N":"1"},{"BOOL":true},{"B":"AA=="}]},
                  "m":{"M":{"k":{"NULL":true}}},"two":{"S":"x","N":"1"},"none":{},"nil":null,
                  "same":{"S":"x","S":"y"}}})",
      dynamodb::kPutItemInputShape, JsonFlavour::kDynamo);
  ASSERT_TRUE(input) << message_of(input);
  const auto& item = *input->item;
  EXPECT_EQ(item->at("a").s(), "x");
  EXPECT_EQ(item->at("l").l().at(0).n(), "1");
  EXPECT_EQ(item->at("l").l().at(2).b(), std::string("\0", 1));
  EXPECT_TRUE(item->at("m").m().at("k").is_null());
  EXPECT_TRUE(item->at("two").ambiguous);
  EXPECT_EQ(item->at("none").member(), dynamodb::AttributeValue::Member::kNone);
  EXPECT_EQ(item->at("nil").member(), dynamodb::AttributeValue::Member::kNone);
  EXPECT_FALSE(item->at("same").ambiguous);
  EXPECT_EQ(item->at("same").s(), "y");
}

TEST(JsonDecode, LeavesMembersOfOtherPlacesAlone) {
  const auto input = decode_json<api::lambda::UpdateFunctionCodeRequest>(
      R"({"FunctionName":"other","Publish":true})", api::lambda::kUpdateFunctionCodeRequestShape,
      JsonFlavour::kModern);
  ASSERT_TRUE(input);
  EXPECT_FALSE(input->function_name);
  EXPECT_EQ(input->publish, true);
}

// ---- what is refused

TEST(JsonDecode, RefusesWhatIsNoObject) {
  const std::string deep = std::string(5000, '[') + std::string(5000, ']');
  const std::string bad_utf8 = "{\"StreamName\":\"\xff\"}";
  for (const std::string& body :
       {std::string(), std::string("hello"), std::string("7"), std::string("\"x\""),
        std::string("null"), std::string("{"), std::string("{} {}"),
        std::string(R"({"StreamName":"a",})"), deep, bad_utf8}) {
    const auto input = decode_json<kinesis::PutRecordInput>(body, kinesis::kPutRecordInputShape,
                                                            JsonFlavour::kKinesis);
    EXPECT_EQ(message_of(input), "SerializationException: ") << body.substr(0, 40);
  }
}

TEST(JsonDecode, BoundsDepthAndCount) {
  std::string item = R"({"S":"x"})";
  for (int i = 0; i < 200; ++i) item = R"({"L":[)" + item + "]}";
  const auto deep = decode_json<dynamodb::PutItemInput>(
      R"({"Item":{"a":)" + item + "}}", dynamodb::kPutItemInputShape, JsonFlavour::kDynamo);
  EXPECT_FALSE(deep);

  std::string records = "{}";
  for (int i = 0; i < 100'000; ++i) records += ",{}";
  const auto many = decode_json<kinesis::PutRecordsInput>(
      R"({"Records":[)" + records + "]}", kinesis::kPutRecordsInputShape, JsonFlavour::kKinesis);
  EXPECT_FALSE(many);
}

struct WordCase {
  const char* json;
  const char* text;
};

constexpr const char* kBigNumber = "class com.amazon.coral.value.json.numbers.TruncatingBigNumber";

TEST(JsonWords, KinesisSaysWhatItExpected) {
  const std::string big = kBigNumber;
  const std::vector<std::pair<std::string, std::string>> cases = {
      {R"({"StreamName":true})", "class java.lang.Boolean can not be converted to an String"},
      {R"({"StreamName":34.56})", big + " can not be converted to an String"},
      {R"({"StreamName":[]})", "Start of list found where not expected"},
      {R"({"StreamName":{}})", "Start of structure or map found where not expected."},
      {R"({"Records":"23"})", "Expected list or null"},
      {R"({"Records":{}})", "Start of structure or map found where not expected."},
      {R"({"Records":[23]})", "Expected null"},
      {R"({"Records":[[]]})", "Start of list found where not expected"},
      {R"({"Records":[{"Data":23}]})", big + " can not be converted to a Blob"},
      {R"({"Records":[{"Data":"23456"}]})",
       "'23456' can not be converted to a Blob: Base64 encoded length is expected a multiple of 4 "
       "bytes but found: 5"},
      {R"({"Records":[{"Data":"=+/="}]})",
       "'=+/=' can not be converted to a Blob: Invalid Base64 character: '='"},
      {R"({"Records":[{"Data":"+/+="}]})",
       "'+/+=' can not be converted to a Blob: Invalid last non-pad Base64 character dectected"},
  };
  for (const auto& [json, text] : cases) {
    const auto input = decode_json<kinesis::PutRecordsInput>(json, kinesis::kPutRecordsInputShape,
                                                             JsonFlavour::kKinesis);
    EXPECT_EQ(message_of(input), "SerializationException: " + text) << json;
  }
}

TEST(JsonWords, KinesisSaysWhatItExpectedOfNumbersTimesAndMaps) {
  for (const WordCase& c : {
           WordCase{R"({"ShardCount":"23"})",
                    "class java.lang.String can not be converted to an Integer"},
           WordCase{R"({"ShardCount":true})",
                    "class java.lang.Boolean can not be converted to an Integer"},
           WordCase{R"({"Tags":23})", "Expected map or null"},
           WordCase{R"({"Tags":[]})", "Start of list found where not expected"},
       })
    EXPECT_EQ(message_of(decode_json<kinesis::CreateStreamInput>(
                  c.json, kinesis::kCreateStreamInputShape, JsonFlavour::kKinesis)),
              std::string("SerializationException: ") + c.text);
  EXPECT_EQ(
      message_of(decode_json<kinesis::GetShardIteratorInput>(
          R"({"Timestamp":"23"})", kinesis::kGetShardIteratorInputShape, JsonFlavour::kKinesis)),
      "SerializationException: class java.lang.String can not be converted to milliseconds "
      "since epoch");
}

TEST(JsonWords, DynamoSaysWhatItExpected) {
  const std::string cast =
      "class sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl cannot be cast to class "
      "java.lang.Class (sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl and "
      "java.lang.Class are in module java.base of loader 'bootstrap')";
  const std::string package = "com.amazonaws.dynamodb.v20120810.";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {R"({"TableName":true})", "TRUE_VALUE cannot be converted to String"},
      {R"({"TableName":23})", "NUMBER_VALUE cannot be converted to String"},
      {R"({"TableName":3.5})", "DECIMAL_VALUE cannot be converted to String"},
      {R"({"TableName":[]})", "Unrecognized collection type class java.lang.String"},
      {R"({"TableName":{}})", "Start of structure or map found where not expected"},
      {R"({"Limit":"23"})", "STRING_VALUE cannot be converted to Integer"},
      {R"({"ConsistentRead":"23"})", "Unexpected token received from parser"},
      {R"({"AttributesToGet":"23"})", "Unexpected field type"},
      {R"({"ExclusiveStartKey":"23"})", "Unexpected field type"},
      {R"({"ExclusiveStartKey":[]})",
       "Unrecognized collection type java.util.Map<java.lang.String, " + package +
           "AttributeValue>"},
      {R"({"ExclusiveStartKey":{"a":"23"}})", "Unexpected value type in payload"},
      {R"({"ExclusiveStartKey":{"a":[]}})",
       "Unrecognized collection type class " + package + "AttributeValue"},
      {R"({"ExclusiveStartKey":{"a":{"B":23}}})",
       "only base-64-encoded strings are convertible to bytes"},
      {R"({"ExclusiveStartKey":{"a":{"B":"23456"}}})",
       "Base64 encoded length is expected a multiple of 4 bytes but found: 5"},
      {R"({"ExclusiveStartKey":{"a":{"B":"=+/="}}})",
       "Invalid last non-pad Base64 character dectected"},
      {R"({"ExclusiveStartKey":{"a":{"BS":[[]]}}})",
       "Unrecognized collection type class java.nio.ByteBuffer"},
  };
  for (const auto& [json, text] : cases)
    EXPECT_EQ(message_of(decode_json<dynamodb::ScanInput>(json, dynamodb::kScanInputShape,
                                                          JsonFlavour::kDynamo)),
              "SerializationException: " + text)
        << json;
  EXPECT_EQ(message_of(decode_json<dynamodb::BatchWriteItemInput>(
                R"({"RequestItems":{"a":"23"}})", dynamodb::kBatchWriteItemInputShape,
                JsonFlavour::kDynamo)),
            "SerializationException: " + cast);
}

// ---- what is written

TEST(JsonEncode, WritesEveryKindOfMember) {
  kinesis::GetRecordsOutput output;
  output.millis_behind_latest = 0;
  auto& record = output.records.emplace().emplace_back();
  record.sequence_number = "49";
  record.approximate_arrival_timestamp = base::from_epoch_ms(1'795'409'460'120);
  record.data = "hello";
  record.partition_key = "a\"b\\\n\x01\xc3\xa9\xff";
  output.next_shard_iterator = "AAA=";
  EXPECT_EQ(encode_json(kinesis::kGetRecordsOutputShape, &output),
            R"({"Records":[{"SequenceNumber":"49","ApproximateArrivalTimestamp":1795409460.12,)"
            R"("Data":"aGVsbG8=","PartitionKey":"a\"b\\\n\u0001)"
            "\xc3\xa9\xef\xbf\xbd"
            R"("}],"NextShardIterator":"AAA=","MillisBehindLatest":0})");
}

TEST(JsonEncode, WritesDoublesAndTimesAsJavaDoes) {
  dynamodb::ConsumedCapacity capacity;
  capacity.capacity_units = 1;
  capacity.read_capacity_units = 0.5;
  EXPECT_EQ(encode_json(dynamodb::kConsumedCapacityShape, &capacity),
            R"({"CapacityUnits":1.0,"ReadCapacityUnits":0.5})");
  dynamodb::TableDescription table;
  table.creation_date_time = base::from_epoch_ms(1'795'409'460'000);
  EXPECT_EQ(encode_json(dynamodb::kTableDescriptionShape, &table),
            R"({"CreationDateTime":1795409460.0})");
}

TEST(JsonEncode, RoundTripsItems) {
  const std::string json =
      R"({"Item":{"a":{"S":"x"},"b":{"B":"AAE="},"l":{"L":[{"N":"1"},{"NULL":true}]},)"
      R"("m":{"M":{"k":{"SS":["p","q"]}}}}})";
  const auto output = decode_json<dynamodb::GetItemOutput>(json, dynamodb::kGetItemOutputShape,
                                                           JsonFlavour::kDynamo);
  ASSERT_TRUE(output);
  EXPECT_EQ(encode_json(dynamodb::kGetItemOutputShape, &*output), json);
}

TEST(JsonEncode, FindsSpecialBytesAtEveryPlace) {
  for (std::size_t length = 1; length < 40; ++length)
    for (std::size_t at = 0; at < length; ++at)
      for (const char special : {'"', '\\', '\n', '\x1f', '\0'}) {
        std::string text(length, 'z');
        text[at] = special;
        std::string out;
        append_json_string(out, text);
        ASSERT_GT(out.size(), length + 2) << length << " " << at;
      }
  std::string out;
  append_json_string(out, "!#[]~\x7f ");
  EXPECT_EQ(out, "\"!#[]~\x7f \"");
}

}  // namespace
}  // namespace wire
