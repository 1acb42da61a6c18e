#include "io/real_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <utility>

namespace io {

namespace {

std::unexpected<base::Error> failed(std::string_view doing, const std::string& path) {
  return base::errno_error(std::string(doing) + " " + path, errno);
}

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  int number() const { return number_; }

 private:
  int number_;
};

class RealFile final : public File {
 public:
  RealFile(Descriptor descriptor, std::string path)
      : descriptor_(std::move(descriptor)), path_(std::move(path)) {}

  base::Result<std::size_t> read_at(std::span<char> out, std::uint64_t offset) override {
    std::size_t done = 0;
    while (done < out.size()) {
      const ssize_t got = ::pread(descriptor_.number(), out.data() + done, out.size() - done,
                                  static_cast<off_t>(offset + done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return failed("read", path_);
      if (got == 0) break;
      done += static_cast<std::size_t>(got);
    }
    return done;
  }

  base::Result<std::optional<std::size_t>> read_cached_at(std::span<char> out,
                                                          std::uint64_t offset) override {
    std::size_t done = 0;
    while (done < out.size()) {
      const iovec piece{out.data() + done, out.size() - done};
      const ssize_t got =
          ::preadv2(descriptor_.number(), &piece, 1, static_cast<off_t>(offset + done), RWF_NOWAIT);
      if (got < 0 && errno == EINTR) continue;
      // A file system that cannot say whether it would wait counts as one that would.
      if (got < 0 && (errno == EAGAIN || errno == EOPNOTSUPP)) return std::nullopt;
      if (got < 0) return failed("read", path_);
      if (got == 0) break;
      done += static_cast<std::size_t>(got);
    }
    return done;
  }

  base::Status write_at(std::span<const std::string_view> pieces, std::uint64_t offset) override {
    std::vector<iovec> vectors;
    vectors.reserve(pieces.size());
    for (const std::string_view piece : pieces)
      if (!piece.empty()) vectors.push_back({const_cast<char*>(piece.data()), piece.size()});
    std::span<iovec> left(vectors);
    while (!left.empty()) {
      const int count = static_cast<int>(std::min<std::size_t>(left.size(), IOV_MAX));
      const ssize_t wrote =
          ::pwritev(descriptor_.number(), left.data(), count, static_cast<off_t>(offset));
      if (wrote < 0 && errno == EINTR) continue;
      if (wrote < 0) return failed("write", path_);
      offset += static_cast<std::uint64_t>(wrote);
      left = skip(left, static_cast<std::size_t>(wrote));
    }
    return {};
  }
  using File::write_at;

  base::Status preallocate(std::uint64_t bytes) override {
    const int error_number = ::posix_fallocate(descriptor_.number(), 0, static_cast<off_t>(bytes));
    if (error_number != 0) return base::errno_error("reserve space for " + path_, error_number);
    return {};
  }

  base::Status truncate(std::uint64_t bytes) override {
    if (::ftruncate(descriptor_.number(), static_cast<off_t>(bytes)) != 0)
      return failed("truncate", path_);
    return {};
  }

  base::Status sync_data() override {
    if (::fdatasync(descriptor_.number()) != 0) return failed("sync", path_);
    return {};
  }

  base::Result<std::uint64_t> size() override {
    struct stat info{};
    if (::fstat(descriptor_.number(), &info) != 0) return failed("stat", path_);
    return static_cast<std::uint64_t>(info.st_size);
  }

  void release_cached(std::uint64_t offset, std::uint64_t bytes) override {
    ::posix_fadvise(descriptor_.number(), static_cast<off_t>(offset), static_cast<off_t>(bytes),
                    POSIX_FADV_DONTNEED);
  }

 private:
  static std::span<iovec> skip(std::span<iovec> vectors, std::size_t bytes) {
    while (!vectors.empty() && bytes >= vectors.front().iov_len) {
      bytes -= vectors.front().iov_len;
      vectors = vectors.subspan(1);
    }
    if (bytes > 0) {
      vectors.front().iov_base = static_cast<char*>(vectors.front().iov_base) + bytes;
      vectors.front().iov_len -= bytes;
    }
    return vectors;
  }

  Descriptor descriptor_;
  std::string path_;
};

class RealLock final : public FileLock {
 public:
  explicit RealLock(Descriptor descriptor) : descriptor_(std::move(descriptor)) {}

 private:
  Descriptor descriptor_;
};

int flags_of(OpenMode mode) {
  switch (mode) {
    case OpenMode::kRead: return O_RDONLY;
    case OpenMode::kReadWrite: return O_RDWR;
    case OpenMode::kCreateNew: return O_RDWR | O_CREAT | O_EXCL;
  }
  std::unreachable();
}

}  // namespace

base::Result<std::unique_ptr<File>> RealFiles::open(const std::string& path, OpenMode mode) {
  Descriptor descriptor(::open(path.c_str(), flags_of(mode) | O_CLOEXEC, 0600));
  if (descriptor.number() < 0) return failed("open", path);
  return std::make_unique<RealFile>(std::move(descriptor), path);
}

base::Result<std::vector<std::string>> RealFiles::list(const std::string& folder) {
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::opendir(folder.c_str()), &::closedir);
  if (!stream) return failed("list", folder);
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    const dirent* const entry = ::readdir(stream.get());
    if (entry == nullptr) break;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) return failed("list", folder);
  std::ranges::sort(names);
  return names;
}

base::Status RealFiles::rename(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return failed("rename", from);
  return {};
}

base::Status RealFiles::remove(const std::string& path) {
  if (::unlink(path.c_str()) != 0) return failed("remove", path);
  return {};
}

base::Status RealFiles::make_folder(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) == 0) return {};
  if (errno != EEXIST) return failed("make folder", path);
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return failed("stat", path);
  if (!S_ISDIR(info.st_mode))
    return base::error(base::ErrorCode::kAlreadyExists, path + " is not a folder");
  return {};
}

base::Status RealFiles::sync_folder(const std::string& path) {
  const Descriptor descriptor(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (descriptor.number() < 0) return failed("open", path);
  if (::fsync(descriptor.number()) != 0) return failed("sync", path);
  return {};
}

base::Result<std::unique_ptr<FileLock>> RealFiles::lock(const std::string& path) {
  Descriptor descriptor(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (descriptor.number() < 0) return failed("open", path);
  if (::flock(descriptor.number(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK)
      return base::error(base::ErrorCode::kConflict, path + " is held by another process");
    return failed("lock", path);
  }
  return std::make_unique<RealLock>(std::move(descriptor));
}

}  // namespace io
