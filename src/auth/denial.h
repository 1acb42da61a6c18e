#pragma once

// How a refusal by policy is worded and numbered, per protocol family. Pure, thread-safe.

#include <string>
#include <string_view>

#include "api/error.h"
#include "auth/evaluate.h"
#include "auth/signature_error.h"

namespace auth {

struct Denial {
  Decision decision;
  std::string principal_arn;  // empty: anonymous
  std::string action;
  std::string resource;
  bool cross_account = false;
};

// "User: ... is not authorized to perform: kinesis:PutRecord on resource: ... because no
// identity-based policy allows the kinesis:PutRecord action". S3 puts the resource in quotes, and
// says no more than "Access Denied" to strangers and other accounts.
std::string denial_text(const Denial& denial, ErrorFamily family);

// kJson AccessDeniedException 400, kRestJson AccessDeniedException 403, kQuery and kS3 AccessDenied
// 403.
api::Error to_api_error(const Denial& denial, ErrorFamily family);

}  // namespace auth
