#include "functions/instance.h"

#include <fmt/format.h>

#include <algorithm>

#include "api/lambda/errors.h"
#include "base/log.h"
#include "base/time_text.h"
#include "functions/instance_text.h"

namespace functions {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view kApi = kRuntimeApiPath;
constexpr const char* kExecWrapper = "AWS_LAMBDA_EXEC_WRAPPER";  // starts the runtime
constexpr milliseconds kLookAtMemory{100};  // how often at most: it costs system calls

std::string stream_name(const Version& version, base::Timestamp now, base::Random& random) {
  const std::string day = base::iso8601(now).substr(0, 10);  // 2026-11-23
  return fmt::format("{}/{}/{}/[{}]{}", day.substr(0, 4), day.substr(5, 2), day.substr(8, 2),
                     version.version, base::random_text(random, base::kHexDigits, 32));
}

LogDestination destination(const FunctionKey& key, const Version& version, base::Timestamp now,
                           base::Random& random) {
  return {.account_id = key.account_id,
          .region = key.region,
          .role_arn = version.role,
          .session_name = key.name,
          .group = version.log_group,
          .stream = stream_name(version, now, random)};
}

}  // namespace

Instance::Instance(Setting setting, FunctionPtr function, Version version)
    : setting_(setting),
      function_(std::move(function)),
      version_(std::move(version)),
      started_at_(setting.core.now()),
      init_deadline_(started_at_ + std::max<milliseconds>(
                                       setting.provisioned ? setting.limits.provisioned_init_timeout
                                                           : setting.limits.init_timeout,
                                       std::chrono::seconds(version_.timeout_s))),
      idle_since_(started_at_),
      log_(setting.core, setting.deps.logs,
           destination(function_->key, version_, setting.deps.clock.now(), setting.deps.random)),
      idle_deadline_(setting.core, [this] { idle_passed(); }),
      extensions_({.key = function_->key,
                   .version = version_,
                   .random = setting.deps.random,
                   .changed = [this] { extension_changed(); },
                   .failed = [this](Extensions::Failure f) { extension_failed(std::move(f)); }}) {}

Instance::~Instance() = default;

// --- the process's life -----------------------------------------------------------------------

async::Task<void> Instance::run() {
  if (setting_.provisioned) idle_deadline_.set(init_deadline_);
  co_await start();
  if (process_ != nullptr) {
    if (state_ == State::kEnded) process_->kill();
    const sandbox::Exit exit = co_await process_->wait();
    connection_->drain();
    exit_ = exit;
  }
  state_ = State::kEnded;
  idle_deadline_.set(base::SteadyTime::max());
  changed_.notify();
  extensions_.close();
  if (connection_ != nullptr) co_await connection_->close();
  co_await questions_.close();
  if (telemetry_ != nullptr) co_await telemetry_->close();
  print_rest();
  co_await log_.close();
}

async::Task<void> Instance::start() {
  const Invoker::Deps& deps = setting_.deps;
  auto credentials = deps.credentials.issue(version_.role, function_->key.name);
  if (!credentials) {
    refusal_ = api::lambda::invalid_parameter_value(
        "The role defined for the function cannot be assumed by Lambda.");
    co_return;
  }
  credentials_expire_ = credentials->expires;
  auto folders = co_await unpack();
  if (!folders) co_return fail_launch(folders.error());
  auto launch = co_await deps.runtimes.launch({.runtime = version_.runtime,
                                               .code_folder = folders->code,
                                               .layers_folder = folders->layers,
                                               .memory_mb = memory_mb()});
  if (!launch) {
    launch_failure_ = launch.error().message;
    co_return;
  }
  extensions_.expect(folders->extensions);
  if (!folders->extensions.empty()) begin_telemetry(folders->extensions.size());
  auto process = co_await deps.launcher.start(make_spec(*launch, *credentials, *folders));
  if (!process) co_return fail_launch(process.error());
  process_ = *std::move(process);
  proceeded_ = folders->extensions.empty();
  connection_ = deps.plumbing.connect(setting_.core, *process_, handlers());
}

