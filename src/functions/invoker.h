#pragma once

// Invoker: runs functions. Keeps sandboxed instances warm, one invocation at a time in each, starts
// more as invocations come side by side, and ends those that stand idle or are out of date.
//
// One per server. invoke() is thread-safe; a function's instances live on one core, chosen by its
// ARN. Nothing survives a crash but what EventQueue (event_queue.h) holds.

#include <memory>
#include <string>
#include <vector>

#include "api/error.h"
#include "async/asio_core.h"
#include "base/random.h"
#include "functions/catalogue.h"
#include "functions/code_store.h"
#include "functions/invocation.h"
#include "functions/plumbing.h"
#include "functions/ports.h"
#include "functions/response_pipe.h"
#include "functions/runtime.h"
#include "sandbox/sandbox.h"

namespace functions {

struct InvokerLimits {
  std::size_t instances_max = 256;          // of all functions
  std::size_t function_instances_max = 64;  // of one, where it reserves no number
  std::chrono::milliseconds init_timeout{10'000};
  std::chrono::milliseconds provisioned_init_timeout{130'000};
  // Provisioned instances that fail are made again after that.
  std::chrono::milliseconds provision_again_after{30'000};
  std::chrono::milliseconds freeze_after{500};   // idle
  std::chrono::milliseconds end_after{300'000};  // idle
  // Instances whose credentials end sooner take no more work. Longer than any invocation.
  std::chrono::minutes credentials_margin{20};
  // Today's interpreters need more than functions of old ask for.
  std::int32_t interpreter_memory_mb_min = 256;
  std::int32_t java_memory_mb_min = 512;
};

// The server as a sandbox sees it.
struct Endpoint {
  std::uint16_t port = 4566;
  std::string authority_pem = {};  // ours
  std::string bundle_file = {};    // the host's and ours together; empty: there is none
  // The host's bundles: the one above takes their place inside.
  std::vector<std::string> bundle_paths = {};
};
// Reads the host's bundle, and writes the one of both to `folder`, which it makes; blocks. All
// sandboxes share that file, which is larger than all else that they are made of.
base::Result<Endpoint> make_endpoint(std::uint16_t port, std::string authority_pem,
                                     const std::string& folder);

// How far the environments that are kept ready for a qualifier are.
struct ProvisionedState {
  std::size_t ready = 0;
  std::string failure;  // why there are not more; empty: they are on their way or all there
};

class Invoker {
 public:
  struct Deps {
    const Catalogue& catalogue;
    CodeStore& code;
    const Runtimes& runtimes;
    Credentials& credentials;
    LogSink& logs;
    sandbox::Launcher& launcher;
    Plumbing& plumbing;
    const base::Clock& clock;
    base::Random& random;
    Observer* observer = nullptr;  // nullptr: nobody is told
  };

  // `cores` run the functions; at least one.
  Invoker(Deps deps, Endpoint endpoint, std::vector<async::Core*> cores, InvokerLimits limits = {});
  ~Invoker();

  // Errors: ResourceNotFoundException, TooManyRequestsException "Rate Exceeded.",
  // RequestTooLargeException. What the function itself does wrong is a result with
  // function_error.
  async::Task<api::Outcome<InvocationResult>> invoke(Invocation invocation);

  // The same for whoever reads the answer while the function writes it. Any thread.
  ResponseReader invoke_streaming(Invocation invocation);

  // The function changed or is gone: of its instances, those that are out of date end now if they
  // are idle and once they have answered if not; those that are to be ready are made. Any thread.
  void refresh(const FunctionKey& key);
  // Makes what Function::provisioned asks for. Once, when the catalogue is there.
  void start();
  // Of a version or an alias. Any thread.
  async::Task<ProvisionedState> provisioned(FunctionKey key, std::string qualifier);

  // Refuses newcomers, ends every instance, waits. Once; from a core; before the cores stop.
  async::Task<void> stop();

  std::size_t instances() const;  // now, of all functions

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace functions
