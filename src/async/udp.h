#pragma once

// UdpSocket: datagrams, for a small responder such as a name server. Lives on its core and dies
// before it.

#include <array>
#include <memory>
#include <span>

#include "async/tcp.h"

namespace async {

// Where a datagram came from: an operating system's address, opaque.
struct DatagramPeer {
  alignas(8) std::array<char, 128> bytes{};
  std::uint32_t size = 0;
};

class UdpSocket {
 public:
  struct Received {
    std::size_t size;  // longer datagrams are cut to the buffer
    DatagramPeer peer;
  };

  static base::Result<std::unique_ptr<UdpSocket>> bind(AsioCore& core, const std::string& address,
                                                       std::uint16_t port);
  // Takes over a bound socket, wherever it was made.
  static base::Result<std::unique_ptr<UdpSocket>> adopt(AsioCore& core, OwnedFd fd);
  ~UdpSocket();

  std::uint16_t port() const;
  // One at a time. kCancelled after close().
  Task<base::Result<Received>> receive(std::span<char> into);
  // Sends at once or drops the datagram with kUnavailable: a queue for answers would only grow.
  base::Status send(std::string_view datagram, const DatagramPeer& peer);
  void close();  // idempotent; the socket may die only once receive() has returned

 private:
  struct Impl;
  explicit UdpSocket(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace async
