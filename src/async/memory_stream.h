#pragma once

// Two Streams joined in memory: what one writes, the other reads. For tests and fuzzers, on any
// core (ManualCore included); both ends on the same core.

#include <memory>
#include <utility>

#include "async/stream.h"

namespace async {

struct MemoryPairOptions {
  std::size_t capacity = 64 * 1024;  // bytes on the way in one direction; a writer waits beyond it
  std::size_t read_max = SIZE_MAX;   // at most so many bytes a read: 1 makes a slow client
};

std::pair<std::unique_ptr<Stream>, std::unique_ptr<Stream>> make_memory_pair(
    Core& core, MemoryPairOptions options = {});

}  // namespace async
