#include "auth/denial.h"

#include <fmt/format.h>

namespace auth {
namespace {

std::string_view deny_source(PolicyLayer layer) {
  switch (layer) {
    case PolicyLayer::kResource: return "a resource-based policy";
    case PolicyLayer::kBoundary: return "a permissions boundary";
    case PolicyLayer::kSession: return "a session policy";
    case PolicyLayer::kNone:
    case PolicyLayer::kIdentity: break;
  }
  return "an identity-based policy";
}

std::string_view missing_source(PolicyLayer layer) {
  switch (layer) {
    case PolicyLayer::kResource: return "resource-based policy";
    case PolicyLayer::kBoundary: return "permissions boundary";
    case PolicyLayer::kSession: return "session policy";
    case PolicyLayer::kNone:
    case PolicyLayer::kIdentity: break;
  }
  return "identity-based policy";
}

std::string reason(const Denial& denial) {
  if (denial.decision.verdict == Verdict::kExplicitDeny)
    return fmt::format(" with an explicit deny in {}", deny_source(denial.decision.layer));
  // STS gives no reason: it would tell strangers what a trust policy says.
  if (denial.action.starts_with("sts:AssumeRole")) return {};
  return fmt::format(" because no {} allows the {} action", missing_source(denial.decision.layer),
                     denial.action);
}

}  // namespace

std::string denial_text(const Denial& denial, ErrorFamily family) {
  const bool s3 = family == ErrorFamily::kS3;
  if (s3 && (denial.cross_account || denial.principal_arn.empty())) return "Access Denied";
  std::string text = fmt::format(
      "User: {} is not authorized to perform: {}",
      denial.principal_arn.empty() ? std::string_view("anonymous") : denial.principal_arn,
      denial.action);
  if (!denial.resource.empty() && !(s3 && denial.resource == "*"))
    text += s3 ? fmt::format(" on resource: \"{}\"", denial.resource)
               : fmt::format(" on resource: {}", denial.resource);
  return text + reason(denial);
}

api::Error to_api_error(const Denial& denial, ErrorFamily family) {
  const bool exception = family == ErrorFamily::kJson || family == ErrorFamily::kRestJson;
  return {.code = exception ? "AccessDeniedException" : "AccessDenied",
          .status = family == ErrorFamily::kJson ? 400 : 403,
          .message = denial_text(denial, family)};
}

}  // namespace auth
