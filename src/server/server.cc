#include "server/server.h"

#include <fmt/format.h>

#include "async/tcp.h"
#include "async/tls.h"
#include "base/log.h"
#include "identity/identity.h"
#include "server/storage.h"
#include "services/iam/iam.h"
#include "services/kinesis/kinesis.h"
#include "services/sts/sts.h"
#include "streamlog/stream_log.h"
#include "wire/caller.h"
#include "wire/dispatcher.h"
#include "wire/http_server.h"

namespace server {
namespace {

using namespace std::chrono_literals;

constexpr auto kDrain = 2s;  // for requests that run when the server is told to stop

}  // namespace

// In the order of construction; later parts use earlier ones and stop before them.
struct Server::Parts {
  Parts(Settings given, std::unique_ptr<Storage> opened);

  base::Status open();
  base::Status listen();
  void register_services();
  void stop();

  Settings settings;
  std::unique_ptr<Storage> storage;
  identity::Identity identity;
  streamlog::StreamLog streams;

  auth::Authorizer authorizer;
  auth::Authenticator authenticator;
  wire::Registry registry;
  wire::Caller caller;

  services::iam::Deps iam;
  services::sts::Deps sts;
  services::kinesis::Deps kinesis;

  std::unique_ptr<wire::Dispatcher> dispatcher;
  std::unique_ptr<wire::HttpServer> http;
  std::string endpoint;
  bool running = false;
};

Server::Parts::Parts(Settings given, std::unique_ptr<Storage> opened)
    : settings(std::move(given)),
      storage(std::move(opened)),
      identity(settings.account_id, storage->secrets.root, storage->store(), storage->control(),
               storage->clock, storage->random, *storage->sealer),
      streams(
          storage->store(), storage->control(),
          [this](std::uint64_t n) -> async::Core& { return storage->cores().owner(n); },
          storage->clock, storage->random),
      authorizer(identity, storage->clock),
      authenticator(identity, storage->clock),
      caller(registry, authorizer),
      iam{.identity = identity, .clock = storage->clock},
      sts{.identity = identity, .clock = storage->clock},
      kinesis{.streams = streams,
              .sealer = *storage->sealer,
              .clock = storage->clock,
              .shard_limit = settings.shard_limit} {}

void Server::Parts::register_services() {
  services::iam::register_operations(registry, iam);
  services::sts::register_operations(registry, sts);
  services::kinesis::register_operations(registry, kinesis);
}

base::Status Server::Parts::open() {
  async::AsioCore& control = storage->control();
  RETURN_IF_ERROR(async::wait_for(control, identity.open()));
  RETURN_IF_ERROR(async::wait_for(control, streams.open()));
  register_services();
  dispatcher = std::make_unique<wire::Dispatcher>(
      wire::DispatcherOptions{.account_id = settings.account_id, .default_region = settings.region},
      registry, authenticator, authorizer, storage->clock, storage->random);
  return {};
}

base::Status Server::Parts::listen() {
  auto& authority = *storage->secrets.authority;
  ASSIGN_OR_RETURN(auto tls,
                   async::TlsServerContext::make(
                       [&authority](const std::string& host) { return authority.for_host(host); },
                       {"h2", "http/1.1"}));
  wire::HttpOptions options;
  options.tls = std::move(tls);
  options.clock = &storage->clock;
  http = std::make_unique<wire::HttpServer>(
      std::move(options), storage->cores(),
      [this](wire::HttpRequest request) { return dispatcher->handle(std::move(request)); });
  ASSIGN_OR_RETURN(auto listener,
                   async::Listener::listen(storage->control(), settings.address, settings.port));
  const bool v6 = settings.address.find(':') != std::string::npos;
  endpoint = fmt::format(fmt::runtime(v6 ? "http://[{}]:{}" : "http://{}:{}"), settings.address,
                         listener->port());
  RETURN_IF_ERROR(write_endpoint(storage->files, settings.data_dir, endpoint, settings.region));
  streams.start();
  running = true;
  http->start(std::move(listener));
  return {};
}

void Server::Parts::stop() {
  if (!std::exchange(running, false)) return;
  async::AsioCore& control = storage->control();
  async::wait_for(control, http->stop(control.now() + kDrain));
  async::wait_for(control, streams.stop());
  storage->close();
}

base::Result<std::unique_ptr<Server>> Server::start(Settings settings) {
  ASSIGN_OR_RETURN(auto storage, Storage::open(settings));
  auto parts = std::make_unique<Parts>(std::move(settings), std::move(storage));
  RETURN_IF_ERROR(parts->open());
  RETURN_IF_ERROR(parts->listen());
  return std::unique_ptr<Server>(new Server(std::move(parts)));
}

Server::Server(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Server::~Server() { stop(); }
const std::string& Server::endpoint() const { return parts_->endpoint; }
void Server::stop() { parts_->stop(); }

}  // namespace server
