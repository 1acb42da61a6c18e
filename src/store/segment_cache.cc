#include "store/segment_cache.h"

namespace store {

std::shared_ptr<io::File> SegmentCache::find(std::uint64_t segment) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(segment);
  if (found == entries_.end()) return nullptr;
  uses_.splice(uses_.begin(), uses_, found->second.use);
  return found->second.file;
}

base::Result<std::shared_ptr<io::File>> SegmentCache::open(std::uint64_t segment) {
  if (auto file = find(segment)) return file;
  ASSIGN_OR_RETURN(std::shared_ptr<io::File> file, journal_.open_segment(segment));
  const std::lock_guard lock(mutex_);
  if (entries_.contains(segment)) return file;
  uses_.push_front(segment);
  entries_.emplace(segment, Entry{file, uses_.begin()});
  if (entries_.size() > limit_) {
    entries_.erase(uses_.back());
    uses_.pop_back();
  }
  return file;
}

void SegmentCache::forget(std::uint64_t segment) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(segment);
  if (found == entries_.end()) return;
  uses_.erase(found->second.use);
  entries_.erase(found);
}

}  // namespace store
