// What is read and refused was recorded from DynamoDB by others; see partiql_test.cc.

#include "tables/partiql/plan.h"

#include <gtest/gtest.h>

namespace tables::partiql {
namespace {

constexpr const char* kOverlap =
    "Overlapping conditions with range keys are not supported in where clause";
constexpr const char* kTooMany = "Too many decomposed read operations for a given query.";

class PlanTest : public testing::Test {
 protected:
  PlanTest() {
    table.keys = {.hash = {"pk", Type::kS}, .range = KeyAttribute{"sk", Type::kS}};
    Index index;
    index.name = "gsi-inc";
    index.id = IndexId(1);
    index.global = true;
    index.keys = {.hash = {"gsiPk", Type::kS}, .range = std::nullopt};
    index.projection = {.kind = Projection::Kind::kInclude, .attributes = {"projattr"}};
    table.indexes.push_back(index);
  }

  static Statement read(const std::string& text) {
    auto made = compile(text, {});
    EXPECT_TRUE(made) << text << ": " << (made ? "" : made.error());
    return made.value_or(Statement());
  }
  ReadPlan plan(const std::string& where) const {
    auto made = plan_read(table, nullptr, read("SELECT * FROM t WHERE " + where));
    EXPECT_TRUE(made) << where << ": " << (made ? "" : made.error().text);
    return made.value_or(ReadPlan());
  }
  std::string refused(const std::string& where, bool of_index = false) const {
    const auto made = plan_read(table, of_index ? &table.indexes.front() : nullptr,
                                read("SELECT * FROM t WHERE " + where));
    return made ? "" : made.error().text;
  }
  std::vector<std::string> absent(const std::string& where) const {
    const auto made =
        plan_read(table, &table.indexes.front(), read("SELECT * FROM t WHERE " + where));
    EXPECT_TRUE(made) << where;
    return made ? made->absent : std::vector<std::string>();
  }
  static std::string many(int count) {
    std::string text;
    for (int i = 0; i < count; ++i) text += (text.empty() ? "'v" : ",'v") + std::to_string(i) + "'";
    return text;
  }
  static std::vector<std::string> keys_of(const ReadPlan& plan) {
    std::vector<std::string> keys;
    for (const Stretch& one : plan.stretches) {
      keys.push_back(one.hash.s());
      if (one.key) keys.back() += "/" + one.key->at("sk").s();
    }
    return keys;
  }

