#include "functions/instance_text.h"

#include <fmt/format.h>

#include <cmath>
#include <csignal>

#include "wire/json_codec.h"

namespace functions {
namespace {

std::string_view signal_text(int signal) {
  switch (signal) {
    case SIGKILL: return "killed";
    case SIGSEGV: return "segmentation fault";
    case SIGABRT: return "aborted";
    case SIGTERM: return "terminated";
    case SIGBUS: return "bus error";
    case SIGFPE: return "floating point exception";
    case SIGILL: return "illegal instruction";
    case SIGSYS: return "bad system call";
    case SIGTRAP: return "trace/breakpoint trap";
    default: return "";
  }
}

double as_ms(std::chrono::nanoseconds duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

}  // namespace

std::vector<std::string> instance_environment(const EnvironmentFacts& facts,
                                              const std::vector<std::string>& extra) {
  const Version& v = facts.version;
  const RoleCredentials& credentials = facts.credentials;
  std::vector<std::string> out = {
      "PATH=/var/lang/bin:/usr/local/bin:/usr/bin:/bin:/opt/bin",
      "LD_LIBRARY_PATH=/var/task:/var/task/lib:/opt/lib",
      "LANG=C.UTF-8",
      "TZ=:UTC",
      "HOME=/tmp",
      "_HANDLER=" + v.handler,
      "LAMBDA_TASK_ROOT=/var/task",
      "LAMBDA_RUNTIME_DIR=/var/runtime",
      fmt::format("AWS_LAMBDA_RUNTIME_API=127.0.0.1:{}", facts.runtime_api_port),
      "AWS_LAMBDA_FUNCTION_NAME=" + facts.key.name,
      "AWS_LAMBDA_FUNCTION_VERSION=" + v.version,
      fmt::format("AWS_LAMBDA_FUNCTION_MEMORY_SIZE={}", v.memory_mb),
      fmt::format("AWS_LAMBDA_INITIALIZATION_TYPE={}", facts.initialization_type),
      "AWS_LAMBDA_LOG_GROUP_NAME=" + v.log_group,
      "AWS_LAMBDA_LOG_STREAM_NAME=" + facts.log_stream,
      "AWS_EXECUTION_ENV=AWS_Lambda_" + v.runtime,
      "AWS_REGION=" + facts.key.region,
      "AWS_DEFAULT_REGION=" + facts.key.region,
      "AWS_ACCESS_KEY_ID=" + credentials.access_key_id,
      "AWS_SECRET_ACCESS_KEY=" + credentials.secret_key,
      "AWS_SESSION_TOKEN=" + credentials.session_token,
      fmt::format("AWS_ENDPOINT_URL=http://127.0.0.1:{}", facts.server_port),
      fmt::format("NODE_EXTRA_CA_CERTS={}", kAuthorityFile),
      fmt::format("SSL_CERT_FILE={}", kBundleFile),
      fmt::format("REQUESTS_CA_BUNDLE={}", kBundleFile),
      fmt::format("AWS_CA_BUNDLE={}", kBundleFile),
      fmt::format("CURL_CA_BUNDLE={}", kBundleFile)};
  out.insert(out.end(), extra.begin(), extra.end());
  if (v.environment)
    for (const auto& [name, value] : *v.environment) {
      std::erase_if(out, [&](const std::string& own) {
        return own.starts_with(name) && own.size() > name.size() && own[name.size()] == '=';
      });
      out.push_back(name + '=' + value);
    }
  return out;
}

std::string report_line(const ReportFacts& facts) {
  const double ms = as_ms(facts.duration);
  std::string line = fmt::format(
      "REPORT RequestId: {}\tDuration: {:.2f} ms\tBilled Duration: {:.0f} ms\tMemory Size: {} MB\t"
      "Max Memory Used: {} MB\t",
      facts.request_id, ms, std::ceil(ms), facts.memory_mb, facts.memory_used_mb);
  if (facts.init_duration)
    line += fmt::format("Init Duration: {:.2f} ms\t", as_ms(*facts.init_duration));
  if (!facts.status.empty()) line += fmt::format("Status: {}\t", facts.status);
  if (facts.status == "error" && !facts.error_type.empty())
    line += fmt::format("Error Type: {}\t", facts.error_type);
  return line + '\n';
}

std::string error_payload(std::string_view type, std::string_view message) {
  std::string out = R"({"errorType":)";
  wire::append_json_string(out, type);
  out += R"(,"errorMessage":)";
  wire::append_json_string(out, message);
  return out + '}';
}

std::string exit_text(const sandbox::Exit& exit) {
  if (exit.signal == 0 && exit.code == 0) return "Runtime exited without providing a reason";
  if (exit.signal == 0) return fmt::format("Runtime exited with error: exit status {}", exit.code);
  const std::string_view name = signal_text(exit.signal);
  if (name.empty()) return fmt::format("Runtime exited with error: signal: {}", exit.signal);
  return fmt::format("Runtime exited with error: signal: {}", name);
}

std::string companion_text(const sandbox::Exit& exit) {
  if (exit.signal == 0) return fmt::format("exit code {}", exit.code);
  const std::string_view name = signal_text(exit.signal);
  return name.empty() ? fmt::format("signal: {}", exit.signal) : fmt::format("signal: {}", name);
}

std::string trace_id(base::Timestamp now, base::Random& random) {
  return fmt::format("Root=1-{:08x}-{};Parent={};Sampled=0", base::to_epoch_ms(now) / 1000,
                     base::random_text(random, base::kHexDigits, 24),
                     base::random_text(random, base::kHexDigits, 16));
}

bool is_streamed_answer(const wire::HttpRequest& request) {
  if (!request.path.starts_with(kRuntimeApiPath) || !request.path.ends_with("/response"))
    return false;
  const std::string* const mode = request.find("lambda-runtime-function-response-mode");
  return mode != nullptr && wire::equal_ignoring_case(*mode, "streaming");
}

wire::HttpResponse api_accepted() {
  return {.status = 202,
          .headers = {{"Content-Type", "application/json"}},
          .body = R"({"status":"OK"})",
          .stream = {}};
}

wire::HttpResponse api_failure(int status, std::string_view type, std::string_view message) {
  return {.status = status,
          .headers = {{"Content-Type", "application/json"}},
          .body = error_payload(type, message),
          .stream = {}};
}

}  // namespace functions