async::Task<base::Result<Instance::Folders>> Instance::unpack() {
  CodeStore& code = setting_.deps.code;
  auto package = co_await code.find(version_.code_sha256);
  if (!package) co_return std::unexpected(package.error());
  packages_.push_back(*package);
  auto folder = co_await code.unpack(*package);
  if (!folder) co_return std::unexpected(folder.error());
  Folders folders{.code = *std::move(folder), .layers = {}, .extensions = {}};
  if (version_.layers.empty()) co_return folders;
  std::vector<PackagePtr> layers;
  for (const LayerUse& layer : version_.layers) {
    auto found = co_await code.find(layer.code_sha256);
    if (!found) co_return std::unexpected(found.error());
    layers.push_back(*std::move(found));
  }
  packages_.insert(packages_.end(), layers.begin(), layers.end());
  auto merged = co_await code.unpack_layers(std::move(layers));
  if (!merged) co_return std::unexpected(merged.error());
  folders.layers = *std::move(merged);
  folders.extensions = external_extensions(folders.layers);
  if (folders.extensions.size() > kExtensionsMax)
    co_return base::error(base::ErrorCode::kInvalidArgument,
                          fmt::format("Extension limit ({}) reached", kExtensionsMax));
  co_return folders;
}

void Instance::fail_launch(const base::Error& error) {
  base::log_warn("functions: start {}: {}", function_->key.name, error.to_string());
  switch (error.code) {
    case base::ErrorCode::kNotFound:
    case base::ErrorCode::kPermission:
    case base::ErrorCode::kInvalidArgument: launch_failure_ = error.message; break;
    case base::ErrorCode::kLimit:
    case base::ErrorCode::kUnavailable:
      refusal_ = api::lambda::too_many_requests("Rate Exceeded.");
      break;
    default:
      refusal_ = api::lambda::service("The execution environment could not be started.");
      break;
  }
}

sandbox::Spec Instance::make_spec(const Launch& launch, const RoleCredentials& credentials,
                                  const Folders& folders) const {
  sandbox::Spec spec;
  spec.name = function_->key.name;
  spec.argv = launch.argv;
  for (const std::string& name : folders.extensions)
    spec.companions.push_back({fmt::format("{}/{}", kExtensionsFolder, name)});
  const bool interpreted = family_of(version_.runtime) != RuntimeFamily::kProvided;
  if (interpreted && version_.environment && version_.environment->contains(kExecWrapper))
    spec.argv.insert(spec.argv.begin(), version_.environment->at(kExecWrapper));
  spec.code_folder = folders.code;
  spec.binds = launch.binds;
  if (!folders.layers.empty()) spec.binds.push_back({folders.layers, "/opt"});
  spec.files = launch.files;
  spec.files.push_back({std::string(kAuthorityFile), setting_.endpoint.authority_pem});
  if (const std::string& bundle = setting_.endpoint.bundle_file; !bundle.empty()) {
    spec.binds.push_back({bundle, std::string(kBundleFile)});
    for (const std::string& path : setting_.endpoint.bundle_paths)
      spec.binds.push_back({bundle, path});
  }
  spec.listeners = setting_.deps.plumbing.listeners(folders.extensions.size());
  spec.merge_output = true;
  spec.environment =
      instance_environment({.key = function_->key,
                            .version = version_,
                            .credentials = credentials,
                            .log_stream = log_.destination().stream,
                            .initialization_type = initialization_type(),
                            .server_port = setting_.endpoint.port,
                            .runtime_api_port = setting_.deps.plumbing.runtime_api_port()},
                           launch.environment);
  spec.limits.memory_bytes = static_cast<std::uint64_t>(memory_mb()) << 20U;
  spec.limits.tmp_bytes = static_cast<std::uint64_t>(version_.tmp_mb) << 20U;
  return spec;
}

