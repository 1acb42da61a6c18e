#include <filesystem>
#include <fstream>
#include <sstream>

#include "functions/invoker.h"

namespace functions {
namespace {

namespace fs = std::filesystem;

// As a whole or not at all: a sandbox that still runs keeps the file that it was given.
base::Status replace_file(const fs::path& path, const std::string& bytes) {
  const fs::path fresh = path.string() + ".new";
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  if (!fs::is_directory(path.parent_path(), error))
    return base::error(base::ErrorCode::kIo, path.parent_path().string() + " is not a folder");
  std::ofstream out(fresh, std::ios::binary | std::ios::trunc);
  out << bytes;
  out.close();
  if (!out) return base::error(base::ErrorCode::kIo, "cannot write " + fresh.string());
  constexpr auto kReadable = fs::perms::owner_read | fs::perms::owner_write |
                             fs::perms::group_read | fs::perms::others_read;
  fs::permissions(fresh, kReadable, error);
  if (!error) fs::rename(fresh, path, error);
  if (error) return base::error(base::ErrorCode::kIo, path.string() + ": " + error.message());
  return {};
}

}  // namespace

base::Result<Endpoint> make_endpoint(std::uint16_t port, std::string authority_pem,
                                     const std::string& folder) {
  Endpoint endpoint{.port = port, .authority_pem = std::move(authority_pem)};
  std::string bundle;
  for (const char* const path :
       {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"}) {
    std::error_code error;
    if (!fs::is_regular_file(path, error)) continue;
    if (bundle.empty()) {
      std::ostringstream bytes;
      bytes << std::ifstream(path, std::ios::binary).rdbuf();
      bundle = std::move(bytes).str();
      if (!bundle.empty() && !bundle.ends_with('\n')) bundle += '\n';
    }
    endpoint.bundle_paths.emplace_back(path);
  }
  endpoint.bundle_file = folder + "/certificates.pem";
  RETURN_IF_ERROR(replace_file(endpoint.bundle_file, bundle + endpoint.authority_pem));
  return endpoint;
}

}  // namespace functions
