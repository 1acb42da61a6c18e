#pragma once

// What the TLS files of this module share. Includes OpenSSL: for .cc files only.

#include <openssl/ssl.h>

#include <memory>

#include "async/tls.h"

namespace async {

template <auto function>
struct FreeWith {
  template <class T>
  void operator()(T* object) const {
    function(object);
  }
};
using X509Pointer = std::unique_ptr<X509, FreeWith<X509_free>>;
using KeyPointer = std::unique_ptr<EVP_PKEY, FreeWith<EVP_PKEY_free>>;
using BioPointer = std::unique_ptr<BIO, FreeWith<BIO_free>>;
using ContextPointer = std::unique_ptr<SSL_CTX, FreeWith<SSL_CTX_free>>;
using SslPointer = std::unique_ptr<SSL, FreeWith<SSL_free>>;

struct TlsCertificate::Impl {
  X509Pointer leaf;
  std::vector<X509Pointer> chain;
  KeyPointer key;
};

struct TlsServerContext::Impl {
  Certificates certificates;
  std::string protocols;  // as ALPN encodes them
  ContextPointer context;
};

struct TlsClientContext::Impl {
  bool verify = true;
  ContextPointer context;
};

// What OpenSSL says went wrong in this thread, and forgets it.
std::string tls_error_text();

}  // namespace async
