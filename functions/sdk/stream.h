// A connection as bytes, and who makes connections. Interfaces, so that tests need no network.
// Not thread-safe: a function's process works on one invocation at a time.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "sdk/clock.h"
#include "sdk/result.h"
#include "sdk/url.h"

namespace sdk {

class Stream {
 public:
  virtual ~Stream() = default;
  // At least one byte; 0 means that the other side has ended the connection.
  // Errors: kConnection, kTimeout.
  virtual Result<std::size_t> read_some(std::span<char> into, Deadline deadline) = 0;
  // All bytes or an error. Errors: kConnection, kTimeout.
  virtual Result<void> write_all(std::string_view bytes, Deadline deadline) = 0;
};

class Connector {
 public:
  virtual ~Connector() = default;
  // With TLS, the stream is returned after the other side's certificate has been verified for
  // the origin's host. Errors: kConnection, kTimeout, kConfiguration (no trusted certificates).
  virtual Result<std::unique_ptr<Stream>> connect(const Origin& origin, Deadline deadline) = 0;
};

}  // namespace sdk
