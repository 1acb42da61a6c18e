#include "feed/sse_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace feed {
namespace {

std::vector<SseEvent> parse(SseParser& parser, std::string_view bytes) {
  parser.feed(bytes);
  std::vector<SseEvent> events;
  while (auto event = parser.next()) events.push_back(*std::move(event));
  return events;
}

TEST(SseParser, GivesAnEventAtItsBlankLine) {
  SseParser parser(1000);
  EXPECT_TRUE(parse(parser, "event: update\nid: 7\ndata: {\"a\":\ndata: 1}\n").empty());
  const auto events = parse(parser, "\n");
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].type, "update");
  EXPECT_EQ(events[0].data, "{\"a\":\n1}");
  EXPECT_EQ(events[0].id, "7");
}

TEST(SseParser, TakesAllThreeLineEnds) {
  SseParser parser(1000);
  const auto events = parse(parser, "data: a\r\n\r\ndata: b\r\rdata: c\n\n");
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(events[2].data, "c");
}

TEST(SseParser, PassesOverCommentsAndEventsWithoutData) {
  SseParser parser(1000);
  EXPECT_TRUE(parse(parser, "\xEF\xBB\xBF:thump\n\n\nevent: x\n\nid: 9\n\n").empty());
  const auto events = parse(parser, "data:x\n\n");
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].type, "message");
  EXPECT_EQ(events[0].id, "9");
}

TEST(SseParser, KeepsTheServersRetryTime) {
  SseParser parser(1000);
  parse(parser, "retry: 10x\n\n");
  EXPECT_FALSE(parser.retry_ms());
  parse(parser, "retry: 1500\n\n");
  EXPECT_EQ(parser.retry_ms(), 1500U);
}

TEST(SseParser, DropsAnEventOverTheLimitAndGoesOn) {
  SseParser parser(16);
  const auto events = parse(parser, "data: " + std::string(100, 'x') + "\ndata: y\n\ndata: z\n\n");
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].data, "z");
  EXPECT_EQ(parser.dropped(), 1U);
}

}  // namespace
}  // namespace feed
