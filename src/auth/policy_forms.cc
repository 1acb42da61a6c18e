#include "auth/policy_forms.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "auth/pattern.h"
#include "auth/principal.h"

namespace auth::forms {
namespace {

constexpr std::array<std::string_view, 13> kIamPaths = {"user/",
                                                        "federated-user/",
                                                        "role/",
                                                        "group/",
                                                        "instance-profile/",
                                                        "mfa/",
                                                        "server-certificate/",
                                                        "policy/",
                                                        "sms-mfa/",
                                                        "saml-provider/",
                                                        "oidc-provider/",
                                                        "report/",
                                                        "access-report/"};

bool is_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

bool is_vendor_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.';
}

std::vector<std::string_view> split(std::string_view text, char separator, std::size_t parts_max) {
  std::vector<std::string_view> parts;
  while (parts.size() + 1 < parts_max) {
    const std::size_t end = text.find(separator);
    if (end == std::string_view::npos) break;
    parts.push_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  parts.push_back(text);
  return parts;
}

bool is_partition(std::string_view partition) {
  return partition == "aws" || partition == "aws-cn" || partition == "aws-us-gov" ||
         partition == "*";
}

ResourceFault wrong_partition(const std::vector<std::string_view>& parts) {
  const auto part = [&](std::size_t index) {
    return index < parts.size() ? parts[index] : std::string_view("*");
  };
  std::string_view service = part(2);
  if (service.empty() && parts.size() <= 3) service = "*";
  return {.message = fmt::format("Partition \"{}\" is not valid for resource "
                                 "\"arn:{}:{}:{}:{}:{}\".",
                                 part(1), part(1), service, part(3), part(4), part(5))};
}

std::optional<ResourceFault> service_fault(std::string_view resource,
                                           const std::vector<std::string_view>& parts) {
  const std::string_view service = parts[2];
  const std::string_view region = parts[3];
  const std::string_view name = parts[5];
  if (service == "s3" && !region.empty() && region != "*")
    return ResourceFault{
        .message = fmt::format("Resource {} can not contain region information.", resource)};
  if (service != "iam") return std::nullopt;
  if (!region.empty() && region != "*")
    return ResourceFault{
        .message = fmt::format("IAM resource {} cannot contain region information.", resource)};
  const bool known = name.starts_with('*') || name.starts_with("${") || name == "root" ||
                     std::ranges::any_of(kIamPaths, [&](std::string_view path) {
                       return name.starts_with(path) || name.find_first_of("*?") < path.size();
                     });
  if (known) return std::nullopt;
  return ResourceFault{.message = fmt::format("IAM resource path must either be \"*\" or start "
                                              "with {}.",
                                              fmt::join(kIamPaths, ", "))};
}

bool is_unique_id(std::string_view value) {
  return value.size() >= 16 && value.size() <= 128 && value.starts_with('A') &&
         std::ranges::all_of(
             value, [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); });
}

std::optional<PrincipalPattern> parse_aws_principal(std::string_view value) {
  if (value == "*") return PrincipalPattern{PrincipalType::kAnyone, {}};
  if (value.size() == 12 && is_digits(value))
    return PrincipalPattern{PrincipalType::kAws, root_arn(value)};
  if (is_unique_id(value)) return PrincipalPattern{PrincipalType::kAws, std::string(value)};
  const auto arn = parse_arn(value);
  const bool identity = arn && (arn->service == "iam" || arn->service == "sts") &&
                        arn->region.empty() && arn->account.size() == 12 &&
                        is_digits(arn->account) && !arn->resource.empty() &&
                        value.find('*') == std::string_view::npos;
  if (!identity) return std::nullopt;
  return PrincipalPattern{PrincipalType::kAws, std::string(value)};
}

}  // namespace

std::optional<std::string> action_fault(std::string_view action) {
  if (action == "*") return std::nullopt;
  const auto colons = std::ranges::count(action, ':');
  if (colons == 0)
    return "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.";
  if (colons > 1) return "Actions/Condition can contain only one colon.";
  const std::string_view vendor = action.substr(0, action.find(':'));
  if (vendor == "*" || (!vendor.empty() && std::ranges::all_of(vendor, is_vendor_character)))
    return std::nullopt;
  return fmt::format("Vendor {} is not valid", vendor);
}

std::optional<ResourceFault> resource_fault(std::string_view resource) {
  if (resource == "*") return std::nullopt;
  const std::vector<std::string_view> parts = split(resource, ':', 6);
  if (parts.size() < 2)
    return ResourceFault{.message =
                             fmt::format("Resource {} must be in ARN format or \"*\".", resource)};
  if (parts[0] == "arn" && parts[1].find("${") != std::string_view::npos) return std::nullopt;
  if (!is_partition(parts[1])) return wrong_partition(parts);
  if (parts.size() == 2)
    return ResourceFault{.message =
                             "Resource vendor must be fully qualified and cannot contain regexes."};
  // A '*' may swallow the parts that are not there.
  if (parts.size() < 6) {
    if (parts.back().ends_with('*')) return std::nullopt;
    return ResourceFault{.legacy = true, .message = {}};
  }
  return service_fault(resource, parts);
}

std::optional<PrincipalPattern> parse_principal(std::string_view type, std::string_view value) {
  if (type == "AWS") return parse_aws_principal(value);
  if (value.empty()) return std::nullopt;
  if (type == "Service") {
    if (value.find('.') == std::string_view::npos || value.find('*') != std::string_view::npos)
      return std::nullopt;
    return PrincipalPattern{PrincipalType::kService, std::string(value)};
  }
  if (type == "Federated") return PrincipalPattern{PrincipalType::kFederated, std::string(value)};
  if (type == "CanonicalUser")
    return PrincipalPattern{PrincipalType::kCanonicalUser, std::string(value)};
  return std::nullopt;
}

bool is_trust_action(std::string_view action) {
  return pattern::lower(action.substr(0, 4)) == "sts:";
}

}  // namespace auth::forms
