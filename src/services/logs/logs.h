#pragma once

// The CloudWatch Logs API over journal: typed request, domain call, typed answer. One per server,
// immutable after construction, thread-safe. The operations stand by family:
//   groups.cc  streams.cc  put_events.cc  get_events.cc  filter_events.cc  tags.cc
//
// Metric filters, subscription filters and Insights queries are not served.

#include <optional>
#include <string>

#include "api/error.h"
#include "api/logs/operations.h"
#include "base/clock.h"
#include "base/seal.h"
#include "journal/journal.h"
#include "metrics/metrics.h"
#include "wire/registry.h"

namespace services::logs {

struct Deps {
  journal::Journal& journal;
  const base::Sealer& sealer;
  const base::Clock& clock;
  metrics::Metrics& metrics;  // for those that lines carry
};

// `deps` and what it refers to outlive the registry.
void register_operations(wire::Registry& registry, const Deps& deps);

// --- shared by the families -------------------------------------------------------------------

using journal::GroupKey;
using journal::GroupPtr;
template <class T>
using Answer = async::Task<api::Outcome<T>>;

// Answers are cut after the event whose message passes it, as AWS cuts them at about 1 MB.
inline constexpr std::size_t kPageBytes = 1'048'576;
inline constexpr std::size_t kPageEvents = 10'000;

// arn:aws:logs:REGION:ACCOUNT:log-group:NAME, with or without ":*".
std::optional<GroupKey> parse_group_arn(std::string_view arn);
// Which group a request means: by name in the caller's account and region, or by identifier, which
// is a name or an ARN. Both or neither: the caller's mistake.
api::Outcome<GroupKey> key_of(const wire::Context& context, const std::optional<std::string>& name,
                              const std::optional<std::string>& identifier);
api::Outcome<GroupPtr> find_group(const Deps& deps, const GroupKey& key);

api::Error group_not_found();
api::Error stream_not_found();
api::Error bad_token();
// What the domain refused for a group that is or was there.
api::Error to_api_error(const Deps& deps, const base::Error& error, const GroupKey& key);

// What AWS asks of IAM for a group as a whole; an empty `name` means all of the account's.
std::string group_resource(const GroupKey& key);
std::string stream_resource(const GroupKey& key, const std::string& stream);
auth::Check check_on(std::string action, const GroupKey& key, std::string resource);

template <class Input>
std::optional<std::string> identifier_of(const Input& input) {
  if constexpr (requires { input.log_group_identifier; }) return input.log_group_identifier;
  else return std::nullopt;
}

// "logs:X" on the group that the input names.
template <class Input>
auto on_group(std::string action) {
  return [action = std::move(action)](const wire::Context& context,
                                      const Input& input) -> api::Outcome<wire::Checks> {
    const auto key = key_of(context, input.log_group_name, identifier_of(input));
    if (!key) return std::unexpected(key.error());
    return wire::Checks{check_on(action, *key, group_resource(*key))};
  };
}
// "logs:X" on the stream that the input names.
template <class Input>
auto on_stream(std::string action) {
  return [action = std::move(action)](const wire::Context& context,
                                      const Input& input) -> api::Outcome<wire::Checks> {
    const auto key = key_of(context, input.log_group_name, identifier_of(input));
    if (!key) return std::unexpected(key.error());
    return wire::Checks{check_on(action, *key, stream_resource(*key, *input.log_stream_name))};
  };
}

void register_groups(wire::Registry& registry, const Deps& deps);
void register_streams(wire::Registry& registry, const Deps& deps);
void register_put_events(wire::Registry& registry, const Deps& deps);
void register_get_events(wire::Registry& registry, const Deps& deps);
void register_filter_events(wire::Registry& registry, const Deps& deps);
void register_tags(wire::Registry& registry, const Deps& deps);

}  // namespace services::logs
