// The sources of this machine: the generator, files, pipes, standard input.
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "async/tcp.h"
#include "feed/generator.h"
#include "feed/line_splitter.h"
#include "feed/source.h"

namespace feed {
namespace {

using async::Task;
using base::ErrorCode;

constexpr std::size_t kReadBytes = 64 * 1024;
constexpr int kPollMs = 100;  // how late a stop may be noticed while a pipe is silent

class Generated final : public Source {
 public:
  Generated(std::uint64_t seed, std::uint64_t from, std::uint64_t until, std::stop_token stop)
      : generator_(seed), at_(from), until_(until), stop_(std::move(stop)) {}

  Task<base::Result<std::optional<Event>>> next() override {
    if (at_ >= until_ || stop_.stop_requested()) co_return std::nullopt;
    Event event{.text = generator_.tweet(at_)};
    event.position = fmt::to_string(++at_);
    co_return event;
  }

 private:
  Generator generator_;
  std::uint64_t at_;
  std::uint64_t until_;
  std::stop_token stop_;
};

// Some bytes, "" at the end, nullopt if there are none yet. Blocks for kPollMs at most, as long as
// the file is not on a disk that hangs.
base::Result<std::optional<std::string>> read_some(int fd) {
  pollfd waiting{.fd = fd, .events = POLLIN};
  const int ready = poll(&waiting, 1, kPollMs);
  if (ready == 0 || (ready < 0 && errno == EINTR)) return std::nullopt;
  if (ready < 0) return base::errno_error("poll", errno);
  std::string bytes(kReadBytes, '\0');
  const ssize_t count = read(fd, bytes.data(), bytes.size());
  if (count < 0 && (errno == EINTR || errno == EAGAIN)) return std::nullopt;
  if (count < 0) return base::errno_error("read", errno);
  bytes.resize(static_cast<std::size_t>(count));
  return bytes;
}

class Lines final : public Source {
 public:
  Lines(async::OwnedFd fd, std::uint64_t from, async::BlockingPool& pool, std::stop_token stop)
      : fd_(std::move(fd)), splitter_(kEventBytesMax, from), pool_(pool), stop_(std::move(stop)) {}

  Task<base::Result<std::optional<Event>>> next() override {
    for (;;) {
      auto line = ended_ ? splitter_.finish() : splitter_.next();
      if (line && !is_blank(*line)) co_return event_of(*std::move(line));
      if (line) continue;
      if (ended_ || stop_.stop_requested()) co_return std::nullopt;
      auto piece = co_await pool_.run([fd = fd_.get()] { return read_some(fd); });
      if (!piece) co_return std::unexpected(piece.error());
      if (!*piece) continue;
      ended_ = (*piece)->empty();
      splitter_.feed(**std::move(piece));
    }
  }

 private:
  static bool is_blank(const Line& line) {
    return !line.too_long && line.text.find_first_not_of(" \t\r") == std::string::npos;
  }
  static Event event_of(Line line) {
    Event event{.text = std::move(line.text), .position = fmt::to_string(line.end)};
    if (line.too_long) event.problem = fmt::format("a line over {} bytes", kEventBytesMax);
    return event;
  }

  async::OwnedFd fd_;
  LineSplitter splitter_;
  async::BlockingPool& pool_;
  std::stop_token stop_;
  bool ended_ = false;
};

}  // namespace

std::unique_ptr<Source> make_generated(std::uint64_t seed, std::uint64_t from, std::uint64_t until,
                                       std::stop_token stop) {
  return std::make_unique<Generated>(seed, from, until, std::move(stop));
}

base::Result<std::unique_ptr<Source>> open_lines(const std::string& path, std::uint64_t from,
                                                 async::BlockingPool& pool, std::stop_token stop) {
  const bool standard = path == "-";
  async::OwnedFd fd(standard ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
                             : open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return base::errno_error("open " + path, errno);
  struct stat about{};
  if (fstat(fd.get(), &about) != 0) return base::errno_error("stat " + path, errno);
  if (S_ISDIR(about.st_mode))
    return base::error(ErrorCode::kInvalidArgument, path + " is a folder");
  if (from > 0) {
    if (!S_ISREG(about.st_mode) || static_cast<std::uint64_t>(about.st_size) < from)
      return base::error(ErrorCode::kInvalidArgument,
                         fmt::format("{} is shorter than the {} bytes that were fed of it already: "
                                     "another file? Then remove the resume file",
                                     path, from));
    if (lseek(fd.get(), static_cast<off_t>(from), SEEK_SET) < 0)
      return base::errno_error("seek in " + path, errno);
  }
  return std::make_unique<Lines>(std::move(fd), from, pool, std::move(stop));
}

}  // namespace feed
