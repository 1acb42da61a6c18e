#pragma once

// The Kinesis Data Streams API over streamlog: typed request, domain call, typed answer. One per
// server, immutable after construction, thread-safe. The operations stand by family:
//   streams.cc  settings.cc  policies.cc  account.cc  tags.cc  shards.cc  consumers.cc  records.cc
//   readers.cc  subscribe.cc

#include <memory>
#include <optional>
#include <string>

#include "api/error.h"
#include "api/kinesis/operations.h"
#include "base/clock.h"
#include "base/seal.h"
#include "services/kinesis/figures.h"
#include "services/kinesis/subscriptions.h"
#include "streamlog/stream_log.h"
#include "wire/registry.h"

namespace services::kinesis {

// AWS's default quota in most regions; a setting, so that tests can rehearse a smaller one.
inline constexpr std::uint32_t kDefaultShardLimit = 500;

struct Deps {
  streamlog::StreamLog& streams;
  const base::Sealer& sealer;
  const base::Clock& clock;
  std::uint32_t shard_limit = kDefaultShardLimit;
  // Pushed to one consumer from one shard (AWS: 2 MiB); 0: as fast as the client takes them.
  std::uint64_t fan_out_bytes_per_second = 0;
  std::unique_ptr<Subscriptions> subscriptions = std::make_unique<Subscriptions>();
  metrics::Recorder* recorder = nullptr;  // nullptr: nothing is measured

  Figures figures() const { return {recorder, clock}; }
};

// `deps` and what it refers to outlive the registry.
void register_operations(wire::Registry& registry, const Deps& deps);

// --- shared by the families -------------------------------------------------------------------

using streamlog::StreamKey;
using streamlog::StreamPtr;
template <class T>
using Answer = async::Task<api::Outcome<T>>;

// Which stream a request means: by ARN where given, else by name in the caller's account and
// region. Neither, or an ARN that is none: InvalidArgumentException.
api::Outcome<StreamKey> key_of(const wire::Context& context, const std::optional<std::string>& name,
                               const std::optional<std::string>& arn);
std::optional<StreamKey> parse_stream_arn(std::string_view arn);
// arn:...:stream/NAME/consumer/CONSUMER:TIMESTAMP
struct ConsumerArn {
  StreamKey stream;
  std::string consumer;
};
std::optional<ConsumerArn> parse_consumer_arn(std::string_view arn);
std::string consumer_arn(const StreamKey& stream, const streamlog::ConsumerInfo& consumer);

api::Error stream_not_found(const StreamKey& key);
api::Outcome<StreamPtr> find_stream(const Deps& deps, const StreamKey& key);
// A shard's throughput is used up (streamlog/throughput.h).
api::Error rate_exceeded(const StreamKey& key, std::string_view shard_id);
// Everything was right, and nothing was done because the caller asked for that.
api::Error dry_run();
// What the domain refused, for operations that have no more particular words.
api::Error to_api_error(const base::Error& error, const StreamKey& key);
std::string_view status_name(streamlog::StreamStatus status);

// Resource policies count: the stream's, or the consumer's own. `arn` is the consumer's as it was
// named, or with "*" for the timestamp.
auth::Check stream_check(const Deps& deps, const std::string& action, const StreamKey& key);
auth::Check consumer_check(const Deps& deps, const std::string& action, const ConsumerArn& consumer,
                           std::string arn);

// InvalidArgumentException when a tag's key or value holds characters that Kinesis does not take.
// `doing` is "add tags to" or "remove tags from".
std::optional<api::Error> check_tag_texts(const StreamKey& key,
                                          const std::vector<std::string_view>& texts,
                                          std::string_view doing);
std::vector<std::string_view> texts_of(const std::map<std::string, std::string>& tags);

template <class Input>
std::optional<std::string> stream_name_of(const Input& input) {
  if constexpr (requires { input.stream_name; }) return input.stream_name;
  else return std::nullopt;
}

// "kinesis:X" on the stream that the input names; resource policies count.
template <class Input>
auto on_stream(const Deps& deps, std::string action) {
  return [&deps, action = std::move(action)](const wire::Context& context,
                                             const Input& input) -> api::Outcome<wire::Checks> {
    auto key = key_of(context, stream_name_of(input), input.stream_arn);
    if (!key) return std::unexpected(key.error());
    return wire::one_check(stream_check(deps, action, *key));
  };
}
auth::Check any_resource(std::string action);

void register_streams(wire::Registry& registry, const Deps& deps);
void register_settings(wire::Registry& registry, const Deps& deps);
void register_policies(wire::Registry& registry, const Deps& deps);
void register_account(wire::Registry& registry, const Deps& deps);
void register_tags(wire::Registry& registry, const Deps& deps);
void register_shards(wire::Registry& registry, const Deps& deps);
void register_consumers(wire::Registry& registry, const Deps& deps);
void register_records(wire::Registry& registry, const Deps& deps);
void register_readers(wire::Registry& registry, const Deps& deps);
void register_subscribe(wire::Registry& registry, const Deps& deps);

}  // namespace services::kinesis
