#pragma once

// CachedTail: how much of the journal the system keeps in memory because it was written lately.
// Readers who keep up find it there; whoever falls further behind reads the disk, in long
// stretches.
//
// Without it the page cache would take all memory there is, a new page for each one written, and
// new pages are dear: a virtual machine whose host takes free memory back spends more on touching
// them than on all else that a large write costs (docs/performance.md). So pages go back soon
// enough to be used again.
//
// Owned by the journal's writer, and used by its thread alone.

#include <cstdint>
#include <deque>
#include <string>

#include "io/files.h"

namespace wal {

class CachedTail {
 public:
  // `files` outlives this.
  CachedTail(io::Files& files, std::uint64_t bytes_max) : files_(files), bytes_max_(bytes_max) {}

  // [begin, end) of that file has been written, behind everything before it.
  void add(const std::string& path, std::uint64_t begin, std::uint64_t end);
  // Gives back what is over, unless it is little. What was added is synced by now.
  void trim();

 private:
  struct Stretch {
    std::string path;
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
  };

  io::Files& files_;
  const std::uint64_t bytes_max_;
  std::uint64_t bytes_ = 0;
  std::deque<Stretch> stretches_;  // the oldest in front
};

}  // namespace wal
