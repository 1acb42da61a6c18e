#pragma once

// Every resource type that Millrace knows, one function a service.

#include "stacks/resource.h"

namespace stacks::resources {

void add_cloudformation(ResourceRegistry& registry);
void add_custom(ResourceRegistry& registry);
void add_dynamodb(ResourceRegistry& registry);
void add_event_source_mapping(ResourceRegistry& registry);
void add_iam_identities(ResourceRegistry& registry);
void add_iam_policies(ResourceRegistry& registry);
void add_kinesis(ResourceRegistry& registry);
void add_lambda_function(ResourceRegistry& registry);
void add_lambda_more(ResourceRegistry& registry);
void add_lambda_parts(ResourceRegistry& registry);
void add_logs(ResourceRegistry& registry);
void add_s3(ResourceRegistry& registry);

inline void add_all(ResourceRegistry& registry) {
  add_cloudformation(registry);
  add_custom(registry);
  add_dynamodb(registry);
  add_event_source_mapping(registry);
  add_iam_identities(registry);
  add_iam_policies(registry);
  add_kinesis(registry);
  add_lambda_function(registry);
  add_lambda_more(registry);
  add_lambda_parts(registry);
  add_logs(registry);
  add_s3(registry);
}

}  // namespace stacks::resources
