#include "functions/zip_package.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zip.h>

#include "functions/bootstraps.h"
#include "functions/runtime.h"
#include "functions/zip_walk.h"
#include "sandbox/fd.h"

namespace functions {
namespace {

constexpr mode_t kFolderMode = 0755;
constexpr mode_t kFileMode = 0644;
constexpr time_t kZipEpoch = 315'532'800;  // 1980-01-01: the same contents are the same bytes

class NullSink final : public ZipSink {
 public:
  base::Status folder(const std::string&) override { return {}; }
  base::Status begin_file(const std::string&, bool) override { return {}; }
  base::Status write(std::string_view) override { return {}; }
  base::Status end_file() override { return {}; }
  base::Status link(const std::string&, const std::string&) override { return {}; }
};

// Writes below a folder that nobody else writes to. Modes are set after the fact, past any umask.
class FolderSink final : public ZipSink {
 public:
  explicit FolderSink(std::string root) : root_(std::move(root)) {}

  base::Status make(const std::string& path) {
    if (::mkdir(path.c_str(), kFolderMode) != 0) return base::errno_error("make " + path, errno);
    if (::chmod(path.c_str(), kFolderMode) != 0) return base::errno_error("chmod " + path, errno);
    return {};
  }
  base::Status folder(const std::string& path) override { return make(root_ + '/' + path); }

  base::Status begin_file(const std::string& path, bool executable) override {
    const std::string full = root_ + '/' + path;
    file_ = sandbox::Fd(
        ::open(full.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kFileMode));
    if (!file_) return base::errno_error("make " + full, errno);
    if (::fchmod(file_.get(), executable ? kFolderMode : kFileMode) != 0)
      return base::errno_error("chmod " + full, errno);
    return {};
  }
  base::Status write(std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t put = ::write(file_.get(), bytes.data(), bytes.size());
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return base::errno_error("unpack a package", errno);
      bytes.remove_prefix(static_cast<std::size_t>(put));
    }
    return {};
  }
  base::Status end_file() override {
    file_.reset();
    return {};
  }
  base::Status link(const std::string& path, const std::string& target) override {
    const std::string full = root_ + '/' + path;
    if (::symlink(target.c_str(), full.c_str()) != 0)
      return base::errno_error("link " + full, errno);
    return {};
  }
  base::Status begin() { return make(root_); }

 private:
  const std::string root_;
  sandbox::Fd file_;
};

struct FreeSource {
  void operator()(zip_source_t* source) const { zip_source_free(source); }
};
using Source = std::unique_ptr<zip_source_t, FreeSource>;

auto no_zip() { return base::error(base::ErrorCode::kInternal, "a zip cannot be made"); }

bool add_entry(zip_t* archive, const ZipEntry& entry) {
  zip_source_t* const bytes = zip_source_buffer(archive, entry.bytes.data(), entry.bytes.size(), 0);
  if (bytes == nullptr) return false;
  const zip_int64_t index =
      zip_file_add(archive, entry.name.c_str(), bytes, ZIP_FL_ENC_UTF_8 | ZIP_FL_OVERWRITE);
  if (index < 0) {
    zip_source_free(bytes);
    return false;
  }
  const auto at = static_cast<zip_uint64_t>(index);
  const zip_uint32_t mode = (S_IFREG | kFileMode) << 16U;
  return zip_file_set_mtime(archive, at, kZipEpoch, 0) == 0 &&
         zip_file_set_external_attributes(archive, at, 0, ZIP_OPSYS_UNIX, mode) == 0;
}

base::Result<std::string> read_source(zip_source_t* source) {
  zip_stat_t stat;
  if (zip_source_stat(source, &stat) != 0 || zip_source_open(source) != 0) return no_zip();
  std::string bytes(stat.size, '\0');
  const zip_int64_t got = zip_source_read(source, bytes.data(), bytes.size());
  zip_source_close(source);
  if (got != static_cast<zip_int64_t>(bytes.size())) return no_zip();
  return bytes;
}

}  // namespace

base::Result<ZipSummary> check_zip(std::string_view zip, const ZipLimits& limits) {
  NullSink sink;
  return walk_zip(zip, limits, sink);
}

base::Status unpack_zip(std::string_view zip, const ZipLimits& limits, const std::string& folder) {
  FolderSink sink(folder);
  RETURN_IF_ERROR(sink.begin());
  RETURN_IF_ERROR(walk_zip(zip, limits, sink));
  return {};
}

base::Result<std::string> make_zip(const std::vector<ZipEntry>& entries) {
  const Source source(zip_source_buffer_create(nullptr, 0, 0, nullptr));
  if (source == nullptr) return no_zip();
  zip_source_keep(source.get());  // one reference is the archive's
  zip_t* const archive = zip_open_from_source(source.get(), ZIP_TRUNCATE, nullptr);
  if (archive == nullptr) {
    zip_source_free(source.get());
    return no_zip();
  }
  bool good = true;
  for (const ZipEntry& entry : entries) good = good && add_entry(archive, entry);
  if (!good || zip_close(archive) != 0) {
    zip_discard(archive);
    return no_zip();
  }
  return read_source(source.get());
}

base::Result<std::string> make_inline_zip(std::string_view runtime, std::string_view source) {
  switch (family_of(runtime)) {
    case RuntimeFamily::kNode:
      return make_zip(
          {{"index.js", std::string(source)}, {"cfn-response.js", std::string(cfn_response_js())}});
    case RuntimeFamily::kPython:
      return make_zip(
          {{"index.py", std::string(source)}, {"cfnresponse.py", std::string(cfn_response_py())}});
    default:
      return base::error(base::ErrorCode::kInvalidArgument,
                         "ZipFile can only be used with Node.js and Python runtimes");
  }
}

}  // namespace functions
