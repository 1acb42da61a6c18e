#pragma once

// Reading a zip, entry by entry, through every check that zip_package.h names. Private to this
// module.

#include <string>
#include <string_view>

#include "functions/zip_package.h"

namespace functions {

// Gets what a package holds, in this order: files and folders as they come, links at the end, so
// that nothing can be written through one. Paths are relative and clean.
class ZipSink {
 public:
  virtual ~ZipSink() = default;
  virtual base::Status folder(const std::string& path) = 0;
  virtual base::Status begin_file(const std::string& path, bool executable) = 0;
  virtual base::Status write(std::string_view bytes) = 0;
  virtual base::Status end_file() = 0;
  virtual base::Status link(const std::string& path, const std::string& target) = 0;
};

base::Result<ZipSummary> walk_zip(std::string_view zip, const ZipLimits& limits, ZipSink& sink);

// "./a//b" -> "a/b"; "" for the package's own folder. kInvalidArgument for a path that must not be
// there.
base::Result<std::string> clean_zip_path(std::string_view raw, const ZipLimits& limits);

// A link at `path` may point to `target`: relative, "../" only in front, and not out of the
// package.
bool is_link_inside(std::string_view path, std::string_view target);

}  // namespace functions
