#include "functions/server_plumbing.h"

#include <sys/resource.h>

#include <algorithm>
#include <array>

#include "async/gate.h"
#include "async/pipe.h"
#include "async/udp.h"
#include "base/log.h"
#include "functions/dns.h"

namespace functions {
namespace {

constexpr std::uint16_t kRuntimeApiPort = 9001;
constexpr std::uint16_t kDnsPort = 53;
constexpr std::size_t kPipeChunkBytes = 64U << 10U;
constexpr std::size_t kDrainBytesMax = 4U << 20U;
constexpr std::size_t kDatagramBytesMax = 2048;
// What one sandbox may take of the server, so that it takes nothing from the others.
constexpr std::size_t kRuntimeConnectionsMax = 64;        // a runtime and its extensions need few
constexpr std::size_t kRuntimeBodyBytesMax = 64U << 20U;  // an answer has at most 6 MB
constexpr std::size_t kRuntimeAnswerBytesMax = 32U << 20U;
constexpr std::chrono::minutes kRuntimeIdleTimeout{20};  // longer than any event is worked on
constexpr std::size_t kConnectionsPerPortMax = 128;
// And of all sandboxes together: a quarter of the server's descriptors.
constexpr std::size_t kDescriptorsPart = 4;
constexpr std::size_t kConnectionsPerCoreMin = 256;
constexpr std::size_t kConnectionsPerCoreMax = 8192;

async::OwnedFd owned(sandbox::Fd fd) { return async::OwnedFd(fd.release()); }

std::size_t connections_per_core(std::size_t cores) {
  rlimit descriptors{};
  if (::getrlimit(RLIMIT_NOFILE, &descriptors) != 0) return kConnectionsPerCoreMin;
  return std::clamp(static_cast<std::size_t>(descriptors.rlim_cur) / kDescriptorsPart / cores,
                    kConnectionsPerCoreMin, kConnectionsPerCoreMax);
}

using Output = std::function<void(std::string_view)>;

async::Task<void> read_output(async::PipeReader& pipe, const Output& output) {
  std::string buffer(kPipeChunkBytes, '\0');
  for (;;) {
    const auto got = co_await pipe.read_some(buffer);
    if (!got || *got == 0) co_return;
    output(std::string_view(buffer).substr(0, *got));
  }
}

async::Task<void> serve_names(async::UdpSocket& socket) {
  std::array<char, kDatagramBytesMax> buffer;
  for (;;) {
    const auto got = co_await socket.receive(buffer);
    if (!got) co_return;
    const std::string answer = answer_dns(std::string_view(buffer.data(), got->size));
    if (answer.empty()) continue;
    const base::Status sent = socket.send(answer, got->peer);
    if (!sent) base::log_debug("functions: {}", sent.error().message);
  }
}

}  // namespace

// One core's HTTP server for requests of functions to Millrace.
struct ServerPlumbing::Lane {
  async::AsioCore& core;
  const base::Clock& clock;
  wire::HttpServer http;
};

class ServerPlumbing::Wires final : public Connection {
 public:
  Wires(Lane& lane, Handlers handlers)
      : lane_(lane),
        handlers_(std::move(handlers)),
        runtime_api_(runtime_options(lane), {&lane.core}, handlers_.runtime_api) {}

  base::Status attach(std::vector<sandbox::Fd> sockets, sandbox::Fd output) {
    if (sockets.size() < 2) return base::error(base::ErrorCode::kInternal, "a socket is missing");
    ASSIGN_OR_RETURN(names_, async::UdpSocket::adopt(lane_.core, owned(std::move(sockets.back()))));
    sockets.pop_back();
    ASSIGN_OR_RETURN(pipe_, async::PipeReader::adopt(lane_.core, owned(std::move(output))));
    bool first = true;
    for (sandbox::Fd& socket : sockets) {
      ASSIGN_OR_RETURN(auto listener, async::Listener::adopt(lane_.core, owned(std::move(socket))));
      if (std::exchange(first, false))
        runtime_api_.start(std::move(listener), handlers_.runtime_api, handlers_.answers);
      else doors_.push_back(lane_.http.start(std::move(listener), {}, {}, kConnectionsPerPortMax));
    }
    async::spawn(lane_.core, gate_, serve_names(*names_));
    async::spawn(lane_.core, gate_, read_output(*pipe_, handlers_.output));
    return {};
  }

