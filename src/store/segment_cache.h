#pragma once

// SegmentCache: the journal's segments that are open for reading, at most `limit`; the one unused
// for longest is closed first. Owned by the EmbeddedStore; thread-safe.

#include <list>
#include <map>
#include <memory>
#include <mutex>

#include "wal/journal.h"

namespace store {

class SegmentCache {
 public:
  // `journal` outlives this.
  SegmentCache(const wal::Journal& journal, std::size_t limit) : journal_(journal), limit_(limit) {}

  // nullptr: not open yet.
  std::shared_ptr<io::File> find(std::uint64_t segment);
  // Opens it if needed. kNotFound: it has been removed.
  base::Result<std::shared_ptr<io::File>> open(std::uint64_t segment);
  void forget(std::uint64_t segment);

 private:
  struct Entry {
    std::shared_ptr<io::File> file;
    std::list<std::uint64_t>::iterator use;
  };

  const wal::Journal& journal_;
  const std::size_t limit_;
  std::mutex mutex_;
  std::list<std::uint64_t> uses_;  // the latest in front
  std::map<std::uint64_t, Entry> entries_;
};

}  // namespace store
