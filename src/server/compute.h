#pragma once

// What Millrace runs: functions in their sandboxes, and the mappings that feed them. Over the
// domains, under the services.

#include <memory>

#include "async/tls.h"
#include "functions/code_store.h"
#include "functions/event_queue.h"
#include "functions/layers.h"
#include "functions/server_plumbing.h"
#include "mapping/mappings.h"
#include "sandbox/host_launcher.h"
#include "server/adapters/change_source.h"
#include "server/adapters/event_destinations.h"
#include "server/adapters/function_ports.h"
#include "server/domains.h"

namespace server {

struct ComputeParts {
  const Settings& settings;
  Storage& storage;
  Domains& domains;
  const wire::Caller& caller;
  const auth::Authorizer& authorizer;
  wire::HttpHandler server;  // what functions reach under AWS's names
  std::shared_ptr<const async::TlsServerContext> tls;
  std::uint16_t port = 0;
};

class Compute {
 public:
  // kPermission: the host isolates less than it should, and the settings do not allow that.
  static base::Result<std::unique_ptr<Compute>> open(ComputeParts parts);

  void start();
  void stop(async::Core& control);

  functions::Catalogue catalogue;
  functions::Layers layers;
  functions::CodeStore code;
  RoleSessions credentials;
  BucketCode packages;

 private:
  Compute(ComputeParts& parts, std::unique_ptr<sandbox::HostLauncher> launcher,
          functions::Endpoint endpoint);
  base::Status load(async::Core& control);

  std::unique_ptr<sandbox::HostLauncher> launcher_;
  functions::Runtimes runtimes_;
  RoleLogs logs_;
  functions::ServerPlumbing plumbing_;
  LambdaFigures figures_;
  EventDestinations destinations_;

 public:
  functions::Invoker invoker;
  functions::EventQueue events;

 private:
  MappedFunctions mapped_;
  FailedBatches failed_batches_;
  StreamSources stream_sources_;
  ChangeSources change_sources_;

 public:
  RecordSources sources;
  mapping::Mappings mappings;
};

}  // namespace server
