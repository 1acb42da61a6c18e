// The pure parts of `millrace table`: what a person types, and what is drawn of items and changes.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/item_words.h"
#include "client/table_follow.h"

namespace client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const KeyTypes kTypes = {{"id", "S"}, {"at", "N"}, {"raw", "B"}};

TEST(FilterWords, AreAnExpressionWithPlaceholders) {
  const auto words = filter_words({"a.b[2] >= 3", "id=7", "name^=x", "!gone", "here"}, kTypes);
  ASSERT_TRUE(words);
  EXPECT_EQ(words->expression,
            "#n0.#n1[2] >= :v0 AND #n2 = :v1 AND begins_with(#n3, :v2) AND "
            "attribute_not_exists(#n4) AND attribute_exists(#n5)");
  EXPECT_EQ(words->names.at("#n1"), "b");
  EXPECT_EQ(words->values.at(":v0").n(), "3");
  EXPECT_EQ(words->values.at(":v1").s(), "7");  // a key is what it is
  EXPECT_THAT(filter_words({"=1"}, kTypes).error().message, HasSubstr("--where wants"));
}

TEST(GuessedValue, TakesJsonsWordsForWhatTheyAre) {
  EXPECT_EQ(guessed_value("-1.5e3").n(), "-1.5e3");
  EXPECT_EQ(guessed_value("1-2").s(), "1-2");
  EXPECT_EQ(guessed_value("\"12\"").s(), "12");
  EXPECT_TRUE(guessed_value("true").bool_());
  EXPECT_EQ(guessed_value(".").s(), ".");
}

TEST(KeyWords, TakeRangesAsTheyAreGiven) {
  const KeyNames keys{.hash = "id", .range = "at"};
  EXPECT_EQ(key_words(keys, kTypes, "a", {.from = "1", .to = "2"})->expression,
            "#h = :h AND #r BETWEEN :from AND :to");
  EXPECT_EQ(key_words(keys, kTypes, "a", {.to = "2"})->expression, "#h = :h AND #r <= :to");
  EXPECT_THAT(key_words({.hash = "id"}, kTypes, "a", {.from = "1"}).error().message,
              HasSubstr("no range key"));
  EXPECT_THAT(key_value(kTypes, "raw", "%").error().message, HasSubstr("base64"));
}

TEST(SameKey, ComparesNumbersByWorth) {
  EXPECT_TRUE(same_key(Value::of_n("1.50"), Value::of_n("15e-1")));
  EXPECT_TRUE(same_key(Value::of_n("-0"), Value::of_n("0.0")));
  EXPECT_FALSE(same_key(Value::of_n("10000000000000000000000000001"),
                        Value::of_n("10000000000000000000000000002")));
  EXPECT_FALSE(same_key(Value::of_n("1"), Value::of_s("1")));
}

TEST(ItemsTable, DropsWhatDoesNotFitAndSaysSo) {
  std::vector<Item> items(2);
  items[0] = {{"id", Value::of_s("a")}, {"long", Value::of_s(std::string(50, 'x'))}};
  items[1] = {{"id", Value::of_s("b")}, {"n", Value::of_n("1")}, {"long", Value::of_s("")}};
  const std::string narrow =
      items_table(items, {"id"}, {.draw = {.unicode = false, .characters_max = 20}});
  EXPECT_THAT(narrow, HasSubstr("| id | n |"));
  EXPECT_THAT(narrow, HasSubstr("Not shown for want of room: long"));
  const std::string wide =
      items_table(items, {"id"}, {.draw = {.unicode = false, .characters_max = 20}, .whole = true});
  EXPECT_THAT(wide, HasSubstr(std::string(50, 'x')));
}

TEST(ChangeLine, TellsWhatChanged) {
  TableChange change{.kind = "MODIFY", .keys = {{"id", Value::of_s("a")}}};
  change.before = Item{{"id", Value::of_s("a")}, {"n", Value::of_n("1")}, {"s", Value::of_s("")}};
  change.after = Item{{"id", Value::of_s("a")}, {"n", Value::of_s("1")}, {"t", Value::of_s("x\t")}};
  EXPECT_EQ(change_line(change), "-\tMODIFY\tid=a\tn: 1 -> 1, -s, +t=x\\t");
  EXPECT_EQ(change_json(change, false),
            R"({"time":"-","event":"MODIFY","keys":{"id":"a"},"before":{"id":"a","n":1,"s":""},)"
            R"("after":{"id":"a","n":"1","t":"x\t"}})");
}

}  // namespace
}  // namespace client
