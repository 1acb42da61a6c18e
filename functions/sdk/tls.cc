#include "sdk/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <limits>

#include "sdk/dns_message.h"

namespace sdk {
namespace {

// Debian, Amazon Linux and Fedora, Alpine, in this order.
constexpr std::array kSystemBundles = {"/etc/ssl/certs/ca-certificates.crt",
                                       "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"};

struct FreeSsl {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};
struct FreeContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using SslPtr = std::unique_ptr<SSL, FreeSsl>;

std::string last_reason() {
  const unsigned long code = ERR_get_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "connection broken" : reason;
}

class TlsStream final : public Stream {
 public:
  TlsStream(std::unique_ptr<Socket> socket, SslPtr ssl)
      : socket_(std::move(socket)), ssl_(std::move(ssl)) {}
  ~TlsStream() override {
    if (usable_) SSL_shutdown(ssl_.get());  // best effort, does not wait for the other side
  }

  Result<void> handshake(Deadline deadline) {
    while (true) {
      ERR_clear_error();
      const int n = SSL_connect(ssl_.get());
      if (n == 1) return {};
      auto again = wait_after(n, "TLS handshake", deadline);
      if (!again) return explain(std::move(again.error()));
    }
  }

  Result<std::size_t> read_some(std::span<char> into, Deadline deadline) override {
    while (true) {
      ERR_clear_error();
      std::size_t got = 0;
      const int n = SSL_read_ex(ssl_.get(), into.data(), into.size(), &got);
      if (n == 1) return got;
      if (SSL_get_error(ssl_.get(), n) == SSL_ERROR_ZERO_RETURN) return 0;
      auto again = wait_after(n, "reading over TLS", deadline);
      if (!again) return std::unexpected(again.error());
    }
  }

  Result<void> write_all(std::string_view bytes, Deadline deadline) override {
    while (!bytes.empty()) {
      ERR_clear_error();
      std::size_t put = 0;
      const int n = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &put);
      if (n == 1) {
        bytes.remove_prefix(put);
        continue;
      }
      auto again = wait_after(n, "writing over TLS", deadline);
      if (!again) return again;
    }
    return {};
  }

 private:
  Result<void> wait_after(int result, const char* what, Deadline deadline) {
    switch (SSL_get_error(ssl_.get(), result)) {
      case SSL_ERROR_WANT_READ: return socket_->wait_readable(deadline);
      case SSL_ERROR_WANT_WRITE: return socket_->wait_writable(deadline);
      default: break;
    }
    usable_ = false;
    return failure(Fault::kConnection, "TlsError", std::string(what) + ": " + last_reason());
  }

  // A failed verification has a reason that helps more than "certificate verify failed".
  std::unexpected<Error> explain(Error error) {
    const long code = SSL_get_verify_result(ssl_.get());
    if (code != X509_V_OK) {
      error.type = "CertificateError";
      error.message = std::string("the server's certificate is not accepted: ") +
                      X509_verify_cert_error_string(code);
    }
    return std::unexpected(std::move(error));
  }

  std::unique_ptr<Socket> socket_;
  SslPtr ssl_;
  bool usable_ = true;
};

}  // namespace

struct TlsContext::Impl {
  std::unique_ptr<SSL_CTX, FreeContext> context;
};

TlsContext::TlsContext(const Environment& environment)
    : bundle_(environment.first_of({"AWS_CA_BUNDLE", "SSL_CERT_FILE"})),
      impl_(std::make_unique<Impl>()) {}

TlsContext::~TlsContext() = default;

Result<void> TlsContext::load() {
  if (impl_->context) return {};
  std::string bundle = bundle_;
  if (bundle.empty()) {
    const auto found = std::ranges::find_if(
        kSystemBundles, [](const char* path) { return ::access(path, R_OK) == 0; });
    if (found == kSystemBundles.end()) {
      return failure(Fault::kConfiguration, "NoTrustedCertificates",
                     "no certificate bundle found; set AWS_CA_BUNDLE to a PEM file");
    }
    bundle = *found;
  }
  std::unique_ptr<SSL_CTX, FreeContext> context(SSL_CTX_new(TLS_client_method()));
  if (!context) return failure(Fault::kConfiguration, "TlsError", last_reason());
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_mode(context.get(), SSL_MODE_AUTO_RETRY | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // Many servers close without the farewell; truncation shows in the HTTP framing instead.
  SSL_CTX_set_options(context.get(), SSL_OP_IGNORE_UNEXPECTED_EOF);
  if (SSL_CTX_load_verify_file(context.get(), bundle.c_str()) != 1) {
    return failure(Fault::kConfiguration, "NoTrustedCertificates",
                   "the certificates in " + bundle + " cannot be read: " + last_reason());
  }
  impl_->context = std::move(context);
  return {};
}

Result<std::unique_ptr<Stream>> TlsContext::handshake(std::unique_ptr<Socket> socket,
                                                      const std::string& host, Deadline deadline) {
  auto loaded = load();
  if (!loaded) return std::unexpected(loaded.error());
  SslPtr ssl(SSL_new(impl_->context.get()));
  const bool literal = parse_ip(host).has_value();
  bool ready = ssl != nullptr && SSL_set_fd(ssl.get(), socket->fd()) == 1;
  if (ready && literal) {
    ready = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl.get()), host.c_str()) == 1;
  } else if (ready) {
    ready = SSL_set1_host(ssl.get(), host.c_str()) == 1 &&
            SSL_set_tlsext_host_name(ssl.get(), host.c_str()) == 1;
  }
  if (!ready) return failure(Fault::kConfiguration, "TlsError", last_reason());
  auto stream = std::make_unique<TlsStream>(std::move(socket), std::move(ssl));
  auto done = stream->handshake(deadline);
  if (!done) return std::unexpected(done.error());
  return stream;
}

}  // namespace sdk
