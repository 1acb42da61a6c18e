#include "server/secrets.h"

#include <fmt/format.h>

#include "base/seal.h"

namespace server {
namespace {

constexpr std::uint64_t kFileBytesMax = 64U << 10U;
constexpr std::string_view kSecretAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kCredentialsFile = "root-credentials";
constexpr std::string_view kSealFile = "seal.key";
constexpr std::string_view kCertificateFile = "authority.pem";
constexpr std::string_view kKeyFile = "authority.key";
constexpr std::string_view kEndpointFile = "endpoint";

std::string path_of(const std::string& folder, std::string_view name) {
  return folder + "/" + std::string(name);
}

// The file's contents, made by `make` and written durably if there is none yet.
template <class Make>
base::Result<std::string> read_or_make(io::Files& files, const std::string& folder,
                                       std::string_view name, Make make) {
  auto there = io::read_file(files, path_of(folder, name), kFileBytesMax);
  if (there || there.error().code != base::ErrorCode::kNotFound) return there;
  ASSIGN_OR_RETURN(std::string fresh, make());
  RETURN_IF_ERROR(io::write_file_atomically(files, folder, std::string(name), fresh));
  return fresh;
}

// "name = value" on a line of its own; empty if it is not there.
std::string value_of(std::string_view text, std::string_view name) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    const std::size_t equals = line.find(" = ");
    if (equals != std::string_view::npos && line.substr(0, equals) == name)
      return std::string(line.substr(equals + 3));
  }
  return {};
}

base::Result<identity::RootKey> parse_root(const std::string& folder, std::string_view text) {
  identity::RootKey root{.id = value_of(text, "aws_access_key_id"),
                         .secret = value_of(text, "aws_secret_access_key")};
  if (root.id.empty() || root.secret.empty())
    return base::error(base::ErrorCode::kCorruption,
                       path_of(folder, kCredentialsFile) +
                           " does not read as an AWS credentials file; remove it for a new key");
  return root;
}

std::string new_credentials(base::Random& random) {
  return fmt::format("[default]\naws_access_key_id = AKIA{}\naws_secret_access_key = {}\n",
                     base::random_text(random, base::kBase32, 16),
                     base::random_text(random, kSecretAlphabet, 40));
}

base::Result<std::unique_ptr<wire::CertificateAuthority>> open_authority(io::Files& files,
                                                                         const std::string& folder,
                                                                         const base::Clock& clock) {
  auto key = io::read_file(files, path_of(folder, kKeyFile), kFileBytesMax);
  if (key) {
    ASSIGN_OR_RETURN(std::string certificate,
                     io::read_file(files, path_of(folder, kCertificateFile), kFileBytesMax));
    return wire::CertificateAuthority::load({std::move(certificate), *std::move(key)}, clock);
  }
  if (key.error().code != base::ErrorCode::kNotFound) return std::unexpected(key.error());
  ASSIGN_OR_RETURN(auto authority,
                   wire::CertificateAuthority::create("Millrace local authority", clock));
  const wire::AuthorityPem pem = authority->pem();
  // The key last: where it is, the certificate is too.
  RETURN_IF_ERROR(
      io::write_file_atomically(files, folder, std::string(kCertificateFile), pem.certificate));
  RETURN_IF_ERROR(io::write_file_atomically(files, folder, std::string(kKeyFile), pem.key));
  return authority;
}

}  // namespace

std::string authority_path(const std::string& data_dir) {
  return path_of(data_dir, kCertificateFile);
}

base::Result<Secrets> open_secrets(io::Files& files, const std::string& data_dir,
                                   base::Random& random, const base::Clock& clock) {
  Secrets secrets;
  ASSIGN_OR_RETURN(const std::string credentials, read_or_make(files, data_dir, kCredentialsFile,
                                                               [&]() -> base::Result<std::string> {
                                                                 return new_credentials(random);
                                                               }));
  ASSIGN_OR_RETURN(secrets.root, parse_root(data_dir, credentials));
  ASSIGN_OR_RETURN(secrets.seal_key,
                   read_or_make(files, data_dir, kSealFile, [&]() -> base::Result<std::string> {
                     std::string key(base::Sealer::kKeyBytes, '\0');
                     random.fill(std::as_writable_bytes(std::span(key)));
                     return key;
                   }));
  if (secrets.seal_key.size() != base::Sealer::kKeyBytes)
    return base::error(base::ErrorCode::kCorruption, path_of(data_dir, kSealFile) + " is damaged");
  ASSIGN_OR_RETURN(secrets.authority, open_authority(files, data_dir, clock));
  return secrets;
}

base::Result<FolderFacts> read_folder(io::Files& files, const std::string& data_dir) {
  ASSIGN_OR_RETURN(const std::string credentials,
                   io::read_file(files, path_of(data_dir, kCredentialsFile), kFileBytesMax));
  ASSIGN_OR_RETURN(identity::RootKey root, parse_root(data_dir, credentials));
  ASSIGN_OR_RETURN(const std::string endpoint,
                   io::read_file(files, path_of(data_dir, kEndpointFile), kFileBytesMax));
  return FolderFacts{.root = std::move(root),
                     .endpoint = value_of(endpoint, "url"),
                     .region = value_of(endpoint, "region")};
}

base::Status write_endpoint(io::Files& files, const std::string& data_dir, const std::string& url,
                            const std::string& region) {
  return io::write_file_atomically(files, data_dir, std::string(kEndpointFile),
                                   fmt::format("url = {}\nregion = {}\n", url, region));
}

}  // namespace server
