#pragma once

// What IAM knows: users, groups, roles, policies, access keys. Plain values; published inside an
// immutable Directory, persisted one by one (docs/formats/identity.md).

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "auth/policy.h"
#include "base/clock.h"

namespace identity {

using Tags = std::map<std::string, std::string>;

// A policy's text as it was given, and as it was understood.
struct PolicyText {
  std::string text;
  std::shared_ptr<const auth::PolicyDocument> document;
};

// What users, groups and roles have in common.
struct PolicyHolder {
  std::string name;
  std::string path = "/";
  std::string id;  // AIDA.., AGPA.., AROA..
  base::Timestamp created;
  std::map<std::string, PolicyText> inline_policies;
  std::set<std::string> attached;  // ARNs of managed policies
};

struct AccessKey {
  std::string id;
  std::string secret;
  bool active = true;
  base::Timestamp created;
};

struct User : PolicyHolder {
  std::vector<AccessKey> keys;
  std::set<std::string> groups;
  std::string boundary;  // ARN; empty: none
  Tags tags;
};

struct Group : PolicyHolder {};

struct Role : PolicyHolder {
  PolicyText trust;
  std::string description;
  std::int32_t session_seconds_max = 3600;
  std::string boundary;
  Tags tags;
};

struct PolicyVersion {
  std::string id;  // "v1"
  PolicyText policy;
  base::Timestamp created;
};

struct ManagedPolicy {
  std::string name;
  std::string path = "/";
  std::string id;  // ANPA..
  std::string arn;
  std::string description;
  base::Timestamp created;
  base::Timestamp updated;
  std::vector<PolicyVersion> versions;  // oldest first
  std::string default_version = "v1";
  std::uint32_t next_version = 2;
  Tags tags;
  bool aws_managed = false;

  const PolicyVersion* version(std::string_view version_id) const;
  const PolicyVersion& current() const;
};

}  // namespace identity
