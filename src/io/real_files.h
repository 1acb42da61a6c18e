#pragma once

// RealFiles: the operating system's files (Linux). No state of its own; thread-safe.

#include "io/files.h"

namespace io {

class RealFiles final : public Files {
 public:
  base::Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
  base::Result<std::vector<std::string>> list(const std::string& folder) override;
  base::Status rename(const std::string& from, const std::string& to) override;
  base::Status remove(const std::string& path) override;
  base::Status make_folder(const std::string& path) override;
  base::Status sync_folder(const std::string& path) override;
  base::Result<std::unique_ptr<FileLock>> lock(const std::string& path) override;
};

}  // namespace io