// What its processes may take: interpreters at least what they need.
std::int32_t Instance::memory_mb() const {
  switch (family_of(version_.runtime)) {
    case RuntimeFamily::kProvided: return version_.memory_mb;
    case RuntimeFamily::kJava:
      return std::max(version_.memory_mb, setting_.limits.java_memory_mb_min);
    default: return std::max(version_.memory_mb, setting_.limits.interpreter_memory_mb_min);
  }
}

Plumbing::Handlers Instance::handlers() {
  return {.runtime_api = [this](wire::HttpRequest request) { return serve(std::move(request)); },
          .answers = {.takes = is_streamed_answer,
                      .handler =
                          [this](wire::HttpRequest request, wire::BodyReader& body) {
                            return take_stream(std::move(request), body);
                          }},
          .output = [this](std::string_view bytes) { print(bytes); },
          .extension_output = [this](std::string_view bytes) { print_extension(bytes); }};
}

void Instance::retire() {
  retired_ = true;
  if (job_ == nullptr && (state_ == State::kIdle || state_ == State::kStarting)) end();
}

void Instance::end(std::string_view reason) {
  if (state_ == State::kEnded) return;
  state_ = State::kEnded;
  ended_by_us_ = true;
  if (process_ != nullptr && !wind_down(reason)) process_->kill();
  changed_.notify();
}

bool Instance::is_of(const Version& version) const {
  return version_.deployment_id == version.deployment_id && version_.version == version.version;
}

bool Instance::serves(const Version& version) const {
  if (retired_ || job_ != nullptr || !is_of(version)) return false;
  if (state_ != State::kIdle && state_ != State::kSettling) return false;
  return credentials_expire_ - setting_.deps.clock.now() > setting_.limits.credentials_margin;
}

void Instance::become_idle() {
  if (!std::exchange(ready_once_, true)) {
    init_duration_ = setting_.core.now() - started_at_;
    tell_of_init("success", {});
  }
  tell_of_extensions();
  state_ = State::kIdle;
  idle_since_ = setting_.core.now();
  if (job_ != nullptr) return;
  if (retired_) return end();
  idle_deadline_.set(idle_since_ + setting_.limits.freeze_after);
}

// Idle for a while: frozen. Idle for long, or not settled in time: ended.
void Instance::idle_passed() {
  if (state_ == State::kEnded && process_ != nullptr) process_->kill();  // it had its time
  if (job_ != nullptr) return;
  if (state_ == State::kIdle && !frozen_) {
    frozen_ = true;
    if (telemetry_ != nullptr) telemetry_->pause(true);
    process_->freeze();
    // What is kept ready lasts as long as its credentials do.
    const auto left =
        credentials_expire_ - setting_.deps.clock.now() - setting_.limits.credentials_margin;
    idle_deadline_.set(setting_.provisioned ? setting_.core.now() + left
                                            : idle_since_ + setting_.limits.end_after);
    return;
  }
  if (state_ == State::kStarting) tell_of_init("timeout", {});
  if (state_ == State::kIdle || state_ == State::kStarting || state_ == State::kSettling) end();
}

void Instance::thaw() {
  if (!std::exchange(frozen_, false)) return;
  process_->thaw();
  if (telemetry_ != nullptr) telemetry_->pause(false);
}

// --- one invocation ---------------------------------------------------------------------------

async::Task<std::optional<api::Outcome<InvocationResult>>> Instance::invoke(Job& job) {
  CHECK(job_ == nullptr);
  job_ = &job;
  idle_deadline_.set(base::SteadyTime::max());
  thaw();
  settle_deadline_ = std::max(settle_deadline_, setting_.core.now() + setting_.limits.init_timeout);
  changed_.notify();
  for (;;) {
    const std::uint64_t seen = changed_.version();
    if (job.result) break;
    if (state_ == State::kEnded) {
      fail_after_end();
      break;
    }
    const bool notified = co_await changed_.wait_past(seen, job_deadline());
    if (!notified && !job.result && setting_.core.now() >= job_deadline()) time_out();
  }
  if (job_ == &job) job_ = nullptr;
  log_.flush();
  co_return std::move(job.result);
}

