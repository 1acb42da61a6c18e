#include "auth/context.h"

#include <fmt/format.h>

#include "auth/pattern.h"
#include "base/time_text.h"

namespace auth {
namespace {

using pattern::lower;

std::string_view principal_type(PrincipalKind kind) {
  switch (kind) {
    case PrincipalKind::kAnonymous: return "Anonymous";
    case PrincipalKind::kRoot: return "Account";
    case PrincipalKind::kUser: return "User";
    case PrincipalKind::kAssumedRole: return "AssumedRole";
    case PrincipalKind::kFederated: return "FederatedUser";
    case PrincipalKind::kService: return "Service";
  }
  return "Anonymous";
}

std::string_view boolean(bool value) { return value ? "true" : "false"; }

void add_unless_empty(Context& context, std::string_view key, std::string_view value) {
  if (!value.empty()) context.add(key, value);
}

void add_principal(Context& context, const Principal& who) {
  context.add("aws:principaltype", principal_type(who.kind));
  // A session goes by its role here.
  const bool by_role = who.kind == PrincipalKind::kAssumedRole;
  add_unless_empty(context, "aws:principalarn", by_role ? who.role_arn : who.arn);
  add_unless_empty(context, "aws:principalaccount", who.account_id);
  add_unless_empty(context, "aws:userid", who.user_id);
  if (who.kind == PrincipalKind::kUser) add_unless_empty(context, "aws:username", who.user_name);
  for (const Tag& tag : who.tags)
    context.add(fmt::format("aws:principaltag/{}", tag.key), tag.value);
  add_unless_empty(context, "aws:sourceidentity", who.source_identity);
  add_unless_empty(context, "aws:federatedprovider", who.identity_provider);
  const bool service = who.kind == PrincipalKind::kService;
  context.add("aws:principalisawsservice", boolean(service));
  add_unless_empty(context, "aws:principalservicename", who.service);
  if (!who.is_session()) return;
  context.add("aws:multifactorauthpresent", boolean(who.mfa));
  if (who.session_issued) context.add("aws:tokenissuetime", base::iso8601(*who.session_issued));
}

}  // namespace

Context::Context(std::initializer_list<std::pair<std::string_view, std::string_view>> entries) {
  for (const auto& [key, value] : entries) add(key, value);
}

ContextEntry& Context::entry_of(std::string_view key) {
  std::string wanted = lower(key);
  for (ContextEntry& entry : entries_)
    if (entry.key == wanted) return entry;
  return entries_.emplace_back(ContextEntry{.key = std::move(wanted), .values = {}});
}

void Context::add(std::string_view key, std::string_view value) {
  entry_of(key).values.emplace_back(value);
}

void Context::add(const ContextEntry& entry) {
  ContextEntry& kept = entry_of(entry.key);
  kept.values.insert(kept.values.end(), entry.values.begin(), entry.values.end());
}

void Context::set(std::string_view key, std::string_view value) {
  entry_of(key).values.assign(1, std::string(value));
}

const std::vector<std::string>* Context::find(std::string_view lower_key) const {
  for (const ContextEntry& entry : entries_)
    if (entry.key == lower_key) return &entry.values;
  return nullptr;
}

Context global_context(const Principal& principal, const RequestFacts& facts, base::Timestamp now) {
  Context context;
  context.add("aws:currenttime", base::iso8601(now));
  context.add("aws:epochtime", fmt::format("{}", base::to_epoch_ms(now) / 1'000));
  context.add("aws:securetransport", boolean(facts.secure_transport));
  add_principal(context, principal);
  add_unless_empty(context, "aws:useragent", facts.user_agent);
  add_unless_empty(context, "aws:referer", facts.referer);
  add_unless_empty(context, "aws:requestedregion", facts.region);
  add_unless_empty(context, "aws:sourcearn", facts.source_arn);
  add_unless_empty(context, "aws:sourceaccount", facts.source_account);

  const bool via_service = !facts.called_via.empty() || !principal.invoked_by.empty();
  context.add("aws:viaawsservice", boolean(via_service));
  // Behind a service the caller's address is the service's, and no use to a policy.
  if (!via_service) add_unless_empty(context, "aws:sourceip", facts.source_ip);
  if (facts.called_via.empty()) return context;
  for (const std::string& service : facts.called_via) context.add("aws:calledvia", service);
  context.add("aws:calledviafirst", facts.called_via.front());
  context.add("aws:calledvialast", facts.called_via.back());
  return context;
}

}  // namespace auth
