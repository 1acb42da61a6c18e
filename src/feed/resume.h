#pragma once

// Where a feed stands, kept in a small JSON file (docs/formats/feed-position.md). Owned by the feed
// that runs; blocking; survives crashes: the file holds its old or its new contents, never a
// mixture.

#include <optional>
#include <string>

#include "base/result.h"
#include "io/files.h"

namespace feed {

struct Position {
  std::string source;  // what is read: positions of one source mean nothing in another
  std::string stream;  // where it goes
  std::string at;  // behind the last acknowledged record: a byte offset, a number, an event's id
};

std::string encode_position(const Position& position);
base::Result<Position> decode_position(std::string_view text);  // kCorruption

class ResumeFile {
 public:
  // `path` may not exist yet; its folder must.
  ResumeFile(io::Files& files, std::string path);

  // The position, or nullopt if the file is not there. kConflict if it belongs to another source
  // or stream.
  base::Result<std::optional<std::string>> load(const std::string& source,
                                                const std::string& stream);
  base::Status save(const Position& position);  // durable once it has answered

 private:
  io::Files& files_;
  std::string path_;
};

}  // namespace feed