base::SteadyTime Instance::job_deadline() const {
  if (job_ == nullptr) return base::SteadyTime::max();
  if (job_->delivered) return job_->deadline;
  return state_ == State::kStarting ? init_deadline_ : settle_deadline_;
}

void Instance::begin() {
  Job& job = *job_;
  job.delivered = true;
  job.delivered_at = setting_.core.now();
  job.deadline = job.delivered_at + std::chrono::seconds(version_.timeout_s);
  write_log(fmt::format("START RequestId: {} Version: {}\n", job.request_id, version_.version));
  tell_of_start();
}

void Instance::time_out() {
  if (!job_->delivered && state_ != State::kStarting) return end();  // another instance takes it
  const bool starting = !job_->delivered;
  if (starting) begin();
  const std::chrono::duration<double> after =
      starting ? init_deadline_ - started_at_ : std::chrono::seconds(version_.timeout_s);
  const std::string message = fmt::format("Task timed out after {:.2f} seconds", after.count());
  if (connection_ != nullptr) connection_->drain();
  write_log(fmt::format("{} {} {}\n", base::iso8601_ms(setting_.deps.clock.now()), job_->request_id,
                        message));
  fail("Sandbox.Timedout", message, "timeout");
  end("timeout");
}

// The process is gone with an invocation under way.
void Instance::fail_after_end() {
  if (refusal_) {
    job_->result = std::unexpected(*refusal_);
    return;
  }
  const bool of_this_job = job_->delivered || !ready_once_;
  if (!of_this_job) return;
  const bool explained = init_error_ || extension_failure_ || !launch_failure_.empty();
  if (!explained && (ended_by_us_ || !exit_)) {
    job_->result = std::unexpected(api::lambda::service("The server is stopping."));
    return;
  }
  if (!job_->delivered) begin();
  if (extension_failure_) return fail(extension_failure_->type, extension_failure_->message);
  if (init_error_) {
    InvocationResult result;
    result.payload = *init_error_;
    result.function_error = "Unhandled";
    return finish(std::move(result), "error", "Runtime.InitError");
  }
  if (!launch_failure_.empty()) return fail("Runtime.InvalidEntrypoint", launch_failure_);
  if (exit_->companion >= 0) return fail("Extension.Crash", companion_text(*exit_));
  fail("Runtime.ExitError", exit_text(*exit_), "error",
       exit_->out_of_memory ? "Runtime.OutOfMemory" : "Runtime.ExitError");
}

void Instance::fail(std::string_view error_type, const std::string& message,
                    std::string_view status, std::string_view reported_type) {
  InvocationResult result;
  result.function_error = "Unhandled";
  const std::string text = fmt::format("RequestId: {} Error: {}", job_->request_id, message);
  result.payload = error_payload(error_type, text);
  if (status != "timeout") write_log(fmt::format("{}\n{}\n", text, error_type));
  finish(std::move(result), status, reported_type.empty() ? error_type : reported_type);
}

void Instance::finish(InvocationResult result, std::string_view status,
                      std::string_view error_type) {
  Job& job = *job_;
  if (connection_ != nullptr) connection_->drain();
  print_rest();
  write_log(fmt::format("END RequestId: {}\n", job.request_id));
  const ReportFacts report{.request_id = job.request_id,
                           .duration = setting_.core.now() - job.delivered_at,
                           .init_duration = std::exchange(init_duration_, std::nullopt),
                           .memory_mb = version_.memory_mb,
                           .memory_used_mb = memory_used_mb(),
                           .status = status,
                           .error_type = error_type};
  write_log(report_line(report));
  tell_of_end(report);
  result.request_id = job.request_id;
  result.version = version_.version;
  if (job.delivered) result.duration = setting_.core.now() - job.delivered_at;
  if (job.wants_log_tail) {
    if (job.log_tail.size() > kLogTailBytes)
      job.log_tail.erase(0, job.log_tail.size() - kLogTailBytes);
    result.log_tail = std::move(job.log_tail);
  }
  job.result = std::move(result);
  if (extensions_.any()) {
    answered_at_ = setting_.core.now();
    answered_qualifier_ = job.qualifier;
  }
  job_ = nullptr;
  settle_deadline_ = job.deadline;
  if (state_ == State::kBusy) {
    state_ = State::kSettling;
    idle_deadline_.set(settle_deadline_);
  }
  changed_.notify();
}

