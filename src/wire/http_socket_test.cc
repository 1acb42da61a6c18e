// Server and client together over real loopback sockets, in clear and over TLS.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "async/asio_core.h"
#include "async/timer.h"
#include "wire/certificates.h"
#include "wire/http_client.h"
#include "wire/http_server.h"

namespace wire {
namespace {

using namespace std::chrono_literals;
using async::Task;
using base::ErrorCode;

Task<void> write_events(BodyWriter& writer) {
  for (int i = 0; !writer.stop_token().stop_requested(); ++i) {
    const bool taken = co_await writer.write("event " + std::to_string(i) + "\n");
    if (!taken) co_return;
    co_await async::sleep_for(1ms, writer.stop_token());
  }
}

Task<HttpResponse> handle(HttpRequest request) {
  HttpResponse response;
  response.headers.push_back({"X-Peer", request.peer_address});
  response.headers.push_back({"X-Secure", request.secure ? "yes" : "no"});
  if (request.path == "/events") response.stream = write_events;
  if (request.path == "/never") co_await async::sleep_for(300ms);
  if (request.path == "/close") response.body = "last";
  else response.body = request.method + " " + request.path + " " + request.body;
  co_return response;
}

// Runs a coroutine on the first core and waits for it.
#define ON_CORE(...) async::wait_for(pool.core(0), __VA_ARGS__)

class HttpSocketTest : public testing::Test {
 protected:
  void SetUp() override {
    HttpOptions options;
    options.tls = *async::TlsServerContext::make(
        [this](const std::string& host) { return authority->for_host(host); }, {"h2", "http/1.1"});
    server = std::make_unique<HttpServer>(options, pool, handle);
    port = listen(*server);
    client = std::make_unique<HttpClient>(
        pool.core(0), HttpClientOptions{.authorities_pem = authority->certificate_pem()});
  }
  void TearDown() override {
    ON_CORE(close_client(*client));
    ON_CORE(server->stop(std::chrono::steady_clock::now() + 100ms));
    EXPECT_EQ(server->figures().connections_open, 0u);
    pool.stop();
  }

  static Task<void> close_client(HttpClient& client) {
    client.close();
    co_return;
  }
  std::uint16_t listen(HttpServer& on, HttpHandler handler = {}) {
    auto listener = async::Listener::listen(pool.core(0), "127.0.0.1", 0);
    EXPECT_TRUE(listener.has_value());
    const auto bound = (*listener)->port();
    last_listener = on.start(*std::move(listener), std::move(handler));
    return bound;
  }
  std::string url(const std::string& scheme, const std::string& host, const std::string& target) {
    return scheme + "://" + host + ":" + std::to_string(port) + target;
  }
  base::Result<ClientResponse> send(ClientRequest request) {
    return ON_CORE(client->send(std::move(request)));
  }

