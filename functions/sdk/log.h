// One line on standard output, which the Lambda service carries to the function's log stream.
// A line is written with one write call, so that lines are never interleaved.
#pragma once

#include <string>
#include <string_view>

namespace sdk {

// The text on one line: control characters become spaces, so that content that came from outside
// cannot forge a line of its own; longer than kLogLineBytesMax is cut.
inline constexpr std::size_t kLogLineBytesMax = 64 * 1024;
std::string one_line(std::string_view text);

class Log {
 public:
  virtual ~Log() = default;
  virtual void line(std::string_view text) = 0;
};

class StdoutLog final : public Log {
 public:
  void line(std::string_view text) override;
};

}  // namespace sdk
