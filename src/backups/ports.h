#pragma once

// What exports and imports need of the world: a bucket, as the caller may use it. Every call is
// checked with the caller's permissions; errors have S3's words, and its codes as exports and
// imports tell them: S3NoSuchBucket, S3AccessDenied.

#include <optional>
#include <string>
#include <vector>

#include "api/error.h"
#include "async/task.h"

namespace backups {

class Bucket {
 public:
  struct Entry {
    std::string key;
    std::uint64_t size = 0;
  };
  struct Listing {
    std::vector<Entry> entries;  // by key
    bool more = false;
  };

  virtual ~Bucket() = default;
  // Answers the object's ETag, without quotes.
  virtual async::Task<api::Outcome<std::string>> put(std::string key, std::string body) = 0;
  // Those that start with `prefix`, above `after`.
  virtual async::Task<api::Outcome<Listing>> list(std::string prefix, std::string after) = 0;
  // `size` bytes from `offset`, which lie within the object; size is at least 1.
  virtual async::Task<api::Outcome<std::string>> read(std::string key, std::uint64_t offset,
                                                      std::uint64_t size) = 0;
};

}  // namespace backups
