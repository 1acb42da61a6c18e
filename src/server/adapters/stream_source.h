#pragma once

// Event source mappings read Kinesis streams through this, with the rights of their function's
// role. Thread-safe; a source lives as long as its mapping runs.

#include <functional>

#include "auth/authorizer.h"
#include "identity/identity.h"
#include "mapping/ports.h"
#include "streamlog/stream_log.h"

namespace server {

class StreamSources final : public mapping::SourceOpener {
 public:
  // Answers the ARN of the role that a function runs under; empty: no such function.
  using RoleOf = std::function<std::string(const std::string& function_arn)>;

  StreamSources(streamlog::StreamLog& streams, const identity::Identity& identity,
                const auth::Authorizer& authorizer, RoleOf role_of)
      : streams_(streams),
        identity_(identity),
        authorizer_(authorizer),
        role_of_(std::move(role_of)) {}

  base::Result<std::unique_ptr<mapping::RecordSource>> open(
      const std::string& event_source_arn, const std::string& function_arn) override;

 private:
  class Source;

  streamlog::StreamLog& streams_;
  const identity::Identity& identity_;
  const auth::Authorizer& authorizer_;
  RoleOf role_of_;
};

}  // namespace server
