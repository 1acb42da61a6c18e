#include "wire/certificates.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <list>
#include <mutex>
#include <unordered_map>

namespace wire {
namespace {

using base::ErrorCode;

constexpr std::size_t kNameBytesMax = 253;
constexpr std::size_t kCommonNameBytesMax = 64;  // X.520's own limit
constexpr int kSerialBytes = 16;
constexpr std::int64_t kClockSlackSeconds = 24 * 3600;  // for clients whose clock is behind
constexpr std::int64_t kDaySeconds = 24 * 3600;

template <auto function>
struct FreeWith {
  template <class T>
  void operator()(T* object) const {
    function(object);
  }
};
using Certificate = std::unique_ptr<X509, FreeWith<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, FreeWith<EVP_PKEY_free>>;
using Memory = std::unique_ptr<BIO, FreeWith<BIO_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, FreeWith<X509_EXTENSION_free>>;

std::unexpected<base::Error> failed(const std::string& doing,
                                    ErrorCode code = ErrorCode::kInternal) {
  std::array<char, 256> why{};
  ERR_error_string_n(ERR_get_error(), why.data(), why.size());
  ERR_clear_error();
  return base::error(code, doing + ": " + why.data());
}

Key new_key() { return Key(EVP_EC_gen("P-256")); }

std::string text_of(BIO* memory) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory, &data);
  return {data, static_cast<std::size_t>(size)};
}
std::string pem_of(X509* certificate) {
  const Memory memory(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(memory.get(), certificate);
  return text_of(memory.get());
}
std::string pem_of(EVP_PKEY* key) {
  const Memory memory(BIO_new(BIO_s_mem()));
  PEM_write_bio_PKCS8PrivateKey(memory.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  return text_of(memory.get());
}

bool is_ip_address(const std::string& name) {
  std::array<char, 16> ignored{};
  return inet_pton(AF_INET, name.c_str(), ignored.data()) == 1 ||
         inet_pton(AF_INET6, name.c_str(), ignored.data()) == 1;
}

// Letters, digits, hyphens, underscores (bucket names of old) and dots; a wildcard only as the
// whole first label. This also keeps the names safe inside OpenSSL's extension syntax.
bool is_host_name(std::string_view name) {
  if (name.starts_with("*.")) name.remove_prefix(2);
  if (name.empty() || name.size() > kNameBytesMax) return false;
  std::size_t label = 0;
  for (const char c : name) {
    const bool fine = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    if (c == '.' && label > 0) label = 0;
    else if (fine && label < 63) ++label;
    else return false;
  }
  return label > 0;
}

bool set_name(X509_NAME* name, const std::string& common_name) {
  const auto add = [name](const char* field, const std::string& value) {
    return X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
                                      reinterpret_cast<const unsigned char*>(value.data()),
                                      static_cast<int>(value.size()), -1, 0) == 1;
  };
  return add("O", "Millrace") && add("CN", common_name.substr(0, kCommonNameBytesMax));
}

bool set_serial(X509* certificate) {
  std::array<unsigned char, kSerialBytes> bytes{};
  if (RAND_bytes(bytes.data(), kSerialBytes) != 1) return false;
  bytes[0] = static_cast<unsigned char>((bytes[0] & 0x3f) | 0x40);  // positive, never short
  BIGNUM* const number = BN_bin2bn(bytes.data(), kSerialBytes, nullptr);
  const bool set = number != nullptr &&
                   BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nullptr;
  BN_free(number);
  return set;
}

bool add_extension(X509* certificate, X509* issuer, int id, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str()));
  return extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1;
}

std::int64_t seconds_now(const base::Clock& clock) { return base::to_epoch_ms(clock.now()) / 1000; }

struct Validity {
  std::int64_t from;
  std::int64_t until;
};
bool set_validity(X509* certificate, Validity validity) {
  return ASN1_TIME_set(X509_getm_notBefore(certificate), validity.from) != nullptr &&
         ASN1_TIME_set(X509_getm_notAfter(certificate), validity.until) != nullptr;
}

