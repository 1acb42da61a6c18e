#pragma once

// Inflater: a file that comes in pieces, undone of its compression, in pieces of bounded size.
// Pure, a value of one file; one thread at a time.

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace backups {

enum class Compression : std::uint8_t { kNone, kGzip, kZstd };

class Inflater {
 public:
  explicit Inflater(Compression compression);
  ~Inflater();
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  // What there is to read from now on; after all that was fed before has been taken.
  void feed(std::string piece);
  // At most `limit` bytes of what was fed; empty: feed more. nullopt: broken.
  std::optional<std::string> take(std::size_t limit);
  // Nothing more comes: whether the file was whole.
  bool is_whole() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace backups
