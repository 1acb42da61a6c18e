#include "sdk/log.h"

#include <unistd.h>

#include <cerrno>

namespace sdk {

std::string one_line(std::string_view text) {
  std::string out(text.substr(0, kLogLineBytesMax));
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return out;
}

void StdoutLog::line(std::string_view text) {
  const std::string out = one_line(text) + '\n';
  std::size_t sent = 0;
  while (sent < out.size()) {
    const ssize_t n = ::write(STDOUT_FILENO, out.data() + sent, out.size() - sent);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;  // nobody listens: a lost log line must not fail an invocation
    sent += static_cast<std::size_t>(n);
  }
}

}  // namespace sdk
