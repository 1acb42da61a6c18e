// HTTP/2 against nghttp2's client, over a connection in memory.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nghttp2/nghttp2.h>

#include <map>

#include "async/gate.h"
#include "async/manual_core.h"
#include "async/memory_stream.h"
#include "async/timer.h"
#include "wire/http_server.h"

namespace wire {
namespace {

using namespace std::chrono_literals;
using async::Task;
using testing::HasSubstr;

struct Answer {
  std::string status;
  std::string body;
  bool closed = false;
  std::uint32_t error = 0;
};

// As much of a client as the tests need. Its session is driven by hand.
class Client {
 public:
  Client() {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(
        callbacks, [](nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                      std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                      std::uint8_t, void* user) {
          if (std::string_view(reinterpret_cast<const char*>(name), name_size) == ":status")
            static_cast<Client*>(user)->answers[frame->hd.stream_id].status.assign(
                reinterpret_cast<const char*>(value), value_size);
          return 0;
        });
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
        callbacks, [](nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* bytes,
                      std::size_t size, void* user) {
          auto& client = *static_cast<Client*>(user);
          client.answers[id].body.append(reinterpret_cast<const char*>(bytes), size);
          if (!client.manual_window) nghttp2_session_consume(client.session, id, size);
          return 0;
        });
    nghttp2_session_callbacks_set_on_stream_close_callback(
        callbacks, [](nghttp2_session*, std::int32_t id, std::uint32_t error, void* user) {
          auto& answer = static_cast<Client*>(user)->answers[id];
          answer.closed = true;
          answer.error = error;
          return 0;
        });
    nghttp2_session_callbacks_set_on_frame_recv_callback(
        callbacks, [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
          if (frame->hd.type == NGHTTP2_GOAWAY)
            static_cast<Client*>(user)->goaway = frame->goaway.error_code;
          return 0;
        });
    nghttp2_option* options = nullptr;
    nghttp2_option_new(&options);
    nghttp2_option_set_no_auto_window_update(options, 1);
    nghttp2_session_client_new2(&session, callbacks, this, options);
    nghttp2_option_del(options);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, nullptr, 0);
  }
  ~Client() { nghttp2_session_del(session); }

  std::int32_t request(const std::string& method, const std::string& path,
                       std::vector<Header> extra = {}, std::string body = {}) {
    std::vector<Header> headers = {
        {":method", method}, {":path", path}, {":scheme", "http"}, {":authority", "kinesis.local"}};
    headers.insert(headers.end(), extra.begin(), extra.end());
    std::vector<nghttp2_nv> fields;
    for (const auto& [name, value] : headers)
      fields.push_back({reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
                        reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())),
                        name.size(), value.size(), 0});
    bodies.push_back(std::make_unique<std::string>(std::move(body)));
    nghttp2_data_provider provider{};
    provider.source.ptr = bodies.back().get();
    provider.read_callback = [](nghttp2_session*, std::int32_t, std::uint8_t* into,
                                std::size_t room, std::uint32_t* flags, nghttp2_data_source* source,
                                void*) -> ssize_t {
      auto& left = *static_cast<std::string*>(source->ptr);
      const std::size_t count = std::min(room, left.size());
      std::copy_n(left.begin(), count, into);
      left.erase(0, count);
      if (left.empty()) *flags |= NGHTTP2_DATA_FLAG_EOF;
      return static_cast<ssize_t>(count);
    };
    return nghttp2_submit_request(session, nullptr, fields.data(), fields.size(),
                                  bodies.back()->empty() ? nullptr : &provider, nullptr);
  }

  std::string output() {
    std::string bytes;
    const std::uint8_t* data = nullptr;
    for (;;) {
      const auto size = nghttp2_session_mem_send(session, &data);
      if (size <= 0) return bytes;
      bytes.append(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
    }
  }
  bool waiting() const {
    for (const auto& [id, answer] : answers)
      if (!answer.closed) return true;
    return answers.size() < bodies.size();
  }

  nghttp2_session* session = nullptr;
  std::map<std::int32_t, Answer> answers;
  std::vector<std::unique_ptr<std::string>> bodies;
  std::optional<std::uint32_t> goaway;
  std::string garbage;         // sent after everything else
  bool manual_window = false;  // what was received stays in the window
};

Task<void> write_pieces(BodyWriter& writer) {
  for (int i = 0; i < 300; ++i) {
    const bool taken = co_await writer.write(std::string(1000, 'p'));
    if (!taken) co_return;
  }
}
Task<void> write_forever(BodyWriter& writer) {
  while (!writer.stop_token().stop_requested()) {
    const bool taken = co_await writer.write("tick");
    if (!taken) co_return;
    co_await async::sleep_for(1s, writer.stop_token());
  }
}

