#include "functions/server_plumbing.h"

#include <sys/resource.h>

#include <algorithm>
#include <array>

#include "async/gate.h"
#include "async/pipe.h"
#include "async/udp.h"
#include "base/log.h"
#include "functions/dns.h"
#include "functions/inward.h"

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
  Wires(Lane& lane, Handlers handlers, std::size_t server_ports)
      : lane_(lane),
        handlers_(std::move(handlers)),
        server_ports_(server_ports),
        runtime_api_(runtime_options(lane), {&lane.core}, handlers_.runtime_api) {}

  // Sockets: the Runtime API's, the server's, the names', and those that lead in. `extra`: what
  // extensions print, if there are any.
  base::Status attach(std::vector<sandbox::Fd> sockets, sandbox::Fd output, sandbox::Fd extra) {
    const std::size_t names = 1 + server_ports_;
    if (sockets.size() <= names)
      return base::error(base::ErrorCode::kInternal, "a socket is missing");
    ASSIGN_OR_RETURN(names_, async::UdpSocket::adopt(lane_.core, owned(std::move(sockets[names]))));
    ASSIGN_OR_RETURN(pipe_, async::PipeReader::adopt(lane_.core, owned(std::move(output))));
    if (extra) {
      ASSIGN_OR_RETURN(extra_pipe_, async::PipeReader::adopt(lane_.core, owned(std::move(extra))));
    }
    for (std::size_t i = names + 1; i < sockets.size(); ++i)
      inward_.push_back({.socket = InwardSocket(owned(std::move(sockets[i]))), .stream = nullptr});
    for (std::size_t i = 0; i < names; ++i) {
      ASSIGN_OR_RETURN(auto listener,
                       async::Listener::adopt(lane_.core, owned(std::move(sockets[i]))));
      if (i == 0) runtime_api_.start(std::move(listener), handlers_.runtime_api, handlers_.answers);
      else doors_.push_back(lane_.http.start(std::move(listener), {}, {}, kConnectionsPerPortMax));
    }
    async::spawn(lane_.core, gate_, serve_names(*names_));
    async::spawn(lane_.core, gate_, read_output(*pipe_, handlers_.output));
    if (extra_pipe_)
      async::spawn(lane_.core, gate_, read_output(*extra_pipe_, handlers_.extension_output));
    return {};
  }

  void drain() override {
    drain(extra_pipe_.get(), handlers_.extension_output);
    drain(pipe_.get(), handlers_.output);
  }

  async::Task<bool> post(std::size_t socket, std::uint16_t port, std::string target,
                         std::string body) override {
    if (closed_ || socket >= inward_.size()) co_return false;
    Inward& way = inward_[socket];
    if (way.stream != nullptr) co_return false;
    auto stream = way.socket.connect(lane_.core, port);
    if (!stream) co_return false;
    way.stream = *std::move(stream);
    const bool taken = co_await post_json(*way.stream, std::move(target), std::move(body));
    way.stream->close();
    way.stream.reset();
    co_return taken;
  }

  async::Task<void> close() override {
    closed_ = true;
    for (const Inward& way : inward_)
      if (way.stream != nullptr) way.stream->close();
    co_await runtime_api_.stop(lane_.core.now());
    for (const auto door : doors_) co_await lane_.http.stop_listener(door, lane_.core.now());
    if (pipe_) pipe_->close();
    if (extra_pipe_) extra_pipe_->close();
    if (names_) names_->close();
    co_await gate_.close();
  }

 private:
  struct Inward {
    InwardSocket socket;
    std::unique_ptr<async::Stream> stream;  // while something is posted
  };

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

  static void drain(async::PipeReader* pipe, const Output& output) {
    if (pipe == nullptr) return;
    std::array<char, 16'384> buffer;
    for (std::size_t total = 0; total < kDrainBytesMax;) {
      const auto got = pipe->try_read(buffer);
      if (!got || !*got || **got == 0) return;
      total += **got;
      output(std::string_view(buffer.data(), **got));
    }
  }

  Lane& lane_;
  const Handlers handlers_;
  const std::size_t server_ports_;
  wire::HttpServer runtime_api_;
  std::vector<wire::HttpServer::ListenerId> doors_;
  std::unique_ptr<async::UdpSocket> names_;
  std::unique_ptr<async::PipeReader> pipe_;
  std::unique_ptr<async::PipeReader> extra_pipe_;
  std::vector<Inward> inward_;
  bool closed_ = false;
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

std::vector<sandbox::Listener> ServerPlumbing::listeners(std::size_t inward) const {
  std::vector<sandbox::Listener> all = {{.port = runtime_api_port_}};
  for (const std::uint16_t port : server_ports_) all.push_back({.port = port});
  all.push_back({.protocol = sandbox::Protocol::kUdp, .port = kDnsPort});
  for (std::size_t i = 0; i < inward; ++i) all.push_back({.protocol = sandbox::Protocol::kTcpOut});
  return all;
}

std::unique_ptr<Connection> ServerPlumbing::connect(async::Core& core, sandbox::Process& process,
                                                    Handlers handlers) {
  const auto lane = std::ranges::find_if(lanes_, [&](const auto& l) { return &l->core == &core; });
  CHECK(lane != lanes_.end());
  auto wires = std::make_unique<Wires>(**lane, std::move(handlers), server_ports_.size());
  const base::Status attached =
      wires->attach(process.take_listeners(), process.take_stdout(), process.take_stderr());
  if (!attached) base::log_error("functions: {}", attached.error().to_string());
  return wires;
}

async::Task<void> ServerPlumbing::stop() {
  for (const auto& lane : lanes_) co_await lane->http.stop(lane->core.now());
}

}  // namespace functions
