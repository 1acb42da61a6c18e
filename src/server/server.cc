#include "server/server.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "async/tcp.h"
#include "async/tls.h"
#include "base/log.h"
#include "server/adapters/change_feeds.h"
#include "server/adapters/stack_ports.h"
#include "server/compute.h"
#include "server/domains.h"
#include "server/metrics_page.h"
#include "services/cloudformation/cloudformation.h"
#include "services/cloudwatch/cloudwatch.h"
#include "services/dynamodb/dynamodb.h"
#include "services/dynamodbstreams/dynamodbstreams.h"
#include "services/iam/iam.h"
#include "services/kinesis/kinesis.h"
#include "services/lambda/lambda.h"
#include "services/lambda/url_front.h"
#include "services/logs/logs.h"
#include "services/s3/s3.h"
#include "services/sts/sts.h"
#include "stacks/engine.h"
#include "stacks/resources/all.h"
#include "wire/dispatcher.h"
#include "wire/http_server.h"

namespace server {
namespace {

using namespace std::chrono_literals;

constexpr auto kDrain = 2s;  // for requests that run when the server is told to stop
// Of the machine's memory, for bodies coming in and for answers going out.
constexpr std::size_t kBodyPart = 8;
constexpr std::size_t kAnswerPart = 16;

// What a client on this machine is to connect to.
std::string endpoint_of(const Settings& settings, std::uint16_t port) {
  if (settings.address == "0.0.0.0" || settings.address == "::")
    return fmt::format("http://127.0.0.1:{}", port);
  const bool v6 = settings.address.find(':') != std::string::npos;
  return v6 ? fmt::format("http://[{}]:{}", settings.address, port)
            : fmt::format("http://{}:{}", settings.address, port);
}

wire::HttpLimits limits_for(std::size_t memory_bytes) {
  wire::HttpLimits limits;
  limits.body_budget_bytes = std::min(limits.body_budget_bytes, memory_bytes / kBodyPart);
  limits.answer_budget_bytes = std::min(limits.answer_budget_bytes, memory_bytes / kAnswerPart);
  return limits;
}

std::size_t machine_memory() {
  const long pages = ::sysconf(_SC_PHYS_PAGES);
  const long page_bytes = ::sysconf(_SC_PAGESIZE);
  if (pages <= 0 || page_bytes <= 0) return SIZE_MAX;
  return static_cast<std::size_t>(pages) * static_cast<std::size_t>(page_bytes);
}

}  // namespace

// In the order of construction; later parts use earlier ones and stop before them.
struct Server::Parts {
  Parts(Settings given, std::unique_ptr<Storage> opened);

  base::Status open();
  base::Status open_compute(std::shared_ptr<const async::TlsServerContext> tls, std::uint16_t port);
  void register_services();
  base::Status open_metrics_page();
  async::Task<wire::HttpResponse> serve(wire::HttpRequest&& request);
  void stop();

  Settings settings;
  std::unique_ptr<Storage> storage;
  Domains domains;
  ChangeFeeds feeds;
  auth::Authorizer authorizer;
  auth::Authenticator authenticator;
  wire::Registry registry;
  wire::Caller caller;
  std::unique_ptr<Compute> compute;

  stacks::ResourceRegistry resource_types;
  BucketTemplates templates;
  ResponseRoute response_route;
  stacks::ResponseChannel responses;
  std::unique_ptr<stacks::Engine> stacks;

  std::unique_ptr<tables::Throttle> throttle;  // where limits are enforced

  services::iam::Deps iam;
  services::sts::Deps sts;
  services::kinesis::Deps kinesis;
  services::dynamodb::Deps dynamodb;
  services::dynamodbstreams::Deps dynamodbstreams;
  services::s3::Deps s3;
  services::logs::Deps logs;
  services::cloudwatch::Deps cloudwatch;
  std::unique_ptr<services::lambda::Deps> lambda;
  std::unique_ptr<services::cloudformation::Deps> cloudformation;
  std::unique_ptr<services::lambda::UrlFront> function_urls;

