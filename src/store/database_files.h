#pragma once

// DatabaseFiles: the key database's files as RocksDB sees them. They are the system's own, with two
// differences. A read whose options carry a timeout, whatever it is, does not wait for the disk:
// what is not in the page cache answers TimedOut. And once shut, no new file is made, so nothing is
// flushed any more.
// Thread-safe.

#include <rocksdb/file_system.h>

#include <atomic>
#include <memory>
#include <string>

namespace store {

class DatabaseFiles final : public rocksdb::FileSystemWrapper {
 public:
  DatabaseFiles() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  const char* Name() const override { return "millrace.DatabaseFiles"; }
  void shut() { shut_ = true; }

  rocksdb::IOStatus NewRandomAccessFile(const std::string& name,
                                        const rocksdb::FileOptions& options,
                                        std::unique_ptr<rocksdb::FSRandomAccessFile>* file,
                                        rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* debug) override;

 private:
  std::atomic<bool> shut_ = false;
};

}  // namespace store
