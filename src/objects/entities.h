#pragma once

// What the object store keeps: buckets, objects, uploads in parts, and who may use them. Plain
// values; a Bucket is immutable behind its pointer. What is written of them stands in
// docs/formats/objects.md.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"

namespace objects {

enum class Permission : std::uint8_t { kRead, kWrite, kReadAcp, kWriteAcp, kFullControl };

// To a predefined group (its URI), or to an account (its canonical id).
struct Grant {
  bool group = false;
  std::string grantee;
  Permission permission = Permission::kRead;
  bool operator==(const Grant&) const = default;
};

// The owner is the bucket's account, always.
struct Acl {
  std::vector<Grant> grants;
  bool operator==(const Acl&) const = default;
};

struct PublicAccessBlock {
  bool block_public_acls = false;
  bool ignore_public_acls = false;
  bool block_public_policy = false;
  bool restrict_public_buckets = false;
  bool operator==(const PublicAccessBlock&) const = default;
};

using Tags = std::map<std::string, std::string>;

struct Bucket {
  std::string name;  // unique over all accounts and regions
  std::string account_id;
  std::string region;
  base::Timestamp created;
  Acl acl;
  std::string policy;  // JSON as it was put; empty: none
  Tags tags;
  std::optional<PublicAccessBlock> public_access;
  std::string ownership;  // "BucketOwnerEnforced", ...; empty: never set, ACLs count
};
using BucketPtr = std::shared_ptr<const Bucket>;

// A run of bytes, written once. Small ones stand in the store, others in a file of their own.
struct Blob {
  std::string id;  // empty for no bytes at all
  std::uint64_t size = 0;
  bool in_file = false;
};

struct Checksum {
  std::string algorithm;   // "CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"; empty: none
  std::string value;       // base64; "...-N" for the checksum of N parts' checksums
  bool composite = false;  // of the parts' checksums rather than of the whole object
  bool operator==(const Checksum&) const = default;
};

// What the one who puts an object says about it.
struct Settings {
  std::string content_type;
  std::string cache_control;
  std::string content_disposition;
  std::string content_encoding;
  std::string content_language;
  std::string expires;
  std::string website_redirect;
  std::string storage_class = "STANDARD";
  std::map<std::string, std::string> metadata;  // names in lower case
  Tags tags;
  Acl acl;
};

struct Object {
  std::string key;
  std::uint64_t size = 0;
  std::string etag;          // MD5 in hex; of parts "MD5 of their MD5s-count". Without quotes
  base::Timestamp modified;  // whole seconds, as HTTP shows it
  Settings settings;
  Checksum checksum;
  std::vector<Blob> blobs;  // in order; of an upload in parts one for each part
  bool in_parts = false;
};

struct Upload {
  std::string key;
  std::string id;  // ascends with the time of its start
  base::Timestamp started;
  std::string initiator;  // ARN
  Settings settings;
  std::string checksum_algorithm;  // empty: not asked for
  bool composite = false;
};

struct Part {
  std::uint16_t number = 1;  // 1 to kPartNumberMax
  std::string etag;
  base::Timestamp modified;
  Checksum checksum;
  Blob blob;
};

inline constexpr std::uint16_t kPartNumberMax = 10'000;
inline constexpr std::size_t kKeyBytesMax = 1'024;
// Larger bodies get a file of their own.
inline constexpr std::size_t kInlineBytesMax = 64UL << 10;

}  // namespace objects
