#pragma once

// The secrets of one data folder: the root user's key, the key that seals tokens, and the private
// certificate authority. Made at the first start, each durable before it is used, readable by the
// owner only; read back at every later one.
//
//   root-credentials   an AWS credentials file, profile [default]
//   seal.key           32 bytes
//   authority.pem, authority.key
//   endpoint           the URL of the server that ran last, for `millrace env`

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "identity/identity.h"
#include "io/files.h"
#include "wire/certificates.h"

namespace server {

struct Secrets {
  identity::RootKey root;
  std::string seal_key;
  std::unique_ptr<wire::CertificateAuthority> authority;
};

// kCorruption: a file is there but does not read back; it is left as it is.
base::Result<Secrets> open_secrets(io::Files& files, const std::string& data_dir,
                                   base::Random& random, const base::Clock& clock);

// What `millrace env` needs of a folder: the root key and the last server's endpoint.
struct FolderFacts {
  identity::RootKey root;
  std::string endpoint;
  std::string region;
};
base::Result<FolderFacts> read_folder(io::Files& files, const std::string& data_dir);
base::Status write_endpoint(io::Files& files, const std::string& data_dir, const std::string& url,
                            const std::string& region);

std::string authority_path(const std::string& data_dir);

}  // namespace server
