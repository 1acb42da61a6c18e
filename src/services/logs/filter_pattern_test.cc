#include "services/logs/filter_pattern.h"

#include <gtest/gtest.h>

#include <span>

#include "services/logs/pattern_scanner.h"
#include "services/logs/tokens.h"

namespace services::logs {
namespace {

struct Case {
  const char* pattern;
  const char* message;
  bool matches;
};

void check(std::span<const Case> cases) {
  for (const Case& c : cases) {
    const auto pattern = FilterPattern::parse(c.pattern);
    ASSERT_TRUE(pattern.has_value()) << c.pattern;
    EXPECT_EQ(pattern->matches(c.message), c.matches) << c.pattern << "  " << c.message;
  }
}

TEST(FilterPattern, Terms) {
  constexpr Case kCases[] = {
      {"", "anything", true},
      {"  ", "", true},
      {"ERROR", "[ERROR] no", true},
      {"ERROR", "an error", false},
      {"ERROR", "ERRORCODE: -1", true},
      {"ERROR ARGUMENTS", "ERROR bad ARGUMENTS", true},
      {"ERROR ARGUMENTS", "ERROR bad", false},
      {"\"bad arg\"", "a bad arg", true},
      {"\"bad arg\"", "bad, arg", false},
      {"\"say \\\"hi\\\"\"", "to say \"hi\" twice", true},
      {"?ERROR ?WARN", "WARN: low", true},
      {"?ERROR ?WARN", "INFO: fine", false},
      {"ERROR -EXITING", "ERROR: stay", true},
      {"ERROR -EXITING", "ERROR: EXITING", false},
      {"-INFO", "WARN", true},
      {"-\"not this\"", "but not this", false},
      {"REPORT ?nothing", "REPORT RequestId", true},
  };
  check(kCases);
}

TEST(FilterPattern, Json) {
  constexpr const char* kEvent =
      R"({"type":"Update","n":5,"f":1.5,"null":null,"t":true,"no":false,"ip":"192.168.1.7",)"
      R"("user":{"id":"42","a.b":1},"list":[{"x":"one"},2],"empty":""})";
  const Case cases[] = {
      {"{ $.type = \"Update\" }", kEvent, true},
      {"{$.type=Update}", kEvent, true},
      {"{ $.type = \"Delete\" }", kEvent, false},
      {"{ $.type != \"Delete\" }", kEvent, true},
      {"{ $.type = \"Up*\" }", kEvent, true},
      {"{ $.ip = 192.168.* }", kEvent, true},
      {"{ $.ip != 10.* }", kEvent, true},
      {"{ $.missing != \"x\" }", kEvent, false},
      {"{ $.n = 5 }", kEvent, true},
      {"{ $.n = 5.0 }", kEvent, true},
      {"{ $.n > 4 && $.n <= 5 }", kEvent, true},
      {"{ $.n < 5 }", kEvent, false},
      {"{ $.f >= 1.5e0 }", kEvent, true},
      {"{ $.n = 5* }", kEvent, true},
      {"{ $.type > 3 }", kEvent, false},
      {"{ $.null IS NULL }", kEvent, true},
      {"{ $.n IS NULL }", kEvent, false},
      {"{ $.missing IS NULL }", kEvent, false},
      {"{ $.missing NOT EXISTS }", kEvent, true},
      {"{ $.null NOT EXISTS }", kEvent, false},
      {"{ $.user EXISTS }", kEvent, true},
      {"{ $.t IS TRUE && $.no IS FALSE }", kEvent, true},
      {"{ $.t IS FALSE }", kEvent, false},
      {"{ $.user.id = \"42\" }", kEvent, true},
      {"{ $.user[\"a.b\"] = 1 }", kEvent, true},
      {"{ $.user['a.b'] = 1 }", kEvent, true},
      {"{ $.list[0].x = \"one\" }", kEvent, true},
      {"{ $.list[1] = 2 }", kEvent, true},
      {"{ $.list[2] = 2 }", kEvent, false},
      {"{ $.empty = \"\" }", kEvent, true},
      {"{ $.n = 1 || $.n = 5 && $.f = 1.5 }", kEvent, true},
      {"{ ($.n = 1 || $.n = 5) && $.f = 2 }", kEvent, false},
      {"{ $.n = 5 }", "no json {\"n\":5}", false},
      {"{ $.n = 5 }", " {\"n\":5}\n", true},
      {"{ $[0] = 5 }", "[5]", true},
      {"{ $.n = 5 }", "{\"n\":5", false},
  };
  check(cases);
}

TEST(FilterPattern, SpaceDelimited) {
  constexpr const char* kLine =
      R"(127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /apache_pb.gif HTTP/1.0" 404 1534)";
  const Case cases[] = {
      {"[ip, id, user, timestamp, request, status_code, size]", kLine, true},
      {"[ip, user, status]", kLine, false},
      {"[ip, id, user, timestamp, request, status_code=4*, size]", kLine, true},
      {"[ip, id, user, timestamp, request, status_code=5*, size]", kLine, false},
      {"[..., status_code=404, size]", kLine, true},
      {"[..., size > 1000]", kLine, true},
      {"[..., size > 2000]", kLine, false},
      {"[ip=127.*, ...]", kLine, true},
      {"[ip, ..., request=*.gif*, status = 404 || status = 500, size]", kLine, true},
      {"[..., request != \"*.gif*\", status, size]", kLine, false},
      {"[..., size >= 1534 && size != 1535]", kLine, true},
      {"[a, b, ..., c]", "1 2", false},
      {"[]", "anything", true},
  };
  check(cases);
}

TEST(FilterPattern, RefusesWhatIsNone) {
  for (const char* text : {"{",
                           "{}",
                           "{ $.a }",
                           "{ $.a = }",
                           "{ $.a = 1",
                           "{ $.a = 1 } x",
                           "{ a = 1 }",
                           "{ $.a > x }",
                           "{ $.a IS x }",
                           "{ ($.a = 1 }",
                           "{ $. = 1 }",
                           "{ $.a[x] = 1 }",
                           "{ $.a = \"x }",
                           "[a",
                           "[a,]",
                           "[a,,b]",
                           "[..., ...]",
                           "[a=1 && b=2]",
                           "[a] b",
                           "\"open",
                           "?",
                           "- x",
                           "{ $.a && }"})
    EXPECT_FALSE(FilterPattern::parse(text).has_value()) << text;
  EXPECT_FALSE(FilterPattern::parse(std::string(kPatternMax + 1, 'x')).has_value());
  const std::string deep = "{ " + std::string(500, '(') + "$.a = 1" + std::string(500, ')') + " }";
  EXPECT_FALSE(FilterPattern::parse(deep).has_value());
  EXPECT_NE(FilterPattern::parse("%err[0-9]%").error().message.find("Regular"), std::string::npos);
  EXPECT_FALSE(FilterPattern::parse("{ $.a = %x% }").has_value());
}

TEST(FilterPattern, Wildcards) {
  EXPECT_TRUE(matches_wildcards("*", ""));
  EXPECT_TRUE(matches_wildcards("a*b*c", "a-b-b-c"));
  EXPECT_FALSE(matches_wildcards("a*a", "a"));
  EXPECT_FALSE(matches_wildcards("ab*ba", "aba"));
  EXPECT_TRUE(matches_wildcards("**x**", "x"));
  EXPECT_FALSE(matches_wildcards("", "x"));
}

TEST(Tokens, HaveAwsFormAndRoundTrip) {
  const PageToken token{.forward = false, .stream = 7, .position = {1'795'000'000'123, 12}};
  const std::string text = token.to_string();
  EXPECT_EQ(text.size(), 60U);
  const auto again = PageToken::parse(text);
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->to_string(), text);
  EXPECT_EQ(again->position, token.position);
  EXPECT_FALSE(PageToken::parse("f/1/s").has_value());
  EXPECT_FALSE(PageToken::parse(text.substr(0, 59) + "x").has_value());
  EXPECT_EQ(event_id(1, {2, 3}).size(), 56U);
  EXPECT_LT(upload_token(1, 9), upload_token(1, 10));
}

}  // namespace
}  // namespace services::logs
