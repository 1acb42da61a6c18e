#include "async/tls_context.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

namespace async {
namespace {

using base::ErrorCode;

std::string encode_protocols(const std::vector<std::string>& protocols) {
  std::string encoded;
  for (const auto& protocol : protocols) {
    CHECK(!protocol.empty() && protocol.size() < 256);
    encoded += static_cast<char>(protocol.size());
    encoded += protocol;
  }
  return encoded;
}

BioPointer memory(const std::string& text) {
  return BioPointer(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

ContextPointer new_context(const SSL_METHOD* method) {
  ContextPointer context(SSL_CTX_new(method));
  if (!context) return nullptr;
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
  // Resumption works by tickets alone: nothing is kept here for each client.
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  return context;
}

// The name in SNI; "" if there is none or it is no name.
std::string requested_name(const SSL* ssl) {
  const char* const sent = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  std::string name = sent == nullptr ? "" : sent;
  for (char& c : name)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  if (name.ends_with('.')) name.pop_back();
  return name;
}

int choose_certificate(SSL* ssl, void* argument) {
  const auto& impl = *static_cast<const TlsServerContext::Impl*>(argument);
  const auto certificate = impl.certificates(requested_name(ssl));
  if (certificate == nullptr) return 0;
  const auto& parts = certificate->impl();
  if (SSL_use_certificate(ssl, parts.leaf.get()) != 1) return 0;
  if (SSL_use_PrivateKey(ssl, parts.key.get()) != 1) return 0;
  for (const auto& link : parts.chain)
    if (SSL_add1_chain_cert(ssl, link.get()) != 1) return 0;
  return 1;
}

int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size,
                    const unsigned char* offered, unsigned int offered_size, void* argument) {
  const auto& impl = *static_cast<const TlsServerContext::Impl*>(argument);
  unsigned char* chosen = nullptr;
  const int outcome = SSL_select_next_proto(
      &chosen, out_size, reinterpret_cast<const unsigned char*>(impl.protocols.data()),
      static_cast<unsigned>(impl.protocols.size()), offered, offered_size);
  *out = chosen;
  return outcome == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

}  // namespace

std::string tls_error_text() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "the connection broke off";
  std::array<char, 256> text{};
  ERR_error_string_n(code, text.data(), text.size());
  return text.data();
}

TlsCertificate::TlsCertificate(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsCertificate::~TlsCertificate() = default;

base::Result<std::shared_ptr<const TlsCertificate>> TlsCertificate::from_pem(
    const std::string& chain, const std::string& key) {
  ERR_clear_error();
  auto impl = std::make_unique<Impl>();
  const BioPointer certificates = memory(chain);
  impl->leaf.reset(PEM_read_bio_X509(certificates.get(), nullptr, nullptr, nullptr));
  if (!impl->leaf)
    return base::error(ErrorCode::kInvalidArgument, "no certificate: " + tls_error_text());
  while (X509* const link = PEM_read_bio_X509(certificates.get(), nullptr, nullptr, nullptr))
    impl->chain.emplace_back(link);
  ERR_clear_error();  // the end of the PEM is reported as an error
  const BioPointer secret = memory(key);
  impl->key.reset(PEM_read_bio_PrivateKey(secret.get(), nullptr, nullptr, nullptr));
  if (!impl->key)
    return base::error(ErrorCode::kInvalidArgument, "no private key: " + tls_error_text());
  if (X509_check_private_key(impl->leaf.get(), impl->key.get()) != 1)
    return base::error(ErrorCode::kInvalidArgument,
                       "the key is not the certificate's: " + tls_error_text());
  return std::shared_ptr<const TlsCertificate>(new TlsCertificate(std::move(impl)));
}

TlsServerContext::TlsServerContext(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsServerContext::~TlsServerContext() = default;

base::Result<std::shared_ptr<const TlsServerContext>> TlsServerContext::make(
    Certificates certificates, std::vector<std::string> protocols) {
  ERR_clear_error();
  auto impl = std::make_unique<Impl>();
  impl->certificates = std::move(certificates);
  impl->protocols = encode_protocols(protocols);
  impl->context = new_context(TLS_server_method());
  if (!impl->context) return base::error(ErrorCode::kInternal, tls_error_text());
  SSL_CTX_set_options(impl->context.get(), SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_cert_cb(impl->context.get(), choose_certificate, impl.get());
  if (!protocols.empty())
    SSL_CTX_set_alpn_select_cb(impl->context.get(), choose_protocol, impl.get());
  return std::shared_ptr<const TlsServerContext>(new TlsServerContext(std::move(impl)));
}

TlsClientContext::TlsClientContext(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsClientContext::~TlsClientContext() = default;

base::Result<std::shared_ptr<const TlsClientContext>> TlsClientContext::make(Options options) {
  ERR_clear_error();
  auto impl = std::make_unique<Impl>();
  impl->verify = options.verify;
  impl->context = new_context(TLS_client_method());
  if (!impl->context) return base::error(ErrorCode::kInternal, tls_error_text());
  SSL_CTX* const context = impl->context.get();
  SSL_CTX_set_verify(context, options.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  if (options.trust_system) SSL_CTX_set_default_verify_paths(context);
  const BioPointer pem = memory(options.authorities_pem);
  while (X509* const authority = PEM_read_bio_X509(pem.get(), nullptr, nullptr, nullptr)) {
    const X509Pointer owner(authority);
    if (X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority) != 1)
      return base::error(ErrorCode::kInvalidArgument, "an authority: " + tls_error_text());
  }
  ERR_clear_error();
  const std::string encoded = encode_protocols(options.protocols);
  if (!encoded.empty())
    SSL_CTX_set_alpn_protos(context, reinterpret_cast<const unsigned char*>(encoded.data()),
                            static_cast<unsigned>(encoded.size()));
  return std::shared_ptr<const TlsClientContext>(new TlsClientContext(std::move(impl)));
}

}  // namespace async
