#pragma once

// Files: the disk as an interface, so that tests can lie about it. RealFiles (real_files.h) is the
// operating system's; FaultyFiles (faulty_files.h) lives in memory, forgets what was not synced and
// fails on request.
//
// Paths are plain strings, '/' between their parts. Every call blocks; all are thread-safe, on one
// File too (reads beside writes; two writes of one range at once are the caller's mistake).
// Errors: kNotFound, kAlreadyExists, kNoSpace, kPermission, else kIo.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace io {

// An open file; closed when it dies. Nothing written is safe before sync_data() has answered.
class File {
 public:
  virtual ~File() = default;

  // Fills `out` from `offset`; answers fewer bytes than asked only at the file's end.
  virtual base::Result<std::size_t> read_at(std::span<char> out, std::uint64_t offset) = 0;
  // The same, but answers nullopt instead of waiting for the disk.
  virtual base::Result<std::optional<std::size_t>> read_cached_at(std::span<char> out,
                                                                  std::uint64_t offset) = 0;
  // Writes all pieces one behind the other, growing the file where needed. After an error any part
  // of them may have been written.
  virtual base::Status write_at(std::span<const std::string_view> pieces, std::uint64_t offset) = 0;
  base::Status write_at(std::string_view bytes, std::uint64_t offset) {
    return write_at(std::span(&bytes, 1), offset);
  }
  // Reserves space and grows the file to at least `bytes`, zero-filled.
  virtual base::Status preallocate(std::uint64_t bytes) = 0;
  virtual base::Status truncate(std::uint64_t bytes) = 0;
  // The contents, and as much of the metadata as reading them back needs, are on the disk. After an
  // error nothing is known about what was written since the last success.
  virtual base::Status sync_data() = 0;
  virtual base::Result<std::uint64_t> size() = 0;
  // These bytes, as far as they are synced, need not stay in memory. A hint.
  virtual void release_cached(std::uint64_t offset, std::uint64_t bytes) = 0;
};

enum class OpenMode {
  kRead,       // exists already
  kReadWrite,  // exists already
  kCreateNew,  // read and write; kAlreadyExists if it is there. Mode 0600.
};

// Held until it dies.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

class Files {
 public:
  virtual ~Files() = default;

  virtual base::Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) = 0;
  // Names inside the folder, sorted, without "." and "..".
  virtual base::Result<std::vector<std::string>> list(const std::string& folder) = 0;
  // Atomic; replaces `to`. Both in one folder. Durable after sync_folder().
  virtual base::Status rename(const std::string& from, const std::string& to) = 0;
  virtual base::Status remove(const std::string& path) = 0;
  // Mode 0700; parents must exist. Success if it is there already.
  virtual base::Status make_folder(const std::string& path) = 0;
  // Names made, renamed or removed in the folder are on the disk.
  virtual base::Status sync_folder(const std::string& path) = 0;
  // Makes the file if needed. kConflict if somebody else, another process included, holds it.
  virtual base::Result<std::unique_ptr<FileLock>> lock(const std::string& path) = 0;
};

// The whole file. kLimit if it is larger than `bytes_max`.
base::Result<std::string> read_file(Files& files, const std::string& path, std::uint64_t bytes_max);
// `folder`/`name` holds either its old contents or `bytes`, whatever happens meanwhile, and `bytes`
// durably once this has answered. Uses `name`.new beside it.
base::Status write_file_atomically(Files& files, const std::string& folder, const std::string& name,
                                   std::string_view bytes);

}  // namespace io