  void drain() override {
    if (!pipe_) return;
    std::array<char, 16'384> buffer;
    for (std::size_t total = 0; total < kDrainBytesMax;) {
      const auto got = pipe_->try_read(buffer);
      if (!got || !*got || **got == 0) return;
      total += **got;
      handlers_.output(std::string_view(buffer.data(), **got));
    }
  }

  async::Task<void> close() override {
    co_await runtime_api_.stop(lane_.core.now());
    for (const auto door : doors_) co_await lane_.http.stop_listener(door, lane_.core.now());
    if (pipe_) pipe_->close();
    if (names_) names_->close();
    co_await gate_.close();
  }

 private:
  // Of this sandbox alone: whatever others do, its runtime is heard.
  static wire::HttpOptions runtime_options(const Lane& lane) {
    wire::HttpOptions options;
    options.clock = &lane.clock;
    options.limits.connections_max = kRuntimeConnectionsMax;
    options.limits.body_budget_bytes = kRuntimeBodyBytesMax;
    options.limits.body_bytes_max = kRuntimeBodyBytesMax;
    options.limits.answer_budget_bytes = kRuntimeAnswerBytesMax;
    options.limits.idle_timeout = kRuntimeIdleTimeout;
    return options;
  }

  Lane& lane_;
  const Handlers handlers_;
  wire::HttpServer runtime_api_;
  std::vector<wire::HttpServer::ListenerId> doors_;
  std::unique_ptr<async::UdpSocket> names_;
  std::unique_ptr<async::PipeReader> pipe_;
  async::Gate gate_;
};

ServerPlumbing::ServerPlumbing(std::vector<async::AsioCore*> cores, std::uint16_t server_port,
                               wire::HttpHandler server,
                               std::shared_ptr<const async::TlsServerContext> tls,
                               const base::Clock& clock)
    : runtime_api_port_(server_port == kRuntimeApiPort ? kRuntimeApiPort + 1 : kRuntimeApiPort),
      server_ports_{443, 80} {
  if (server_port != 443 && server_port != 80) server_ports_.push_back(server_port);
  for (async::AsioCore* const core : cores) {
    wire::HttpOptions options;
    options.tls = tls;
    options.clock = &clock;
    options.limits.connections_max = connections_per_core(cores.size());
    lanes_.push_back(std::unique_ptr<Lane>(
        new Lane{*core, clock, wire::HttpServer(std::move(options), {core}, server)}));
  }
}

ServerPlumbing::~ServerPlumbing() = default;

std::vector<sandbox::Listener> ServerPlumbing::listeners() const {
  std::vector<sandbox::Listener> all = {{.port = runtime_api_port_}};
  for (const std::uint16_t port : server_ports_) all.push_back({.port = port});
  all.push_back({.protocol = sandbox::Protocol::kUdp, .port = kDnsPort});
  return all;
}

std::unique_ptr<Connection> ServerPlumbing::connect(async::Core& core, sandbox::Process& process,
                                                    Handlers handlers) {
  const auto lane = std::ranges::find_if(lanes_, [&](const auto& l) { return &l->core == &core; });
  CHECK(lane != lanes_.end());
  auto wires = std::make_unique<Wires>(**lane, std::move(handlers));
  const base::Status attached = wires->attach(process.take_listeners(), process.take_stdout());
  if (!attached) base::log_error("functions: {}", attached.error().to_string());
  return wires;
}

async::Task<void> ServerPlumbing::stop() {
  for (const auto& lane : lanes_) co_await lane->http.stop(lane->core.now());
}

}  // namespace functions