Task<HttpResponse> handle(HttpRequest request) {
  HttpResponse response;
  if (request.path == "/throw") throw std::runtime_error("no");
  if (request.path == "/slow") co_await async::sleep_for(10s);
  if (request.path == "/big") response.body.assign(5'000'000, 'b');
  if (request.path == "/stream") response.stream = write_pieces;
  if (request.path == "/forever") response.stream = write_forever;
  if (response.body.empty())
    response.body = request.method + " " + request.path + "?" + request.query + " " +
                    *request.find("Host") + " " + request.body;
  co_return response;
}

// Makes a piece only once the one before was let out.
Task<void> write_by_the_window(BodyWriter& writer, int& made) {
  for (int i = 0; i < 20; ++i) {
    const bool ready = co_await writer.drained();
    if (!ready) co_return;
    ++made;
    const bool taken = co_await writer.write(std::string(1000, 'w'));
    if (!taken) co_return;
  }
}
Task<HttpResponse> answer_by_the_window(int& made, base::SteadyTime patient_until) {
  HttpResponse response;
  response.stream = [&made](BodyWriter& writer) { return write_by_the_window(writer, made); };
  response.patient_until = patient_until;
  co_return response;
}

class Http2ServerTest : public testing::Test {
 protected:
  void TearDown() override { core.run(server->stop(core.now() + 1s)); }
  void restart(HttpLimits limits) {
    core.run(server->stop(core.now() + 1s));
    server = std::make_unique<HttpServer>(HttpOptions{.limits = limits},
                                          std::vector<async::AsioCore*>{}, handle);
  }

  static Task<void> drive(async::Core& on, HttpServer& with, Client& client) {
    auto [near, far] = async::make_memory_pair(on, {.capacity = 16 << 20});
    async::spawn(on, with.serve(std::move(far)));
    std::array<char, 16384> buffer;
    while (client.waiting() || !client.garbage.empty()) {
      const std::string bytes = client.output() + std::exchange(client.garbage, {});
      if (!bytes.empty()) {
        const auto written = co_await near->write(bytes);
        if (!written) break;
      }
      if (!client.waiting()) break;
      const auto count = co_await near->read_some(buffer);
      if (!count || *count == 0) break;
      const auto taken = nghttp2_session_mem_recv(
          client.session, reinterpret_cast<const std::uint8_t*>(buffer.data()), *count);
      if (taken < 0) break;
    }
    near->close();
  }
  void drive(Client& client) { core.run(drive(core, *server, client)); }

  base::ManualClock clock;
  async::ManualCore core{clock};
  std::unique_ptr<HttpServer> server = std::make_unique<HttpServer>(
      HttpOptions{.clock = &clock}, std::vector<async::AsioCore*>{}, handle);
};

TEST_F(Http2ServerTest, AnswersManyRequestsOnOneConnection) {
  Client client;
  std::vector<std::int32_t> ids;
  for (int i = 0; i < 100; ++i) ids.push_back(client.request("POST", "/a?b", {}, "body"));
  drive(client);
  for (const auto id : ids) {
    EXPECT_EQ(client.answers[id].status, "200");
    EXPECT_EQ(client.answers[id].body, "POST /a?b kinesis.local body");
  }
  EXPECT_EQ(server->figures().connections_total, 1u);
  EXPECT_EQ(server->figures().body_bytes_held, 0u);
}

