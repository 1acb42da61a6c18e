#include "sdk/http_client.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <string>
#include <vector>

namespace sdk {
namespace {

// What the connections of a test do, one script a connection: each entry answers one read, empty
// text being the end of the connection.
struct Wire {
  std::vector<std::deque<std::string>> scripts;
  std::size_t connections = 0;
  std::string written;
};

class ScriptStream final : public Stream {
 public:
  ScriptStream(Wire& wire, std::deque<std::string> script)
      : wire_(wire), script_(std::move(script)) {}

  Result<std::size_t> read_some(std::span<char> into, Deadline) override {
    if (script_.empty()) return failure(Fault::kTimeout, "Timeout", "nothing more");
    const std::string next = std::move(script_.front());
    script_.pop_front();
    std::ranges::copy(next, into.begin());
    return next.size();
  }
  Result<void> write_all(std::string_view bytes, Deadline) override {
    wire_.written.append(bytes);
    return {};
  }

 private:
  Wire& wire_;
  std::deque<std::string> script_;
};

class ScriptConnector final : public Connector {
 public:
  explicit ScriptConnector(Wire& wire) : wire_(wire) {}
  Result<std::unique_ptr<Stream>> connect(const Origin&, Deadline) override {
    if (wire_.connections == wire_.scripts.size()) {
      return failure(Fault::kConnection, "ConnectionError", "refused");
    }
    return std::make_unique<ScriptStream>(wire_, wire_.scripts[wire_.connections++]);
  }

 private:
  Wire& wire_;
};

const std::string kOne = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1";
const std::string kTwo = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n2";
const Request kRequest{.method = "GET", .target = "/", .headers = {}, .body = {}};

class HttpClientTest : public ::testing::Test {
 protected:
  Result<std::string> get() {
    auto response = client.send(kRequest, Deadline::never());
    if (!response) return std::unexpected(response.error());
    return response->body;
  }

  Wire wire;
  ScriptConnector connector{wire};
  HttpClient client{Origin{false, "h", 80}, connector};
};

TEST_F(HttpClientTest, KeepsTheConnection) {
  wire.scripts = {{kOne, kTwo}};
  EXPECT_EQ(get(), "1");
  EXPECT_EQ(get(), "2");
}

TEST_F(HttpClientTest, ReplacesAKeptConnectionThatHasEnded) {
  wire.scripts = {{kOne, ""}, {kTwo}};
  EXPECT_EQ(get(), "1");
  EXPECT_EQ(get(), "2");
  EXPECT_EQ(wire.connections, 2U);
}

TEST_F(HttpClientTest, DoesNotSendAgainOnceAnAnswerHasBegun) {
  wire.scripts = {{kOne, kTwo.substr(0, 20), ""}, {kTwo}};
  EXPECT_EQ(get(), "1");
  const auto cut = get();
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().fault, Fault::kConnection);
  EXPECT_EQ(wire.connections, 1U);
}

TEST_F(HttpClientTest, DoesNotSendAgainOnAFreshConnection) {
  wire.scripts = {{""}, {kOne}};
  EXPECT_FALSE(get());
  EXPECT_EQ(wire.connections, 1U);
}

TEST_F(HttpClientTest, DropsAConnectionAfterATimeout) {
  wire.scripts = {{kOne}, {kTwo}};
  EXPECT_EQ(get(), "1");
  const auto late = get();
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().fault, Fault::kTimeout);
  EXPECT_EQ(get(), "2");
}

TEST_F(HttpClientTest, DropsAConnectionThatTheServerWantsClosed) {
  wire.scripts = {{"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\n1"}, {kTwo}};
  EXPECT_EQ(get(), "1");
  EXPECT_EQ(get(), "2");
  EXPECT_EQ(wire.connections, 2U);
}

}  // namespace
}  // namespace sdk
