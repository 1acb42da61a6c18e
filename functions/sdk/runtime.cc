#include "sdk/runtime.h"

#include <cxxabi.h>

#include <boost/json.hpp>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <typeinfo>

#include "sdk/digest.h"

namespace sdk {
namespace {

constexpr std::string_view kVersionPath = "/2018-06-01/runtime";

std::string type_name(const std::type_info& type) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> name(
      abi::__cxa_demangle(type.name(), nullptr, nullptr, &status), std::free);
  return name ? name.get() : type.name();
}

// Exceptions stop here: what the code below throws becomes an error value.
template <class T, class Run>
Result<T> guarded(Run run) {
  try {
    return run();
  } catch (const std::exception& e) {
    return failure(Fault::kException, type_name(typeid(e)), e.what());
  } catch (...) {
    return failure(Fault::kException, "UnknownException", "something that is not a std::exception");
  }
}

std::string describe(const Error& error) { return error.type + ": " + error.message; }

}  // namespace

std::string error_json(const Error& error) {
  return boost::json::serialize(boost::json::object{{"errorType", error.type},
                                                    {"errorMessage", error.message},
                                                    {"stackTrace", boost::json::array()}});
}

Result<Event> event_from(Response response) {
  if (response.status != 200) {
    return failure(Fault::kProtocol, "BadRuntimeAnswer",
                   "the runtime answered with status " + std::to_string(response.status));
  }
  Event event{.payload = {},
              .request_id = std::string(response.header("Lambda-Runtime-Aws-Request-Id")),
              .deadline = Deadline::never(),
              .function_arn = std::string(response.header("Lambda-Runtime-Invoked-Function-Arn")),
              .trace_id = std::string(response.header("Lambda-Runtime-Trace-Id")),
              .client_context = std::string(response.header("Lambda-Runtime-Client-Context")),
              .cognito_identity = std::string(response.header("Lambda-Runtime-Cognito-Identity"))};
  if (event.request_id.empty()) {
    return failure(Fault::kProtocol, "BadRuntimeAnswer", "the runtime sent no request id");
  }
  const std::string_view text = response.header("Lambda-Runtime-Deadline-Ms");
  if (!text.empty()) {
    const char* end = text.data() + text.size();
    const auto [stop, code] = std::from_chars(text.data(), end, event.deadline.unix_ms);
    if (code != std::errc() || stop != end) {
      return failure(Fault::kProtocol, "BadRuntimeAnswer", "the runtime sent a bad deadline");
    }
  }
  event.payload = std::move(response.body);
  return event;
}

Result<Event> RuntimeClient::next() {
  const Request request{.method = "GET",
                        .target = std::string(kVersionPath) + "/invocation/next",
                        .headers = {},
                        .body = {}};
  auto response = transport_.send(request, Deadline::never());
  if (!response) return std::unexpected(response.error());
  return event_from(std::move(*response));
}

Result<void> RuntimeClient::respond(const std::string& request_id, std::string payload) {
  return post("/invocation/" + request_id + "/response", std::move(payload), "");
}

Result<void> RuntimeClient::report_error(const std::string& request_id, const Error& error) {
  return post("/invocation/" + request_id + "/error", error_json(error), error.type);
}

Result<void> RuntimeClient::report_init_error(const Error& error) {
  return post("/init/error", error_json(error), error.type);
}

Result<void> RuntimeClient::post(std::string target, std::string body,
                                 std::string_view error_type) {
  Request request{.method = "POST",
                  .target = std::string(kVersionPath) + target,
                  .headers = {{"Content-Type", "application/json"}},
                  .body = std::move(body)};
  if (!error_type.empty()) {
    request.headers.push_back({"Lambda-Runtime-Function-Error-Type", one_line(error_type)});
  }
  auto response = transport_.send(request, Deadline::never());
  if (!response) return std::unexpected(response.error());
  if (response->status / 100 == 2) return {};
  return failure(Fault::kService, "RuntimeRefusedAnswer",
                 "the runtime refused the answer with status " + std::to_string(response->status));
}

Result<void> serve_one(RuntimeClient& client, const Handler& handler, const Clock& clock,
                       Log& log) {
  auto event = client.next();
  if (!event) return std::unexpected(event.error());
  // Tracing tools look for the current trace in the environment; this process has one thread.
  if (!event->trace_id.empty()) ::setenv("_X_AMZN_TRACE_ID", event->trace_id.c_str(), 1);
  const Context context(clock, event->deadline);
  auto answer = guarded<std::string>([&] { return handler(*event, context); });
  if (answer) {
    auto sent = client.respond(event->request_id, std::move(*answer));
    if (sent || sent.error().fault != Fault::kService) return sent;
    answer = std::unexpected(sent.error());
  }
  log.line("error requestId=" + event->request_id + " " + describe(answer.error()));
  auto reported = client.report_error(event->request_id, answer.error());
  // Refused: the invocation has ended meanwhile (time-out). The next one may go well.
  if (!reported && reported.error().fault == Fault::kService) {
    log.line(describe(reported.error()));
    return {};
  }
  return reported;
}

int run_function(const Init& init) {
  ::signal(SIGPIPE, SIG_IGN);  // a closed TLS connection is an error value, not the end
  init_crypto();
  const Environment environment = Environment::of_process();
  SystemClock clock;
  SystemRandom random;
  StdoutLog log;
  NetConnector connector(environment, clock, random);
  auto origin = parse_host_port(environment.get("AWS_LAMBDA_RUNTIME_API"));
  if (!origin) {
    log.line("AWS_LAMBDA_RUNTIME_API is not set: this program runs inside a Lambda environment");
    return 1;
  }
  HttpClient transport(std::move(*origin), connector);
  RuntimeClient client(transport);
  Runtime runtime{environment, clock, random, log, connector};
  auto handler = guarded<Handler>([&] { return init(runtime); });
  if (!handler) {
    log.line("init failed: " + describe(handler.error()));
    auto reported = client.report_init_error(handler.error());
    if (!reported) log.line(describe(reported.error()));
    return 1;
  }
  while (true) {
    auto served = serve_one(client, *handler, clock, log);
    if (served) continue;
    log.line("the Lambda runtime cannot be used: " + describe(served.error()));
    return 1;
  }
}

}  // namespace sdk
