#pragma once

// Whether a bucket policy opens the bucket to everybody. Pure, thread-safe.

#include "auth/policy.h"

namespace services::s3 {

// True if some statement allows everybody something, under no condition that ties the caller to a
// fixed address, account, VPC, ARN or organisation.
bool is_public(const auth::PolicyDocument& policy);

}  // namespace services::s3
