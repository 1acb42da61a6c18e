// HTTP/1 as bytes, over a connection in memory and under a clock of our own.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "async/gate.h"
#include "async/manual_core.h"
#include "async/memory_stream.h"
#include "async/timer.h"
#include "wire/http_server.h"

namespace wire {
namespace {

using namespace std::chrono_literals;
using async::Task;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

Task<void> write_pieces(BodyWriter& writer) {
  for (const std::string_view piece : {"one", "two"}) {
    const bool taken = co_await writer.write(std::string(piece));
    if (!taken) co_return;
  }
}
Task<void> write_then_fail(BodyWriter& writer) {
  co_await writer.write("half");
  throw std::runtime_error("torn");
}
Task<void> write_forever(BodyWriter& writer) {
  while (!writer.stop_token().stop_requested()) {
    const bool taken = co_await writer.write("tick");
    if (!taken) co_return;
    co_await async::sleep_for(1h, writer.stop_token());
  }
}
Task<void> write_much(BodyWriter& writer) {
  for (int i = 0; i < 10; ++i) {
    const bool taken = co_await writer.write(std::string(100'000, 'm'));
    if (!taken) co_return;
  }
}

Task<HttpResponse> handle(HttpRequest request) {
  HttpResponse response;
  if (request.path == "/throw") throw std::runtime_error("no");
  if (request.path == "/inject") response.headers.push_back({"X", "a\r\nSet-Cookie: b"});
  if (request.path == "/slow") co_await async::sleep_for(10s);
  if (request.path == "/stream") response.stream = write_pieces;
  if (request.path == "/torn") response.stream = write_then_fail;
  if (request.path == "/forever") response.stream = write_forever;
  if (request.path == "/much" || request.path == "/patient") response.stream = write_much;
  if (request.path == "/patient")
    response.patient_until = async::Core::current()->now() + std::chrono::minutes(5);
  if (request.path == "/empty") response.status = 204;
  if (request.path == "/large") response.body = std::string(8 << 20, 'l');
  else
    response.body = request.method + " " + request.path + "?" + request.query + " " + request.body;
  co_return response;
}

Task<bool> write_all(async::Stream& to, std::string bytes) {
  const auto written = co_await to.write(bytes);
  co_return written.has_value();
}

// Says what came, piece by piece, and with which trailers; of "/upload/some" it takes one piece.
Task<HttpResponse> upload(HttpRequest request, BodyReader& body) {
  HttpResponse response;
  for (;;) {
    auto piece = co_await body.read();
    if (!piece) {
      response.status = 400;
      response.body = "broken";
      co_return response;
    }
    if (piece->empty() || request.path == "/upload/some") break;
    response.body += "[" + *piece + "]";
  }
  for (const Header& trailer : body.trailers())
    response.body += trailer.name + "=" + trailer.value + ";";
  co_return response;
}
bool is_upload(const HttpRequest& request) { return request.path.starts_with("/upload"); }

class Http1ServerTest : public testing::Test {
 protected:
  void TearDown() override { core.run(server->stop(core.now() + 1s)); }

  void restart(HttpLimits limits) {
    core.run(server->stop(core.now() + 1s));
    server = std::make_unique<HttpServer>(HttpOptions{.limits = limits},
                                          std::vector<async::AsioCore*>{}, handle);
  }

  static Task<std::string> talk(async::Core& on, HttpServer& with, std::string sent,
                                async::MemoryPairOptions options, bool hang_up) {
    auto [near, far] = async::make_memory_pair(on, options);
    async::spawn(on, with.serve(std::move(far)));
    const auto written = co_await near->write(sent);
    if (hang_up && written) co_await near->shutdown();
    std::string answer;
    std::array<char, 4096> buffer;
    for (;;) {
      const auto count = co_await near->read_some(buffer);
      if (!count || *count == 0) break;
      answer.append(buffer.data(), *count);
    }
    near->close();
    co_return answer;
  }
  // Everything that comes back until the connection ends.
  std::string talk(std::string sent, async::MemoryPairOptions options = {}, bool hang_up = true) {
    return core.run(talk(core, *server, std::move(sent), options, hang_up));
  }

  base::ManualClock clock;
  async::ManualCore core{clock};
  std::unique_ptr<HttpServer> server = std::make_unique<HttpServer>(
      HttpOptions{.clock = &clock, .uploads = {.takes = is_upload, .handler = upload}},
      std::vector<async::AsioCore*>{}, handle);
};

TEST_F(Http1ServerTest, AnswersWithLengthAndDate) {
  EXPECT_EQ(talk("GET /a%20b?c=d&e HTTP/1.1\r\nHost: x\r\n\r\n"),
            "HTTP/1.1 200 OK\r\nDate: Fri, 15 Jan 2027 08:00:00 GMT\r\n"
            "Content-Length: 17\r\n\r\nGET /a%20b?c=d&e ");
}

TEST_F(Http1ServerTest, AnswersPipelinedRequestsInOrder) {
  const auto answer = talk(
      "POST /1 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
      "\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\nGET /3 HTTP/1.1\r\nHost: x\r\n\r\n");
  const auto first = answer.find("POST /1? abc");
  const auto second = answer.find("GET /2?");
  const auto third = answer.find("GET /3?");
  ASSERT_NE(third, std::string::npos);
  EXPECT_LT(first, second);
  EXPECT_LT(second, third);
}

TEST_F(Http1ServerTest, TakesRequestsByteByByte) {
  const auto answer = talk(
      "POST /1 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3;ext=\"v\"\r\nabc\r\nA\r\n0123456789\r\n0\r\nTrailer: t\r\n\r\n"
      "GET /2 HTTP/1.1\r\nHost: x\r\n\r\n",
      {.read_max = 1});
  EXPECT_THAT(answer, HasSubstr("POST /1? abc0123456789"));
  EXPECT_THAT(answer, HasSubstr("GET /2?"));
}

TEST_F(Http1ServerTest, GivesUploadsToTheirHandlerAsTheyCome) {
  const auto answer = talk(
      "POST /upload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3\r\nabc\r\n2\r\nde\r\n0\r\nOne: 1\r\nTwo: b b\r\n\r\n"
      "POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nfgGET /2 HTTP/1.1\r\nHost: "
      "x\r\n\r\n",
      {.read_max = 1});
  EXPECT_THAT(answer, HasSubstr("[a][b][c][d][e]One=1;Two=b b;"));
  EXPECT_THAT(answer, HasSubstr("[f][g]"));
  EXPECT_THAT(answer, HasSubstr("GET /2?"));
}

TEST_F(Http1ServerTest, EndsAConnectionWhoseUploadWasNotTakenWhole) {
  const std::string head = "POST /upload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_THAT(talk(head + "zz\r\n"), HasSubstr("broken"));
  EXPECT_THAT(talk(head + "3\r\nab"), HasSubstr("broken"));
  EXPECT_THAT(talk(head + "0\r\nno header\r\n\r\n"), HasSubstr("broken"));
  const auto answer = talk(
      "POST /upload/some HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nabcd"
      "GET /2 HTTP/1.1\r\nHost: x\r\n\r\n",
      {.read_max = 150});
  EXPECT_THAT(answer, HasSubstr("200 OK"));
}

TEST_F(Http1ServerTest, TakesLargeBodies) {
  const std::string body(3'000'000, 'b');
  const auto answer = talk("PUT /1 HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n" + body);
  EXPECT_THAT(answer, EndsWith("PUT /1? " + body));
  EXPECT_EQ(server->figures().body_bytes_held, 0u);
}

TEST_F(Http1ServerTest, AsksForTheBodyWhenTheClientWaits) {
  const auto answer = talk(
      "PUT /1 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n", {}, false);
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 408 "));
  EXPECT_THAT(talk("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: tea\r\n\r\nabc"),
              StartsWith("HTTP/1.1 417 "));
  EXPECT_THAT(
      talk("PUT /1 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\nabc"),
      StartsWith("HTTP/1.1 200 "));
}

TEST_F(Http1ServerTest, SendsNoBodyForHeadAnd204) {
  EXPECT_THAT(talk("HEAD /ab HTTP/1.1\r\nHost: x\r\n\r\n"), EndsWith("Content-Length: 10\r\n\r\n"));
  EXPECT_THAT(talk("GET /empty HTTP/1.1\r\nHost: x\r\n\r\n"), Not(HasSubstr("Content-Length")));
}

TEST_F(Http1ServerTest, HonoursConnectionOptionsAndVersions) {
  const std::string next = "GET /2 HTTP/1.1\r\nHost: x\r\n\r\n";
  const auto closed = talk("GET /1 HTTP/1.1\r\nHost: x\r\nConnection: Close\r\n\r\n" + next);
  EXPECT_THAT(closed, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(closed, Not(HasSubstr("/2")));
  EXPECT_THAT(talk("GET /1 HTTP/1.0\r\n\r\n" + next), Not(HasSubstr("/2")));
  const auto kept = talk("GET /1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + next);
  EXPECT_THAT(kept, HasSubstr("Connection: keep-alive\r\n"));
  EXPECT_THAT(kept, HasSubstr("/2"));
  EXPECT_THAT(talk("GET http://h.example/1?q HTTP/1.1\r\nHost: x\r\n\r\n"), HasSubstr("GET /1?q"));
}

TEST_F(Http1ServerTest, StreamsBodies) {
  EXPECT_THAT(talk("GET /stream HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n"),
              HasSubstr("Transfer-Encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\nHTTP"));
  EXPECT_THAT(talk("GET /stream HTTP/1.0\r\n\r\n"), EndsWith("Connection: close\r\n\r\nonetwo"));
  EXPECT_THAT(talk("GET /torn HTTP/1.1\r\nHost: x\r\n\r\n"), EndsWith("4\r\nhalf\r\n"));
}

// Asks, leaves the answer lying for `pause`, and reads on to the end.
Task<std::string> read_late(async::Core& on, HttpServer& with, std::string path,
                            std::chrono::seconds pause) {
  auto [near, far] = async::make_memory_pair(on);
  async::spawn(on, with.serve(std::move(far)));
  const std::string request = "GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
  const auto written = co_await near->write(request);
  EXPECT_TRUE(written.has_value());
  co_await async::sleep_for(pause);
  std::string answer;
  std::array<char, 65536> buffer;
  for (;;) {
    const auto count = co_await near->read_some(buffer);
    if (!count || *count == 0) break;
    answer.append(buffer.data(), *count);
  }
  near->close();
  co_return answer;
}

TEST_F(Http1ServerTest, AStreamedBodyMayStandStillAsLongAsItsHandlerSaid) {
  EXPECT_THAT(core.run(read_late(core, *server, "/patient", 240s)), EndsWith("0\r\n\r\n"));
  EXPECT_THAT(core.run(read_late(core, *server, "/much", 240s)), Not(EndsWith("0\r\n\r\n")));
  EXPECT_THAT(core.run(read_late(core, *server, "/patient", 600s)), Not(EndsWith("0\r\n\r\n")));
}

TEST_F(Http1ServerTest, AnEndlessBodyEndsAtOnceWhenTheClientIsGone) {
  const auto before = core.now();
  EXPECT_THAT(talk("GET /forever HTTP/1.1\r\nHost: x\r\n\r\n"), EndsWith("4\r\ntick\r\n0\r\n\r\n"));
  EXPECT_EQ(core.now(), before);
  core.run_for(5s);
  EXPECT_EQ(server->figures().connections_open, 0u);
}

TEST_F(Http1ServerTest, WhatComesWhileABodyIsStreamedIsTheNextRequest) {
  auto [near, far] = async::make_memory_pair(core);
  async::spawn(core, server->serve(std::move(far)));
  const auto say = [](async::Stream& stream, std::string text) -> Task<void> {
    const auto written = co_await stream.write(text);
    EXPECT_TRUE(written.has_value());
  };
  core.run(say(*near, "GET /forever HTTP/1.1\r\nHost: x\r\n\r\n"));
  core.run_for(10s);
  core.run(say(*near, "GET /2 HTTP/1.1\r\nHost: x\r\n\r\n"));
  core.run_for(10s);
  EXPECT_EQ(server->figures().requests_total, 1u);
  core.run_for(2h);  // no time-out cuts it
  EXPECT_EQ(server->figures().connections_open, 1u);
  near->close();
  core.run_for(5s);
  EXPECT_EQ(server->figures().connections_open, 0u);
}

TEST_F(Http1ServerTest, SurvivesHandlersThatFail) {
  const auto answer =
      talk("GET /throw HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 500 "));
  EXPECT_THAT(answer, HasSubstr("GET /2?"));
  EXPECT_THAT(talk("GET /inject HTTP/1.1\r\nHost: x\r\n\r\n"), Not(HasSubstr("Set-Cookie")));
}

TEST_F(Http1ServerTest, RefusesWhatIsOverALimit) {
  restart({.header_bytes_max = 512,
           .header_count_max = 4,
           .body_bytes_max = 100,
           .body_budget_bytes = 50});
  EXPECT_THAT(talk("GET /" + std::string(600, 'a')), StartsWith("HTTP/1.1 431 "));
  EXPECT_THAT(talk("GET / HTTP/1.1\r\nHost: x\r\na:1\r\nb:2\r\nc:3\r\nd:4\r\n\r\n"),
              StartsWith("HTTP/1.1 431 "));
  EXPECT_THAT(talk("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 101\r\n\r\n"),
              StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(talk("PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n60\r\n" +
                   std::string(0x60, 'a')),
              StartsWith("HTTP/1.1 503 "));
  const auto slow_down = talk("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 51\r\n\r\n");
  EXPECT_THAT(slow_down, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(slow_down, HasSubstr("<Code>SlowDown</Code>"));
  const auto throttled = talk(
      "PUT / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-amz-json-1.1\r\n"
      "Content-Length: 51\r\n\r\n");
  EXPECT_THAT(throttled, StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(throttled, HasSubstr(R"({"__type":"ThrottlingException")"));
  EXPECT_EQ(server->figures().requests_total, 0u);
  EXPECT_EQ(server->figures().requests_refused, 6u);
  EXPECT_EQ(server->figures().body_bytes_held, 0u);
}

TEST_F(Http1ServerTest, AnswersThatAreNotTakenCountAgainstABudgetAndAreCutSoon) {
  constexpr std::size_t kLarge = 8 << 20;
  restart({.answer_budget_bytes = kLarge + kLarge / 2});
  const std::string request = "GET /large HTTP/1.1\r\nHost: x\r\n\r\n";
  auto [near, far] = async::make_memory_pair(core, {});
  async::spawn(core, server->serve(std::move(far)));
  ASSERT_TRUE(core.run(write_all(*near, request)));
  core.run_for(1s);
  EXPECT_GE(server->figures().answer_bytes_held, kLarge);
  EXPECT_THAT(talk(request), StartsWith("HTTP/1.1 503 "));
  EXPECT_EQ(server->figures().answers_refused, 1u);
  // Nothing of it was read: the peer goes after the time for one step, not for the whole.
  core.run_for(100s);
  EXPECT_EQ(server->figures().answer_bytes_held, 0u);
  EXPECT_EQ(server->figures().connections_open, 0u);
  EXPECT_THAT(talk(request), StartsWith("HTTP/1.1 200 "));
  near->close();
}

TEST_F(Http1ServerTest, EndsIdleAndStalledConnections) {
  const auto start = core.now();
  EXPECT_EQ(talk("", {}, false), "");
  EXPECT_GE(core.now() - start, 30s);
  EXPECT_THAT(talk("GET / HTTP/1.1\r\nHo", {}, false), StartsWith("HTTP/1.1 408 "));
  EXPECT_THAT(talk("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc", {}, false),
              StartsWith("HTTP/1.1 408 "));
  const auto kept = core.now();
  EXPECT_THAT(talk("GET /1 HTTP/1.1\r\nHost: x\r\n\r\n", {}, false), HasSubstr("GET /1?"));
  EXPECT_GE(core.now() - kept, 120s);
  EXPECT_EQ(server->figures().connections_open, 0u);
}

TEST_F(Http1ServerTest, StopLetsRunningRequestsFinish) {
  std::string answer;
  const auto run = [](Task<std::string> task, std::string& out) -> Task<void> {
    out = co_await std::move(task);
  };
  async::spawn(
      core, run(talk(core, *server, "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n", {}, false), answer));
  core.run_for(1s);
  EXPECT_EQ(server->figures().connections_open, 1u);
  core.run(server->stop(core.now() + 60s));
  core.run_for(10s);
  EXPECT_THAT(answer, HasSubstr("GET /slow?"));
  EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
}

class Http1MalformedTest : public Http1ServerTest,
                           public testing::WithParamInterface<const char*> {};

TEST_P(Http1MalformedTest, IsRefusedAndTheConnectionEnds) {
  const auto answer = talk(std::string(GetParam()) + "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(answer, testing::AnyOf(StartsWith("HTTP/1.1 400 "), StartsWith("HTTP/1.1 505 ")));
  EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(answer, Not(HasSubstr("smuggled")));
  EXPECT_EQ(server->figures().requests_total, 0u);
}

INSTANTIATE_TEST_SUITE_P(
    All, Http1MalformedTest,
    testing::Values(
        "\n", "GET / HTTP/1.1\nHost: x\n\n", "GET / HTTP/1.1\r\nHost: x\n\r\n", "GET /\r\n\r\n",
        "GET  HTTP/1.1\r\nHost: x\r\n\r\n", "GET / HTTP/1.1 \r\nHost: x\r\n\r\n",
        "GET / a HTTP/1.1\r\nHost: x\r\n\r\n", "G@T / HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET x HTTP/1.1\r\nHost: x\r\n\r\n", "CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET / HTTP/2.0\r\nHost: x\r\n\r\n", "GET / HTTPS/1.1\r\nHost: x\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "GET / HTTP/1.1\r\nHost : x\r\n\r\n",
        "GET / HTTP/1.1\r\n Host: x\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\na: b\x01\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\na: b\rc\r\n\r\n",
        "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: "
        "chunked\r\n\r\n0\r\n\r\n",
        "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
        "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 3, 3\r\n\r\nabc",
        "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: +3\r\n\r\nabc",
        "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 0x3\r\n\r\nabc",
        "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: \r\n\r\n",
        "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n",
        "PUT / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n",
        "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
        "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nabc\r\n0\r\n\r\n",
        "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;a\nb\r\nx\r\n0\r\n\r\n",
        "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        "1000000000000000\r\nx\r\n0\r\n\r\n"));

}  // namespace
}  // namespace wire
