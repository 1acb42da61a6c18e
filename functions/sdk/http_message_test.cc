#include "sdk/http_message.h"

#include <gtest/gtest.h>

namespace sdk {
namespace {

// Feeds the bytes in pieces of every size; all must agree.
Result<Response> parse(std::string_view bytes, bool* keep_alive = nullptr) {
  Result<Response> first = failure(Fault::kConnection, "Incomplete", "");
  for (std::size_t piece = bytes.size(); piece > 0; --piece) {
    ResponseParser parser;
    Result<bool> done = false;
    for (std::size_t at = 0; at < bytes.size() && done && !*done; at += piece) {
      done = parser.feed(bytes.substr(at, piece));
    }
    if (done && !*done) done = parser.end_of_stream();
    Result<Response> response = failure(Fault::kConnection, "", "");
    if (done) {
      if (keep_alive != nullptr) *keep_alive = parser.keep_alive();
      response = parser.take();
    } else {
      response = std::unexpected(done.error());
    }
    if (piece == bytes.size()) {
      first = response;
      continue;
    }
    EXPECT_EQ(first.has_value(), response.has_value()) << piece;
    if (first && response) EXPECT_EQ(first->body, response->body) << piece;
  }
  return first;
}

TEST(ResponseParser, ReadsABodyOfGivenLength) {
  bool keep_alive = false;
  const auto response =
      parse("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-a:  b \r\n\r\nhello", &keep_alive);
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->header("x-A"), "b");
  EXPECT_EQ(response->body, "hello");
  EXPECT_TRUE(keep_alive);
}

TEST(ResponseParser, ReadsChunksWithExtensionsAndTrailers) {
  const auto response = parse(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n"
      "3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nTrailer: 1\r\n\r\n");
  ASSERT_TRUE(response);
  EXPECT_EQ(response->body, "abc0123456789");
}

TEST(ResponseParser, ReadsToTheEndIfThereIsNoLength) {
  bool keep_alive = true;
  const auto response = parse("HTTP/1.0 404 \r\n\r\ngone", &keep_alive);
  ASSERT_TRUE(response);
  EXPECT_EQ(response->body, "gone");
  EXPECT_FALSE(keep_alive);
}

TEST(ResponseParser, SkipsInformationalResponses) {
  const auto response =
      parse("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 204);
}

TEST(ResponseParser, DoesNotReuseAConnectionThatSentTooMuch) {
  ResponseParser parser;
  EXPECT_TRUE(parser.feed("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nabc").value());
  EXPECT_FALSE(parser.keep_alive());
}

TEST(ResponseParser, RefusesUnclearFraming) {
  for (const char* head :
       {"HTTP/2 200 OK\r\n", "HTTP/1.1 20 OK\r\n", "HTTP/1.1 2000\r\n", "nonsense\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n", "HTTP/1.1 200 OK\r\nContent-Length: \r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n",
        "HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n", "HTTP/1.1 200 OK\r\nA : b\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n"}) {
    const auto response = parse(std::string(head) + "\r\nx");
    ASSERT_FALSE(response) << head;
    EXPECT_EQ(response.error().fault, Fault::kProtocol) << head;
  }
}

TEST(ResponseParser, RefusesBadChunks) {
  for (const char* body : {"x\r\n", "-1\r\n", "3\r\nabcd\r\n", "ffffffffffffffff\r\n"}) {
    const auto response = parse("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" +
                                std::string(body) + "0\r\n\r\n");
    ASSERT_FALSE(response) << body;
    EXPECT_EQ(response.error().fault, Fault::kProtocol) << body;
  }
}

TEST(ResponseParser, RefusesAnEndlessHead) {
  ResponseParser parser;
  EXPECT_TRUE(parser.feed("HTTP/1.1 200 OK\r\nA: "));
  const auto done = parser.feed(std::string(kHeadBytesMax, 'a'));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().fault, Fault::kProtocol);
}

TEST(ResponseParser, TellsACutResponseFromAWholeOne) {
  const auto response = parse("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell");
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().fault, Fault::kConnection);
}

TEST(RenderRequest, WritesALengthForAllButGet) {
  EXPECT_EQ(render_request({"GET", "/a?b", {}, ""}, "h:1"),
            "GET /a?b HTTP/1.1\r\nHost: h:1\r\n\r\n");
  EXPECT_EQ(render_request({"PUT", "/", {{"Content-Type", ""}}, "xy"}, "h"),
            "PUT / HTTP/1.1\r\nHost: h\r\nContent-Type: \r\nContent-Length: 2\r\n\r\nxy");
}

}  // namespace
}  // namespace sdk