TEST_F(Http2ServerTest, MovesLargeBodiesBothWays) {
  Client client;
  const auto up = client.request("PUT", "/up", {}, std::string(5'000'000, 'u'));
  const auto down = client.request("GET", "/big");
  const auto streamed = client.request("GET", "/stream");
  drive(client);
  EXPECT_THAT(client.answers[up].body, HasSubstr(std::string(5'000'000, 'u')));
  EXPECT_EQ(client.answers[down].body.size(), 5'000'000u);
  EXPECT_EQ(client.answers[streamed].body.size(), 300'000u);
}

TEST_F(Http2ServerTest, SurvivesHandlersThatFail) {
  Client client;
  const auto failed = client.request("GET", "/throw");
  const auto fine = client.request("GET", "/");
  const auto head = client.request("HEAD", "/");
  drive(client);
  EXPECT_EQ(client.answers[failed].status, "500");
  EXPECT_EQ(client.answers[fine].status, "200");
  EXPECT_EQ(client.answers[head].status, "200");
  EXPECT_EQ(client.answers[head].body, "");
}

TEST_F(Http2ServerTest, RefusesWhatIsOverALimit) {
  restart({.header_bytes_max = 2000, .body_bytes_max = 1000, .body_budget_bytes = 500});
  Client client;
  const auto headers = client.request("GET", "/", {{"x", std::string(3000, 'x')}});
  const auto body =
      client.request("PUT", "/", {{"content-length", "1001"}}, std::string(1001, 'x'));
  const auto budget =
      client.request("PUT", "/", {{"content-length", "501"}}, std::string(501, 'x'));
  const auto unsaid = client.request("PUT", "/", {}, std::string(501, 'x'));
  const auto fine = client.request("PUT", "/", {}, std::string(500, 'x'));
  drive(client);
  EXPECT_EQ(client.answers[headers].status, "431");
  EXPECT_EQ(client.answers[body].status, "413");
  EXPECT_EQ(client.answers[budget].status, "503");
  EXPECT_EQ(client.answers[unsaid].status, "503");
  EXPECT_EQ(client.answers[fine].status, "200");
  EXPECT_EQ(server->figures().body_bytes_held, 0u);
}

TEST_F(Http2ServerTest, ControlFrameFloodsEndTheConnection) {
  Client client;
  client.request("GET", "/slow");
  for (int i = 0; i < 5000; ++i)
    client.garbage += std::string("\0\0\x08\x06\0\0\0\0\0pingping", 17);
  drive(client);
  EXPECT_EQ(client.goaway, NGHTTP2_ENHANCE_YOUR_CALM);
}

TEST_F(Http2ServerTest, RapidResetsBuyNoMoreHandlers) {
  Client client;
  const auto kept = client.request("GET", "/slow");
  for (int i = 0; i < 2000; ++i) {
    const auto id = client.request("GET", "/slow");
    client.garbage += client.output();
    nghttp2_submit_rst_stream(client.session, 0, id, NGHTTP2_CANCEL);
    client.garbage += client.output();
  }
  drive(client);
  EXPECT_LE(server->figures().requests_total, 256u);
  EXPECT_TRUE(client.goaway.has_value());
  EXPECT_TRUE(client.answers.contains(kept) || client.goaway.has_value());
}

TEST_F(Http2ServerTest, StopEndsEventStreamsAndFinishesRequests) {
  Client client;
  const auto slow = client.request("GET", "/slow");
  const auto forever = client.request("GET", "/forever");
  async::spawn(core, drive(core, *server, client));
  core.run_for(2s);
  core.run(server->stop(core.now() + 60s));
  core.run_for(5s);
  EXPECT_THAT(client.answers[slow].body, HasSubstr("GET /slow?"));
  EXPECT_TRUE(client.answers[forever].closed);
  EXPECT_EQ(client.answers[forever].error, 0u);
  EXPECT_EQ(client.goaway, NGHTTP2_NO_ERROR);
}

TEST_F(Http2ServerTest, PiecesAreMadeAsThePeersWindowLetsThemOut) {
  int made = 0;
  server = std::make_unique<HttpServer>(
      HttpOptions{.clock = &clock}, std::vector<async::AsioCore*>{}, [&](HttpRequest) {
        return answer_by_the_window(made, core.now() + std::chrono::minutes(5));
      });
  Client client;
  const nghttp2_settings_entry window{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 2500};
  nghttp2_submit_settings(client.session, NGHTTP2_FLAG_NONE, &window, 1);
  client.manual_window = true;
  const auto id = client.request("GET", "/");
  async::spawn(core, drive(core, *server, client));
  core.run_for(240s);
  // Two went out whole and a third in part; nothing was made for later.
  EXPECT_EQ(made, 3);
  EXPECT_EQ(client.answers[id].body.size(), 2500u);
  EXPECT_FALSE(client.answers[id].closed);
  // Nor is it held for ever: after the handler's patience the stream is cut.
  core.run_for(120s);
  EXPECT_TRUE(client.answers[id].closed);
  EXPECT_NE(client.answers[id].error, 0u);
  EXPECT_EQ(made, 3);
}

TEST_F(Http2ServerTest, EndsStalledRequestsAndIdleConnections) {
  Client client;
  const auto stalled = client.request("PUT", "/", {{"content-length", "5"}}, "abc");
  const auto before = core.now();
  drive(client);
  EXPECT_NE(client.answers[stalled].error, 0u);
  EXPECT_LT(core.now() - before, 200s);
  core.run_for(200s);
  EXPECT_EQ(server->figures().connections_open, 0u);
}

}  // namespace
}  // namespace wire
