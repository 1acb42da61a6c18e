// The Lambda Runtime API from the function's side: a loop that asks for the next invocation, runs
// the handler and posts what it answered. One process, one invocation at a time, one thread.
//
// A function's main is:
//
//   int main() {
//     return sdk::run_function([](sdk::Runtime& runtime) -> sdk::Result<sdk::Handler> { ... });
//   }
//
// The outer function is the init phase: it runs once an execution environment and makes the
// handler, which holds whatever is kept between invocations. Its error is reported as an init
// error. Exceptions from either become errors of the type's name.
#pragma once

#include <functional>
#include <string>

#include "sdk/clock.h"
#include "sdk/environment.h"
#include "sdk/http_client.h"
#include "sdk/log.h"
#include "sdk/net_connector.h"

namespace sdk {

// What the invocation brought. Texts are empty if the runtime did not send them.
struct Event {
  std::string payload;       // JSON as sent by the invoker
  std::string request_id;    // of this invocation
  Deadline deadline;         // milliseconds since the Unix epoch; the environment is ended then
  std::string function_arn;  // as invoked, with version or alias
  std::string trace_id;      // X-Ray
  std::string client_context;
  std::string cognito_identity;
};

class Context {
 public:
  Context(const Clock& clock, Deadline deadline) : clock_(clock), deadline_(deadline) {}
  // Milliseconds until the invocation is ended from outside, at least 0.
  std::int64_t remaining() const { return clock_.remaining_ms(deadline_); }
  Deadline deadline() const { return deadline_; }

 private:
  const Clock& clock_;
  Deadline deadline_;
};

// The answer is the invocation's response: JSON text.
using Handler = std::function<Result<std::string>(const Event&, const Context&)>;

// What a function is given at init. Outlives the handler.
struct Runtime {
  const Environment& environment;
  Clock& clock;
  Random& random;
  Log& log;
  Connector& connector;
};

using Init = std::function<Result<Handler>(Runtime&)>;

// {"errorType": ..., "errorMessage": ..., "stackTrace": []}
std::string error_json(const Error& error);

// The event in a next-invocation answer. Errors: kProtocol (no request id, bad deadline).
Result<Event> event_from(Response response);

// A client of the Runtime API. Errors of all calls: kConnection, kTimeout, kProtocol.
class RuntimeClient {
 public:
  explicit RuntimeClient(HttpTransport& transport) : transport_(transport) {}

  // Waits without limit.
  Result<Event> next();
  // kService if the runtime refused the response (for example: larger than 6 MB).
  Result<void> respond(const std::string& request_id, std::string payload);
  Result<void> report_error(const std::string& request_id, const Error& error);
  Result<void> report_init_error(const Error& error);

 private:
  Result<void> post(std::string target, std::string body, std::string_view error_type);

  HttpTransport& transport_;
};

// One turn: next, handler, answer. Errors: only those of the Runtime API itself; a failed handler
// is a reported invocation, not an error here.
Result<void> serve_one(RuntimeClient& client, const Handler& handler, const Clock& clock, Log& log);

// Runs until the process is ended. Answer: an exit status, if the runtime cannot be reached or
// init failed. Reads AWS_LAMBDA_RUNTIME_API.
int run_function(const Init& init);

}  // namespace sdk
