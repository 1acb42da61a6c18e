#include <filesystem>
#include <fstream>
#include <sstream>

#include "functions/invoker.h"

namespace functions {

Endpoint make_endpoint(std::uint16_t port, std::string authority_pem) {
  Endpoint endpoint{.port = port,
                    .authority_pem = std::move(authority_pem),
                    .bundle_pem = {},
                    .bundle_paths = {}};
  for (const char* const path :
       {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"}) {
    std::error_code error;
    if (!std::filesystem::is_regular_file(path, error)) continue;
    if (endpoint.bundle_pem.empty()) {
      std::ostringstream bytes;
      bytes << std::ifstream(path, std::ios::binary).rdbuf();
      endpoint.bundle_pem = std::move(bytes).str();
      if (!endpoint.bundle_pem.empty() && !endpoint.bundle_pem.ends_with('\n'))
        endpoint.bundle_pem += '\n';
    }
    endpoint.bundle_paths.emplace_back(path);
  }
  endpoint.bundle_pem += endpoint.authority_pem;
  return endpoint;
}

}  // namespace functions
