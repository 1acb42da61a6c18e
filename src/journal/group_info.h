#pragma once

// GroupInfo: what is known of a log group besides its streams and events. A value; published as an
// immutable snapshot, persisted whole (docs/formats/logs.md).

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace journal {

struct GroupKey {
  std::string account_id;
  std::string region;
  std::string name;

  auto operator<=>(const GroupKey&) const = default;
  std::string arn() const;  // without the ":*" that some of AWS's answers add
};

struct GroupInfo {
  GroupKey key;
  std::uint64_t id = 0;  // never used twice: tells a group from another of the same name
  base::Timestamp created;
  std::uint32_t retention_days = 0;  // 0: for ever
  std::string log_class = "STANDARD";
  std::string kms_key_id;  // empty: none
  bool deletion_protected = false;
  std::map<std::string, std::string> tags;

  // Events before it have expired; the epoch if nothing ever does.
  base::Timestamp expired_before(base::Timestamp now) const;
  bool operator==(const GroupInfo&) const = default;
};

std::string encode_group(const GroupInfo& group);
base::Result<GroupInfo> decode_group(std::string_view bytes);

}  // namespace journal
