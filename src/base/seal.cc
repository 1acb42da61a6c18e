#include "base/seal.h"

#include <openssl/evp.h>

#include <memory>

#include "base/check.h"
#include "base/encoding.h"

namespace base {
namespace {

constexpr std::size_t kNonceBytes = 12;
constexpr std::size_t kTagBytes = 16;

using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;
CipherContext new_context() { return {EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free}; }

unsigned char* raw(std::string& bytes) { return reinterpret_cast<unsigned char*>(bytes.data()); }
const unsigned char* raw(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

}  // namespace

Sealer::Sealer(std::string key, Random& random) : key_(std::move(key)), random_(random) {
  CHECK(key_.size() == kKeyBytes);
}

std::string Sealer::seal(std::string_view plain) const {
  std::string nonce(kNonceBytes, '\0');
  random_.fill(std::as_writable_bytes(std::span(nonce)));
  std::string cipher(plain.size(), '\0');
  std::string tag(kTagBytes, '\0');
  const auto context = new_context();
  int length = 0;
  CHECK(EVP_EncryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, raw(std::string_view(key_)),
                           raw(std::string_view(nonce))) == 1);
  CHECK(EVP_EncryptUpdate(context.get(), raw(cipher), &length, raw(plain),
                          static_cast<int>(plain.size())) == 1);
  CHECK(EVP_EncryptFinal_ex(context.get(), raw(cipher) + length, &length) == 1);
  CHECK(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes, tag.data()) == 1);
  return base64(nonce + cipher + tag);
}

std::optional<std::string> Sealer::open(std::string_view token) const {
  const auto bytes = from_base64(token);
  if (!bytes || bytes->size() < kNonceBytes + kTagBytes) return std::nullopt;
  const std::string_view all = *bytes;
  const std::string_view nonce = all.substr(0, kNonceBytes);
  const std::string_view cipher = all.substr(kNonceBytes, all.size() - kNonceBytes - kTagBytes);
  std::string tag(all.substr(all.size() - kTagBytes));
  std::string plain(cipher.size(), '\0');
  const auto context = new_context();
  int length = 0;
  const bool opened =
      EVP_DecryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, raw(std::string_view(key_)),
                         raw(nonce)) == 1 &&
      EVP_DecryptUpdate(context.get(), raw(plain), &length, raw(cipher),
                        static_cast<int>(cipher.size())) == 1 &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, kTagBytes, tag.data()) == 1 &&
      EVP_DecryptFinal_ex(context.get(), raw(plain) + length, &length) == 1;
  if (!opened) return std::nullopt;
  return plain;
}

}  // namespace base
