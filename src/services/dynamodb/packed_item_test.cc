#include "services/dynamodb/packed_item.h"

#include <gtest/gtest.h>

#include "services/dynamodb/packed_item_agreement.h"

namespace services::dynamodb {
namespace {

std::string nested(int levels) {
  std::string text = R"({"N":"1"})";
  for (int i = 0; i < levels; ++i) text = R"({"M":{"a":)" + text + "}}";
  return R"({"id":)" + text + "}";
}

TEST(PackedItem, TakesWhatIsPlain) {
  for (const char* const text : {
           R"({})",
           R"({"id":{"S":""}})",
           R"({"z":{"S":"last"},"a":{"N":"12.50"},"m":{"B":"AAEC"}})",
           R"({"z":{"S":"last"},"a":{"N":"-1.250e3"},"Z":{"N":"007"},"\u00e9":{"S":"\u00e9\n"}})",
           R"({"yes":{"BOOL":true},"no":{"BOOL":false},"nothing":{"NULL":true}})",
           R"({"ss":{"SS":["b","a"]},"ns":{"NS":["1.0","2e1"]},"bs":{"BS":["AA==","AQ=="]}})",
           R"({"m":{"M":{"z":{"L":[{"S":"x"},{"M":{}},{"L":[]}]},"a":{"NULL":true}}}})",
       })
    EXPECT_TRUE(packs_as_it_is_read(text)) << text;
  EXPECT_TRUE(packs_as_it_is_read(nested(16)));
}

// All of it is for those who have the words for it, or take longer over it.
TEST(PackedItem, LeavesTheRestAlone) {
  for (const char* const text : {
           R"({"":{"S":"x"}})",
           R"({"a":{"S":"1"},"a":{"S":"2"}})",
           R"({"a":null})",
           R"({"a":{}})",
           R"({"a":"x"})",
           R"({"a":{"S":null}})",
           R"({"a":{"S":1}})",
           R"({"a":{"S":"x","N":"1"}})",
           R"({"a":{"X":"x"}})",
           R"({"a":{"S":"x","X":1}})",
           R"({"a":{"N":"x"}})",
           R"({"a":{"N":"1e200"}})",
           R"({"a":{"N":""}})",
           R"({"a":{"B":"%"}})",
           R"({"a":{"B":1}})",
           R"({"a":{"BOOL":"true"}})",
           R"({"a":{"NULL":false}})",
           R"({"a":{"NULL":"true"}})",
           R"({"a":{"SS":[]}})",
           R"({"a":{"SS":["x","x"]}})",
           R"({"a":{"NS":["1","1.0"]}})",
           R"({"a":{"NS":["x"]}})",
           R"({"a":{"BS":["AA==","AA=="]}})",
           R"({"a":{"SS":"x"}})",
           R"({"a":{"SS":[1]}})",
           R"({"a":{"M":[]}})",
           R"({"a":{"L":{}}})",
           R"({"a":{"L":[null]}})",
           R"({"a":{"M":{"b":{"S":"1"},"b":{"S":"2"}}}})",
           "[]",
           "1",
           "{",
       })
    EXPECT_FALSE(packs_as_it_is_read(text)) << text;
  EXPECT_FALSE(packs_as_it_is_read(nested(17)));
  EXPECT_FALSE(packs_as_it_is_read(R"({")" + std::string(256, 'n') + R"(":{"S":""}})"));
}

TEST(PackedItem, IsAMapForWhoeverAsks) {
  d::PutRequest request;
  ASSERT_TRUE(wire::decode_json(R"({"Item":{"id":{"S":"x"},"n":{"N":"1.0"}}})", d::kPutRequestShape,
                                &request, wire::JsonFlavour::kDynamo, item_packing()));
  ASSERT_TRUE(request.item->is_packed());
  EXPECT_EQ((*request.item)->at("n").n(), "1");
  EXPECT_FALSE(request.item->is_packed());
  const auto item = read_item(*std::move(request.item));
  ASSERT_TRUE(item);
  EXPECT_EQ(item->bytes(), 6U);
}

TEST(PackedItem, IsRefusedInAwssWords) {
  d::PutRequest request;
  ASSERT_TRUE(wire::decode_json(R"({"Item":{"id":{"N":"one"}}})", d::kPutRequestShape, &request,
                                wire::JsonFlavour::kDynamo, item_packing()));
  EXPECT_EQ(read_item(*std::move(request.item)).error().message,
            "The parameter cannot be converted to a numeric value: one");
}

}  // namespace
}  // namespace services::dynamodb
