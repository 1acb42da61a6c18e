#include "wal/cached_tail.h"

#include <algorithm>

namespace wal {

namespace {
// Given back at a time: enough for the calls to cost nothing, little enough to be done soon.
constexpr std::uint64_t kStepBytes = 4U << 20U;
constexpr std::uint64_t kLargePageBytes = 2U << 20U;
}  // namespace

void CachedTail::add(const std::string& path, std::uint64_t begin, std::uint64_t end) {
  bytes_ += end - begin;
  if (!stretches_.empty() && stretches_.back().path == path && stretches_.back().end == begin)
    stretches_.back().end = end;
  else stretches_.push_back({path, begin, end});
}

void CachedTail::trim() {
  while (bytes_ >= bytes_max_ + kStepBytes) {
    Stretch& oldest = stretches_.front();
    const std::uint64_t bytes = std::min(oldest.end - oldest.begin, kStepBytes);
    // The system holds on to a large page until all of it may go: the last step's end is told
    // again.
    const std::uint64_t again = std::min(oldest.begin, kLargePageBytes);
    // A segment that is gone has given back everything.
    if (const auto file = files_.open(oldest.path, io::OpenMode::kRead))
      (*file)->release_cached(oldest.begin - again, bytes + again);
    oldest.begin += bytes;
    bytes_ -= bytes;
    if (oldest.begin == oldest.end) stretches_.pop_front();
  }
}

}  // namespace wal
