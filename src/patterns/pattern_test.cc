#include "patterns/pattern.h"

#include <gtest/gtest.h>

namespace patterns {
namespace {

bool matches(std::string_view pattern, std::string_view data) {
  const std::string whole = "{\"data\":" + std::string(pattern) + "}";
  const auto parsed = Pattern::parse(whole);
  EXPECT_TRUE(parsed) << whole << ": " << parsed.error().message;
  Event event;
  EXPECT_TRUE(event.set_json("data", data)) << data;
  return parsed && parsed->matches(event);
}
std::string refusal(std::string_view pattern) {
  const auto parsed = Pattern::parse(pattern);
  return parsed ? "none" : parsed.error().message;
}

struct Case {
  const char* pattern;
  const char* data;
  bool matched;
};

class Language : public testing::TestWithParam<Case> {};

TEST_P(Language, MatchesAsAwsDoes) {
  EXPECT_EQ(matches(GetParam().pattern, GetParam().data), GetParam().matched)
      << GetParam().pattern << " " << GetParam().data;
}

INSTANTIATE_TEST_SUITE_P(
    Literals, Language,
    testing::Values(
        Case{R"({"a":["x"]})", R"({"a":"x"})", true}, Case{R"({"a":["x"]})", R"({"a":"y"})", false},
        Case{R"({"a":["x"]})", R"({"b":"x"})", false},
        Case{R"({"a":["x","y"]})", R"({"a":"y"})", true},
        Case{R"({"a":[""]})", R"({"a":""})", true}, Case{R"({"a":[5]})", R"({"a":5})", true},
        Case{R"({"a":[5]})", R"({"a":5.0})", true}, Case{R"({"a":[300]})", R"({"a":3.0e2})", true},
        Case{R"({"a":[5]})", R"({"a":"5"})", false}, Case{R"({"a":[true]})", R"({"a":true})", true},
        Case{R"({"a":[null]})", R"({"a":null})", true}, Case{R"({"a":[null]})", R"({})", false},
        Case{R"({"a":["x"],"b":["y"]})", R"({"a":"x","b":"y"})", true},
        Case{R"({"a":["x"],"b":["y"]})", R"({"a":"x"})", false},
        Case{R"({"a":{"b":{"c":[1]}}})", R"({"a":{"b":{"c":1,"d":2}}})", true},
        Case{R"({"a":{"b":[1]}})", R"({"a":"text"})", false}));

INSTANTIATE_TEST_SUITE_P(
    Strings, Language,
    testing::Values(
        Case{R"({"a":[{"prefix":"AB"}]})", R"({"a":"ABC"})", true},
        Case{R"({"a":[{"prefix":"AB"}]})", R"({"a":"XAB"})", false},
        Case{R"({"a":[{"prefix":{"equals-ignore-case":"Ab"}}]})", R"({"a":"aBC"})", true},
        Case{R"({"a":[{"suffix":".png"}]})", R"({"a":"x.png"})", true},
        Case{R"({"a":[{"suffix":{"equals-ignore-case":".PNG"}}]})", R"({"a":"x.png"})", true},
        Case{R"({"a":[{"suffix":".png"}]})", R"({"a":"x.PNG"})", false},
        Case{R"({"a":[{"equals-ignore-case":"Alice"}]})", R"({"a":"aLICE"})", true},
        Case{R"({"a":[{"exactly":"x"}]})", R"({"a":"x"})", true},
        Case{R"({"a":[{"wildcard":"*/dir/*.png"}]})", R"({"a":"x/dir/y.png"})", true},
        Case{R"({"a":[{"wildcard":"*/dir/*.png"}]})", R"({"a":"x/dir.png"})", false},
        Case{R"({"a":[{"wildcard":"a*a"}]})", R"({"a":"a"})", false},
        Case{R"({"a":[{"wildcard":"a*b*c"}]})", R"({"a":"a1b2c"})", true},
        Case{R"({"a":[{"wildcard":"*"}]})", R"({"a":""})", true},
        Case{R"({"a":[{"wildcard":"a\\*b"}]})", R"({"a":"a*b"})", true},
        Case{R"({"a":[{"wildcard":"a\\*b"}]})", R"({"a":"axb"})", false},
        Case{R"({"a":[{"cidr":"10.0.0.0/24"}]})", R"({"a":"10.0.0.255"})", true},
        Case{R"({"a":[{"cidr":"10.0.0.0/24"}]})", R"({"a":"10.0.1.0"})", false},
        Case{R"({"a":[{"cidr":"10.0.0.0/30"}]})", R"({"a":"10.0.0.4"})", false},
        Case{R"({"a":[{"cidr":"2001:db8::/32"}]})", R"({"a":"2001:db8::1"})", true},
        Case{R"({"a":[{"cidr":"10.0.0.0/0"}]})", R"({"a":"no address"})", false}));

INSTANTIATE_TEST_SUITE_P(
    AnythingBut, Language,
    testing::Values(
        Case{R"({"a":[{"anything-but":"x"}]})", R"({"a":"y"})", true},
        Case{R"({"a":[{"anything-but":"x"}]})", R"({"a":"x"})", false},
        Case{R"({"a":[{"anything-but":"x"}]})", R"({"a":5})", true},
        Case{R"({"a":[{"anything-but":"x"}]})", R"({})", false},
        Case{R"({"a":[{"anything-but":["x","y"]}]})", R"({"a":"y"})", false},
        Case{R"({"a":[{"anything-but":[1,2]}]})", R"({"a":2.0})", false},
        Case{R"({"a":[{"anything-but":[1,2]}]})", R"({"a":3})", true},
        Case{R"({"a":[{"anything-but":{"prefix":"x"}}]})", R"({"a":"xy"})", false},
        Case{R"({"a":[{"anything-but":{"prefix":["x","y"]}}]})", R"({"a":"yx"})", false},
        Case{R"({"a":[{"anything-but":{"suffix":["x","y"]}}]})", R"({"a":"xz"})", true},
        Case{R"({"a":[{"anything-but":{"equals-ignore-case":["X","y"]}}]})", R"({"a":"x"})", false},
        Case{R"({"a":[{"anything-but":{"wildcard":"*/lib/*"}}]})", R"({"a":"a/lib/b"})", false},
        Case{R"({"a":[{"anything-but":{"wildcard":["*/lib/*","b*"]}}]})", R"({"a":"a/b"})", true}));

INSTANTIATE_TEST_SUITE_P(
    Numbers, Language,
    testing::Values(Case{R"({"a":[{"numeric":[">",0,"<=",5]}]})", R"({"a":5})", true},
                    Case{R"({"a":[{"numeric":[">",0,"<=",5]}]})", R"({"a":0})", false},
                    Case{R"({"a":[{"numeric":[">",0,"<=",5]}]})", R"({"a":5.1})", false},
                    Case{R"({"a":[{"numeric":["<",10]}]})", R"({"a":-7.5})", true},
                    Case{R"({"a":[{"numeric":["=",3.018e2]}]})", R"({"a":301.8})", true},
                    Case{R"({"a":[{"numeric":[">=",1]}]})", R"({"a":"2"})", false}));

INSTANTIATE_TEST_SUITE_P(
    ExistenceAndLists, Language,
    testing::Values(Case{R"({"a":[{"exists":true}]})", R"({"a":null})", true},
                    Case{R"({"a":[{"exists":true}]})", R"({"b":1})", false},
                    Case{R"({"a":[{"exists":true}]})", R"({"a":{"b":1}})", false},
                    Case{R"({"a":[{"exists":false}]})", R"({"b":1})", true},
                    Case{R"({"a":[{"exists":false}]})", R"({"a":1})", false},
                    Case{R"({"a":{"b":[{"exists":false}]}})", R"({"c":1})", true},
                    Case{R"({"a":["x",{"exists":false}]})", R"({})", true},
                    Case{R"({"a":{"b":[{"exists":false}]}})", R"({"a":[{"b":1},{"c":2}]})", false},
                    Case{R"({"a":["x"]})", R"({"a":["y","x"]})", true},
                    Case{R"({"a":["x"]})", R"({"a":[["y"],["x"]]})", true},
                    Case{R"({"a":["x"]})", R"({"a":[]})", false},
                    Case{R"({"a":[{"anything-but":"x"}]})", R"({"a":["x","y"]})", true},
                    Case{R"({"a":{"b":[1],"c":[2]}})", R"({"a":[{"b":1,"c":2}]})", true},
                    Case{R"({"a":{"b":[1],"c":[2]}})", R"({"a":[{"b":1},{"c":2}]})", false}));

INSTANTIATE_TEST_SUITE_P(
    Alternatives, Language,
    testing::Values(Case{R"({"$or":[{"a":[1]},{"b":[2]}]})", R"({"b":2})", true},
                    Case{R"({"$or":[{"a":[1]},{"b":[2]}]})", R"({"b":1})", false},
                    Case{R"({"c":[3],"$or":[{"a":[1]},{"b":[2]}]})", R"({"a":1})", false},
                    Case{R"({"c":[3],"$or":[{"a":[1]},{"b":[2]}]})", R"({"a":1,"c":3})", true},
                    Case{R"({"$or":[{"a":[1]},{"$or":[{"b":[2]},{"c":[3]}]}]})", R"({"c":3})",
                         true}));

TEST(Pattern, RefusesWhatAwsRefuses) {
  for (const char* pattern : {
           "",
           "[]",
           "{}",
           R"({"a":"x"})",
           R"({"a":1})",
           R"({"a":[]})",
           R"({"a":{}})",
           R"({"a":[["x"]]})",
           R"({"a":[{}]})",
           R"({"a":[{"like":"x"}]})",
           R"({"a":[{"prefix":"a","suffix":"b"}]})",
           R"({"a":[{"prefix":1}]})",
           R"({"a":[{"exists":"yes"}]})",
           R"({"a":[{"numeric":"<5"}]})",
           R"({"a":[{"numeric":[]}]})",
           R"({"a":[{"numeric":["<",5,">",1]}]})",
           R"({"a":[{"numeric":["<","5"]}]})",
           R"({"a":[{"numeric":[">",5,"<",5]}]})",
           R"({"a":[{"numeric":["=",6000000000]}]})",
           R"({"a":[{"anything-but":true}]})",
           R"({"a":[{"anything-but":[]}]})",
           R"({"a":[{"anything-but":["x",1]}]})",
           R"({"a":[{"anything-but":{"prefix":""}}]})",
           R"({"a":[{"anything-but":{"numeric":["<",1]}}]})",
           R"({"a":[{"cidr":"10.0.0.0"}]})",
           R"({"a":[{"cidr":"10.0.0.0/33"}]})",
           R"({"a":[{"cidr":"ten/8"}]})",
           R"({"a":[{"wildcard":"a**b"}]})",
           R"({"a":[{"wildcard":"a\\b"}]})",
           R"({"$or":{"a":[1]}})",
           R"({"$or":[{"a":[1]}]})",
           R"({"$or":[{"a":[1]},2]})",
       })
    EXPECT_NE(refusal(pattern), "none") << pattern;
  EXPECT_NE(refusal("{\"a\":[\"" + std::string(kPatternBytesMax, 'x') + "\"]}"), "none");
}

TEST(Pattern, KnowsWhatItAsksFor) {
  const auto pattern = *Pattern::parse(R"({"$or":[{"data":{"x":[1]}},{"partitionKey":["k"]}]})");
  EXPECT_TRUE(pattern.asks_for("data"));
  EXPECT_FALSE(pattern.compares("data"));
  EXPECT_TRUE(pattern.compares("partitionKey"));
  EXPECT_FALSE(pattern.asks_for("eventID"));
}

TEST(Event, RefusesWhatIsNoJson) {
  Event event;
  EXPECT_FALSE(event.set_json("data", "hello"));
  EXPECT_FALSE(event.set_json("data", std::string(1000, '[') + std::string(1000, ']')));
  EXPECT_TRUE(event.set_json("data", "5"));
}

}  // namespace
}  // namespace patterns
