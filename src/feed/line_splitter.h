#pragma once

// LineSplitter: cuts a stream of bytes, given piece by piece, into lines. Pure; a value of one
// coroutine. Holds at most one unfinished line and the piece that was fed last.
//
// A line ends with LF or CR LF; neither is part of it. A line longer than the limit is passed over
// up to its end and reported once, as `too_long`.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace feed {

struct Line {
  std::string text;       // empty if too_long
  std::uint64_t end = 0;  // offset in the whole stream behind the line's end mark
  bool too_long = false;
};

class LineSplitter {
 public:
  // `start`: the offset of the first byte that will be fed.
  explicit LineSplitter(std::size_t line_bytes_max, std::uint64_t start = 0)
      : line_bytes_max_(line_bytes_max), offset_(start) {}

  // Only when next() has answered nullopt.
  void feed(std::string piece);
  std::optional<Line> next();
  // What stands behind the last end mark, if anything: the last line of a file.
  std::optional<Line> finish();

 private:
  Line take();

  std::size_t line_bytes_max_;
  std::uint64_t offset_;  // of what has been handed to unfinished_ or dropped
  std::string piece_;
  std::size_t at_ = 0;  // in piece_
  std::string unfinished_;
  bool too_long_ = false;
};

}  // namespace feed