  std::unique_ptr<wire::Dispatcher> dispatcher;
  std::unique_ptr<MetricsPage> metrics_page;
  std::unique_ptr<async::Listener> metrics_listener;  // until it is served
  std::unique_ptr<wire::HttpServer> http;
  std::string endpoint;
  bool stopped = false;
};

Server::Parts::Parts(Settings given, std::unique_ptr<Storage> opened)
    : settings(std::move(given)),
      storage(std::move(opened)),
      domains(settings, *storage),
      feeds(domains.changes, domains.tables, domains.streams, storage->store(), storage->control()),
      authorizer(domains.identity, storage->clock),
      authenticator(domains.identity, storage->clock),
      caller(registry, authorizer),
      templates(caller),
      responses(response_route),
      throttle(settings.enforce_limits ? std::make_unique<tables::Throttle>(storage->clock)
                                       : nullptr),
      iam{.identity = domains.identity, .clock = storage->clock},
      sts{.identity = domains.identity, .clock = storage->clock},
      kinesis{.streams = domains.streams,
              .sealer = *storage->sealer,
              .clock = storage->clock,
              .shard_limit = settings.shard_limit,
              .fan_out_bytes_per_second =
                  settings.enforce_limits ? std::uint64_t{streamlog::kBytesOutPerSecond} : 0,
              .recorder = &domains.recorder},
      dynamodb{.tables = domains.tables,
               .clock = storage->clock,
               .recorder = &domains.recorder,
               .throttle = throttle.get(),
               .is_stream =
                   [this](const std::string& arn) {
                     const auto key = services::kinesis::parse_stream_arn(arn);
                     return key && domains.streams.find(*key) != nullptr;
                   },
               .authorizer = &authorizer,
               .backups = &domains.backups,
               .exports = &domains.exports,
               .imports = &domains.imports,
               .caller = &caller},
      dynamodbstreams{.changes = domains.changes,
                      .sealer = *storage->sealer,
                      .clock = storage->clock,
                      .policy_of =
                          [this](const changes::StreamName& name) {
                            return domains.tables.catalogue().stream_policy_of(
                                {name.account, name.region, name.table}, name.label);
                          }},
      s3{.objects = domains.objects, .authorizer = authorizer},
      logs{.journal = domains.journal,
           .sealer = *storage->sealer,
           .clock = storage->clock,
           .metrics = domains.metrics},
      cloudwatch{.metrics = domains.metrics, .sealer = *storage->sealer, .clock = storage->clock} {}

void Server::Parts::register_services() {
  services::iam::register_operations(registry, iam);
  services::sts::register_operations(registry, sts);
  services::kinesis::register_operations(registry, kinesis);
  services::dynamodb::register_operations(registry, dynamodb);
  services::dynamodbstreams::register_operations(registry, dynamodbstreams);
  services::s3::register_operations(registry, s3);
  services::logs::register_operations(registry, logs);
  services::cloudwatch::register_operations(registry, cloudwatch);
  services::lambda::register_operations(registry, *lambda);
  services::cloudformation::register_operations(registry, *cloudformation);
}

async::Task<wire::HttpResponse> Server::Parts::serve(wire::HttpRequest&& request) {
  if (services::lambda::UrlFront::takes(request)) return function_urls->handle(std::move(request));
  return dispatcher->handle(std::move(request));
}

base::Status Server::Parts::open_compute(std::shared_ptr<const async::TlsServerContext> tls,
                                         std::uint16_t port) {
  ASSIGN_OR_RETURN(
      compute,
      Compute::open(
          {.settings = settings,
           .storage = *storage,
           .domains = domains,
           .caller = caller,
           .authorizer = authorizer,
           .server = [this](wire::HttpRequest&& request) { return serve(std::move(request)); },
           .tls = std::move(tls),
           .port = port}));
  lambda = std::make_unique<services::lambda::Deps>(
      services::lambda::Deps{.catalogue = compute->catalogue,
                             .layers = compute->layers,
                             .code = compute->code,
                             .invoker = compute->invoker,
                             .events = compute->events,
                             .credentials = compute->credentials,
                             .mappings = compute->mappings,
                             .sources = compute->sources,
                             .packages = compute->packages,
                             .clock = storage->clock,
                             .random = storage->random});
  function_urls = std::make_unique<services::lambda::UrlFront>(*lambda, authenticator, authorizer);
  stacks::resources::add_all(resource_types);
  stacks = std::make_unique<stacks::Engine>(stacks::EngineParts{.core = storage->control(),
                                                                .store = storage->store(),
                                                                .caller = caller,
                                                                .registry = resource_types,
                                                                .templates = templates,
                                                                .responses = responses,
                                                                .clock = storage->clock,
                                                                .random = storage->random});
  cloudformation = std::make_unique<services::cloudformation::Deps>(
      services::cloudformation::Deps{.engine = *stacks, .templates = templates});
  return {};
}

base::Status Server::Parts::open_metrics_page() {
  if (settings.metrics_address.empty()) return {};
  ASSIGN_OR_RETURN(
      metrics_listener,
      async::Listener::listen(storage->control(), settings.metrics_address, settings.metrics_port));
  metrics_page = std::make_unique<MetricsPage>(
      domains.metrics, domains.recorder, [this, started = storage->clock.now()] {
        return ProcessFigures{.http = http->figures(),
                              .store = storage->store_metrics(),
                              .function_instances = compute->invoker.instances(),
                              .started = started};
      });
  return {};
}

base::Status Server::Parts::open() {
  async::AsioCore& control = storage->control();
  // First: most starts that fail do it here. Who connects waits until everything stands.
  ASSIGN_OR_RETURN(auto listener,
                   async::Listener::listen(control, settings.address, settings.port));
  // Whoever finds the port open finds the rest of what `millrace env` says, too.
  endpoint = endpoint_of(settings, listener->port());
  RETURN_IF_ERROR(write_endpoint(storage->files, settings.data_dir, endpoint, settings.region));
  RETURN_IF_ERROR(domains.open(control));
  RETURN_IF_ERROR(open_metrics_page());
  response_route.set_endpoint(endpoint);
  auto& authority = *storage->secrets.authority;
  ASSIGN_OR_RETURN(auto tls,
                   async::TlsServerContext::make(
                       [&authority](const std::string& host) { return authority.for_host(host); },
                       {"h2", "http/1.1"}));
  RETURN_IF_ERROR(open_compute(tls, listener->port()));
  register_services();
  dispatcher = std::make_unique<wire::Dispatcher>(
      wire::DispatcherOptions{.account_id = settings.account_id, .default_region = settings.region},
      registry, authenticator, authorizer, storage->random);
  dispatcher->add_route(std::string(ResponseRoute::kPath),
                        response_handler(responses, response_route));
  wire::HttpOptions options;
  options.limits = limits_for(machine_memory());
  options.tls = std::move(tls);
  options.clock = &storage->clock;
  http = std::make_unique<wire::HttpServer>(
      std::move(options), storage->cores(),
      [this](wire::HttpRequest&& request) { return serve(std::move(request)); });
  RETURN_IF_ERROR(async::wait_for(control, stacks->start()));
  domains.start();
  feeds.start();
  compute->start();
  http->start(std::move(listener));
  if (metrics_listener)
    http->start(std::move(metrics_listener), [this](wire::HttpRequest request) {
      return metrics_page->answer(std::move(request));
    });
  return {};
}

// What open() came to before it failed stops like everything else.
void Server::Parts::stop() {
  if (std::exchange(stopped, true)) return;
  async::AsioCore& control = storage->control();
  // Functions first: whoever waits for one, a request or a stack, is answered and can end.
  if (compute) compute->stop(control);
  if (http) async::wait_for(control, http->stop(control.now() + kDrain));
  if (stacks) async::wait_for(control, stacks->stop());
  async::wait_for(control, feeds.stop());
  domains.stop(control);
  storage->close();
}

base::Result<std::unique_ptr<Server>> Server::start(Settings settings) {
  ASSIGN_OR_RETURN(auto storage, Storage::open(settings));
  auto parts = std::make_unique<Parts>(std::move(settings), std::move(storage));
  const base::Status opened = parts->open();
  auto server = std::unique_ptr<Server>(new Server(std::move(parts)));
  if (!opened) return std::unexpected(opened.error());
  return server;
}

Server::Server(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Server::~Server() { stop(); }
const std::string& Server::endpoint() const { return parts_->endpoint; }
void Server::stop() { parts_->stop(); }

}  // namespace server
