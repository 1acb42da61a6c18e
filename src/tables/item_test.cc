#include "tables/item.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "tables/key.h"
#include "tables/lazy_item.h"
#include "tables/number.h"
#include "tables/stored_item.h"

namespace tables {
namespace {

Item sample() {
  return {
      {"s", Value::of_s("text \xF0\x9F\x90\x99")},
      {"n", Value::of_n("-12.5")},
      {"b", Value::of_b(std::string("\0\xFF", 2))},
      {"ss", Value::of_ss({"a", "b"})},
      {"ns", Value::of_ns({"1", "2.5"})},
      {"bs", Value::of_bs({"x"})},
      {"m", Value::of_m({{"inner", Value::of_l({Value::of_null(true), Value::of_bool(true)})}})},
      {"empty", Value::of_s("")},
      {"off", Value::of_bool(false)}};
}

TEST(ItemTest, ComesBackFromItsBytes) {
  const auto again = decode_item(encode_item(sample()));
  ASSERT_TRUE(again);
  EXPECT_TRUE(equal(*again, sample()));
}

TEST(ItemTest, EveryCutIsNoticed) {
  const std::string bytes = encode_item(sample());
  for (std::size_t length = 0; length < bytes.size(); ++length)
    EXPECT_FALSE(decode_item(std::string_view(bytes).substr(0, length))) << length;
  EXPECT_FALSE(decode_item(bytes + "x"));
  EXPECT_FALSE(decode_item("\x02" + bytes.substr(1)));
}

TEST(ItemTest, FormatStaysAsDocumented) {
  const Item item = {{"id", Value::of_s("a")}, {"n", Value::of_n("7")}};
  EXPECT_EQ(encode_item(item), std::string("\x01\x02\x02id\x01\x01"
                                           "a\x01n\x02\x01"
                                           "7"));
}

TEST(ItemTest, StoredBytesMeasureAsTheItemDoes) {
  Item item = sample();
  item["long"] = Value::of_s(std::string(200, 'x'));
  item["longer"] = Value::of_s(std::string(20'000, 'x'));
  item["l"] = Value::of_l({Value::of_m({{"deep", Value::of_ns({"100", "0.5", "-3"})}}),
                           Value::of_l({Value::of_s("")}), Value::of_n("1200")});
  for (const std::string number : {"1", "10", "12", "120", "999999999999999999", "0", "0.5", "-1"})
    item["number " + number] = Value::of_n(number);
  for (const char* const range : {"s", "m", "longer", "absent"}) {
    const KeySchema schema{.hash = {"n"}, .range = KeyAttribute{range}};
    const auto sizes = stored_sizes(schema, encode_item(item));
    ASSERT_TRUE(sizes);
    EXPECT_EQ(sizes->item, item_size(item));
    EXPECT_EQ(sizes->stored, stored_size(schema, item, item_size(item))) << range;
  }
}

TEST(ItemTest, EveryCutIsNoticedByWhoMeasures) {
  const std::string bytes = encode_item(sample());
  for (std::size_t length = 0; length < bytes.size(); ++length)
    EXPECT_FALSE(stored_sizes({.hash = {"s"}}, std::string_view(bytes).substr(0, length)));
  EXPECT_FALSE(stored_sizes({.hash = {"s"}}, bytes + "x"));
}

TEST(NumberSizeTest, TextIsMeasuredAsTheNumberIs) {
  for (const std::string text : {"0",
                                 "5",
                                 "-5",
                                 "120",
                                 "-1200",
                                 "0.5",
                                 "0.05",
                                 "0.005",
                                 "-0.0012",
                                 "12.5",
                                 "10.01",
                                 "100.25",
                                 "-99.999",
                                 "1000000",
                                 "0.1234567",
                                 "123456.7",
                                 "1E5",
                                 "1.5e-7",
                                 "-2E+30",
                                 "12345678901234567890",
                                 "0.00000000000000000000000000000001"})
    EXPECT_EQ(number_size(text), Number::parse(text)->stored_size()) << text;
}

TEST(NormaliseTest, NumbersThatStayAsTheyAreAreWrittenTheOneWay) {
  for (const char* const text : {"0", "00", "0.", "0.0", "0.5", "0.50", "00.5", "01", "1.", ".5",
                                 "10", "10.0", "10.01", "1.5.", "5e1", "123456789012345678"}) {
    const auto number = Number::parse(text);
    Value value = Value::of_n(text);
    EXPECT_EQ(!normalise(value), number.has_value()) << text;
    if (number) EXPECT_EQ(value.n(), number->to_string()) << text;
  }
}

TEST(NumberSizeTest, ShortIntegersAreMeasuredAsAllNumbersAre) {
  for (std::int64_t value = 1; value < 200'000'000; value = value * 3 + 7) {
    const std::string text = std::to_string(value);
    EXPECT_EQ(number_size(text), Number::parse(text)->stored_size()) << text;
    const std::string round = text + "00";
    EXPECT_EQ(number_size(round), Number::parse(round)->stored_size()) << round;
  }
}

TEST(ItemTest, SizeIsCountedAsAwsCounts) {
  EXPECT_EQ(item_size({{"a", Value::of_s("bcd")}}), 4U);
  EXPECT_EQ(item_size({{"a", Value::of_n("1")}}), 3U);
  EXPECT_EQ(item_size({{"a", Value::of_n("0")}}), 2U);
  EXPECT_EQ(item_size({{"a", Value::of_n("-12345")}}), 1U + 5U);
  EXPECT_EQ(item_size({{"a", Value::of_m({})}}), 4U);
  EXPECT_EQ(item_size({{"a", Value::of_l({Value::of_bool(true)})}}), 6U);
}

TEST(KeyTest, StoredSizeIsWhatAPageIsMeasuredBy) {
  const KeySchema schema{.hash = {"a"}, .range = KeyAttribute{"b"}};
  Item item{{"a", Value::of_s("AAAAAAAAAA")}, {"b", Value::of_s("00")}};
  // 25 of these are just below AWS's 1 MB, whatever the attribute is called.
  item[std::string(255, 'e')] = Value::of_s(std::string(41'645, 'e'));
  EXPECT_EQ(stored_size(schema, item, item_size(item)) * 25, (1U << 20U) - 1);
  item.erase(std::string(255, 'e'));
  item["e"] = Value::of_s(std::string(41'645, 'e'));
  EXPECT_EQ(stored_size(schema, item, item_size(item)) * 25, (1U << 20U) - 1);
  const KeySchema hash_only{.hash = {"a"}};
  const Item small{
      {"a", Value::of_s("x")}, {"n", Value::of_null(true)}, {"z", Value::of_bs({"12"})}};
  EXPECT_EQ(stored_size(hash_only, small, item_size(small)),
            2U + (1 + 1 + 1) + 1U + (2 + 2 + 1) + 18U);
}

TEST(ValueTest, RefusesWithAwsTexts) {
  const auto text = [](Value value) { return normalise(value).value_or(""); };
  EXPECT_EQ(
      text(Value()),
      "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes");
  EXPECT_EQ(text(Value::of_ss({})),
            "One or more parameter values were invalid: An string set  may not be empty");
  EXPECT_EQ(text(Value::of_bs({"a", "a"})),
            "One or more parameter values were invalid: Input collection [YQ==, YQ==]of type BS "
            "contains duplicates.");
  EXPECT_EQ(text(Value::of_ns({"1", "1.0"})), "Input collection contains duplicates");
  EXPECT_EQ(text(Value::of_null(false)),
            "One or more parameter values were invalid: Null attribute value types must have the "
            "value of true");
  Value two = Value::of_s("x");
  two.ambiguous = true;
  EXPECT_EQ(text(two),
            "Supplied AttributeValue has more than one datatypes set, must contain exactly one of "
            "the supported datatypes");
}

TEST(ValueTest, NestingIsMeasured) {
  Value value = Value::of_s("leaf");
  for (int depth = 1; depth <= 31; ++depth) value = Value::of_l({value});
  EXPECT_FALSE(nests_too_deep(value));
  EXPECT_TRUE(nests_too_deep(Value::of_l({value})));
}

TEST(KeyTest, EncodedStringsOrderAsBytes) {
  base::SeededRandom random(3);
  std::vector<std::string> texts = {"",
                                    "a",
                                    std::string("a\0", 2),
                                    "ab",
                                    std::string("a\0b", 3),
                                    "b",
                                    std::string("\0", 1),
                                    std::string("\0\0", 2),
                                    "\xFF",
                                    std::string("a\x01")};
  for (int i = 0; i < 200; ++i) {
    std::string text;
    for (std::uint64_t n = random.below(6); n > 0; --n)
      text +=
          "\x00\x01\x02\xFE\xFF"
          "ab"[random.below(7)];
    texts.push_back(text);
  }
  const auto key = [](const std::string& text) {
    std::string bytes;
    append_key_value(bytes, Value::of_b(text));
    return bytes;
  };
  for (const auto& a : texts) {
    std::string start;
    append_key_prefix(start, a);
    for (const auto& b : texts) {
      EXPECT_EQ(a < b, key(a) < key(b));
      EXPECT_EQ(b.starts_with(a), key(b).starts_with(start));
      if (a != b) {
        EXPECT_FALSE(key(a).starts_with(key(b)));
      }
    }
  }
}

TEST(KeyTest, OfAStoredItemIsThatOfTheItem) {
  const KeySchema schema = {{"p", Type::kS}, KeyAttribute{"c", Type::kN}};
  for (const std::size_t length : {1, 15, 16, 200}) {
    const Item item = {{"b", Value::of_l({Value::of_s("x"), Value::of_m({})})},
                       {"c", Value::of_n("-12.5")},
                       {"n", Value::of_null(true)},
                       {"p", Value::of_s(std::string(length, 'p'))}};
    const auto stored = LazyItem::of_stored(encode_item(item));
    ASSERT_TRUE(stored);
    EXPECT_FALSE(check_item_key(schema, *stored));
    std::string key;
    append_key(key, schema, *stored);
    EXPECT_FALSE(stored->is_decoded());
    EXPECT_EQ(key, encode_key(schema, item));
    EXPECT_EQ(stored->find("b")->type, Type::kL);
    EXPECT_FALSE(stored->find("z"));
  }
}

TEST(KeyTest, PartitionHashNeverChanges) {
  std::string encoded;
  append_key_value(encoded, Value::of_s("user-1"));
  const std::uint16_t first = partition_hash(encoded);
  EXPECT_EQ(first, partition_hash(encoded));
  // Partitions spread: a thousand keys meet well over half of 256 buckets.
  std::vector<bool> met(256);
  for (int i = 0; i < 1000; ++i) met[partition_hash("key" + std::to_string(i)) >> 8U] = true;
  EXPECT_GT(std::count(met.begin(), met.end(), true), 200);
}

TEST(KeyTest, RefusesWithAwsTexts) {
  const KeySchema schema = {{"p", Type::kS}, KeyAttribute{"c", Type::kN}};
  const auto text = [&](const Item& key) {
    const auto wrong = check_key(schema, key);
    return wrong ? wrong->message : "";
  };
  const std::string mismatch = "The provided key element does not match the schema";
  EXPECT_EQ(text({}), mismatch);
  EXPECT_EQ(text({{"p", Value::of_s("a")}}), mismatch);
  EXPECT_EQ(text({{"p", Value::of_s("a")}, {"c", Value::of_s("1")}}), mismatch);
  EXPECT_EQ(text({{"p", Value::of_s("a")}, {"c", Value::of_n("1")}}), "");
  EXPECT_EQ(text({{"p", Value::of_s(std::string(2049, 'x'))}, {"c", Value::of_n("1")}}),
            "One or more parameter values were invalid: Size of hashkey has exceeded the maximum "
            "size limit of2048 bytes");
  const auto item = check_item_key(schema, Item{{"p", Value::of_s("a")}});
  EXPECT_EQ(item->message,
            "One or more parameter values were invalid: Missing the key c in the item");
}

}  // namespace
}  // namespace tables
