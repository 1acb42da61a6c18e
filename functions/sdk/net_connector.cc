#include "sdk/net_connector.h"

#include <algorithm>

namespace sdk {

Result<std::unique_ptr<Stream>> NetConnector::connect(const Origin& origin, Deadline deadline) {
  auto addresses = resolver_.resolve(origin.host, deadline);
  if (!addresses) return std::unexpected(addresses.error());
  Error last{Fault::kConnection, "ConnectionError", "no address"};
  for (const IpAddress& address : *addresses) {
    const Deadline attempt =
        deadline.is_never() ? deadline : std::min(deadline, clock_.after_ms(kConnectAttemptMs));
    auto socket = Socket::connect(address, origin.port, attempt, clock_);
    if (!socket) {
      last = socket.error();
      last.message = origin.host_header() + ": " + last.message;
      continue;
    }
    if (!origin.tls) return std::move(*socket);
    return tls_.handshake(std::move(*socket), origin.host, deadline);
  }
  return std::unexpected(std::move(last));
}

}  // namespace sdk
