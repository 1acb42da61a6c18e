#pragma once

// What a function is: plain values, persisted as JSON (docs/formats/functions.md). Immutable once
// the Catalogue has published them.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace functions {

inline constexpr std::string_view kLatest = "$LATEST";

struct FunctionKey {
  std::string account_id;
  std::string region;
  std::string name;
  auto operator<=>(const FunctionKey&) const = default;

  std::string arn() const;  // unqualified
};

// A layer version that a function uses. Kept by the function itself: deleting the layer changes
// nothing for it.
struct LayerUse {
  std::string arn;          // with the version
  std::string code_sha256;  // raw
  std::uint64_t code_bytes = 0;
  bool operator==(const LayerUse&) const = default;
};

// One version of a function: code and settings, as AWS echoes them.
struct Version {
  std::string version{kLatest};
  std::string runtime;  // as given, retired names too
  std::string handler;
  std::string role;
  std::string description;
  std::int32_t timeout_s = 3;
  std::int32_t memory_mb = 128;
  std::int32_t tmp_mb = 512;
  std::optional<std::map<std::string, std::string>> environment;
  std::vector<std::string> architectures = {"x86_64"};
  std::string tracing_mode = "PassThrough";
  std::string kms_key_arn;
  std::string dead_letter_arn;
  std::string log_format = "Text";
  std::string log_group;  // never empty
  std::string application_log_level;
  std::string system_log_level;
  std::string snap_start = "None";
  std::string code_sha256;  // raw, 32 bytes
  std::uint64_t code_bytes = 0;
  std::vector<LayerUse> layers;            // in the order in which they are laid over each other
  std::string update_runtime_on = "Auto";  // shown only: what runs is what the host has
  std::string revision_id;                 // a UUID; a new one with every change that AWS counts
  // Names this code with these settings; instances of another deployment are never used.
  std::string deployment_id;
  base::Timestamp modified;
};

struct Alias {
  std::string name;
  std::string version;
  std::string description;
  std::string revision_id;
  std::map<std::string, double> weights;  // at most one further version
};

// A statement of a function's resource policy, as JSON.
struct Permission {
  std::string statement_id;
  std::string statement;
};
struct ResourcePolicy {
  std::vector<Permission> permissions;
  std::string revision_id;

  std::string document() const;  // what GetPolicy answers
};

// What becomes of asynchronous invocations. Absent numbers are AWS's defaults.
struct EventConfig {
  std::optional<std::int32_t> retries_max;
  std::optional<std::int32_t> age_max_s;
  std::string on_success;  // ARNs; empty: nowhere
  std::string on_failure;
  base::Timestamp modified;
};

struct UrlCors {
  bool allow_credentials = false;
  std::vector<std::string> allow_headers;
  std::vector<std::string> allow_methods;
  std::vector<std::string> allow_origins;
  std::vector<std::string> expose_headers;
  std::optional<std::int32_t> max_age_s;
};

// A function URL, of the function or of one of its aliases.
struct UrlConfig {
  std::string id;  // the first label of its host name; unique
  std::string auth_type;
  std::string invoke_mode = "BUFFERED";
  std::optional<UrlCors> cors;
  base::Timestamp created;
  base::Timestamp modified;
};

// Instances that are kept ready for a version or an alias.
struct Provisioned {
  std::int32_t wanted = 0;
  base::Timestamp modified;
};

struct Function {
  FunctionKey key;
  base::Timestamp created;
  Version latest;
  std::vector<Version> versions;  // published, ascending
  std::uint64_t next_version = 1;
  std::map<std::string, Alias> aliases;
  std::map<std::string, ResourcePolicy> policies;  // by qualifier, "" is the function itself
  std::map<std::string, std::string> tags;
  std::optional<std::int32_t> reserved_concurrency;
  // By qualifier. "$LATEST" stands for the function itself here and "" for URLs.
  std::map<std::string, EventConfig> event_configs;
  std::map<std::string, UrlConfig> urls;
  std::map<std::string, Provisioned> provisioned;
  std::string recursive_loop = "Terminate";

  // The version that "" or "$LATEST", a number or an alias stands for; nullptr: none. `draw` in
  // [0, 1) chooses where an alias divides its traffic.
  const Version* resolve(std::string_view qualifier, double draw = 1) const;
  const Alias* alias(std::string_view name) const;
};

std::string encode(const Function& function);
base::Result<Function> decode_function(std::string_view bytes);

}  // namespace functions
