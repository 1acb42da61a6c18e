#pragma once

// Spares: files that wait to become the journal's next segments, so that a new segment lies on
// blocks that have been written before. On such blocks a sync writes the data and nothing else;
// on blocks that are only reserved the file system has to note with each sync which of them are in
// use now, which takes as long again (docs/performance.md).
//
// A spare is a segment that is no longer needed, or one that prepare() has filled with zeros. What
// it still holds is never taken for records: they carry another segment's salt. At most `max`
// files of one segment's size are kept, besides one that is being prepared.
//
// Owned by the journal. Thread-safe. A spare that cannot be had is no loss: take() answers none and
// the caller makes a file.

#include <cstdint>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "io/files.h"

namespace wal {

class Spares {
 public:
  Spares(io::Files& files, std::string folder, std::uint64_t segment_bytes, std::size_t max)
      : files_(files), folder_(std::move(folder)), segment_bytes_(segment_bytes), max_(max) {}

  // Finds what is there; removes one that a crash left half-filled. Once, before anything else.
  base::Status open();

  // The path of one, which is the caller's from now on.
  std::optional<std::string> take();
  // Makes a spare of the segment at `path`, or removes it if there are enough. The old name is gone
  // durably if it became one.
  base::Status keep_or_remove(const std::string& path);
  // Fills a new one with zeros if there is none. Blocks for as long as writing it takes; gives up,
  // and leaves nothing behind, when it is told to stop or the disk is full.
  base::Status prepare(const std::stop_token& stop = {});
  std::size_t count() const;

 private:
  std::string next_path();
  base::Status fill(const std::string& path, const std::stop_token& stop);

  io::Files& files_;
  const std::string folder_;
  const std::uint64_t segment_bytes_;
  const std::size_t max_;

  mutable std::mutex mutex_;
  std::vector<std::string> paths_;  // guarded by mutex_
  std::uint64_t next_ = 1;          // guarded by mutex_
};

}  // namespace wal
