#pragma once

// PipeReader: the reading end of a pipe. Lives on its core and dies before it, once read_some() has
// returned.

#include <memory>
#include <optional>
#include <span>

#include "async/tcp.h"

namespace async {

class PipeReader {
 public:
  static base::Result<std::unique_ptr<PipeReader>> adopt(AsioCore& core, OwnedFd fd);
  ~PipeReader();

  // At least one byte, or 0 at the end of the stream. One at a time. kCancelled after close().
  Task<base::Result<std::size_t>> read_some(std::span<char> into);
  // What is there now, without waiting: nullopt if nothing is. Beside a pending read_some() too.
  base::Result<std::optional<std::size_t>> try_read(std::span<char> into);
  void close();  // idempotent

 private:
  struct Impl;
  explicit PipeReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace async