  base::SystemClock clock;
  std::unique_ptr<CertificateAuthority> authority = *CertificateAuthority::create("test", clock);
  async::CorePool pool{2};
  std::unique_ptr<HttpServer> server;
  std::unique_ptr<HttpClient> client;
  HttpServer::ListenerId last_listener = 0;
  std::uint16_t port = 0;
};

TEST_F(HttpSocketTest, KeepsConnectionsForFurtherRequests) {
  for (int i = 0; i < 20; ++i) {
    const auto answer =
        send({.method = "POST", .url = url("http", "127.0.0.1", "/a?b"), .body = "body"});
    ASSERT_TRUE(answer.has_value()) << answer.error().message;
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(answer->body, "POST /a body");
    EXPECT_EQ(*answer->find("x-peer"), "127.0.0.1");
  }
  EXPECT_EQ(server->figures().connections_total, 1u);
}

TEST_F(HttpSocketTest, SpeaksTlsOnTheSamePort) {
  const std::string body(3'000'000, 'b');
  for (const std::string host : {"127.0.0.1", "localhost"}) {
    const auto answer = send({.method = "PUT", .url = url("https", host, "/"), .body = body});
    ASSERT_TRUE(answer.has_value()) << answer.error().message;
    EXPECT_EQ(*answer->find("x-secure"), "yes");
    EXPECT_EQ(answer->body, "PUT / " + body);
  }
}

TEST_F(HttpSocketTest, AgreesOnTheVersionByAlpnAndSaysGoodbye) {
  const auto greet = [](async::AsioCore& core, std::uint16_t to, std::string authorities,
                        std::string offered, std::string sent) -> Task<std::string> {
    const auto context = *async::TlsClientContext::make(
        {.authorities_pem = std::move(authorities), .protocols = {offered}});
    auto tcp = co_await async::connect_tcp(core, "127.0.0.1", to, core.now() + 5s);
    auto tls = co_await async::connect_tls(*std::move(tcp), context, "127.0.0.1");
    if (!tls) co_return tls.error().message;
    const auto written = co_await (*tls)->write(sent);
    EXPECT_TRUE(written.has_value());
    std::string seen = (*tls)->protocol() + ":";
    std::array<char, 4096> buffer;
    for (;;) {
      const auto count = co_await (*tls)->read_some(buffer);
      EXPECT_TRUE(count.has_value()) << "cut off instead of ended";
      if (!count || *count == 0) co_return seen;
      seen.append(buffer.data(), *count);
    }
  };
  const std::string authorities = authority->certificate_pem();
  EXPECT_THAT(ON_CORE(greet(pool.core(0), port, authorities, "http/1.1",
                            "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")),
              testing::StartsWith("http/1.1:HTTP/1.1 200 OK"));
  // No preface follows: HTTP/2 says what it thinks of that and ends.
  EXPECT_THAT(ON_CORE(greet(pool.core(0), port, authorities, "h2", "no preface at all, alas")),
              testing::StartsWith("h2:"));
  EXPECT_THAT(ON_CORE(greet(pool.core(0), port, authorities, "spdy/1", "")),
              testing::HasSubstr("alert"));
}

TEST_F(HttpSocketTest, ClientRefusesAuthoritiesItDoesNotTrust) {
  HttpClient stranger(pool.core(0));
  const auto answer = ON_CORE(stranger.send({.url = url("https", "127.0.0.1", "/")}));
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().code, ErrorCode::kUnavailable);
}

TEST_F(HttpSocketTest, StreamsLiveFeeds) {
  const auto read = [](HttpClient& from, std::string at) -> Task<std::string> {
    auto feed = co_await from.open({.url = at});
    std::string seen;
    while (feed && seen.size() < 100) {
      const auto piece = co_await (*feed)->next(5s);
      if (!piece || piece->empty()) break;
      seen += *piece;
    }
    if (feed) (*feed)->cancel();
    co_return seen;
  };
  for (const std::string scheme : {"http", "https"})
    EXPECT_THAT(ON_CORE(read(*client, url(scheme, "localhost", "/events"))),
                testing::StartsWith("event 0\nevent 1\n"));
}

TEST_F(HttpSocketTest, TimesOutAndReportsWhatIsUnreachable) {
  const auto slow = send({.url = url("http", "127.0.0.1", "/never"), .timeout = 50ms});
  EXPECT_EQ(slow.error().code, ErrorCode::kTimeout);
  ON_CORE(server->stop_listener(last_listener, std::chrono::steady_clock::now() + 5s));
  const auto refused = send({.url = url("http", "127.0.0.1", "/")});
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(send({.url = "ftp://x/"}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(send({.url = "http://x/", .headers = {{"a", "b\r\nc: d"}}}).error().code,
            ErrorCode::kInvalidArgument);
}

TEST_F(HttpSocketTest, ListenersCanHaveTheirOwnHandlers) {
  const auto own = [](HttpRequest) -> Task<HttpResponse> {
    HttpResponse response;
    response.body = "own";
    co_return response;
  };
  port = listen(*server, own);
  EXPECT_EQ(send({.url = url("http", "127.0.0.1", "/")})->body, "own");
}

TEST_F(HttpSocketTest, ReplacesKeptConnectionsThatDied) {
  ASSERT_TRUE(send({.url = url("http", "127.0.0.1", "/")}).has_value());
  ON_CORE(server->stop_listener(last_listener, std::chrono::steady_clock::now()));
  auto again = async::Listener::listen(pool.core(0), "127.0.0.1", port);
  ASSERT_TRUE(again.has_value());
  server->start(*std::move(again));
  const auto answer = send({.url = url("http", "127.0.0.1", "/")});
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
  EXPECT_EQ(answer->status, 200);
}

TEST_F(HttpSocketTest, RefusesConnectionsOverTheLimit) {
  HttpServer small({.limits = {.connections_max = 0}}, pool, handle);
  port = listen(small);
  EXPECT_FALSE(send({.url = url("http", "127.0.0.1", "/")}).has_value());
  ON_CORE(small.stop(std::chrono::steady_clock::now()));
  EXPECT_EQ(small.figures().connections_refused, 1u);
}

TEST_F(HttpSocketTest, RefusesConnectionsOverAListenersOwnLimit) {
  auto narrow = async::Listener::listen(pool.core(0), "127.0.0.1", 0);
  ASSERT_TRUE(narrow.has_value());
  const std::uint16_t wide = std::exchange(port, (*narrow)->port());
  server->start(*std::move(narrow), {}, {}, 0);
  EXPECT_FALSE(send({.url = url("http", "127.0.0.1", "/")}).has_value());
  port = wide;
  EXPECT_TRUE(send({.url = url("http", "127.0.0.1", "/")}).has_value());
  EXPECT_EQ(server->figures().connections_refused, 1u);
}

TEST(Certificates, SurviveStorageAndCertifyOnlyNames) {
  base::SystemClock clock;
  const auto made = *CertificateAuthority::create("test", clock);
  const auto loaded = CertificateAuthority::load(made->pem(), clock);
  ASSERT_TRUE(loaded.has_value()) << loaded.error().message;
  EXPECT_EQ((*loaded)->certificate_pem(), made->certificate_pem());
  const auto first = (*loaded)->for_host("dynamodb.us-east-1.amazonaws.com");
  EXPECT_NE(first, nullptr);
  EXPECT_EQ((*loaded)->for_host("dynamodb.us-east-1.amazonaws.com"), first);
  EXPECT_TRUE((*loaded)->issue({"*.s3.amazonaws.com", "s3.amazonaws.com", "::1"}).has_value());
  for (const std::string bad : {"a b", "a,DNS:b", "*", "a.*.b", "..", "-\n", "a..b"})
    EXPECT_EQ((*loaded)->for_host(bad), nullptr) << bad;
  const auto other = *CertificateAuthority::create("other", clock);
  EXPECT_FALSE(
      CertificateAuthority::load({made->pem().certificate, other->pem().key}, clock).has_value());
  EXPECT_FALSE(CertificateAuthority::load({"", ""}, clock).has_value());
}

TEST(Certificates, TheCacheIsBounded) {
  base::SystemClock clock;
  const auto authority = *CertificateAuthority::create("test", clock);
  const auto first = authority->for_host("h0.example");
  for (std::size_t i = 1; i <= kLeafCacheMax; ++i)
    authority->for_host("h" + std::to_string(i) + ".example");
  EXPECT_NE(authority->for_host("h0.example"), first);
}

TEST(Urls, AreTakenApart) {
  const auto url = *parse_url("https://[::1]:8443/a%20b?c=d#e");
  EXPECT_TRUE(url.secure);
  EXPECT_EQ(url.host, "::1");
  EXPECT_EQ(url.port, 8443);
  EXPECT_EQ(url.target, "/a%20b?c=d");
  EXPECT_EQ(url.authority(), "[::1]:8443");
  EXPECT_EQ(parse_url("http://host?x")->target, "/?x");
  EXPECT_EQ(parse_url("http://host")->authority(), "host");
  for (const auto bad : {"", "host", "http://", "http://a:0/", "http://a:x/", "http://u@h/",
                         "http://[::1", "http://a b/", "http://a:99999/"})
    EXPECT_FALSE(parse_url(bad).has_value()) << bad;
}

}  // namespace
}  // namespace wire
