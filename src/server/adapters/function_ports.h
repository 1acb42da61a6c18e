#pragma once

// What functions and mappings need, plugged into identity, logs and each other. All thread-safe;
// owned by the server.

#include <functional>

#include "functions/catalogue.h"
#include "functions/invoker.h"
#include "functions/ports.h"
#include "identity/identity.h"
#include "mapping/ports.h"
#include "server/adapters/lambda_figures.h"
#include "services/lambda/lambda.h"
#include "wire/caller.h"

namespace server {

// Temporary credentials for a function's role, where its trust policy lets Lambda assume it.
class RoleSessions final : public functions::Credentials {
 public:
  RoleSessions(const identity::Identity& identity, const base::Clock& clock)
      : identity_(identity), clock_(clock) {}

  base::Result<functions::RoleCredentials> issue(const std::string& role_arn,
                                                 const std::string& session_name) override;
  bool may_assume(const std::string& role_arn) override;

 private:
  const identity::Identity& identity_;
  const base::Clock& clock_;
};

// A function's lines go to CloudWatch Logs as calls of its role, made from within.
class RoleLogs final : public functions::LogSink {
 public:
  RoleLogs(const wire::Caller& caller, const identity::Identity& identity)
      : caller_(caller), identity_(identity) {}

  async::Task<base::Status> write(functions::LogDestination destination,
                                  std::vector<functions::LogLine> lines) override;

 private:
  async::Task<base::Status> make_stream(wire::Context context, std::string group,
                                        std::string stream);

  const wire::Caller& caller_;
  const identity::Identity& identity_;
};

// Mappings invoke functions through this.
class MappedFunctions final : public mapping::Invoker {
 public:
  MappedFunctions(const functions::Catalogue& catalogue, functions::Invoker& invoker,
                  LambdaFigures& figures)
      : catalogue_(catalogue), invoker_(invoker), figures_(figures) {}

  async::Task<mapping::InvokeResult> invoke(std::string function_arn, std::string payload) override;
  void sending(const std::string& function_arn, base::Milliseconds age) override;
  void counted(const mapping::MappingName& mapping, const mapping::EventCounts& events) override;
  std::string role_arn(const std::string& function_arn) override;

 private:
  const functions::Catalogue& catalogue_;
  functions::Invoker& invoker_;
  LambdaFigures& figures_;
};

// Batches that are given up are written to S3, under the function's role.
class FailedBatches final : public mapping::FailureSink {
 public:
  using RoleOf = std::function<std::string(const std::string& function_arn)>;

  FailedBatches(const wire::Caller& caller, const identity::Identity& identity, RoleOf role_of,
                const base::Clock& clock, base::Random& random)
      : caller_(caller),
        identity_(identity),
        role_of_(std::move(role_of)),
        clock_(clock),
        random_(random) {}

  async::Task<base::Status> deliver(mapping::FailureNote note) override;

 private:
  std::string key_of(const mapping::FailureNote& note);

  const wire::Caller& caller_;
  const identity::Identity& identity_;
  RoleOf role_of_;
  const base::Clock& clock_;
  base::Random& random_;
};

// Deployment packages from our own S3, with the caller's rights.
class BucketCode final : public services::lambda::CodeSource {
 public:
  explicit BucketCode(const wire::Caller& caller) : caller_(caller) {}

  async::Task<api::Outcome<std::string>> fetch(const wire::Context& context, std::string bucket,
                                               std::string key, std::string version) override;

 private:
  const wire::Caller& caller_;
};

// A call from within as a session of `role_arn`; nullopt: no such role.
std::optional<wire::Context> role_context(const identity::Identity& identity,
                                          const std::string& role_arn,
                                          const std::string& session_name,
                                          const std::string& region);

// arn:aws:lambda:REGION:ACCOUNT:function:NAME[:QUALIFIER]
struct FunctionName {
  functions::FunctionKey key;
  std::string qualifier;
};
std::optional<FunctionName> parse_function_arn(std::string_view arn);

}  // namespace server
