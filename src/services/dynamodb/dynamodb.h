#pragma once

// The DynamoDB API over tables: typed request, domain call, typed answer. One per server, immutable
// after construction, thread-safe. The operations stand by family:
//   tables.cc  describe.cc  items.cc  batches.cc  queries.cc  transactions.cc  tags.cc  account.cc
//   streams.cc  destinations.cc  statements.cc  statement_batches.cc  statement_transactions.cc
//   backups.cc  recovery.cc  restores.cc  exports.cc  imports.cc  policies.cc  insights.cc
//   global_tables.cc

#include <functional>
#include <string>

#include "api/dynamodb/operations.h"
#include "metrics/recorder.h"
#include "tables/tables.h"
#include "tables/throttle.h"
#include "wire/registry.h"

namespace backups {
class Backups;
class Exports;
class Imports;
}  // namespace backups
namespace wire {
class Caller;
}

namespace services::dynamodb {

struct Deps {
  tables::Tables& tables;
  const base::Clock& clock;
  metrics::Recorder* recorder = nullptr;  // nullptr: nothing is measured
  tables::Throttle* throttle = nullptr;   // nullptr: throughput has no limits
  // Whether this is the ARN of a Kinesis stream that is there.
  std::function<bool(const std::string& arn)> is_stream = {};
  // Asked for each statement of a BatchExecuteStatement. nullptr: all have to be allowed before the
  // first is run.
  const auth::Authorizer* authorizer = nullptr;
  // nullptr: backups and what rests on them are not served.
  backups::Backups* backups = nullptr;
  backups::Exports* exports = nullptr;
  backups::Imports* imports = nullptr;
  const wire::Caller* caller = nullptr;  // for buckets, with `exports` and `imports`
};

// `deps` and what it refers to outlive the registry.
void register_operations(wire::Registry& registry, const Deps& deps);

}  // namespace services::dynamodb
