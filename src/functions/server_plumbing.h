#pragma once

// ServerPlumbing: inside each sandbox's network,
//   127.0.0.1:9001           the Runtime API of that sandbox
//   127.0.0.1:443, :80 and the server's own port: the server, as any client sees it
//   a socket for each extension, through which the server posts telemetry to it
//   127.0.0.1:53 (UDP)       names: AWS's and localhost lead to 127.0.0.1, others do not exist
//
// One per server; connect() runs on the instance's core, which must be one of `cores`. stop() is
// awaited after the Invoker's.

#include "async/asio_core.h"
#include "async/tls.h"
#include "functions/plumbing.h"
#include "wire/http_server.h"

namespace functions {

class ServerPlumbing final : public Plumbing {
 public:
  ServerPlumbing(std::vector<async::AsioCore*> cores, std::uint16_t server_port,
                 wire::HttpHandler server, std::shared_ptr<const async::TlsServerContext> tls,
                 const base::Clock& clock);
  ~ServerPlumbing() override;

  std::vector<sandbox::Listener> listeners(std::size_t inward) const override;
  std::uint16_t runtime_api_port() const override { return runtime_api_port_; }
  std::unique_ptr<Connection> connect(async::Core& core, sandbox::Process& process,
                                      Handlers handlers) override;
  async::Task<void> stop();

 private:
  class Wires;
  struct Lane;
  std::uint16_t runtime_api_port_;
  std::vector<std::uint16_t> server_ports_;
  std::vector<std::unique_ptr<Lane>> lanes_;
};

}  // namespace functions
