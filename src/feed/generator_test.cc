#include "feed/generator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <map>
#include <set>

#include "base/encoding.h"

namespace feed {
namespace {

namespace json = boost::json;

constexpr std::uint64_t kTweets = 3000;

std::string key_of(const json::object& tweet) {
  return std::string(tweet.at("user").at("name").as_string()) + "|" +
         std::string(tweet.at("created_at").as_string());
}

TEST(Generator, GivesTheSameTweetsForTheSameSeed) {
  EXPECT_EQ(Generator(7).tweet(123), Generator(7).tweet(123));
  EXPECT_NE(Generator(7).tweet(123), Generator(8).tweet(123));
  EXPECT_NE(Generator(7).tweet(123), Generator(7).tweet(124));
}

TEST(Generator, LooksLikeAFeed) {
  const Generator generator(42);
  std::map<std::string, int> keys;
  std::map<std::string, int> people;
  std::set<std::string> ids;
  std::uint64_t bytes = 0;
  for (std::uint64_t i = 0; i < kTweets; ++i) {
    const std::string line = generator.tweet(i);
    EXPECT_TRUE(base::is_valid_utf8(line));
    EXPECT_EQ(line.find('\n'), std::string::npos);
    EXPECT_GE(line.size(), 1000U);
    EXPECT_LE(line.size(), 12'000U);
    bytes += line.size();
    const json::object tweet = json::parse(line).as_object();
    ++keys[key_of(tweet)];
    ++people[std::string(tweet.at("user").at("screen_name").as_string())];
    ids.insert(std::string(tweet.at("id_str").as_string()));
    EXPECT_FALSE(tweet.at("text").as_string().empty());
  }
  EXPECT_EQ(ids.size(), kTweets);
  const auto twins = kTweets - keys.size();
  EXPECT_GT(twins, kTweets / 100);
  EXPECT_LT(twins, kTweets / 20);
  EXPECT_GT(bytes / kTweets, 2500U);
  EXPECT_LT(bytes / kTweets, 6000U);
  int busiest = 0;
  for (const auto& [name, count] : people) busiest = std::max(busiest, count);
  EXPECT_GT(busiest, 4);
}

TEST(Generator, BeginsLikeTheYear2014) {
  EXPECT_NE(Generator(1).tweet(0).find(R"("created_at":"Sun Aug 31 00:29:15 +0000 2014")"),
            std::string::npos);
}

}  // namespace
}  // namespace feed
