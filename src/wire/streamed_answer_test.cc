#include "wire/streamed_answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/kinesis/operations.h"
#include "api/lambda/operations.h"
#include "api/s3/operations.h"
#include "async/manual_core.h"
#include "wire/event_stream.h"

namespace wire {
namespace {

using async::Task;
using testing::ElementsAre;

class Sink final : public BodyWriter {
 public:
  Task<bool> write(std::string bytes) override {
    pieces.push_back(std::move(bytes));
    co_return pieces.size() < room;
  }
  Task<bool> drained() override { co_return true; }
  std::stop_token stop_token() const override { return {}; }

  std::vector<std::string> pieces;
  std::size_t room = 100;
};

constexpr base::SteadyTime kPatience{std::chrono::seconds(7)};

Task<void> write_own(BodyWriter& writer) { co_await writer.write("own"); }

class StreamedAnswerTest : public testing::Test {
 protected:
  HttpResponse answer(const api::Operation& operation, Encoding encoding) {
    HttpResponse head;
    head.headers = {{"Content-Type", "text/plain"}, {"x-id", "1"}};
    head.body = "{}";
    return streamed_answer(std::move(head), operation, encoding,
                           {.output = nullptr, .body = write_own, .patient_until = kPatience});
  }
  std::vector<std::string> written(HttpResponse response, std::size_t room = 100) {
    Sink sink;
    sink.room = room;
    core.run(response.stream(sink));
    return sink.pieces;
  }

  base::ManualClock clock;
  async::ManualCore core{clock};
};

TEST_F(StreamedAnswerTest, EventsOfRpcProtocolsBeginWithAnInitialResponse) {
  const api::Operation& operation = api::kinesis::op::SubscribeToShard::info();
  for (const auto& [encoding, format] : {std::pair(Encoding::kJson, EventFormat::kJson),
                                         {Encoding::kCbor11, EventFormat::kCbor},
                                         {Encoding::kRpcV2Cbor, EventFormat::kRpcV2Cbor}}) {
    HttpResponse response = answer(operation, encoding);
    EXPECT_EQ(*response.find("content-type"), "application/vnd.amazon.eventstream");
    EXPECT_EQ(*response.find("x-id"), "1");
    EXPECT_EQ(response.headers.size(), 2U);
    EXPECT_EQ(response.body, "");
    EXPECT_EQ(response.patient_until, kPatience);
    EXPECT_THAT(written(std::move(response)), ElementsAre(encode_initial_response(format), "own"));
  }
}

TEST_F(StreamedAnswerTest, NothingFollowsAnInitialResponseThatNobodyTook) {
  HttpResponse response = answer(api::kinesis::op::SubscribeToShard::info(), Encoding::kJson);
  EXPECT_EQ(written(std::move(response), 1).size(), 1U);
}

TEST_F(StreamedAnswerTest, EventsOfRestProtocolsStandAlone) {
  HttpResponse response =
      answer(api::lambda::op::InvokeWithResponseStream::info(), Encoding::kRestJson);
  EXPECT_EQ(*response.find("content-type"), "application/vnd.amazon.eventstream");
  EXPECT_THAT(written(std::move(response)), ElementsAre("own"));
}

TEST_F(StreamedAnswerTest, BlobsKeepTheirHead) {
  HttpResponse response = answer(api::s3::op::GetObject::info(), Encoding::kRestXml);
  EXPECT_EQ(*response.find("content-type"), "text/plain");
  EXPECT_THAT(written(std::move(response)), ElementsAre("own"));
}

}  // namespace
}  // namespace wire
