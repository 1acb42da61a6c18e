#include <sys/socket.h>

#include <cerrno>

#include "async/socket_wait.h"
#include "async/tcp.h"

namespace async {
namespace {
constexpr int kBacklog = 4096;
}

struct Listener::Impl {
  AsioCore& core;
  Descriptor descriptor;
  std::uint16_t port;
  bool closed = false;
};

Listener::Listener(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Listener::~Listener() = default;
AsioCore& Listener::core() const { return impl_->core; }
std::uint16_t Listener::port() const { return impl_->port; }

base::Result<std::unique_ptr<Listener>> Listener::listen(AsioCore& core, const std::string& address,
                                                         std::uint16_t port) {
  ASSIGN_OR_RETURN(OwnedFd fd, bind_socket(address, port, SOCK_STREAM));
  if (::listen(fd.get(), kBacklog) != 0) {
    if (errno == EADDRINUSE)
      return base::error(base::ErrorCode::kAlreadyExists,
                         address + " port " + std::to_string(port) + " is in use");
    return base::errno_error("listen on " + address, errno);
  }
  return adopt(core, std::move(fd));
}

base::Result<std::unique_ptr<Listener>> Listener::adopt(AsioCore& core, OwnedFd fd) {
  RETURN_IF_ERROR(set_nonblocking(fd.get()));
  const std::uint16_t port = bound_port(fd.get());
  Descriptor descriptor(core.context().get_executor());
  boost::system::error_code error;
  descriptor.assign(fd.get(), error);
  if (error) return base::error(base::ErrorCode::kIo, "register a listener: " + error.message());
  fd.release();
  return std::unique_ptr<Listener>(
      new Listener(std::make_unique<Impl>(core, std::move(descriptor), port)));
}

Task<base::Result<AcceptedSocket>> Listener::accept() {
  CHECK(Core::current() == &impl_->core);
  for (;;) {
    if (impl_->closed)
      co_return base::error(base::ErrorCode::kCancelled, "the listener was closed");
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    auto* const peer = reinterpret_cast<sockaddr*>(&address);
    OwnedFd fd(
        ::accept4(impl_->descriptor.native_handle(), peer, &size, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (fd) co_return AcceptedSocket{std::move(fd), address_text(peer)};
    const int why = errno;
    if (why == EMFILE || why == ENFILE || why == ENOBUFS || why == ENOMEM)
      co_return base::error(base::ErrorCode::kLimit,
                            base::errno_error("accept", why).error().message);
    if (why == EBADF || why == EINVAL || why == ENOTSOCK || why == EOPNOTSUPP)
      co_return base::errno_error("accept", why);
    // What is left are errors of one connection that died in the queue, or an empty queue.
    if (why != EAGAIN && why != EWOULDBLOCK) continue;
    const auto error = co_await Readable(impl_->descriptor);
    if (error && error != asio::error::operation_aborted)
      co_return base::error(base::ErrorCode::kIo, "wait for a connection: " + error.message());
  }
}

void Listener::close() {
  if (std::exchange(impl_->closed, true)) return;
  boost::system::error_code ignored;
  impl_->descriptor.close(ignored);
}

}  // namespace async
