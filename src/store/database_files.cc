#include "store/database_files.h"

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace store {
namespace {

using rocksdb::IOStatus;

IOStatus failed(const std::string& what, const std::string& name, int error_number) {
  const std::string context = what + " " + name;
  if (error_number == ENOENT) return IOStatus::PathNotFound(context);
  return IOStatus::IOError(context, std::generic_category().message(error_number));
}

class TableFile final : public rocksdb::FSRandomAccessFile {
 public:
  TableFile(std::string name, int fd) : name_(std::move(name)), fd_(fd) {}
  TableFile(const TableFile&) = delete;
  TableFile& operator=(const TableFile&) = delete;
  ~TableFile() override { ::close(fd_); }

  IOStatus Read(std::uint64_t offset, std::size_t size, const rocksdb::IOOptions& options,
                rocksdb::Slice* result, char* scratch, rocksdb::IODebugContext*) const override {
    const int flags = options.timeout.count() == 0 ? 0 : RWF_NOWAIT;
    std::size_t have = 0;
    while (have < size) {
      const iovec rest{scratch + have, size - have};
      const ssize_t got = ::preadv2(fd_, &rest, 1, static_cast<off_t>(offset + have), flags);
      if (got == 0) break;
      if (got < 0 && errno == EINTR) continue;
      // Where a file system cannot tell, nothing counts as cached.
      if (got < 0 && flags != 0) return IOStatus::TimedOut("not in the page cache");
      if (got < 0) return failed("read", name_, errno);
      have += static_cast<std::size_t>(got);
    }
    *result = rocksdb::Slice(scratch, have);
    return IOStatus::OK();
  }

  IOStatus Prefetch(std::uint64_t offset, std::size_t size, const rocksdb::IOOptions&,
                    rocksdb::IODebugContext*) override {
    return advise(offset, size, POSIX_FADV_WILLNEED);
  }
  IOStatus InvalidateCache(std::size_t offset, std::size_t size) override {
    return advise(offset, size, POSIX_FADV_DONTNEED);
  }
  void Hint(AccessPattern pattern) override {
    if (pattern == kNormal) (void)advise(0, 0, POSIX_FADV_NORMAL);
    if (pattern == kRandom) (void)advise(0, 0, POSIX_FADV_RANDOM);
    if (pattern == kSequential) (void)advise(0, 0, POSIX_FADV_SEQUENTIAL);
  }

 private:
  IOStatus advise(std::uint64_t offset, std::size_t size, int advice) const {
    const int error_number =
        ::posix_fadvise(fd_, static_cast<off_t>(offset), static_cast<off_t>(size), advice);
    return error_number == 0 ? IOStatus::OK() : failed("advise", name_, error_number);
  }

  const std::string name_;
  const int fd_;
};

}  // namespace

IOStatus DatabaseFiles::NewRandomAccessFile(const std::string& name, const rocksdb::FileOptions&,
                                            std::unique_ptr<rocksdb::FSRandomAccessFile>* file,
                                            rocksdb::IODebugContext*) {
  int fd = -1;
  do fd = ::open(name.c_str(), O_RDONLY | O_CLOEXEC);
  while (fd < 0 && errno == EINTR);
  if (fd < 0) return failed("open", name, errno);
  *file = std::make_unique<TableFile>(name, fd);
  return IOStatus::OK();
}

IOStatus DatabaseFiles::NewWritableFile(const std::string& name,
                                        const rocksdb::FileOptions& options,
                                        std::unique_ptr<rocksdb::FSWritableFile>* file,
                                        rocksdb::IODebugContext* debug) {
  if (shut_) return IOStatus::IOError(name, "the journal has stopped");
  return FileSystemWrapper::NewWritableFile(name, options, file, debug);
}

}  // namespace store
