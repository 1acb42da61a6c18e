#include "sdk/socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace sdk {
namespace {

std::unexpected<Error> broken(std::string_view what, int code) {
  return failure(Fault::kConnection, "ConnectionError",
                 std::string(what) + ": " + std::strerror(code));
}

}  // namespace

Result<void> wait_for(int fd, short events, Deadline deadline, const Clock& clock) {
  while (true) {
    int timeout_ms = -1;
    if (!deadline.is_never()) {
      timeout_ms = static_cast<int>(std::min<std::int64_t>(clock.remaining_ms(deadline), 60'000));
    }
    pollfd entry{.fd = fd, .events = events, .revents = 0};
    const int ready = ::poll(&entry, 1, timeout_ms);
    if (ready > 0) return {};  // errors show in the read or write that follows
    if (ready < 0 && errno != EINTR) return broken("waiting on a socket", errno);
    if (!deadline.is_never() && clock.remaining_ms(deadline) == 0) {
      return failure(Fault::kTimeout, "Timeout", "the other side did not answer in time");
    }
  }
}

SocketAddress socket_address(const IpAddress& address, std::uint16_t port) {
  static_assert(sizeof(SocketAddress::storage) >= sizeof(sockaddr_in6));
  SocketAddress out{};
  if (address.v6) {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    std::memcpy(&v6.sin6_addr, address.bytes.data(), 16);
    std::memcpy(out.storage, &v6, sizeof v6);
    out.length = sizeof v6;
    out.family = AF_INET6;
  } else {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    std::memcpy(&v4.sin_addr, address.bytes.data(), 4);
    std::memcpy(out.storage, &v4, sizeof v4);
    out.length = sizeof v4;
    out.family = AF_INET;
  }
  return out;
}

Result<std::unique_ptr<Socket>> Socket::connect(const IpAddress& address, std::uint16_t port,
                                                Deadline deadline, const Clock& clock) {
  const SocketAddress target = socket_address(address, port);
  const int fd = ::socket(target.family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return broken("making a socket", errno);
  std::unique_ptr<Socket> socket(new Socket(fd, clock));
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(target.storage), target.length) == 0) {
    return socket;
  }
  if (errno != EINPROGRESS && errno != EINTR) return broken("connecting", errno);
  auto ready = socket->wait_writable(deadline);
  if (!ready) return std::unexpected(ready.error());
  int code = 0;
  socklen_t size = sizeof code;
  ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &size);
  if (code != 0) return broken("connecting", code);
  return socket;
}

Socket::~Socket() { ::close(fd_); }

Result<void> Socket::wait_readable(Deadline deadline) const {
  return wait_for(fd_, POLLIN, deadline, clock_);
}

Result<void> Socket::wait_writable(Deadline deadline) const {
  return wait_for(fd_, POLLOUT, deadline, clock_);
}

Result<std::size_t> Socket::read_some(std::span<char> into, Deadline deadline) {
  while (true) {
    const ssize_t n = ::recv(fd_, into.data(), into.size(), 0);
    if (n >= 0) return static_cast<std::size_t>(n);
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return broken("reading", errno);
    auto ready = wait_readable(deadline);
    if (!ready) return std::unexpected(ready.error());
  }
}

Result<void> Socket::write_all(std::string_view bytes, Deadline deadline) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(n));
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return broken("writing", errno);
    auto ready = wait_writable(deadline);
    if (!ready) return ready;
  }
  return {};
}

}  // namespace sdk
