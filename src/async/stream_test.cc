#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cstring>

#include "async/asio_core.h"
#include "async/gate.h"
#include "async/manual_core.h"
#include "async/memory_stream.h"
#include "async/tcp.h"
#include "async/timer.h"
#include "async/udp.h"

namespace async {
namespace {

using namespace std::chrono_literals;
using base::ErrorCode;

Task<std::string> read_all(Stream& stream) {
  std::string all;
  std::array<char, 8192> buffer;
  for (;;) {
    const auto count = co_await stream.read_some(buffer);
    if (!count || *count == 0) co_return all;
    all.append(buffer.data(), *count);
  }
}

// Two ends of one connection on one core.
struct Ends {
  std::unique_ptr<Stream> client;
  std::unique_ptr<Stream> server;
};
Task<Ends> connected(AsioCore& core) {
  auto listener = *Listener::listen(core, "127.0.0.1", 0);
  auto client = co_await connect_tcp(core, "localhost", listener->port(), core.now() + 5s);
  CHECK(client.has_value());
  auto accepted = co_await listener->accept();
  CHECK(accepted.has_value());
  CHECK(accepted->peer_address == "127.0.0.1");
  auto server = make_stream(core, *std::move(accepted));
  CHECK(server.has_value());
  listener->close();
  co_return Ends{*std::move(client), *std::move(server)};
}

class TcpTest : public testing::Test {
 protected:
  CorePool pool{1};
  AsioCore& core = pool.core(0);
};

TEST_F(TcpTest, MovesMoreThanTheSocketHolds) {
  const auto test = [](AsioCore& on) -> Task<bool> {
    auto ends = co_await connected(on);
    const auto send = [](Stream& to) -> Task<void> {
      const std::string first(3'000'000, 'a');
      const std::string second(5'000'000, 'b');
      const auto written = co_await to.write(first, second);
      CHECK(written.has_value());
      co_await to.shutdown();
    };
    Gate gate;
    spawn(on, gate, send(*ends.client));
    const auto all = co_await read_all(*ends.server);
    co_await gate.close();
    co_return all == std::string(3'000'000, 'a') + std::string(5'000'000, 'b');
  };
  EXPECT_TRUE(wait_for(core, test(core)));
}

TEST_F(TcpTest, DeadlinesEndOnlyTheirDirection) {
  const auto test = [](AsioCore& on) -> Task<bool> {
    auto ends = co_await connected(on);
    std::array<char, 16> buffer;
    ends.server->set_read_deadline(on.now() + 20ms);
    const auto late = co_await ends.server->read_some(buffer);
    CHECK(!late && late.error().code == ErrorCode::kTimeout);
    const auto still = co_await ends.server->read_some(buffer);
    CHECK(!still && still.error().code == ErrorCode::kTimeout);
    const auto written = co_await ends.server->write("x");
    CHECK(written.has_value());
    ends.server->set_read_deadline(on.now() + 10s);
    const auto echoed = co_await ends.client->write("yz");
    CHECK(echoed.has_value());
    const auto read = co_await ends.server->read_some(buffer);
    CHECK(read && *read == 2);
    // A write that waits is not disturbed by the reader's deadline.
    const auto fill = [](Stream& to, bool& ended) -> Task<void> {
      const std::string much(20'000'000, 'a');
      const auto filled = co_await to.write(much);
      CHECK(!filled && filled.error().code == ErrorCode::kCancelled);
      ended = true;
    };
    Gate gate;
    bool write_ended = false;
    spawn(on, gate, fill(*ends.server, write_ended));
    ends.server->set_read_deadline(on.now() + 20ms);
    const auto again = co_await ends.server->read_some(buffer);
    CHECK(!again && again.error().code == ErrorCode::kTimeout);
    co_await sleep_for(5ms);
    CHECK(!write_ended);
    ends.server->close();
    co_await gate.close();
    co_return write_ended;
  };
  EXPECT_TRUE(wait_for(core, test(core)));
}

TEST_F(TcpTest, CloseEndsWhatIsPending) {
  const auto test = [](AsioCore& on) -> Task<bool> {
    auto ends = co_await connected(on);
    on.schedule(on.now() + 10ms, [&] { ends.server->close(); });
    std::array<char, 16> buffer;
    const auto read = co_await ends.server->read_some(buffer);
    CHECK(!read && read.error().code == ErrorCode::kCancelled);
    const auto written = co_await ends.server->write("x");
    CHECK(!written && written.error().code == ErrorCode::kCancelled);
    const auto end = co_await read_all(*ends.client);
    co_return end.empty();
  };
  EXPECT_TRUE(wait_for(core, test(core)));
}

TEST_F(TcpTest, AdoptsSocketsThatListenAlready) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(fd, 5), 0);
  const auto test = [](AsioCore& on, int adopted) -> Task<bool> {
    auto listener = *Listener::adopt(on, OwnedFd(adopted));
    auto client = co_await connect_tcp(on, "127.0.0.1", listener->port(), on.now() + 5s);
    auto accepted = co_await listener->accept();
    CHECK(client && accepted);
    const int accepted_fd = accepted->fd.get();
    auto server = *make_stream(on, *std::move(accepted));
    int no_delay = 0;
    socklen_t size = sizeof no_delay;
    ::getsockopt(accepted_fd, IPPROTO_TCP, TCP_NODELAY, &no_delay, &size);
    on.schedule(on.now() + 10ms, [&] { listener->close(); });
    const auto closed = co_await listener->accept();
    CHECK(!closed && closed.error().code == ErrorCode::kCancelled);
    co_return no_delay == 1;
  };
  EXPECT_TRUE(wait_for(core, test(core, fd)));
}

