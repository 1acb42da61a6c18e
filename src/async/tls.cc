#include "async/tls.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "async/gate.h"
#include "async/mutex.h"
#include "async/tls_context.h"

namespace async {
namespace {

using base::ErrorCode;

constexpr std::size_t kCipherReadBytes = 16 * 1024;  // about one record
constexpr std::size_t kPlainWriteBytes = 64 * 1024;  // encrypted before any of it is sent

// OpenSSL works on two memory buffers; the inner stream fills one and drains the other.
class OpenSslStream final : public TlsStream {
 public:
  // `keep` holds what OpenSSL's callbacks point to.
  OpenSslStream(std::unique_ptr<Stream> inner, SslPointer ssl, std::shared_ptr<const void> keep)
      : inner_(std::move(inner)), keep_(std::move(keep)), ssl_(std::move(ssl)) {
    incoming_ = BIO_new(BIO_s_mem());
    outgoing_ = BIO_new(BIO_s_mem());
    CHECK(incoming_ != nullptr && outgoing_ != nullptr);
    BIO_set_mem_eof_return(incoming_, -1);
    SSL_set_bio(ssl_.get(), incoming_, outgoing_);  // which owns them now
  }

  void feed(std::string_view bytes) {
    if (!bytes.empty()) BIO_write(incoming_, bytes.data(), static_cast<int>(bytes.size()));
  }
  SSL* ssl() const { return ssl_.get(); }

  Task<base::Status> shake_hands() {
    for (;;) {
      ERR_clear_error();
      const int outcome = SSL_do_handshake(ssl_.get());
      const int what = SSL_get_error(ssl_.get(), outcome);
      std::string why;
      if (outcome != 1 && what != SSL_ERROR_WANT_READ) why = handshake_error();
      const auto sent = co_await flush();  // a last alert included
      if (!why.empty()) co_return base::error(ErrorCode::kIo, "TLS: " + why);
      if (!sent) co_return std::unexpected(sent.error());
      if (outcome == 1) break;
      const auto received = co_await receive();
      if (!received) co_return std::unexpected(received.error());
    }
    const unsigned char* chosen = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl_.get(), &chosen, &size);
    if (size > 0) protocol_.assign(reinterpret_cast<const char*>(chosen), size);
    const char* const name = SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name);
    if (name != nullptr) server_name_ = name;
    co_return base::Status{};
  }

  const std::string& protocol() const override { return protocol_; }
  const std::string& server_name() const override { return server_name_; }
  void set_read_deadline(base::SteadyTime when) override { inner_->set_read_deadline(when); }
  void set_write_deadline(base::SteadyTime when) override { inner_->set_write_deadline(when); }
  std::string peer_address() const override { return inner_->peer_address(); }

  Task<void> shutdown() override {
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
    ERR_clear_error();
    const auto sent = co_await flush();
    if (sent) co_await inner_->shutdown();
  }
  void close() override { inner_->close(); }

 protected:
  void start(ReadOperation& op) override {
    if (decrypt(op)) return;
    spawn(*Core::current(), read_more(op));
  }
  void start(WriteOperation& op) override { spawn(*Core::current(), encrypt_and_send(op)); }

 private:
  // True: the operation is finished, one way or the other.
  bool decrypt(ReadOperation& op) {
    ERR_clear_error();
    const int wanted = static_cast<int>(std::min<std::size_t>(op.into.size(), INT_MAX));
    const int count = SSL_read(ssl_.get(), op.into.data(), wanted);
    if (count > 0) return op.finish(static_cast<std::size_t>(count)), true;
    switch (SSL_get_error(ssl_.get(), count)) {
      case SSL_ERROR_WANT_READ: return false;
      case SSL_ERROR_ZERO_RETURN: return op.finish(std::size_t{0}), true;
      default: return op.finish(base::error(ErrorCode::kIo, "TLS: " + tls_error_text())), true;
    }
  }

  Task<void> read_more(ReadOperation& op) {
    for (;;) {
      // Reading can make OpenSSL want to answer: a new key, an alert.
      if (BIO_ctrl_pending(outgoing_) > 0) {
        const auto sent = co_await flush();
        if (!sent) co_return op.finish(std::unexpected(sent.error()));
      }
      const auto received = co_await receive();
      if (!received) co_return op.finish(std::unexpected(received.error()));
      if (decrypt(op)) co_return;
    }
  }

  Task<void> encrypt_and_send(WriteOperation& op) {
    while (!op.from[0].empty() || !op.from[1].empty()) {
      if (!encrypt_some(op))
        co_return op.finish(base::error(ErrorCode::kIo, "TLS: " + tls_error_text()));
      const auto sent = co_await flush();
      if (!sent) co_return op.finish(std::unexpected(sent.error()));
    }
    op.finish({});
  }

