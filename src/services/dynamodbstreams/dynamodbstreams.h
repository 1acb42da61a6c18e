#pragma once

// The DynamoDB Streams API over changes: typed request, domain call, typed answer. One per server,
// immutable after construction, thread-safe. The operations stand by family:
//   streams.cc  readers.cc

#include <functional>

#include "api/dynamodbstreams/errors.h"
#include "api/dynamodbstreams/operations.h"
#include "base/seal.h"
#include "changes/changes.h"
#include "wire/registry.h"

namespace services::dynamodbstreams {

inline constexpr std::chrono::minutes kIteratorLife{15};
inline constexpr std::int32_t kRecordsMax = 1'000;  // of one GetRecords
inline constexpr std::size_t kRecordBytesMax = 1U << 20U;
inline constexpr std::int32_t kPageMax = 100;  // streams or shards of one answer

struct Deps {
  changes::Changes& changes;
  const base::Sealer& sealer;
  const base::Clock& clock;
  // The resource policy of a stream; null: none.
  std::function<std::shared_ptr<const auth::PolicyDocument>(const changes::StreamName&)> policy_of =
      {};
};

// `deps` and what it refers to outlive the registry.
void register_operations(wire::Registry& registry, const Deps& deps);

// --- shared by the families -------------------------------------------------------------------

namespace s = api::dynamodbstreams;
using wire::Context;
template <class T>
using Answer = async::Task<api::Outcome<T>>;

api::Error validation(std::string message);
// "1 validation error detected: ..." where the model has no upper bound and the service has.
std::optional<api::Error> check_limit(const std::optional<std::int32_t>& limit, std::int32_t max);
// ValidationException for what is no stream's ARN.
api::Outcome<changes::StreamName> stream_name(const std::string& arn);
// ResourceNotFoundException.
api::Outcome<changes::StreamPtr> find_stream(const Deps& deps, const changes::StreamName& name);
api::Error no_shard(const changes::StreamName& stream, const std::string& shard);
auth::Check stream_check(const Deps& deps, std::string action, const changes::StreamName& name);

void register_streams(wire::Registry& registry, const Deps& deps);
void register_readers(wire::Registry& registry, const Deps& deps);

}  // namespace services::dynamodbstreams
