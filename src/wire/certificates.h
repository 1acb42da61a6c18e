#pragma once

// CertificateAuthority: a private authority that signs certificates for any host name asked of it,
// so that clients that trust it reach Millrace under AWS's own names.
//
// Owned by the server's wiring; thread-safe. Only the authority's own certificate and key are ever
// stored, by the caller, as PEM; leaf keys live in memory.

#include <memory>
#include <string>
#include <vector>

#include "async/tls.h"
#include "base/clock.h"
#include "base/result.h"

namespace wire {

inline constexpr int kAuthorityYears = 10;
inline constexpr int kLeafDays = 365;  // never beyond the authority's own end
inline constexpr std::size_t kLeafCacheMax = 256;

struct AuthorityPem {
  std::string certificate;
  std::string key;  // secret: for its owner's eyes only
};

class CertificateAuthority {
 public:
  // A new one, EC P-256. `common_name` is what people see in their trust stores.
  static base::Result<std::unique_ptr<CertificateAuthority>> create(const std::string& common_name,
                                                                    const base::Clock& clock);
  // One that was stored. kInvalidArgument: not PEM, or key and certificate do not belong together.
  static base::Result<std::unique_ptr<CertificateAuthority>> load(const AuthorityPem& pem,
                                                                  const base::Clock& clock);
  ~CertificateAuthority();

  AuthorityPem pem() const;
  const std::string& certificate_pem() const;  // what clients are to trust

  // A fresh certificate that is good for all of `names`: exact names, wildcards
  // ("*.s3.amazonaws.com") and IP addresses. kInvalidArgument for anything else.
  base::Result<std::shared_ptr<const async::TlsCertificate>> issue(
      const std::vector<std::string>& names) const;
  // The certificate for one host as SNI names it, from the cache or new; "" stands for clients that
  // name none: localhost, 127.0.0.1 and ::1. nullptr if the name is none.
  std::shared_ptr<const async::TlsCertificate> for_host(const std::string& host);

 private:
  struct Impl;
  explicit CertificateAuthority(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace wire
