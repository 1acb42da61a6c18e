#include "functions/zip_walk.h"

#include <sys/stat.h>
#include <zip.h>

#include <algorithm>
#include <map>
#include <memory>
#include <vector>

namespace functions {
namespace {

constexpr std::size_t kChunkBytes = 64U << 10U;
constexpr std::size_t kNameBytesMax = 255;  // of one part of a path
constexpr std::size_t kLinkBytesMax = 4096;
constexpr zip_uint8_t kMacOs = 19;  // writes Unix modes too

auto bad(std::string why) { return base::error(base::ErrorCode::kInvalidArgument, std::move(why)); }

struct Discard {
  void operator()(zip_t* archive) const { zip_discard(archive); }
  void operator()(zip_file_t* file) const { zip_fclose(file); }
};
using Archive = std::unique_ptr<zip_t, Discard>;
using Entry = std::unique_ptr<zip_file_t, Discard>;

base::Result<Archive> open_archive(std::string_view zip) {
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* const source = zip_source_buffer_create(zip.data(), zip.size(), 0, &error);
  if (source == nullptr) return base::error(base::ErrorCode::kInternal, "no memory for a zip");
  Archive archive(zip_open_from_source(source, ZIP_RDONLY, &error));
  if (archive == nullptr) {
    zip_source_free(source);
    std::string why = zip_error_strerror(&error);
    zip_error_fini(&error);
    return bad(std::move(why));
  }
  return archive;
}

class Walk {
 public:
  Walk(zip_t* archive, const ZipLimits& limits, ZipSink& sink)
      : archive_(archive), limits_(limits), sink_(sink) {}

  base::Result<ZipSummary> run() {
    const zip_int64_t count = zip_get_num_entries(archive_, 0);
    if (count < 0) return bad("no directory");
    if (static_cast<std::size_t>(count) > limits_.entries)
      return base::error(base::ErrorCode::kLimit, "too many entries");
    for (zip_int64_t i = 0; i < count; ++i) RETURN_IF_ERROR(entry(static_cast<zip_uint64_t>(i)));
    for (const auto& [path, target] : links_) {
      if (!is_link_inside(path, target)) return bad("a link leaves the package: " + path);
      RETURN_IF_ERROR(sink_.link(path, target));
    }
    return summary_;
  }

 private:
  enum class Kind { kFolder, kFile, kLink };

  base::Status entry(zip_uint64_t index) {
    zip_stat_t stat;
    if (zip_stat_index(archive_, index, ZIP_FL_ENC_RAW, &stat) != 0) return bad("a broken entry");
    if (stat.encryption_method != ZIP_EM_NONE) return bad("an encrypted entry");
    const std::string_view raw = stat.name;
    ASSIGN_OR_RETURN(const std::string path, clean_zip_path(raw, limits_));
    const std::uint32_t mode = mode_of(index);
    if (raw.ends_with('/') || S_ISDIR(mode)) return path.empty() ? base::Status() : folder(path);
    if (path.empty()) return bad("a file without a name");
    const bool is_link = S_ISLNK(mode);
    RETURN_IF_ERROR(claim(path, is_link ? Kind::kLink : Kind::kFile));
    ++summary_.files;
    return is_link ? link(index, path) : file(index, path, (mode & 0111U) != 0);
  }

  std::uint32_t mode_of(zip_uint64_t index) const {
    zip_uint8_t system = 0;
    zip_uint32_t attributes = 0;
    if (zip_file_get_external_attributes(archive_, index, 0, &system, &attributes) != 0) return 0;
    return system == ZIP_OPSYS_UNIX || system == kMacOs ? attributes >> 16U : 0;
  }

  // Every name once, and every part before the last a folder.
  base::Status claim(const std::string& path, Kind kind) {
    for (std::size_t at = path.find('/'); at != std::string::npos; at = path.find('/', at + 1)) {
      const std::string parent = path.substr(0, at);
      const auto known = names_.find(parent);
      if (known == names_.end()) {
        names_.emplace(parent, Kind::kFolder);
        RETURN_IF_ERROR(sink_.folder(parent));
      } else if (known->second != Kind::kFolder) {
        return bad("both a file and a folder: " + parent);
      }
    }
    const auto [place, fresh] = names_.emplace(path, kind);
    if (!fresh) return bad("twice in the package: " + path);
    return {};
  }

