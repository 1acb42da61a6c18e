// Whatever the bytes: no path leaves the package, no limit is passed, and what is accepted is
// accepted again.
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "functions/zip_walk.h"

namespace {

class Watch final : public functions::ZipSink {
 public:
  base::Status folder(const std::string& path) override { return look(path); }
  base::Status begin_file(const std::string& path, bool) override { return look(path); }
  base::Status write(std::string_view bytes) override {
    bytes_ += bytes.size();
    CHECK(bytes_ <= (1U << 20U));
    return {};
  }
  base::Status end_file() override { return {}; }
  base::Status link(const std::string& path, const std::string& target) override {
    CHECK(functions::is_link_inside(path, target));
    return look(path);
  }

 private:
  static base::Status look(const std::string& path) {
    CHECK(!path.empty() && path.front() != '/' && path.back() != '/');
    const std::string guarded = '/' + path + '/';
    CHECK(guarded.find("/../") == std::string::npos && guarded.find("//") == std::string::npos);
    CHECK(path.find('\0') == std::string::npos);
    return {};
  }
  std::size_t bytes_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view zip(reinterpret_cast<const char*>(data), size);
  functions::ZipLimits limits;
  limits.unpacked_bytes = 1U << 20U;
  limits.entries = 100;
  Watch watch;
  const auto walked = functions::walk_zip(zip, limits, watch);
  CHECK(walked.has_value() == functions::check_zip(zip, limits).has_value());
  return 0;
}
