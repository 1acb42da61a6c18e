// TLS 1.2 and 1.3 for client connections: the certificate chain and the host name are always
// verified. OpenSSL is touched here and in digest.cc only. Not thread-safe.
#pragma once

#include <memory>
#include <string>

#include "sdk/environment.h"
#include "sdk/socket.h"
#include "sdk/stream.h"

namespace sdk {

class TlsContext {
 public:
  // Trust comes from AWS_CA_BUNDLE, else SSL_CERT_FILE (PEM files), else the system's bundle.
  // Nothing is loaded before the first connection.
  explicit TlsContext(const Environment& environment);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  // Errors: kConnection (handshake, verification), kTimeout, kConfiguration (no trust).
  Result<std::unique_ptr<Stream>> handshake(std::unique_ptr<Socket> socket, const std::string& host,
                                            Deadline deadline);

 private:
  struct Impl;
  Result<void> load();

  std::string bundle_;  // empty: the system's
  std::unique_ptr<Impl> impl_;
};

}  // namespace sdk
