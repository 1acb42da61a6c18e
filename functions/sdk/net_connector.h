// Real connections: resolves the host, tries its addresses in order, adds TLS if the origin asks
// for it. Not thread-safe.
#pragma once

#include "sdk/resolver.h"
#include "sdk/stream.h"
#include "sdk/tls.h"

namespace sdk {

class NetConnector final : public Connector {
 public:
  // One address may use up this much of the time before the next one is tried.
  static constexpr std::int64_t kConnectAttemptMs = 3000;

  NetConnector(const Environment& environment, const Clock& clock, Random& random)
      : clock_(clock), resolver_(clock, random), tls_(environment) {}

  Result<std::unique_ptr<Stream>> connect(const Origin& origin, Deadline deadline) override;

 private:
  const Clock& clock_;
  Resolver resolver_;
  TlsContext tls_;
};

}  // namespace sdk
