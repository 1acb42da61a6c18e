#include "functions/extensions.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <filesystem>

#include "functions/instance_text.h"

namespace functions {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr std::string_view kIdentifier = "lambda-extension-identifier";

std::string header(const wire::HttpRequest& request, std::string_view name) {
  const std::string* const value = request.find(name);
  return value == nullptr ? std::string() : *value;
}

wire::HttpResponse forbidden(std::string_view type, const std::string& message) {
  return api_failure(403, type, message);
}

bool wants_account(const wire::HttpRequest& request) {
  const std::string features = header(request, "lambda-extension-accept-feature");
  return features.find("accountId") != std::string::npos;
}

}  // namespace

std::vector<std::string> external_extensions(const std::string& layers_folder) {
  std::vector<std::string> names;
  if (layers_folder.empty()) return names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(layers_folder + "/extensions", error))
    if (entry.is_regular_file(error) && ::access(entry.path().c_str(), X_OK) == 0)
      names.push_back(entry.path().filename());
  std::ranges::sort(names);
  return names;
}

void Extensions::expect(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    auto extension = std::make_shared<Extension>();
    extension->name = name;
    extension->external = true;
    extensions_.push_back(std::move(extension));
  }
}

bool Extensions::registered() const {
  return std::ranges::none_of(
      extensions_, [](const ExtensionPtr& one) { return one->state == State::kExpected; });
}

bool Extensions::ready() const {
  return std::ranges::all_of(extensions_,
                             [](const ExtensionPtr& one) { return one->state == State::kReady; });
}

std::vector<Extensions::Told> Extensions::list() const {
  std::vector<Told> all;
  for (const ExtensionPtr& one : extensions_) {
    Told told{.name = one->name,
              .state = one->state == State::kRegistered ? "Registered" : "Ready",
              .events = {}};
    if (one->wants_invoke) told.events.push_back("INVOKE");
    if (one->wants_shutdown) told.events.push_back("SHUTDOWN");
    all.push_back(std::move(told));
  }
  return all;
}

Extensions::ExtensionPtr Extensions::find(const wire::HttpRequest& request) const {
  const std::string id = header(request, kIdentifier);
  if (id.empty()) return nullptr;
  const auto found =
      std::ranges::find_if(extensions_, [&](const ExtensionPtr& one) { return one->id == id; });
  return found == extensions_.end() ? nullptr : *found;
}

std::string Extensions::name_of(const wire::HttpRequest& request) const {
  const ExtensionPtr extension = find(request);
  return extension == nullptr ? std::string() : extension->name;
}

wire::HttpResponse Extensions::stranger(const wire::HttpRequest& request) const {
  const std::string id = header(request, kIdentifier);
  if (id.empty())
    return forbidden("Extension.MissingExtensionIdentifier",
                     "Missing Lambda-Extension-Identifier header");
  return forbidden("Extension.UnknownExtensionIdentifier", "Unknown extension " + id);
}

async::Task<wire::HttpResponse> Extensions::serve(wire::HttpRequest request) {
  std::string_view what = request.path;
  what.remove_prefix(kExtensionApiPath.size());
  const bool asks = what == "event/next";
  if (!asks && what != "register" && what != "init/error" && what != "exit/error")
    co_return api_failure(404, "InvalidPath", "no such path");
  if (request.method != (asks ? "GET" : "POST"))
    co_return api_failure(405, "InvalidMethod", asks ? "use GET" : "use POST");
  if (what == "register") co_return enroll(request);
  const ExtensionPtr extension = find(request);
  if (extension == nullptr) co_return stranger(request);
  if (!asks) co_return fail(*extension, request, what == "init/error");
  auto response = co_await next(extension);
  co_return response;
}

