#pragma once

// What an instance says: its environment, log lines, errors and Runtime API answers. Pure functions
// but for the randomness handed in.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "functions/function.h"
#include "functions/ports.h"
#include "sandbox/sandbox.h"
#include "wire/http_types.h"

namespace functions {

inline constexpr std::string_view kAuthorityFile = "/var/runtime/authority.pem";
inline constexpr std::string_view kBundleFile = "/var/runtime/certificates.pem";

struct EnvironmentFacts {
  const FunctionKey& key;
  const Version& version;
  const RoleCredentials& credentials;
  const std::string& log_stream;
  std::string_view initialization_type;
  std::uint16_t server_port;
  std::uint16_t runtime_api_port;
};
// "NAME=value", the function's own variables last. `extra` comes from the runtime.
std::vector<std::string> instance_environment(const EnvironmentFacts& facts,
                                              const std::vector<std::string>& extra);

struct ReportFacts {
  std::string_view request_id;
  std::chrono::nanoseconds duration;
  std::optional<std::chrono::nanoseconds> init_duration;
  std::int32_t memory_mb;
  std::uint64_t memory_used_mb;
  std::string_view status;  // "", "error", "timeout"
  std::string_view error_type;
};
std::string report_line(const ReportFacts& facts);

// {"errorType":...,"errorMessage":...}
std::string error_payload(std::string_view type, std::string_view message);
// "Runtime exited with error: exit status 1" and the like.
std::string exit_text(const sandbox::Exit& exit);
std::string companion_text(const sandbox::Exit& exit);  // "exit status 1"
std::string trace_id(base::Timestamp now, base::Random& random);

inline constexpr std::string_view kRuntimeApiPath = "/2018-06-01/runtime/";

// The answer to an event that comes while the function writes it.
bool is_streamed_answer(const wire::HttpRequest& request);
wire::HttpResponse api_accepted();
wire::HttpResponse api_failure(int status, std::string_view type, std::string_view message);

}  // namespace functions
