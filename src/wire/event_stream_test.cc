#include "wire/event_stream.h"

#include <gtest/gtest.h>

#include "api/kinesis/types.h"
#include "base/encoding.h"

namespace wire {
namespace {

TEST(EventStream, MatchesAPublishedVector) {
  // The reference message with no headers and the payload "{'foo':'bar'}".
  EXPECT_EQ(base::hex(encode_event_message({.headers = {}, .payload = "{'foo':'bar'}"})),
            "0000001d00000000fd528c5a7b27666f6f273a27626172277dc3653936");
}

TEST(EventStream, RoundTripsEveryHeaderType) {
  EventMessage message;
  message.headers = {{"t", true},
                     {"f", false},
                     {"b", std::int8_t{-1}},
                     {"s", std::int16_t{-2}},
                     {"i", std::int32_t{-3}},
                     {"l", std::int64_t{-4}},
                     {"bytes", EventBytes{"\xff"}},
                     {"text", std::string("x")},
                     {"time", base::from_epoch_ms(1'795'409'460'123)},
                     {"id", EventUuid{std::string(16, '\x07')}}};
  message.payload = "p";
  const std::string bytes = encode_event_message(message) + "next";
  const auto decoded = decode_event_message(bytes);
  ASSERT_TRUE(decoded && *decoded);
  EXPECT_EQ((*decoded)->message, message);
  EXPECT_EQ((*decoded)->bytes, bytes.size() - 4);
}

TEST(EventStream, WaitsForTheRestAndFindsEveryFlippedBit) {
  const std::string bytes = encode_initial_response(EventFormat::kJson);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto decoded = decode_event_message(std::string_view(bytes).substr(0, size));
    ASSERT_TRUE(decoded);
    EXPECT_FALSE(*decoded);
  }
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    std::string flipped = bytes;
    flipped[at] = static_cast<char>(flipped[at] ^ 1);
    EXPECT_FALSE(decode_event_message(flipped)) << at;
  }
}

TEST(EventStream, WritesEventsAndExceptions) {
  namespace kinesis = api::kinesis;
  kinesis::SubscribeToShardEvent event;
  event.continuation_sequence_number = "7";
  event.records.emplace();
  const auto decoded =
      decode_event_message(encode_event(kinesis::kSubscribeToShardEventStreamShape,
                                        "SubscribeToShardEvent", &event, EventFormat::kJson));
  ASSERT_TRUE(decoded && *decoded);
  const EventMessage& message = (*decoded)->message;
  EXPECT_EQ(*message.text(":event-type"), "SubscribeToShardEvent");
  EXPECT_EQ(*message.text(":message-type"), "event");
  EXPECT_EQ(message.payload, R"({"Records":[],"ContinuationSequenceNumber":"7"})");

  const auto failed = decode_event_message(encode_event_exception(
      {.code = "ResourceNotFoundException", .message = "gone"}, EventFormat::kJson));
  ASSERT_TRUE(failed && *failed);
  EXPECT_EQ(*(*failed)->message.text(":exception-type"), "ResourceNotFoundException");
  EXPECT_EQ((*failed)->message.payload, R"({"message":"gone"})");
}

}  // namespace
}  // namespace wire