wire::HttpResponse Extensions::enroll(const wire::HttpRequest& request) {
  const std::string name = header(request, "lambda-extension-name");
  if (name.empty()) return forbidden("Extension.InvalidExtensionName", "Empty extension name");
  boost::system::error_code failure;
  const json::value body = json::parse(request.body, failure);
  if (failure || !body.is_object())
    return forbidden("InvalidRequestFormat", "the body is no JSON object");
  const json::object& asked = body.as_object();
  const auto found =
      std::ranges::find_if(extensions_, [&](const ExtensionPtr& one) { return one->name == name; });
  ExtensionPtr extension;
  if (found != extensions_.end()) extension = *found;
  if (extension != nullptr && extension->state != State::kExpected)
    return forbidden("Extension.InvalidExtensionState",
                     "Extension with this name already registered");
  if (extension == nullptr) {
    if (!open_)
      return forbidden("Extension.RegistrationClosed", "Extension registration closed already");
    if (extensions_.size() >= kExtensionsMax)
      return forbidden("Extension.TooManyExtensions",
                       fmt::format("Extension limit ({}) reached", kExtensionsMax));
    extension = std::make_shared<Extension>();
    extension->name = name;
  }
  bool wants_invoke = false;
  bool wants_shutdown = false;
  if (const json::value* const events = asked.if_contains("events");
      events != nullptr && events->is_array())
    for (const json::value& one : events->as_array()) {
      const bool shutdown = one == "SHUTDOWN" && extension->external;
      if (one != "INVOKE" && !shutdown)
        return forbidden("Extension.InvalidEventType", json::serialize(one) + ": no such event");
      (shutdown ? wants_shutdown : wants_invoke) = true;
    }
  extension->wants_invoke = wants_invoke;
  extension->wants_shutdown = wants_shutdown;
  extension->id = base::uuid(deps_.random);
  extension->state = State::kRegistered;
  if (found == extensions_.end()) extensions_.push_back(extension);
  json::object told{{"functionName", deps_.key.name},
                    {"functionVersion", deps_.version.version},
                    {"handler", deps_.version.handler}};
  if (wants_account(request)) told["accountId"] = deps_.key.account_id;
  deps_.changed();
  return {.status = 200,
          .headers = {{"Content-Type", "application/json"},
                      {"Lambda-Extension-Identifier", extension->id}},
          .body = json::serialize(told),
          .stream = {}};
}

// Of several questions of one extension only the last counts.
async::Task<wire::HttpResponse> Extensions::next(ExtensionPtr extension) {
  const std::uint64_t poll = ++extension->polls;
  if (extension->state == State::kFailed)
    co_return forbidden("Extension.InvalidExtensionState", "the extension has failed");
  if (!extension->event) {
    extension->state = State::kReady;
    deps_.changed();
  }
  for (;;) {
    const std::uint64_t seen = changed_.version();
    if (closed_ || poll != extension->polls)
      co_return api_failure(503, "Ended", "this environment takes no more events");
    if (extension->event) break;
    co_await changed_.wait_past(seen);
  }
  co_return wire::HttpResponse{
      .status = 200,
      .headers = {{"Content-Type", "application/json"},
                  {"Lambda-Extension-Event-Identifier", base::uuid(deps_.random)}},
      .body = *std::exchange(extension->event, std::nullopt),
      .stream = {}};
}

wire::HttpResponse Extensions::fail(Extension& extension, const wire::HttpRequest& request,
                                    bool in_init) {
  const std::string type = header(request, "lambda-extension-function-error-type");
  if (type.empty())
    return forbidden("Extension.MissingHeader", "Lambda-Extension-Function-Error-Type not found");
  extension.state = State::kFailed;
  std::string message = type;
  boost::system::error_code failure;
  const json::value body = json::parse(request.body, failure);
  if (!failure && body.is_object())
    if (const json::value* const told = body.as_object().if_contains("errorMessage");
        told != nullptr && told->is_string())
      message = std::string(told->as_string());
  deps_.failed({.type = in_init ? "Extension.InitError" : "Extension.ExitError",
                .message = std::move(message)});
  return api_accepted();
}

void Extensions::invoke(const std::string& event) {
  for (const ExtensionPtr& one : extensions_) {
    if (!one->wants_invoke || one->state == State::kFailed) continue;
    one->event = event;
    one->state = State::kRunning;
  }
  changed_.notify();
}

bool Extensions::shut_down(const std::string& event) {
  if (std::exchange(shut_down_, true)) return false;
  bool any = false;
  for (const ExtensionPtr& one : extensions_) {
    if (!one->wants_shutdown || one->state == State::kFailed) continue;
    one->event = event;
    one->state = State::kRunning;
    any = true;
  }
  changed_.notify();
  return any;
}

void Extensions::close() {
  closed_ = true;
  changed_.notify();
}

}  // namespace functions
