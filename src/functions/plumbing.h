#pragma once

// Plumbing: what connects the sockets and pipes of a sandbox with us. An interface so that tests of
// the Invoker need no kernel; server_plumbing.h is the real one.

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "async/core.h"
#include "base/result.h"
#include "sandbox/sandbox.h"
#include "wire/http_upload.h"

namespace functions {

// One sandbox's connections. Lives on its instance's core.
class Connection {
 public:
  virtual ~Connection() = default;
  // Hands over what the process has printed up to now, without waiting.
  virtual void drain() = 0;
  // Posts `body` (JSON) to a server inside, at 127.0.0.1, through one of the sockets that lead in;
  // true: it answered with a 2xx. One at a time for each socket; waits for as long as it takes.
  virtual async::Task<bool> post(std::size_t /*socket*/, std::uint16_t /*port*/,
                                 std::string /*target*/, std::string /*body*/) {
    co_return false;
  }
  // Ends all of them and waits. Once; the handlers are not called any more.
  virtual async::Task<void> close() = 0;
};

class Plumbing {
 public:
  struct Handlers {
    wire::HttpHandler runtime_api;
    wire::Uploads answers;  // to the Runtime API, that are taken while they are written
    std::function<void(std::string_view)> output;  // a stretch of stdout and stderr
    std::function<void(std::string_view)> extension_output;
  };

  virtual ~Plumbing() = default;
  // The sockets that a sandbox is to have; in the order that connect() expects. `inward` of them
  // are for post().
  virtual std::vector<sandbox::Listener> listeners(std::size_t inward) const = 0;
  virtual std::uint16_t runtime_api_port() const = 0;
  // On `core`, where the handlers are called too. What cannot be connected is logged; the process
  // then fails by itself.
  virtual std::unique_ptr<Connection> connect(async::Core& core, sandbox::Process& process,
                                              Handlers handlers) = 0;
};

}  // namespace functions
