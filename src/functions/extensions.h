#pragma once

// Extensions: the Extensions API (2020-01-01) of one instance. Who has registered, who waits for
// the next event, and what each is to be told. External extensions are programs of /opt/extensions
// and are known beforehand; internal ones are part of the runtime's process and just turn up.
//
// Owned by its Instance, on its core. Nothing survives a crash.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "async/signal.h"
#include "base/random.h"
#include "functions/function.h"
#include "wire/http_types.h"

namespace functions {

inline constexpr std::size_t kExtensionsMax = 10;  // as on AWS
inline constexpr std::string_view kExtensionsFolder = "/opt/extensions";
inline constexpr std::string_view kExtensionApiPath = "/2020-01-01/extension/";

// The programs in the folder below what stands at /opt, by name. Reads the host's disk.
std::vector<std::string> external_extensions(const std::string& layers_folder);

class Extensions {
 public:
  struct Told {
    std::string name;
    std::string state;  // "Registered", "Ready"
    std::vector<std::string> events;
  };
  struct Failure {
    std::string type;  // "Extension.InitError", "Extension.ExitError"
    std::string message;
  };
  struct Deps {
    const FunctionKey& key;
    const Version& version;
    base::Random& random;
    std::function<void()> changed;  // somebody registered or is ready
    std::function<void(Failure)> failed;
  };

  explicit Extensions(Deps deps) : deps_(std::move(deps)) {}

  // Before the first of them starts.
  void expect(const std::vector<std::string>& names);
  async::Task<wire::HttpResponse> serve(wire::HttpRequest request);

  // Every external one has registered.
  bool registered() const;
  // Every one waits for its next event.
  bool ready() const;
  bool any() const { return !extensions_.empty(); }
  bool open() const { return open_; }
  void close_registration() { open_ = false; }
  // Whose identifier it is; empty: nobody's.
  std::string name_of(const wire::HttpRequest& request) const;
  std::vector<Told> list() const;

  // `event` (JSON) goes to all that asked to hear of invocations.
  void invoke(const std::string& event);
  // The same for the end; false: nobody asked to hear of it. Later calls do nothing.
  bool shut_down(const std::string& event);
  // Who waits is sent away, now and later. Before the instance's connections end.
  void close();

 private:
  enum class State { kExpected, kRegistered, kReady, kRunning, kFailed };
  struct Extension {
    std::string name;
    bool external = false;
    State state = State::kExpected;
    bool wants_invoke = false;
    bool wants_shutdown = false;
    std::string id;
    std::uint64_t polls = 0;
    std::optional<std::string> event;  // to be given with the next answer
  };
  using ExtensionPtr = std::shared_ptr<Extension>;

  wire::HttpResponse enroll(const wire::HttpRequest& request);
  async::Task<wire::HttpResponse> next(ExtensionPtr extension);
  wire::HttpResponse fail(Extension& extension, const wire::HttpRequest& request, bool in_init);
  ExtensionPtr find(const wire::HttpRequest& request) const;
  wire::HttpResponse stranger(const wire::HttpRequest& request) const;

  const Deps deps_;
  std::vector<ExtensionPtr> extensions_;
  bool open_ = true;
  bool shut_down_ = false;
  bool closed_ = false;
  async::Signal changed_;
};

}  // namespace functions
