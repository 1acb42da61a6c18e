// TCP over IPv4 and IPv6 with deadlines. Owns its file descriptor.
#pragma once

#include <memory>

#include "sdk/dns_message.h"
#include "sdk/stream.h"

namespace sdk {

class Socket final : public Stream {
 public:
  // Delays are off (TCP_NODELAY): requests are small and each waits for its answer.
  static Result<std::unique_ptr<Socket>> connect(const IpAddress& address, std::uint16_t port,
                                                 Deadline deadline, const Clock& clock);
  ~Socket() override;
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  Result<std::size_t> read_some(std::span<char> into, Deadline deadline) override;
  Result<void> write_all(std::string_view bytes, Deadline deadline) override;

  int fd() const { return fd_; }
  // Waits until the socket can be read (or written). Errors: kTimeout.
  Result<void> wait_readable(Deadline deadline) const;
  Result<void> wait_writable(Deadline deadline) const;

 private:
  Socket(int fd, const Clock& clock) : fd_(fd), clock_(clock) {}

  int fd_;  // non-blocking: every wait is a poll that knows the deadline
  const Clock& clock_;
};

// Waits until poll reports one of `events` on fd. Errors: kTimeout.
Result<void> wait_for(int fd, short events, Deadline deadline, const Clock& clock);

// An IPv4 or IPv6 socket address; storage is as large as either.
struct SocketAddress {
  alignas(8) unsigned char storage[128];
  unsigned length;
  int family;
};
SocketAddress socket_address(const IpAddress& address, std::uint16_t port);

}  // namespace sdk