std::uint64_t Instance::memory_used_mb() {
  const base::SteadyTime now = setting_.core.now();
  if (process_ != nullptr && (memory_used_mb_ == 0 || now - memory_looked_at_ > kLookAtMemory)) {
    memory_used_mb_ = (process_->memory_peak_bytes() + (1U << 20U) - 1) >> 20U;
    memory_looked_at_ = now;
  }
  return memory_used_mb_;
}

// --- the Runtime API --------------------------------------------------------------------------

async::Task<wire::HttpResponse> Instance::serve(wire::HttpRequest request) {
  const auto pass = questions_.enter();
  if (!pass) co_return api_failure(503, "Ended", "this environment takes no more events");
  std::string_view path = request.path;
  if (path.starts_with(kExtensionApiPath)) {
    auto response = co_await extensions_.serve(std::move(request));
    co_return response;
  }
  if (Telemetry::takes(request)) co_return subscribe(request);
  if (!path.starts_with(kApi)) co_return api_failure(404, "InvalidPath", "no such path");
  path.remove_prefix(kApi.size());
  if (path == "invocation/next") {
    if (request.method != "GET") co_return api_failure(405, "InvalidMethod", "use GET");
    auto response = co_await next();
    co_return response;
  }
  if (request.method != "POST") co_return api_failure(405, "InvalidMethod", "use POST");
  if (path == "init/error") co_return init_error(std::move(request.body));
  constexpr std::string_view kInvocation = "invocation/";
  const std::size_t slash = path.rfind('/');
  if (path.starts_with(kInvocation) && slash > kInvocation.size()) {
    const std::string id(path.substr(kInvocation.size(), slash - kInvocation.size()));
    const std::string_view what = path.substr(slash + 1);
    if (what == "response" || what == "error")
      co_return respond(id, std::move(request), what == "error");
  }
  co_return api_failure(404, "InvalidPath", "no such path");
}

// The runtime asks for an event; of several questions only the last one counts.
async::Task<wire::HttpResponse> Instance::next() {
  const std::uint64_t poll = ++polls_;
  if (state_ == State::kBusy)
    co_return api_failure(403, "InvalidStateTransition", "the last event is not answered");
  waits_ = true;
  settle();
  changed_.notify();
  for (;;) {
    const std::uint64_t seen = changed_.version();
    if (state_ == State::kEnded || poll != polls_)
      co_return api_failure(503, "Ended", "this environment takes no more events");
    if (state_ == State::kIdle && job_ != nullptr && !job_->delivered) co_return deliver();
    co_await changed_.wait_past(seen);
  }
}

// Ready once everybody has asked for the next event.
void Instance::settle() {
  if (state_ != State::kStarting && state_ != State::kSettling) return;
  if (waits_ && extensions_.ready()) become_idle();
}

wire::HttpResponse Instance::deliver() {
  state_ = State::kBusy;
  waits_ = false;
  begin();
  changed_.notify();
  const auto timeout = std::chrono::seconds(version_.timeout_s);
  const std::int64_t deadline_ms = base::to_epoch_ms(setting_.deps.clock.now() + timeout);
  const std::string trace = trace_id(setting_.deps.clock.now(), setting_.deps.random);
  wire::HttpResponse response;
  response.headers = {{"Content-Type", "application/json"},
                      {"Lambda-Runtime-Aws-Request-Id", job_->request_id},
                      {"Lambda-Runtime-Deadline-Ms", std::to_string(deadline_ms)},
                      {"Lambda-Runtime-Invoked-Function-Arn", job_->invoked_arn},
                      {"Lambda-Runtime-Trace-Id", trace}};
  tell_of_event(deadline_ms, trace);
  if (!job_->client_context.empty())
    response.headers.push_back({"Lambda-Runtime-Client-Context", job_->client_context});
  response.body = std::move(job_->payload);
  return response;
}

