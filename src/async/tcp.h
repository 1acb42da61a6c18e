#pragma once

// TCP (and other stream sockets of the operating system) as Streams, and what makes them: a
// Listener for servers, connect_tcp() for clients. TCP_NODELAY is always set.
//
// A Listener and a Stream live on the core they were made for and die before it. To hand an
// accepted connection to another core, pass its AcceptedSocket there and make the Stream there.

#include <cstdint>
#include <memory>
#include <string>

#include "async/asio_core.h"
#include "async/stream.h"

namespace async {

// An open file descriptor and the duty to close it.
class OwnedFd {
 public:
  OwnedFd() = default;
  explicit OwnedFd(int fd) : fd_(fd) {}
  OwnedFd(OwnedFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  OwnedFd& operator=(OwnedFd&& other) noexcept;
  ~OwnedFd();

  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// A connected socket that is not tied to a core yet.
struct AcceptedSocket {
  OwnedFd fd;
  std::string peer_address;
};

// On `core`. Makes the socket non-blocking.
base::Result<std::unique_ptr<Stream>> make_stream(AsioCore& core, AcceptedSocket socket);

class Listener {
 public:
  // Binds and listens. `address` is an IP address; port 0 picks a free one. kAlreadyExists: the
  // port is in use.
  static base::Result<std::unique_ptr<Listener>> listen(AsioCore& core, const std::string& address,
                                                        std::uint16_t port);
  // Takes over a socket that listens already, wherever it was made (another network namespace
  // included).
  static base::Result<std::unique_ptr<Listener>> adopt(AsioCore& core, OwnedFd fd);
  ~Listener();

  AsioCore& core() const;
  std::uint16_t port() const;  // 0 if it is no IP socket

  // On the listener's core, one at a time. kCancelled after close(); kLimit when the process is out
  // of descriptors (wait a little, then go on); errors of a single connection are passed over.
  Task<base::Result<AcceptedSocket>> accept();
  // On the listener's core. Idempotent. The Listener may die only once accept() has returned.
  void close();

 private:
  struct Impl;
  explicit Listener(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Resolves and connects, on `core`. kTimeout, kUnavailable (refused, no such name, no route).
Task<base::Result<std::unique_ptr<Stream>>> connect_tcp(AsioCore& core, std::string host,
                                                        std::uint16_t port,
                                                        base::SteadyTime deadline);

}  // namespace async