Certificate make_authority(EVP_PKEY* key, const std::string& common_name, std::int64_t now) {
  Certificate made(X509_new());
  X509* const x = made.get();
  const Validity validity{now - kClockSlackSeconds, now + kAuthorityYears * 365 * kDaySeconds};
  const bool fine = x != nullptr && X509_set_version(x, X509_VERSION_3) == 1 && set_serial(x) &&
                    set_validity(x, validity) && set_name(X509_get_subject_name(x), common_name) &&
                    X509_set_issuer_name(x, X509_get_subject_name(x)) == 1 &&
                    X509_set_pubkey(x, key) == 1 &&
                    add_extension(x, x, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
                    add_extension(x, x, NID_key_usage, "critical,keyCertSign,cRLSign") &&
                    add_extension(x, x, NID_subject_key_identifier, "hash") &&
                    X509_sign(x, key, EVP_sha256()) > 0;
  if (!fine) made.reset();
  return made;
}

std::string alternative_names(const std::vector<std::string>& names) {
  std::string list;
  for (const auto& name : names) {
    if (!list.empty()) list += ',';
    list += (is_ip_address(name) ? "IP:" : "DNS:") + name;
  }
  return list;
}

}  // namespace

struct CertificateAuthority::Impl {
  const base::Clock& clock;
  Key key;
  Certificate certificate;
  std::string certificate_pem;

  struct Entry {
    std::string host;
    std::shared_ptr<const async::TlsCertificate> certificate;
    std::int64_t renew_after;
  };
  std::mutex mutex;
  std::list<Entry> recent;  // the latest used first
  std::unordered_map<std::string, std::list<Entry>::iterator> by_host;

  std::shared_ptr<const async::TlsCertificate> cached(const std::string& host) {
    const std::lock_guard lock(mutex);
    const auto found = by_host.find(host);
    if (found == by_host.end()) return nullptr;
    if (found->second->renew_after < seconds_now(clock)) {
      recent.erase(found->second);
      by_host.erase(found);
      return nullptr;
    }
    recent.splice(recent.begin(), recent, found->second);
    return found->second->certificate;
  }

  void remember(const std::string& host, std::shared_ptr<const async::TlsCertificate> made) {
    const std::lock_guard lock(mutex);
    if (by_host.contains(host)) return;  // another core was faster
    const std::int64_t renew_after = seconds_now(clock) + kLeafDays / 2 * kDaySeconds;
    recent.push_front({host, std::move(made), renew_after});
    by_host.emplace(host, recent.begin());
    if (recent.size() <= kLeafCacheMax) return;
    by_host.erase(recent.back().host);
    recent.pop_back();
  }
};

