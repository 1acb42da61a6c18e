#include <gtest/gtest.h>

#include "tables/expression/compile.h"
#include "tables/expression/evaluate.h"
#include "tables/expression/key_condition.h"
#include "tables/expression/update.h"

namespace tables::expression {
namespace {

using Names = std::map<std::string, std::string>;
using Values = std::map<std::string, Value>;

Value s(std::string text) { return Value::of_s(std::move(text)); }
Value n(std::string text) { return Value::of_n(std::move(text)); }

std::string condition_error(std::string_view text, const Values& values = {},
                            const Names& names = {}) {
  Scope scope(&names, &values);
  const auto made = compile_condition(text, scope);
  return made ? "" : made.error();
}

std::string update_error(std::string_view text, const Values& values = {},
                         const Names& names = {}) {
  Scope scope(&names, &values);
  const auto made = compile_update(text, scope);
  return made ? "" : made.error();
}

std::string projection_error(std::string_view text, const Names& names = {}) {
  Scope scope(&names, nullptr);
  const auto made = compile_projection(text, scope);
  return made ? "" : made.error();
}

bool check(std::string_view text, const Item& item, const Values& values = {},
           const Names& names = {}) {
  Scope scope(&names, &values);
  const auto made = compile_condition(text, scope);
  EXPECT_TRUE(made) << text << ": " << (made ? "" : made.error());
  return made && holds(*made, item);
}

Item updated(std::string_view text, const Item& item, const Values& values = {}) {
  Scope scope(nullptr, &values);
  const auto made = compile_update(text, scope);
  EXPECT_TRUE(made) << text << ": " << (made ? "" : made.error());
  const auto result = apply(*made, item);
  EXPECT_TRUE(result) << text << ": " << (result ? "" : result.error());
  return result.value_or(Item());
}

std::string apply_error(std::string_view text, const Item& item, const Values& values = {}) {
  Scope scope(nullptr, &values);
  const auto made = compile_update(text, scope);
  EXPECT_TRUE(made) << text << ": " << (made ? "" : made.error());
  const auto result = apply(*made, item);
  return result ? "" : result.error();
}

TEST(ConditionTest, SyntaxErrorsShowTheTokenBetweenItsNeighbours) {
  const auto syntax = [](std::string_view token, std::string_view near) {
    return "Syntax error; token: \"" + std::string(token) + "\", near: \"" + std::string(near) +
           "\"";
  };
  EXPECT_EQ(condition_error("a-b"), syntax("-", "a-b"));
  EXPECT_EQ(condition_error("a > 4"), syntax("4", "> 4"));
  EXPECT_EQ(condition_error("a"), syntax("<EOF>", "a"));
  EXPECT_EQ(condition_error("a = = :v"), syntax("=", "= = :v"));
  EXPECT_EQ(condition_error("_hidden = :v"), syntax("_", "_hidden"));
  EXPECT_EQ(condition_error("a in ()"), syntax(")", "()"));
  EXPECT_EQ(condition_error("\xC3\xBC > a"), syntax("\xC3\xBC", "\xC3\xBC >"));
  EXPECT_EQ(update_error("INVALID SYNTAX HERE"), syntax("INVALID", "INVALID SYNTAX"));
  EXPECT_EQ(update_error("ADD hits : incr"), syntax(":", "hits : incr"));
  EXPECT_EQ(update_error("SET a = :b,"), syntax("<EOF>", ","));
  EXPECT_EQ(projection_error("!!"), syntax("!", "!!"));
}

TEST(ConditionTest, RefusesWhatTheGrammarDoesNotKnow) {
  for (const std::string_view text : {"things are not gonna be ok",
                                      "attribute_exists(Pictures-RearView)",
                                      "attribute_exists(\"Pictures.RearView\")",
                                      "attribute_exists(Pictures..RearView)",
                                      "attribute_exists(Pi#ctures.RearView)",
                                      "attribute_exists(asdf[a])",
                                      "a in b, c",
                                      "a > between",
                                      "a in b",
                                      "a in (b,c,)",
                                      "(a)between(b.(c.d))and(c)",
                                      "(a)between(b.c.d)and((c)",
                                      "#$.b > a",
                                      "a > :things.stuff",
                                      "b[:a] > a",
                                      "b[#_] > a",
                                      "(a)between(b.c[4.5].#d)and(:a)",
                                      "size(a).b > a",
                                      "(size(a)).b > a",
                                      "size(a)[0] > a",
                                      "(size(a))[0] > a",
                                      "(a = b) = c",
                                      "a = b c = d",
                                      "(a",
                                      "not",
                                      "a and b"})
    EXPECT_TRUE(condition_error(text).starts_with("Syntax error; token: ")) << text;
  EXPECT_EQ(condition_error(""), "The expression can not be empty;");
  EXPECT_EQ(condition_error(std::string(4097, 'a')),
            "Expression size has exceeded the maximum allowed size; expression size: 4097");
}

TEST(ConditionTest, RedundantParenthesesAreRefused) {
  for (const std::string_view text :
       {"a=a and a > ((views))", "(a)between(((b.c)).d)and(c)", "a > whatever((:things), ((a)))",
        "a=a AND ((a=a AND a=a)) AND a=a", "a=a OR ((a=a OR (a=a OR a=a)))"})
    EXPECT_EQ(condition_error(text), "The expression has redundant parentheses;") << text;
  EXPECT_EQ(condition_error("((a = :a) or (b = :a))", {{":a", s("x")}}), "");
}

TEST(ConditionTest, ChecksComeInAwsOrder) {
  EXPECT_EQ(condition_error("a=a and whatever((:things)) > a"),
            "Invalid function name; function: whatever");
  EXPECT_EQ(condition_error("size(contains(a, b)) > a"),
            "The function is not allowed to be used this way in an expression; function: contains");
  EXPECT_EQ(condition_error("size(things)"),
            "The function is not allowed to be used this way in an expression; function: size");
  EXPECT_EQ(condition_error("attribute_exists(views, #a)"),
            "Attribute name is a reserved keyword; reserved keyword: views");
  EXPECT_EQ(
      condition_error("(#P between :lo and :hi) and (#PC in (:cat1, :cat2))"),
      "An expression attribute name used in the document path is not defined; attribute name: "
      "#P");
  EXPECT_EQ(condition_error(":a < :b"),
            "An expression attribute value used in expression is not defined; attribute value: :a");
  EXPECT_EQ(condition_error("begins_with(things, size(a), b)"),
            "Incorrect number of operands for operator or function; operator or function: "
            "begins_with, number of operands: 3");
  EXPECT_EQ(condition_error("a = a AND #a = b AND :views > a", {}, {{"#a", "a"}}),
            "The first operand must be distinct from the remaining operands for this operator or "
            "function; operator: =, first operand: [a]");
  EXPECT_EQ(condition_error("begins_with(a, :a)", {{":a", n("1")}}),
            "Incorrect operand type for operator or function; operator or function: begins_with, "
            "operand type: N");
  EXPECT_EQ(condition_error("attribute_not_exists(size(:a))", {{":a", s("1")}}),
            "Operator or function requires a document path; operator or function: "
            "attribute_not_exists");
  EXPECT_EQ(
      condition_error("a between :b and :a", {{":a", s("a")}, {":b", s("b")}}),
      "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; "
      "lower bound operand: AttributeValue: {S:b}, upper bound operand: AttributeValue: {S:a}");
}

TEST(ConditionTest, DeepAndLongInputIsRefusedNotFollowed) {
  EXPECT_NE(condition_error(std::string(4096, '(')), "");
  EXPECT_NE(condition_error(std::string(2000, '(') + "a<b" + std::string(2000, ')')), "");
  std::string nots;
  for (int i = 0; i < 1000; ++i) nots += "not ";
  EXPECT_EQ(condition_error(nots + "a<b"),
            "The expression contains too many operators; operator count: 301");
  std::string calls = "a < ";
  for (int i = 0; i < 1355; ++i) calls += "f(";
  EXPECT_EQ(condition_error(calls + "b" + std::string(1355, ')')),
            "Invalid function name; function: f");
  std::string ors = "a<b ";
  for (int i = 0; i < 149; ++i) ors += "or (a<b ";
  EXPECT_EQ(condition_error(ors + std::string(149, ')')), "");
  std::string deep = "a";
  for (int i = 0; i < 32; ++i) deep += ".b";
  EXPECT_EQ(projection_error(deep),
            "The document path has too many nesting levels; nesting levels: 33");
}

TEST(ConditionTest, Holds) {
  const Item item = {{"a", n("5")},
                     {"t", s("hello")},
                     {"z", Value::of_ss({"x", "y"})},
                     {"m", Value::of_m({{"l", Value::of_l({n("1"), s("two")})}})}};
  const Values v = {{":n", n("5")},
                    {":m", n("6")},
                    {":s", s("hell")},
                    {":x", s("x")},
                    {":set", Value::of_ss({"y", "x"})},
                    {":two", s("two")},
                    {":t", s("SS")}};
  for (const std::string_view text : {"a = :n",
                                      "a < :m",
                                      "a <> :m",
                                      "absent <> :n",
                                      "absent <> other_one",
                                      "a BETWEEN :n AND :m",
                                      "a IN (:m, :n)",
                                      "begins_with(t, :s)",
                                      "contains(z, :x)",
                                      "contains(m.l, :two)",
                                      "z = :set",
                                      "attribute_exists(m.l[1])",
                                      "attribute_not_exists(m.l[2])",
                                      "attribute_type(z, :t)",
                                      "size(t) = :n",
                                      "NOT a > :n",
                                      "a = :m OR a = :n AND t > :s",
                                      "(a) = (:n)",
                                      "size(m) < a",
                                      "not not a = :n"})
    EXPECT_TRUE(check(text, item, v)) << text;
  for (const std::string_view text :
       {"a = :m", "absent = other_one", "absent < :n", "t < :n", "a IN (:m)", "contains(t, :x)",
        "attribute_exists(m.l.x)", "size(a) = :n", "NOT attribute_exists(a)"})
    EXPECT_FALSE(check(text, item, v)) << text;
}

TEST(UpdateTest, RefusesWithAwsTexts) {
  EXPECT_EQ(update_error(" set #c = :c set abOrt = true "),
            "Attribute name is a reserved keyword; reserved keyword: abOrt");
  EXPECT_EQ(update_error("remove #d set a = b remove e"),
            "The \"REMOVE\" section can only be used once in an update expression;");
  EXPECT_EQ(
      update_error("set #c[3].#d = a, #c[3] = a", {}, {{"#c", "c"}, {"#d", "[3]"}}),
      "Two document paths overlap with each other; must remove or rewrite one of these paths; "
      "path one: [c, [3], [3]], path two: [c, [3]]");
  EXPECT_EQ(update_error("remove a.#c set a[1] = #d", {}, {{"#c", "c"}, {"#d", "d"}}),
            "Two document paths conflict with each other; must remove or rewrite one of these "
            "paths; path one: [a, c], path two: [a, [1]]");
  EXPECT_EQ(update_error("add a.b :a", {{":a", s("x")}}),
            "Incorrect operand type for operator or function; operator: ADD, operand type: STRING");
  EXPECT_EQ(update_error("set a = list_append(c)"),
            "Incorrect number of operands for operator or function; operator or function: "
            "list_append, number of operands: 1");
  EXPECT_EQ(update_error("set a = if_not_exists(if_not_exists(a, b), c)"),
            "Operator or function requires a document path; operator or function: if_not_exists");
  EXPECT_EQ(update_error("set a = a + :a", {{":a", s("x")}}),
            "Incorrect operand type for operator or function; operator or function: +, operand "
            "type: S");
  for (const std::string_view text :
       {"whatever", "set a", "add a", "set a=set", "remove a = b", "add a = b", "delete a b",
        "remove a b", "set :a = b", "set a = b / c", "set a[1] = \"eight\"", "set a[1] = 1",
        "set (a = (b + c))", "set a = (b.c).d + e", "set a = (b.c)[0] + e", "set a = b + c + d",
        "SET if_not_exist(a, b) = a", "set a = if_not_exist(a, 100)"})
    EXPECT_TRUE(update_error(text).starts_with("Syntax error; ")) << text;
  for (const std::string_view text : {"set a = (b + c)", "set a = ((b.c.d)+(e))", "set a = (b) + c",
                                      "SET a = if_not_exists(a, b) + b"})
    EXPECT_EQ(update_error(text), "") << text;
}

TEST(UpdateTest, SeesTheItemAsItWas) {
  const Item item = {{"a", n("1")}, {"b", n("2")}, {"l", Value::of_l({n("0"), n("1"), n("2")})}};
  EXPECT_TRUE(equal(updated("SET a = b, b = a", item),
                    {{"a", n("2")}, {"b", n("1")}, {"l", item.at("l")}}));
  const Item removed = updated("REMOVE l[0], l[2], a", item);
  EXPECT_TRUE(equal(removed.at("l"), Value::of_l({n("1")})));
  EXPECT_FALSE(removed.contains("a"));
  const Item appended = updated("SET l[9] = b, l[5] = a, l[1] = b", item);
  EXPECT_TRUE(equal(appended.at("l"), Value::of_l({n("0"), n("2"), n("2"), n("1"), n("2")})));
}

TEST(UpdateTest, AddsAndDeletes) {
  const Values v = {
      {":n", n("41")}, {":s", Value::of_ss({"x", "y"})}, {":l", Value::of_l({n("9")})}};
  EXPECT_TRUE(equal(updated("ADD c :n", {{"c", n("1")}}, v).at("c"), n("42")));
  EXPECT_TRUE(equal(updated("ADD c :n", {}, v).at("c"), n("41")));
  EXPECT_TRUE(equal(updated("ADD z :s", {{"z", Value::of_ss({"w", "x"})}}, v).at("z"),
                    Value::of_ss({"w", "x", "y"})));
  EXPECT_TRUE(updated("DELETE z :s", {{"z", Value::of_ss({"x"})}}, v).empty());
  EXPECT_TRUE(equal(updated("SET l = list_append(if_not_exists(l, :l), :l)", {}, v).at("l"),
                    Value::of_l({n("9"), n("9")})));
  EXPECT_TRUE(equal(updated("SET c = c - :n", {{"c", n("1")}}, v).at("c"), n("-40")));
}

TEST(UpdateTest, FailsOnTheItemWithAwsTexts) {
  const Values v = {{":n", n("1")}, {":s", Value::of_ss({"x"})}};
  EXPECT_EQ(apply_error("SET a = b", {}),
            "The provided expression refers to an attribute that does not exist in the item");
  EXPECT_EQ(apply_error("SET a.b = :n", {}, v),
            "The document path provided in the update expression is invalid for update");
  EXPECT_EQ(apply_error("SET a = a + :n", {{"a", s("x")}}, v),
            "An operand in the update expression has an incorrect data type");
  EXPECT_EQ(apply_error("DELETE a :s", {{"a", n("1")}}, v),
            "An operand in the update expression has an incorrect data type");
}

TEST(ProjectionTest, RefusesWithAwsTexts) {
  EXPECT_EQ(
      projection_error("b[1], b.a, #a.b, a", {{"#a", "a"}}),
      "Two document paths overlap with each other; must remove or rewrite one of these paths; "
      "path one: [a, b], path two: [a]");
  EXPECT_EQ(
      projection_error("a,b,a,#a"),
      "An expression attribute name used in the document path is not defined; attribute name: "
      "#a");
  for (const std::string_view text : {"whatever(stuff)", ":a", "abort,", "a,,b", "a..b", "a[b]",
                                      "(a.b).c", "(a)", "(a,b)", "a-b"})
    EXPECT_TRUE(projection_error(text).starts_with("Syntax error; ")) << text;
}

TEST(ProjectionTest, KeepsTheShape) {
  const Item item = {{"a", Value::of_m({{"x", n("1")}, {"y", n("2")}})},
                     {"f", Value::of_l({n("0"), n("1"), n("2")})},
                     {"d", n("4")}};
  Scope scope(nullptr, nullptr);
  const auto paths = compile_projection("f[2], f[0], a.y, d, nothing, a.q.r", scope);
  ASSERT_TRUE(paths);
  EXPECT_TRUE(equal(
      project(item, *paths),
      {{"a", Value::of_m({{"y", n("2")}})}, {"f", Value::of_l({n("0"), n("2")})}, {"d", n("4")}}));
}

TEST(KeyConditionTest, RefusesWithAwsTexts) {
  const auto error = [](std::string_view text) {
    const Values values = {{":a", s("1")}, {":b", s("2")}};
    Scope scope(nullptr, &values);
    const auto condition = compile_condition(text, scope);
    if (!condition) return "compile: " + condition.error();
    const auto tests = to_key_tests(*condition);
    return tests ? std::string() : tests.error();
  };
  EXPECT_EQ(error("a > b and size(b) > c or a > c"),
            "Invalid operator used in KeyConditionExpression: OR");
  EXPECT_EQ(error("not a > b"), "Invalid operator used in KeyConditionExpression: NOT");
  EXPECT_EQ(error("begins_with(:a, b) and a > :b"),
            "Invalid condition in KeyConditionExpression: begins_with operator must have the key "
            "attribute as its first operand");
  EXPECT_EQ(error("a > size(b.d)"), "KeyConditionExpressions cannot contain nested operations");
  EXPECT_EQ(error("b > a.b"),
            "Invalid condition in KeyConditionExpression: Multiple attribute names used in one "
            "condition");
  EXPECT_EQ(error("b[0] > a"),
            "KeyConditionExpressions cannot have conditions on nested attributes");
  EXPECT_EQ(error(":b > :a AND a < :b"),
            "Invalid condition in KeyConditionExpression: No key attribute specified");
  EXPECT_EQ(error("(a > :a and b > :a) and (b > :a and c > :a)"),
            "KeyConditionExpressions must only contain one condition per key");
  EXPECT_EQ(error(":a <= a AND b = :b"), "");
}

}  // namespace
}  // namespace tables::expression
