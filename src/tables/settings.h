#pragma once

// Settings of a table or an index that say nothing about items: who may use it (resource policy),
// how much of it (maxima of on-demand tables, warm throughput), what is shown (contributor
// insights, encryption). Values; part of the definition and persisted with it
// (docs/formats/tables.md).

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "auth/policy.h"
#include "base/clock.h"
#include "base/result.h"

namespace tables {

inline constexpr std::size_t kResourcePolicyBytesMax = 20'480;

// Parsed once, when it is set or loaded; shared by whoever evaluates it.
struct ResourcePolicy {
  std::string text;  // empty: there is none
  std::string revision;
  std::shared_ptr<const auth::PolicyDocument> parsed;  // null where text is empty

  bool empty() const { return text.empty(); }
};

// MaxReadRequestUnits and MaxWriteRequestUnits; nullopt: no maximum was set.
struct Maxima {
  std::optional<std::int64_t> read, write;
  bool empty() const { return !read && !write; }
};

// What was asked for; 0: nothing, so what the table serves anyway is shown.
struct Warm {
  std::int64_t read = 0, write = 0;
  bool empty() const { return read == 0 && write == 0; }
};

// A key other than DynamoDB's own. Shown; items are stored as they are.
struct Encryption {
  std::string key_arn;  // empty: DynamoDB's own key
};

// Contributor insights, whose rules nobody evaluates here.
struct Insights {
  bool enabled = false;
  bool throttled_only = false;
  std::optional<base::Timestamp> updated;  // nullopt: never touched
};

std::string encode_policy(const ResourcePolicy& policy);
// kCorruption: it cannot be read. Passing it over could allow what it denies.
base::Result<ResourcePolicy> decode_policy(std::string_view bytes);
std::string encode_maxima(const Maxima& maxima);
Maxima decode_maxima(std::string_view bytes);
std::string encode_warm(const Warm& warm);
Warm decode_warm(std::string_view bytes);
std::string encode_insights(const Insights& insights);
Insights decode_insights(std::string_view bytes);

}  // namespace tables