CertificateAuthority::CertificateAuthority(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
CertificateAuthority::~CertificateAuthority() = default;

base::Result<std::unique_ptr<CertificateAuthority>> CertificateAuthority::create(
    const std::string& common_name, const base::Clock& clock) {
  ERR_clear_error();
  Key key = new_key();
  if (!key) return failed("make a key");
  Certificate certificate = make_authority(key.get(), common_name, seconds_now(clock));
  if (!certificate) return failed("make an authority");
  std::string pem = pem_of(certificate.get());
  return std::unique_ptr<CertificateAuthority>(
      new CertificateAuthority(std::unique_ptr<Impl>(new Impl{.clock = clock,
                                                              .key = std::move(key),
                                                              .certificate = std::move(certificate),
                                                              .certificate_pem = std::move(pem)})));
}

base::Result<std::unique_ptr<CertificateAuthority>> CertificateAuthority::load(
    const AuthorityPem& pem, const base::Clock& clock) {
  ERR_clear_error();
  const auto memory = [](const std::string& text) {
    return Memory(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  };
  Certificate certificate(
      PEM_read_bio_X509(memory(pem.certificate).get(), nullptr, nullptr, nullptr));
  if (!certificate) return failed("read the authority", ErrorCode::kInvalidArgument);
  Key key(PEM_read_bio_PrivateKey(memory(pem.key).get(), nullptr, nullptr, nullptr));
  if (!key) return failed("read the authority's key", ErrorCode::kInvalidArgument);
  if (X509_check_private_key(certificate.get(), key.get()) != 1)
    return failed("the key is not the authority's", ErrorCode::kInvalidArgument);
  if (X509_check_ca(certificate.get()) != 1)
    return base::error(ErrorCode::kInvalidArgument, "the certificate is no authority's");
  return std::unique_ptr<CertificateAuthority>(new CertificateAuthority(
      std::unique_ptr<Impl>(new Impl{.clock = clock,
                                     .key = std::move(key),
                                     .certificate = std::move(certificate),
                                     .certificate_pem = pem.certificate})));
}

AuthorityPem CertificateAuthority::pem() const {
  return {impl_->certificate_pem, pem_of(impl_->key.get())};
}
const std::string& CertificateAuthority::certificate_pem() const { return impl_->certificate_pem; }

base::Result<std::shared_ptr<const async::TlsCertificate>> CertificateAuthority::issue(
    const std::vector<std::string>& names) const {
  ERR_clear_error();
  if (names.empty()) return base::error(ErrorCode::kInvalidArgument, "no names to certify");
  for (const auto& name : names)
    if (!is_ip_address(name) && !is_host_name(name))
      return base::error(ErrorCode::kInvalidArgument, "no host name: " + name);
  X509* const authority = impl_->certificate.get();
  const std::int64_t now = seconds_now(impl_->clock);
  Validity validity{now - kClockSlackSeconds, now + kLeafDays * kDaySeconds};
  int days = 0;
  int seconds = 0;
  std::unique_ptr<ASN1_TIME, FreeWith<ASN1_TIME_free>> today(ASN1_TIME_set(nullptr, now));
  if (ASN1_TIME_diff(&days, &seconds, today.get(), X509_get0_notAfter(authority)) == 1)
    validity.until = std::min(validity.until, now + days * kDaySeconds + seconds);

  const Key key = new_key();
  const Certificate made(X509_new());
  X509* const x = made.get();
  const bool fine = key != nullptr && x != nullptr && X509_set_version(x, X509_VERSION_3) == 1 &&
                    set_serial(x) && set_validity(x, validity) &&
                    set_name(X509_get_subject_name(x), names.front()) &&
                    X509_set_issuer_name(x, X509_get_subject_name(authority)) == 1 &&
                    X509_set_pubkey(x, key.get()) == 1 &&
                    add_extension(x, authority, NID_basic_constraints, "critical,CA:FALSE") &&
                    add_extension(x, authority, NID_key_usage, "critical,digitalSignature") &&
                    add_extension(x, authority, NID_ext_key_usage, "serverAuth") &&
                    add_extension(x, authority, NID_subject_key_identifier, "hash") &&
                    add_extension(x, authority, NID_authority_key_identifier, "keyid:always") &&
                    add_extension(x, authority, NID_subject_alt_name, alternative_names(names)) &&
                    X509_sign(x, impl_->key.get(), EVP_sha256()) > 0;
  if (!fine) return failed("certify " + names.front());
  return async::TlsCertificate::from_pem(pem_of(x), pem_of(key.get()));
}

std::shared_ptr<const async::TlsCertificate> CertificateAuthority::for_host(
    const std::string& host) {
  if (auto found = impl_->cached(host)) return found;
  // Clients that name no host connect to an address, most likely this machine's.
  std::vector<std::string> names = {host};
  if (host.empty()) names = {"localhost", "127.0.0.1", "::1"};
  auto made = issue(names);
  if (!made) return nullptr;
  impl_->remember(host, *made);
  return *made;
}

}  // namespace wire
