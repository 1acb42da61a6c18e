#include "event_processor/tweet_item.h"

#include <gtest/gtest.h>

#include "sdk/encoding.h"

namespace event_processor {
namespace {

std::variant<Item, Malformed> item_of(std::string_view json) {
  return item_from({"shard:1", sdk::base64_encode(json), ""});
}

Item good(std::string_view json) {
  const auto made = item_of(json);
  const auto* malformed = std::get_if<Malformed>(&made);
  EXPECT_EQ(malformed, nullptr) << malformed->reason;
  return malformed == nullptr ? std::get<Item>(made) : Item{};
}

std::string reason(std::string_view json) {
  const auto made = item_of(json);
  const auto* malformed = std::get_if<Malformed>(&made);
  return malformed == nullptr ? "it is well-formed" : malformed->reason;
}

std::string tweet(std::string_view name, std::string_view text) {
  return R"({"created_at":"Sun Aug 31 00:29:15 +0000 2014","user":{"name":)" + std::string(name) +
         R"(},"text":)" + std::string(text) + "}";
}

TEST(TweetItem, HasTheTweetsNameTimeAndText) {
  EXPECT_EQ(good(tweet("\"Ada\"", "\"hello\"")),
            (Item{"Ada", "2014-08-31T00:29:15.000Z", "hello"}));
}

TEST(TweetItem, KeepsEveryCharacterFromUtf8AndFromEscapes) {
  const std::string name = "\u524d\u7530 \U0001f60a\u2764\ufe0f";
  EXPECT_EQ(good(tweet("\"" + name + "\"", "\"\"")).username, name);
  EXPECT_EQ(good(tweet(R"("\u524d\u7530 \ud83d\ude0A\u2764\ufe0f")", "\"\"")).username, name);
  EXPECT_EQ(good(tweet("\"a\"", R"("\"\\\/\b\f\n\r\t\u0000\u0001")")).message,
            std::string("\"\\/\b\f\n\r\t\0\x01", 10));
}

TEST(TweetItem, HasNoMessageIfTheTweetHasNoText) {
  EXPECT_EQ(good(tweet("\"Ada\"", "null")).message, std::nullopt);
  EXPECT_EQ(good(tweet("\"Ada\"", "\"\"")).message, "");
}

TEST(TweetItem, ReplacesHalfASurrogatePair) {
  EXPECT_EQ(good(tweet("\"a\"", R"("x\ud83d")")).message, "x\ufffd");
  EXPECT_EQ(good(tweet("\"a\"", R"("\ude0a\ud83dx")")).message, "\ufffd\ufffdx");
  EXPECT_EQ(good(tweet("\"a\"", R"("\ud83d\ud83d\ude0a")")).message, "\ufffd\U0001f60a");
  EXPECT_EQ(good(tweet("\"a\"", R"("\\ud83d")")).message, "\\ud83d");
}

TEST(TweetItem, NamesWhatIsMalformed) {
  EXPECT_EQ(reason("[]"), "the data is not a JSON object");
  EXPECT_EQ(reason("{}"), "user.name is missing or empty");
  EXPECT_EQ(reason(tweet("\"\"", "\"\"")), "user.name is missing or empty");
  EXPECT_EQ(reason(tweet("1", "\"\"")), "user.name is missing or empty");
  EXPECT_EQ(reason(R"({"user":{"name":"a"}})"), "created_at is missing");
  EXPECT_EQ(reason(R"({"user":{"name":"a"},"created_at":"x"})"), "created_at is not a time");
  EXPECT_EQ(reason(tweet("\"a\"", "1")), "text is not a string");
  for (const char* json : {"", "{", "{}x", "{\"a\":\"\xff\"}", R"({"a":"\ud8"})", "\\"}) {
    EXPECT_TRUE(reason(json).starts_with("the data is not JSON: ")) << json;
  }
  EXPECT_TRUE(std::holds_alternative<Malformed>(item_from({"", "?", ""})));
}

TEST(TweetItem, KeepsToDynamoDbsLimits) {
  const auto quoted = [](std::size_t size) { return '"' + std::string(size, 'x') + '"'; };
  EXPECT_EQ(good(tweet(quoted(2048), "\"\"")).username.size(), 2048U);
  EXPECT_EQ(reason(tweet(quoted(2049), "\"\"")), "user.name is over 2048 bytes");
  const std::size_t rest = 8 + 1 + 9 + 24 + 7;  // names, username, timestamp
  EXPECT_EQ(good(tweet("\"a\"", quoted(409'600 - rest))).username, "a");
  EXPECT_EQ(reason(tweet("\"a\"", quoted(409'601 - rest))), "the item is over 400 KB");
}

TEST(TweetItem, BearsDeepNesting) {
  EXPECT_TRUE(reason(std::string(200'000, '[')).starts_with("the data is not JSON: "));
}

TEST(LastOfEachKey, KeepsTheLastAndTheOrder) {
  const std::vector<Item> items = {
      {"a", "1", "old"}, {"b", "1", "b"}, {"a", "2", "other"}, {"a", "1", "new"}, {"", "a1", "x"}};
  const std::vector<Item> kept = {
      {"b", "1", "b"}, {"a", "2", "other"}, {"a", "1", "new"}, {"", "a1", "x"}};
  EXPECT_EQ(last_of_each_key(items), kept);
  EXPECT_TRUE(last_of_each_key({}).empty());
}

}  // namespace
}  // namespace event_processor