  Definition table;
};

using Names = std::vector<std::string>;

TEST_F(PlanTest, ReadsWhatTheKeysName) {
  EXPECT_EQ(keys_of(plan("pk = 'a'")), Names{"a"});
  EXPECT_EQ(keys_of(plan("'a' = pk AND sk = '1'")), Names{"a/1"});
  EXPECT_EQ(keys_of(plan("pk IN ['b', 'a']")), (Names{"b", "a"}));
  EXPECT_EQ(keys_of(plan("pk = 'b' OR pk = 'a' AND sk = '1'")), (Names{"b", "a/1"}));
  EXPECT_EQ(keys_of(plan("pk = 'a' AND sk IN ['2', '1']")), (Names{"a/1", "a/2"}));
  EXPECT_EQ(keys_of(plan("pk = 'a' AND sk = '1' AND sk > '0'")), Names{"a/1"});
  EXPECT_EQ(keys_of(plan("(pk = 'a' AND sk = '1') AND flag = 'x'")), Names{"a/1"});
  EXPECT_EQ(keys_of(plan("pk = 'a' AND pk = 'b'")), Names{});
  EXPECT_EQ(keys_of(plan("pk = 'a' AND sk > '2' AND sk < '1'")), Names{});
  EXPECT_EQ(plan("pk = 'a' AND (sk < '1' OR sk > '1' OR sk = '1')").stretches.size(), 3U);
}

TEST_F(PlanTest, LooksAtEverythingWhereNoPartitionIsNamed) {
  for (const char* where : {"pk > 'a'", "flag = 'x'", "pk = 'a' OR sk = '1'", "NOT pk = 'a'",
                            "pk = 'a' OR flag = 'x'", "pk <> 'a'"})
    EXPECT_FALSE(plan(where).keyed) << where;
  EXPECT_FALSE(plan("pk IN [" + many(51) + "] OR flag = 'one'").keyed);
}

TEST_F(PlanTest, KnowsWhenTheKeysSayAll) {
  for (const char* where : {"pk = 'a'", "pk = 'a' AND begins_with(sk, 'x')",
                            "pk = 'a' AND sk BETWEEN '1' AND '3'", "pk IN ['a'] AND sk IN ['1']"})
    EXPECT_TRUE(plan(where).only_keys) << where;
  for (const char* where :
       {"pk = 'a' AND flag = 'x'", "pk = 'a' AND NOT sk = '1'", "pk = 'a' AND sk <> '1'",
        "pk = 'a' AND pk = 'b'", "pk = 'a' AND attribute_exists(pk)"})
    EXPECT_FALSE(plan(where).only_keys) << where;
}

TEST_F(PlanTest, RefusesOverlaps) {
  for (const char* where :
       {"pk IN ['a', 'a']", "pk = 'a' OR pk = 'a'", "pk = 'a' AND (sk > '0' OR sk < '5')",
        "pk = 'a' AND (sk = '1' OR flag = 'two')",
        "(pk = 'a' AND flag = 'one') OR (pk = 'a' AND flag = 'two')",
        "pk = 'a' AND x = '1' OR pk = 'a' AND sk = '2'",
        "pk = 'a' AND x <> '1' OR pk = 'a' AND sk = '2'"})
    EXPECT_EQ(refused(where), kOverlap) << where;
}

TEST_F(PlanTest, MakesOneOfOverlapsThatAreNotRefused) {
  for (const char* where : {"pk = 'a' AND NOT sk = '1' OR pk = 'a' AND sk = '2'",
                            "pk = 'a' AND sk <> '1' OR pk = 'a' AND sk = '2'",
                            "pk = 'a' AND NOT sk IN ['1', '3'] OR pk = 'a' AND sk = '2'",
                            "pk = 'a' OR pk = 'a' AND NOT sk = '1'"}) {
    const ReadPlan made = plan(where);
    EXPECT_EQ(keys_of(made), Names{"a"}) << where;
    EXPECT_FALSE(made.only_keys) << where;
  }
}

TEST_F(PlanTest, RefusesTooManyReads) {
  EXPECT_EQ(refused("pk IN [" + many(51) + "]"), kTooMany);
  EXPECT_EQ(refused("pk = 'a' AND sk IN [" + many(51) + "]"), kTooMany);
  EXPECT_EQ(refused("pk IN [" + many(26) + "] AND sk IN ['1', '2']"), kTooMany);
  EXPECT_EQ(refused("pk IN [" + many(50) + "] AND flag IN [" + many(100) + "]"), "");
}

TEST_F(PlanTest, RefusesKeysOfAnotherType) {
  const std::string wrong =
      "Key attribute's data type should match its data type in table's schema: Key ";
  EXPECT_EQ(refused("pk = 1 OR pk = 'a'"), wrong + "pk");
  EXPECT_EQ(refused("pk = 'a' AND sk IN ['1', 2]"), wrong + "sk");
  EXPECT_EQ(refused("pk > 1"), "");
}

TEST_F(PlanTest, NamesFilterAttributesThatAnIndexLacks) {
  EXPECT_EQ(absent("gsiPk = 'y' AND NOT (nonproj = 'np1' OR projattr = 'x')"), Names{"nonproj"});
  EXPECT_EQ(absent("gsiPk = 'y' AND b = '1' AND (a = '2' OR projattr = '3')"), (Names{"a", "b"}));
  EXPECT_EQ(absent("gsiPk = 'y' AND (zz = '1' OR aa = '2' OR mm = '3')"),
            (Names{"zz", "aa", "mm"}));
  EXPECT_EQ(absent("(gsiPk = 'y' OR gsiPk = 'z') AND zz = '1'"), Names{"zz"});
  EXPECT_EQ(absent("(gsiPk = 'b' AND u1 = '1') OR (gsiPk = 'q' AND u2 = '1')"), Names{"u2"});
  for (const char* where :
       {"gsiPk = 'y' AND (projattr = 'a' OR projattr = 'b')", "gsiPk > 'a' AND zz = '1'",
        "(gsiPk = 'y' AND projattr = '1') OR (gsiPk = 'z' AND aa = '1')",
        "(gsiPk = 'y' AND zz = '1') OR aa = '1'"})
    EXPECT_EQ(absent(where), Names{}) << where;
}

TEST_F(PlanTest, OrdersByTheKey) {
  EXPECT_TRUE(plan("pk = 'o'").forward);
  EXPECT_FALSE(plan("pk = 'o' ORDER BY sk DESC").forward);
  EXPECT_TRUE(plan("pk = 'o' ORDER BY sk").forward);
  EXPECT_FALSE(plan("pk = 'o' ORDER BY pk ASC").forward);
  const ReadPlan made = plan("pk IN ['o', 'q', 'p'] ORDER BY pk DESC, sk ASC");
  EXPECT_TRUE(made.forward);
  EXPECT_EQ(keys_of(made), (Names{"q", "p", "o"}));
  EXPECT_EQ(keys_of(plan("pk = 'o' AND sk IN ['1', '2'] ORDER BY sk DESC")), (Names{"o/2", "o/1"}));
}

TEST_F(PlanTest, RefusesOrdersThatKeysDoNotHave) {
  const auto unordered = plan_read(table, nullptr, read("SELECT * FROM t ORDER BY sk"));
  ASSERT_FALSE(unordered);
  EXPECT_EQ(unordered.error().text,
            "Must have WHERE clause in the statement when using ORDER BY clause.");
  EXPECT_EQ(refused("pk = 'o' ORDER BY Total DESC"),
            "Attribute Total in ORDER BY clause must be part of the primary key");
  EXPECT_EQ(refused("pk > 'a' ORDER BY sk"),
            "Must have at least one non-optional hash key condition in WHERE clause when using "
            "ORDER BY clause.");
  EXPECT_EQ(refused("pk IN ['o', 'p'] ORDER BY sk DESC"),
            "Must have hash key in ORDER BY clause when more than one hash key condition specified "
            "in WHERE clause.");
}

TEST_F(PlanTest, RefusesIndexesWithKeysOfSeveralAttributes) {
  table.indexes.front().keys.more_hash.push_back({"other", Type::kS});
  EXPECT_NE(refused("gsiPk = 'a'", true), "");
  EXPECT_NE(refused("gsiPk = 'a' AND other = 'b'", true), "");
}

TEST_F(PlanTest, FindsTheItemOfAWrite) {
  const auto item = [&](const std::string& where) {
    return item_of(table, read("DELETE FROM t WHERE " + where));
  };
  const auto made = item("(pk = 'a' AND sk = '1') AND flag = 'x'");
  ASSERT_TRUE(made);
  EXPECT_TRUE(equal(made->key, Item{{"pk", Value::of_s("a")}, {"sk", Value::of_s("1")}}));
  EXPECT_TRUE(made->condition);
  EXPECT_FALSE(item("pk = 'a'"));
  EXPECT_FALSE(item("pk IN ['a'] AND sk = '1'"));
  EXPECT_FALSE(item("pk = 'a' AND sk = '1' OR flag = 'x'"));
  EXPECT_FALSE(item("pk = 'a' AND sk = '1' AND pk = 'a'")->condition);
  EXPECT_EQ(item("pk = 'a' AND sk = '1' AND pk = 'b'")->conflict, "pk");
}

}  // namespace
}  // namespace tables::partiql