// An invocation of this id waits for its answer.
bool Instance::works_on(std::string_view id) const {
  return job_ != nullptr && job_->delivered && job_->request_id == id;
}

wire::HttpResponse Instance::refuse_size(InvocationResult result, std::size_t bytes_max) {
  result.function_error = "Unhandled";
  result.payload = error_payload(
      "Function.ResponseSizeTooLarge",
      fmt::format("Response payload size exceeded maximum allowed payload size ({} bytes).",
                  bytes_max));
  finish(std::move(result), "error", "Function.ResponseSizeTooLarge");
  return api_failure(413, "RequestEntityTooLarge", "the response is too large");
}

wire::HttpResponse Instance::respond(std::string_view id, wire::HttpRequest request,
                                     bool is_error) {
  if (!works_on(id) || answering_)
    return api_failure(400, "InvalidRequestID", "no such invocation is under way");
  InvocationResult result;
  if (is_error) result.function_error = "Unhandled";
  if (const std::string* const type = request.find("content-type"); type != nullptr)
    result.content_type = *type;
  if (request.body.size() > kPayloadBytesMax)
    return refuse_size(std::move(result), kPayloadBytesMax);
  result.payload = std::move(request.body);
  finish(std::move(result), is_error ? "error" : "", "");
  return api_accepted();
}

wire::HttpResponse Instance::init_error(std::string body) {
  if (ready_once_) return api_failure(403, "InvalidStateTransition", "already initialised");
  init_error_ = std::move(body);
  if (connection_ != nullptr) connection_->drain();
  tell_of_init("error", "Runtime.InitError");
  end("failure");
  return api_accepted();
}

// --- its log ----------------------------------------------------------------------------------

void Instance::print(std::string_view bytes) { take_lines(partial_line_, bytes, "function"); }

void Instance::print_extension(std::string_view bytes) {
  take_lines(partial_extension_line_, bytes, "extension");
}

void Instance::take_lines(std::string& partial, std::string_view bytes, std::string_view type) {
  for (;;) {
    const std::size_t end = bytes.find('\n');
    partial += bytes.substr(0, end);
    if (end == std::string_view::npos) break;
    print_line(std::exchange(partial, {}), type);
    bytes.remove_prefix(end + 1);
  }
  if (partial.size() > kLogLineBytesMax) print_line(std::exchange(partial, {}), type);
}

// What was not ended with a line.
void Instance::print_rest() {
  if (!partial_extension_line_.empty())
    print_line(std::exchange(partial_extension_line_, {}), "extension");
  if (!partial_line_.empty()) print_line(std::exchange(partial_line_, {}), "function");
}

// Our runtimes send the line ends inside a message as '\r', so that it stays one event.
void Instance::print_line(std::string_view line, std::string_view type) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  std::string text(line);
  std::ranges::replace(text, '\r', '\n');
  text += '\n';
  // Which version it is, told by our runtimes before anything else: of the start, not of an event.
  if (!std::exchange(printed_, true) && line.starts_with("INIT_START "))
    return log_.append(setting_.deps.clock.now(), text);
  if (telemetry_ != nullptr) telemetry_->line(type, text);
  write_log(text);
}

void Instance::write_log(std::string_view line) {
  log_.append(setting_.deps.clock.now(), line);
  if (job_ == nullptr || !job_->wants_log_tail) return;
  job_->log_tail += line;
  if (job_->log_tail.size() > 16 * kLogTailBytes)
    job_->log_tail.erase(0, job_->log_tail.size() - kLogTailBytes);
}

}  // namespace functions
