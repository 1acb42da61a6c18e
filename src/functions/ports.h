#pragma once

// What functions need of the rest of the server, as interfaces that server/ implements. All are
// thread-safe and outlive the Invoker; tasks resume on the core that awaited them.

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "async/task.h"
#include "base/clock.h"
#include "base/result.h"

namespace functions {

// Temporary credentials of a function's role.
struct RoleCredentials {
  std::string access_key_id;
  std::string secret_key;
  std::string session_token;
  base::Timestamp expires;
};

class Credentials {
 public:
  virtual ~Credentials() = default;
  // A new session of the role, named after the function. kNotFound, kPermission: the role is gone
  // or does not trust Lambda; the message is shown to the caller.
  virtual base::Result<RoleCredentials> issue(const std::string& role_arn,
                                              const std::string& session_name) = 0;
  // The role exists and its trust policy lets lambda.amazonaws.com assume it.
  virtual bool may_assume(const std::string& role_arn) = 0;
};

// Where a function's lines go, and with whose rights.
struct LogDestination {
  std::string account_id;
  std::string region;
  std::string role_arn;
  std::string session_name;
  std::string group;
  std::string stream;
};

struct LogLine {
  base::Timestamp time;
  std::string text;
};

class LogSink {
 public:
  virtual ~LogSink() = default;
  // Appends in order, making group and stream if need be, under the role. A batch is at most
  // kLogBatchLines lines and kLogBatchBytes bytes (log_writer.h). Called for one stream at a time
  // only, off the path of invocations. A failure loses the batch.
  virtual async::Task<base::Status> write(LogDestination destination,
                                          std::vector<LogLine> lines) = 0;
};

// What there is to tell of a function's invocations. Called on the function's core; answers at
// once.
struct InvocationReport {
  const std::string& account_id;
  const std::string& region;
  const std::string& function;   // its name
  const std::string& qualifier;  // as invoked; empty: none
};
class Observer {
 public:
  virtual ~Observer() = default;
  // An invocation was let in; `concurrent` run now, with it.
  virtual void started(const InvocationReport& what, std::size_t concurrent) = 0;
  // `duration` is the function's own, without its start.
  virtual void ended(const InvocationReport& what, std::chrono::nanoseconds duration,
                     bool failed) = 0;
  virtual void throttled(const InvocationReport& what) = 0;
  // An invocation by a qualifier that has provisioned concurrency: it runs in one of the `wanted`
  // environments, of which `in_use` are used with it, or else found none free.
  virtual void provisioned(const InvocationReport& /*what*/, bool /*found_one*/,
                           std::size_t /*in_use*/, std::size_t /*wanted*/) {}
  // How long the extensions went on once the function had answered.
  virtual void extensions_ended(const InvocationReport& /*what*/,
                                std::chrono::nanoseconds /*duration*/) {}
};

// The record of an asynchronous invocation that is over, on its way to its destination.
struct InvocationNote {
  std::string function_name;
  std::string region;
  std::string role_arn;  // in whose name it is delivered
  std::string destination_arn;
  std::string document;  // JSON
};

class Destinations {
 public:
  virtual ~Destinations() = default;
  // The destination has the document durably. A failure is tried again a few times.
  virtual async::Task<base::Status> deliver(InvocationNote note) = 0;
};

}  // namespace functions