  base::Status folder(const std::string& path) {
    const auto known = names_.find(path);
    if (known != names_.end() && known->second == Kind::kFolder) return {};
    RETURN_IF_ERROR(claim(path, Kind::kFolder));
    return sink_.folder(path);
  }

  base::Status file(zip_uint64_t index, const std::string& path, bool executable) {
    RETURN_IF_ERROR(sink_.begin_file(path, executable));
    RETURN_IF_ERROR(read(index, [this](std::string_view bytes) { return sink_.write(bytes); }));
    return sink_.end_file();
  }

  base::Status link(zip_uint64_t index, const std::string& path) {
    std::string target;
    RETURN_IF_ERROR(read(index, [&target](std::string_view bytes) -> base::Status {
      if (target.size() + bytes.size() > kLinkBytesMax) return bad("a link that is too long");
      target += bytes;
      return {};
    }));
    links_.emplace_back(path, std::move(target));
    return {};
  }

  template <class Take>
  base::Status read(zip_uint64_t index, Take take) {
    const Entry entry(zip_fopen_index(archive_, index, 0));
    if (entry == nullptr) return bad(zip_strerror(archive_));
    for (;;) {
      const zip_int64_t got = zip_fread(entry.get(), buffer_.data(), buffer_.size());
      if (got < 0) return bad(zip_file_strerror(entry.get()));
      if (got == 0) return {};
      summary_.unpacked_bytes += static_cast<std::uint64_t>(got);
      if (summary_.unpacked_bytes > limits_.unpacked_bytes)
        return base::error(base::ErrorCode::kLimit, "too large unpacked");
      RETURN_IF_ERROR(take(std::string_view(buffer_.data(), static_cast<std::size_t>(got))));
    }
  }

  zip_t* const archive_;
  const ZipLimits& limits_;
  ZipSink& sink_;
  ZipSummary summary_;
  std::map<std::string, Kind> names_;
  std::vector<std::pair<std::string, std::string>> links_;
  std::vector<char> buffer_ = std::vector<char>(kChunkBytes);
};

std::vector<std::string_view> parts_of(std::string_view path) {
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    const std::size_t slash = std::min(path.find('/'), path.size());
    const std::string_view part = path.substr(0, slash);
    path.remove_prefix(std::min(slash + 1, path.size()));
    if (!part.empty() && part != ".") parts.push_back(part);
  }
  return parts;
}

}  // namespace

base::Result<std::string> clean_zip_path(std::string_view raw, const ZipLimits& limits) {
  if (raw.size() > limits.path_bytes) return bad("a path that is too long");
  if (raw.starts_with('/')) return bad("an absolute path");
  const auto parts = parts_of(raw);
  if (parts.size() > limits.path_depth) return bad("a path that is too deep");
  std::string clean;
  for (const std::string_view part : parts) {
    if (part == "..") return bad("a path that leaves the package");
    if (part.size() > kNameBytesMax) return bad("a name that is too long");
    if (!clean.empty()) clean += '/';
    clean += part;
  }
  return clean;
}

bool is_link_inside(std::string_view path, std::string_view target) {
  if (target.empty() || target.starts_with('/') || target.find('\0') != std::string_view::npos)
    return false;
  std::size_t depth = parts_of(path).size() - 1;  // folders above the link
  bool descended = false;
  for (const std::string_view part : parts_of(target)) {
    if (part != "..") {
      descended = true;
      continue;
    }
    if (descended || depth == 0) return false;
    --depth;
  }
  return true;
}

base::Result<ZipSummary> walk_zip(std::string_view zip, const ZipLimits& limits, ZipSink& sink) {
  ASSIGN_OR_RETURN(const Archive archive, open_archive(zip));
  return Walk(archive.get(), limits, sink).run();
}

}  // namespace functions
