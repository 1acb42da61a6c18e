#pragma once

// Context: the condition keys of one request and their values. A plain value, used by one thread.
// Keys are compared without regard to case, except a tag's name after the slash
// (aws:PrincipalTag/Team), which AWS compares without regard to case too.

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "auth/principal.h"
#include "base/clock.h"

namespace auth {

struct ContextEntry {
  std::string key;                  // any case when given; lower case once inside a Context
  std::vector<std::string> values;  // may be empty: the key is there, with no value
};

class Context {
 public:
  Context() = default;
  Context(std::initializer_list<std::pair<std::string_view, std::string_view>> entries);

  // Adds a value to a key; a key may have several.
  void add(std::string_view key, std::string_view value);
  void add(const ContextEntry& entry);
  // Replaces whatever the key had.
  void set(std::string_view key, std::string_view value);

  // `lower_key` in lower case. nullptr: the key is not in the request.
  const std::vector<std::string>* find(std::string_view lower_key) const;
  std::span<const ContextEntry> entries() const { return entries_; }

 private:
  ContextEntry& entry_of(std::string_view key);

  std::vector<ContextEntry> entries_;  // a few dozen at most: searched in order
};

// What is true of the request as a whole, whoever handles it. Empty means not known or not so.
struct RequestFacts {
  std::string source_ip = {};
  std::string user_agent = {};
  std::string referer = {};
  std::string region = {};  // aws:RequestedRegion
  bool secure_transport = false;
  // Set when a service calls on somebody's behalf, or for itself about a resource.
  std::vector<std::string> called_via = {};  // first to last: "cloudformation.amazonaws.com"
  std::string source_arn = {};
  std::string source_account = {};
};

// The aws:... keys that every request has: CurrentTime, EpochTime, SourceIp, SecureTransport,
// UserAgent, Referer, RequestedRegion, PrincipalArn, PrincipalAccount, PrincipalType, userid,
// username, PrincipalTag/..., TokenIssueTime, SourceIdentity, MultiFactorAuthPresent, CalledVia...,
// ViaAWSService, PrincipalIsAWSService, PrincipalServiceName, SourceArn, SourceAccount.
Context global_context(const Principal& principal, const RequestFacts& facts, base::Timestamp now);

}  // namespace auth
