#include "sdk/file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace sdk {

std::optional<std::string> read_file(const std::string& path, std::size_t bytes_max) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return std::nullopt;
  std::string content;
  char buffer[8192];
  ssize_t n = 0;
  while (content.size() <= bytes_max) {
    n = ::read(fd, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    content.append(buffer, static_cast<std::size_t>(n));
  }
  ::close(fd);
  if (n < 0 || content.size() > bytes_max) return std::nullopt;
  return content;
}

}  // namespace sdk
