#pragma once

// TLS over any Stream, with OpenSSL. The contexts are immutable after they are made, shared between
// connections and safe to use from every core; a TLS stream lives on its core like any Stream.
// Versions 1.2 and 1.3. Keys are held in memory only.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "async/stream.h"

namespace async {

// A certificate with its private key, ready to be presented. Immutable; thread-safe.
class TlsCertificate {
 public:
  // PEM: the leaf first, then what leads up to its authority.
  static base::Result<std::shared_ptr<const TlsCertificate>> from_pem(const std::string& chain,
                                                                      const std::string& key);
  ~TlsCertificate();
  struct Impl;
  const Impl& impl() const { return *impl_; }

 private:
  explicit TlsCertificate(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

class TlsServerContext {
 public:
  // Answers the certificate for the name that the client asked for, in lower case; "" when it asked
  // for none. nullptr refuses the connection. Called on the connection's core.
  using Certificates = std::function<std::shared_ptr<const TlsCertificate>(const std::string&)>;

  // `protocols`: ALPN names in order of preference ("h2", "http/1.1"). A client that offers ALPN
  // but none of them is refused.
  static base::Result<std::shared_ptr<const TlsServerContext>> make(
      Certificates certificates, std::vector<std::string> protocols);
  ~TlsServerContext();
  struct Impl;
  const Impl& impl() const { return *impl_; }

 private:
  explicit TlsServerContext(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

class TlsClientContext {
 public:
  struct Options {
    std::string authorities_pem;  // trusted besides the system's own
    bool trust_system = true;
    bool verify = true;  // false only in tests
    std::vector<std::string> protocols = {"http/1.1"};
  };
  static base::Result<std::shared_ptr<const TlsClientContext>> make(Options options);
  ~TlsClientContext();
  struct Impl;
  const Impl& impl() const { return *impl_; }

 private:
  explicit TlsClientContext(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

class TlsStream : public Stream {
 public:
  virtual const std::string& protocol() const = 0;     // what ALPN agreed upon; "" for nothing
  virtual const std::string& server_name() const = 0;  // what the client asked for; "" for nothing
};

// Shakes hands as the server. `received` are bytes that were read from `inner` already. The inner
// stream's deadlines hold for the handshake; on failure the inner stream is gone.
Task<base::Result<std::unique_ptr<TlsStream>>> accept_tls(
    std::unique_ptr<Stream> inner, std::shared_ptr<const TlsServerContext> context,
    std::string received);

// Shakes hands as a client and verifies that the server is `host` (a name or an IP address).
Task<base::Result<std::unique_ptr<TlsStream>>> connect_tls(
    std::unique_ptr<Stream> inner, std::shared_ptr<const TlsClientContext> context,
    std::string host);

}  // namespace async
