#pragma once

// Event source mappings read the streams of tables through this, with the rights of their
// function's role. Thread-safe; a source lives as long as its mapping runs.

#include "changes/changes.h"
#include "server/adapters/stream_source.h"
#include "tables/catalogue.h"

namespace server {

class ChangeSources final : public mapping::SourceOpener {
 public:
  ChangeSources(changes::Changes& changes, const tables::Catalogue& tables,
                const identity::Identity& identity, const auth::Authorizer& authorizer,
                StreamSources::RoleOf role_of)
      : changes_(changes),
        tables_(tables),
        identity_(identity),
        authorizer_(authorizer),
        role_of_(std::move(role_of)) {}

  base::Result<std::unique_ptr<mapping::RecordSource>> open(
      const std::string& event_source_arn, const std::string& function_arn) override;

 private:
  class Source;

  changes::Changes& changes_;
  const tables::Catalogue& tables_;  // knows the streams' resource policies
  const identity::Identity& identity_;
  const auth::Authorizer& authorizer_;
  StreamSources::RoleOf role_of_;
};

// Either kind, by the source's ARN.
class RecordSources final : public mapping::SourceOpener {
 public:
  RecordSources(mapping::SourceOpener& streams, mapping::SourceOpener& changes)
      : streams_(streams), changes_(changes) {}

  base::Result<std::unique_ptr<mapping::RecordSource>> open(
      const std::string& event_source_arn, const std::string& function_arn) override {
    const bool of_table = event_source_arn.find(":dynamodb:") != std::string::npos;
    return (of_table ? changes_ : streams_).open(event_source_arn, function_arn);
  }

 private:
  mapping::SourceOpener& streams_;
  mapping::SourceOpener& changes_;
};

}  // namespace server
