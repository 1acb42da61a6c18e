#pragma once

// The Amazon S3 API over objects: typed request, domain call, typed answer. One per server,
// immutable after construction, thread-safe. The operations stand by family:
//   buckets.cc  settings.cc  policies.cc  acls.cc  listing.cc  reading.cc  writing.cc
//   deleting.cc  copying.cc  multipart.cc
//
// Differences from AWS, on purpose: ACLs count on new buckets, and no public access block is set
// there (the sample that this server runs needs --acl public-read); a bucket answers in every
// region; objects belong to the bucket's account whoever wrote them. "AES256" in answers names what
// AWS always says; bodies are stored as they are.

#include "auth/authorizer.h"
#include "objects/objects.h"
#include "wire/registry.h"

namespace services::s3 {

struct Deps {
  objects::Objects& objects;
  // For DeleteObjects, which decides key by key.
  const auth::Authorizer& authorizer;
};

// `deps` and what it refers to outlive the registry.
void register_operations(wire::Registry& registry, const Deps& deps);

// --- one for each family ------------------------------------------------------------------------

void register_buckets(wire::Registry& registry, const Deps& deps);
void register_settings(wire::Registry& registry, const Deps& deps);
void register_policies(wire::Registry& registry, const Deps& deps);
void register_acls(wire::Registry& registry, const Deps& deps);
void register_listing(wire::Registry& registry, const Deps& deps);
void register_reading(wire::Registry& registry, const Deps& deps);
void register_writing(wire::Registry& registry, const Deps& deps);
void register_deleting(wire::Registry& registry, const Deps& deps);
void register_copying(wire::Registry& registry, const Deps& deps);
void register_multipart(wire::Registry& registry, const Deps& deps);

}  // namespace services::s3