  // Small pieces share a record.
  bool encrypt_some(WriteOperation& op) {
    ERR_clear_error();
    auto& [first, second] = op.from;
    std::string joined;
    if (!first.empty() && !second.empty() && first.size() < kPlainWriteBytes) {
      joined = first;
      const auto more = second.substr(0, kPlainWriteBytes - first.size());
      joined += more;
      first = {};
      second.remove_prefix(more.size());
      return encrypt(joined);
    }
    auto& piece = first.empty() ? second : first;
    const auto now = piece.substr(0, kPlainWriteBytes);
    piece.remove_prefix(now.size());
    return encrypt(now);
  }
  bool encrypt(std::string_view plain) {
    std::size_t written = 0;
    return SSL_write_ex(ssl_.get(), plain.data(), plain.size(), &written) == 1 &&
           written == plain.size();
  }

  // Sends what OpenSSL has ready. Reader and writer both come here: one after the other.
  Task<base::Status> flush() {
    const auto lock = co_await flushing_.lock();
    while (BIO_ctrl_pending(outgoing_) > 0) {
      std::string bytes(BIO_ctrl_pending(outgoing_), '\0');
      BIO_read(outgoing_, bytes.data(), static_cast<int>(bytes.size()));
      const auto sent = co_await inner_->write(bytes);
      if (!sent) co_return sent;
    }
    co_return base::Status{};
  }

  Task<base::Status> receive() {
    if (!buffer_) buffer_ = std::make_unique<char[]>(kCipherReadBytes);
    const auto count = co_await inner_->read_some({buffer_.get(), kCipherReadBytes});
    if (!count) co_return std::unexpected(count.error());
    // A proper end is announced within TLS; anything else may be an attacker's cut.
    if (*count == 0) co_return base::error(ErrorCode::kIo, "TLS: the peer hung up");
    feed({buffer_.get(), *count});
    co_return base::Status{};
  }

  std::string handshake_error() const {
    const long verdict = SSL_get_verify_result(ssl_.get());
    std::string text = tls_error_text();
    if (verdict != X509_V_OK) text = X509_verify_cert_error_string(verdict);
    return text;
  }

  std::unique_ptr<Stream> inner_;
  std::shared_ptr<const void> keep_;
  SslPointer ssl_;
  BIO* incoming_ = nullptr;
  BIO* outgoing_ = nullptr;
  std::unique_ptr<char[]> buffer_;
  Mutex flushing_;
  std::string protocol_;
  std::string server_name_;
};

bool is_ip_address(const std::string& host) {
  ASN1_OCTET_STRING* const parsed = a2i_IPADDRESS(host.c_str());
  if (parsed == nullptr) return ERR_clear_error(), false;
  ASN1_OCTET_STRING_free(parsed);
  return true;
}

}  // namespace

Task<base::Result<std::unique_ptr<TlsStream>>> accept_tls(
    std::unique_ptr<Stream> inner, std::shared_ptr<const TlsServerContext> context,
    std::string received) {
  SslPointer ssl(SSL_new(context->impl().context.get()));
  if (!ssl) co_return base::error(ErrorCode::kInternal, tls_error_text());
  SSL_set_accept_state(ssl.get());
  auto stream =
      std::make_unique<OpenSslStream>(std::move(inner), std::move(ssl), std::move(context));
  stream->feed(received);
  const auto shaken = co_await stream->shake_hands();
  if (!shaken) co_return std::unexpected(shaken.error());
  co_return std::unique_ptr<TlsStream>(std::move(stream));
}

Task<base::Result<std::unique_ptr<TlsStream>>> connect_tls(
    std::unique_ptr<Stream> inner, std::shared_ptr<const TlsClientContext> context,
    std::string host) {
  SslPointer ssl(SSL_new(context->impl().context.get()));
  if (!ssl) co_return base::error(ErrorCode::kInternal, tls_error_text());
  SSL_set_connect_state(ssl.get());
  const bool is_address = is_ip_address(host);
  if (!is_address) SSL_set_tlsext_host_name(ssl.get(), host.c_str());
  if (context->impl().verify) {
    X509_VERIFY_PARAM* const wanted = SSL_get0_param(ssl.get());
    const int set = is_address ? X509_VERIFY_PARAM_set1_ip_asc(wanted, host.c_str())
                               : SSL_set1_host(ssl.get(), host.c_str());
    if (set != 1) co_return base::error(ErrorCode::kInvalidArgument, "no host name: " + host);
  }
  auto stream =
      std::make_unique<OpenSslStream>(std::move(inner), std::move(ssl), std::move(context));
  const auto shaken = co_await stream->shake_hands();
  if (!shaken) co_return std::unexpected(shaken.error());
  co_return std::unique_ptr<TlsStream>(std::move(stream));
}

}  // namespace async
