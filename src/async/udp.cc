#include "async/udp.h"

#include <sys/socket.h>

#include <cerrno>

#include "async/socket_wait.h"

namespace async {

struct UdpSocket::Impl {
  AsioCore& core;
  Descriptor descriptor;
  std::uint16_t port;
  bool closed = false;
};

UdpSocket::UdpSocket(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
UdpSocket::~UdpSocket() = default;
std::uint16_t UdpSocket::port() const { return impl_->port; }

base::Result<std::unique_ptr<UdpSocket>> UdpSocket::bind(AsioCore& core, const std::string& address,
                                                         std::uint16_t port) {
  ASSIGN_OR_RETURN(OwnedFd fd, bind_socket(address, port, SOCK_DGRAM));
  return adopt(core, std::move(fd));
}

base::Result<std::unique_ptr<UdpSocket>> UdpSocket::adopt(AsioCore& core, OwnedFd fd) {
  RETURN_IF_ERROR(set_nonblocking(fd.get()));
  const std::uint16_t port = bound_port(fd.get());
  Descriptor descriptor(core.context().get_executor());
  boost::system::error_code error;
  descriptor.assign(fd.get(), error);
  if (error) return base::error(base::ErrorCode::kIo, "register a socket: " + error.message());
  fd.release();
  return std::unique_ptr<UdpSocket>(
      new UdpSocket(std::make_unique<Impl>(core, std::move(descriptor), port)));
}

Task<base::Result<UdpSocket::Received>> UdpSocket::receive(std::span<char> into) {
  CHECK(Core::current() == &impl_->core);
  for (;;) {
    if (impl_->closed) co_return base::error(base::ErrorCode::kCancelled, "the socket was closed");
    Received received{};
    socklen_t size = received.peer.bytes.size();
    const ssize_t count =
        ::recvfrom(impl_->descriptor.native_handle(), into.data(), into.size(), 0,
                   reinterpret_cast<sockaddr*>(received.peer.bytes.data()), &size);
    if (count >= 0) {
      received.size = static_cast<std::size_t>(count);
      received.peer.size = size;
      co_return received;
    }
    // An answer of ours that nobody took comes back as an error of the next receive: passed over.
    if (errno == EINTR || errno == ECONNREFUSED || errno == ENETUNREACH || errno == EHOSTUNREACH)
      continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK) co_return base::errno_error("receive", errno);
    const auto error = co_await Readable(impl_->descriptor);
    if (error && error != asio::error::operation_aborted)
      co_return base::error(base::ErrorCode::kIo, "wait for a datagram: " + error.message());
  }
}

base::Status UdpSocket::send(std::string_view datagram, const DatagramPeer& peer) {
  if (impl_->closed) return base::error(base::ErrorCode::kCancelled, "the socket was closed");
  const ssize_t sent = ::sendto(impl_->descriptor.native_handle(), datagram.data(), datagram.size(),
                                MSG_DONTWAIT | MSG_NOSIGNAL,
                                reinterpret_cast<const sockaddr*>(peer.bytes.data()), peer.size);
  if (sent >= 0) return {};
  if (errno == EAGAIN || errno == ENOBUFS)
    return base::error(base::ErrorCode::kUnavailable, "the socket is full");
  return base::errno_error("send a datagram", errno);
}

void UdpSocket::close() {
  if (std::exchange(impl_->closed, true)) return;
  boost::system::error_code ignored;
  impl_->descriptor.close(ignored);
}

}  // namespace async
