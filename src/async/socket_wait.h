#pragma once

// What the socket files of this module share. Includes Asio: for .cc files only.

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <coroutine>
#include <cstdint>
#include <string>

#include "async/tcp.h"

struct sockaddr;

namespace async {

namespace asio = boost::asio;

// Without type erasure: every operation goes through the executor.
using Executor = asio::io_context::executor_type;
using StreamSocket = asio::basic_stream_socket<asio::generic::stream_protocol, Executor>;
using Descriptor = asio::posix::basic_stream_descriptor<Executor>;

// co_await readable(descriptor): until it is, or an error (operation_aborted after a cancel).
class Readable {
 public:
  explicit Readable(Descriptor& descriptor) : descriptor_(descriptor) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle) {
    descriptor_.async_wait(Descriptor::wait_read,
                           [this, handle](const boost::system::error_code& error) {
                             error_ = error;
                             handle.resume();
                           });
  }
  boost::system::error_code await_resume() const noexcept { return error_; }

 private:
  Descriptor& descriptor_;
  boost::system::error_code error_;
};

// "127.0.0.1", "::1" (an IPv4 address mapped into IPv6 is shown as IPv4), "" for other families.
std::string address_text(const sockaddr* address);
// The port that a socket is bound to; 0 if it has none.
std::uint16_t bound_port(int fd);
// A bound socket of `type` on a numeric address.
base::Result<OwnedFd> bind_socket(const std::string& address, std::uint16_t port, int type);
base::Status set_nonblocking(int fd);

}  // namespace async
