#include "services/s3/s3.h"

#include "api/s3/operations.h"

namespace services::s3 {

void register_operations(wire::Registry& registry, const Deps& deps) {
  registry.add_service(api::s3::kService, api::s3::operations());
  register_buckets(registry, deps);
  register_settings(registry, deps);
  register_policies(registry, deps);
  register_acls(registry, deps);
  register_listing(registry, deps);
  register_reading(registry, deps);
  register_writing(registry, deps);
  register_deleting(registry, deps);
  register_copying(registry, deps);
  register_multipart(registry, deps);
}

}  // namespace services::s3
