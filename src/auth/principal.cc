#include "auth/principal.h"

#include <fmt/format.h>

namespace auth {
namespace {

std::string iam_arn(std::string_view account, std::string_view type, std::string_view path,
                    std::string_view name) {
  return fmt::format("arn:aws:iam::{}:{}{}{}", account, type, path.empty() ? "/" : path, name);
}

}  // namespace

std::string root_arn(std::string_view account) {
  return fmt::format("arn:aws:iam::{}:root", account);
}
std::string user_arn(std::string_view account, std::string_view path, std::string_view name) {
  return iam_arn(account, "user", path, name);
}
std::string group_arn(std::string_view account, std::string_view path, std::string_view name) {
  return iam_arn(account, "group", path, name);
}
std::string role_arn(std::string_view account, std::string_view path, std::string_view name) {
  return iam_arn(account, "role", path, name);
}
std::string policy_arn(std::string_view account, std::string_view path, std::string_view name) {
  return iam_arn(account, "policy", path, name);
}
std::string assumed_role_arn(std::string_view account, std::string_view role_name,
                             std::string_view session_name) {
  return fmt::format("arn:aws:sts::{}:assumed-role/{}/{}", account, role_name, session_name);
}
std::string federated_user_arn(std::string_view account, std::string_view name) {
  return fmt::format("arn:aws:sts::{}:federated-user/{}", account, name);
}

Principal anonymous_principal() {
  Principal who;
  who.user_id = "anonymous";
  return who;
}

Principal root_principal(std::string_view account) {
  Principal who;
  who.kind = PrincipalKind::kRoot;
  who.account_id = account;
  who.arn = root_arn(account);
  who.user_id = account;
  return who;
}

Principal user_principal(std::string_view account, std::string_view path, std::string_view name,
                         std::string_view user_id) {
  Principal who;
  who.kind = PrincipalKind::kUser;
  who.account_id = account;
  who.arn = user_arn(account, path, name);
  who.user_id = user_id;
  who.user_name = name;
  who.path = path;
  return who;
}

Principal role_session_principal(std::string_view account, std::string_view role_path,
                                 std::string_view role_name, std::string_view role_id,
                                 std::string_view session_name) {
  Principal who;
  who.kind = PrincipalKind::kAssumedRole;
  who.account_id = account;
  who.arn = assumed_role_arn(account, role_name, session_name);
  who.user_id = fmt::format("{}:{}", role_id, session_name);
  who.path = role_path;
  who.role_arn = role_arn(account, role_path, role_name);
  who.role_name = role_name;
  who.session_name = session_name;
  return who;
}

Principal service_principal(std::string_view service) {
  Principal who;
  who.kind = PrincipalKind::kService;
  who.user_id = service;
  who.service = service;
  return who;
}

std::optional<ArnParts> parse_arn(std::string_view arn) {
  if (!arn.starts_with("arn:")) return std::nullopt;
  arn.remove_prefix(4);
  std::string_view parts[4];
  for (std::string_view& part : parts) {
    const std::size_t colon = arn.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    part = arn.substr(0, colon);
    arn.remove_prefix(colon + 1);
  }
  return ArnParts{parts[0], parts[1], parts[2], parts[3], arn};
}

}  // namespace auth