TEST_F(TcpTest, SaysWhyThereIsNoConnection) {
  const auto attempt = [](AsioCore& on, std::string host, std::uint16_t port) -> Task<ErrorCode> {
    const auto stream = co_await connect_tcp(on, host, port, on.now() + 5s);
    CHECK(!stream);
    co_return stream.error().code;
  };
  EXPECT_EQ(wait_for(core, attempt(core, "127.0.0.1", 1)), ErrorCode::kUnavailable);
  auto first = *Listener::listen(core, "127.0.0.1", 0);
  const auto second = Listener::listen(core, "127.0.0.1", first->port());
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, ErrorCode::kAlreadyExists);
  EXPECT_EQ(Listener::listen(core, "nowhere", 0).error().code, ErrorCode::kInvalidArgument);
  first.reset();
  pool.stop();
}

TEST_F(TcpTest, DatagramsGoThereAndBack) {
  const auto test = [](AsioCore& on) -> Task<bool> {
    auto server = *UdpSocket::bind(on, "127.0.0.1", 0);
    auto client = *UdpSocket::bind(on, "127.0.0.1", 0);
    DatagramPeer to;
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(server->port());
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    std::memcpy(to.bytes.data(), &address, sizeof address);
    to.size = sizeof address;
    CHECK(client->send("question", to).has_value());
    std::array<char, 64> buffer;
    const auto question = co_await server->receive(buffer);
    CHECK(question && std::string_view(buffer.data(), question->size) == "question");
    CHECK(server->send("answer", question->peer).has_value());
    const auto answer = co_await client->receive(buffer);
    CHECK(answer && std::string_view(buffer.data(), answer->size) == "answer");
    on.schedule(on.now() + 5ms, [&] { server->close(); });
    const auto closed = co_await server->receive(buffer);
    co_return !closed && closed.error().code == ErrorCode::kCancelled;
  };
  EXPECT_TRUE(wait_for(core, test(core)));
}

TEST(MemoryStream, WritersWaitForReadersAndDeadlinesHold) {
  base::ManualClock clock;
  ManualCore core(clock);
  const auto test = [](ManualCore& on) -> Task<bool> {
    auto [near, far] = make_memory_pair(on, {.capacity = 10, .read_max = 3});
    const auto send = [](Stream& to) -> Task<void> {
      const auto written = co_await to.write("0123456789", "abcdefghij");
      CHECK(written.has_value());
      co_await to.shutdown();
    };
    Gate gate;
    spawn(on, gate, send(*near));
    const auto all = co_await read_all(*far);
    CHECK(all == "0123456789abcdefghij");
    co_await gate.close();
    std::array<char, 16> buffer;
    near->set_read_deadline(on.now() + 1h);
    const auto late = co_await near->read_some(buffer);
    CHECK(!late && late.error().code == ErrorCode::kTimeout);
    far->close();
    const auto broken = co_await near->write("x");
    co_return !broken && broken.error().code == ErrorCode::kIo;
  };
  EXPECT_TRUE(core.run(test(core)));
}

}  // namespace
}  // namespace async
