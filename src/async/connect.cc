#include <sys/socket.h>

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <vector>

#include "async/completion.h"
#include "async/socket_wait.h"
#include "async/tcp.h"

namespace async {
namespace {

using asio::ip::tcp;
using boost::system::error_code;
using Endpoints = std::vector<tcp::endpoint>;
using TcpSocket = asio::basic_stream_socket<tcp, Executor>;
using Resolver = asio::ip::basic_resolver<tcp, Executor>;

// Shared with a timer that may fire after everything is over.
struct Attempt {
  explicit Attempt(AsioCore& core) : resolver(core.context().get_executor()) {}
  Resolver resolver;
  std::unique_ptr<TcpSocket> socket;
  bool timed_out = false;

  void time_out() {
    timed_out = true;
    resolver.cancel();
    error_code ignored;
    if (socket) socket->cancel(ignored);
  }
};

Task<base::Result<Endpoints>> resolve(std::shared_ptr<Attempt> attempt, std::string host,
                                      std::uint16_t port) {
  error_code not_numeric;
  const auto address = asio::ip::make_address(host, not_numeric);
  if (!not_numeric) co_return Endpoints{tcp::endpoint(address, port)};
  Completion<base::Result<Endpoints>> done;
  attempt->resolver.async_resolve(
      host, std::to_string(port), [&done](const error_code& error, Resolver::results_type found) {
        if (error) return done.set(base::error(base::ErrorCode::kUnavailable, error.message()));
        Endpoints endpoints;
        for (const auto& entry : found) endpoints.push_back(entry.endpoint());
        done.set(std::move(endpoints));
      });
  auto endpoints = co_await done;
  co_return endpoints;
}

Task<error_code> connect_to(std::shared_ptr<Attempt> attempt, tcp::endpoint endpoint) {
  Completion<error_code> done;
  attempt->socket->async_connect(endpoint, [&done](const error_code& error) { done.set(error); });
  const auto error = co_await done;
  co_return error;
}

}  // namespace

Task<base::Result<std::unique_ptr<Stream>>> connect_tcp(AsioCore& core, std::string host,
                                                        std::uint16_t port,
                                                        base::SteadyTime deadline) {
  CHECK(Core::current() == &core);
  const auto attempt = std::make_shared<Attempt>(core);
  TimerId timer = 0;
  if (deadline != base::SteadyTime::max())
    timer = core.schedule(deadline, [attempt] { attempt->time_out(); });
  std::string why = "no address";
  auto endpoints = co_await resolve(attempt, host, port);
  if (!endpoints) why = endpoints.error().message;
  bool connected = false;
  std::string peer;
  for (std::size_t i = 0; endpoints && i < endpoints->size() && !connected; ++i) {
    if (attempt->timed_out) break;
    attempt->socket = std::make_unique<TcpSocket>(core.context().get_executor());
    const auto error = co_await connect_to(attempt, (*endpoints)[i]);
    connected = !error;
    if (error) why = error.message();
    peer = (*endpoints)[i].address().to_string();
  }
  if (timer != 0) core.cancel(timer);
  if (connected) {
    error_code error;
    OwnedFd fd(attempt->socket->release(error));
    if (error) co_return base::error(base::ErrorCode::kIo, "take a socket: " + error.message());
    co_return make_stream(core, AcceptedSocket{std::move(fd), std::move(peer)});
  }
  if (attempt->timed_out)
    co_return base::error(base::ErrorCode::kTimeout, "connecting to " + host + " took too long");
  co_return base::error(base::ErrorCode::kUnavailable,
                        "connect to " + host + " port " + std::to_string(port) + ": " + why);
}

}  // namespace async
