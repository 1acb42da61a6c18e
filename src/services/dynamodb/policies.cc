// PutResourcePolicy, GetResourcePolicy, DeleteResourcePolicy: of tables, and of their streams.

#include <fmt/format.h>

#include <algorithm>

#include "api/dynamodb/errors.h"
#include "auth/evaluate.h"
#include "services/dynamodb/schema.h"

namespace services::dynamodb {

namespace {

using tables::Definition;
using tables::invalid_parameter;
using tables::ResourcePolicy;

constexpr std::string_view kNoPolicy = "NO_POLICY";  // as ExpectedRevisionId

// What a ResourceArn names.
struct Target {
  tables::TableName table;
  std::string label;  // of a stream; empty: the table itself
};

api::Outcome<Target> target_of(const Context& context, const std::string& arn) {
  const auto invalid = [](std::string what) {
    return std::unexpected(invalid_parameter(std::move(what)));
  };
  if (!arn.starts_with("arn:")) return invalid("ARNs must start with 'arn:': " + arn);
  const auto parts = auth::parse_arn(arn);
  constexpr std::string_view kTable = "table/";
  if (!parts || parts->service != "dynamodb" || !parts->resource.starts_with(kTable))
    return invalid("Provided Arn is not a DynamoDB resource arn: " + arn);
  if (parts->account != context.account_id)
    return tables::refuse(
        "This action is only supported by accounts that match the resource owner’s account.");
  if (parts->region != context.region || !arn.starts_with("arn:aws:"))
    return invalid("Invalid resource Arn: " + arn);
  const std::string_view whole = parts->resource.substr(kTable.size());
  const std::string_view name = whole.substr(0, whole.find('/'));
  const std::string_view rest = whole.substr(name.size());
  if (rest.starts_with("/index/"))
    return invalid(
        "Invalid resource arn provided, only table or stream is accepted. Provided resource arn: " +
        arn);
  constexpr std::string_view kStream = "/stream/";
  if (!has_name_characters(name) || (!rest.empty() && !rest.starts_with(kStream)))
    return invalid("Provided Arn is not a DynamoDB resource arn: " + arn);
  return Target{{context.account_id, context.region, std::string(name)},
                std::string(rest.empty() ? rest : rest.substr(kStream.size()))};
}

api::Error policy_not_found(const std::string& what) {
  return d::policy_not_found("Resource-based policy not found for the provided ResourceArn: " +
                             what);
}

// Where the target's policy stands; nullptr: there is no such stream.
template <class AnyDefinition>
auto* slot_of(AnyDefinition& definition, const Target& target) {
  if (target.label.empty()) return &definition.policy;
  const bool is_latest = definition.stream && label_of(*definition.stream) == target.label;
  return is_latest ? &definition.stream_policy : nullptr;
}

api::Error no_stream(const Target& target) {
  return d::resource_not_found(
      fmt::format("Requested resource not found: Stream: {} not found for Table: {}", target.label,
                  target.table.name));
}

api::Error no_table(const Target& target) {
  return d::resource_not_found("Requested resource not found: Table: " + target.table.name +
                               " not found");
}

std::optional<api::Error> check_revision(const std::optional<std::string>& expected,
                                         const ResourcePolicy& there, const Target& target) {
  if (!expected) return std::nullopt;
  if (*expected == kNoPolicy) {
    if (there.empty()) return std::nullopt;
    return policy_not_found(
        fmt::format("Requested policy update expecting none to be present for table {}, but a "
                    "policy exists with revision id {}.",
                    target.table.name, there.revision));
  }
  if (there.empty())
    return policy_not_found(fmt::format(
        "Requested update for policy with revision id {}, but table {} has no associated "
        "policy.",
        *expected, target.table.name));
  if (*expected == there.revision) return std::nullopt;
  return policy_not_found(
      fmt::format("Requested update for policy with revision id {}, but the policy associated to "
                  "target table {} has revision id {}.",
                  *expected, target.table.name, there.revision));
}

// Revisions are times; each is above the one before.
std::string next_revision(const ResourcePolicy& before, base::Timestamp now) {
  std::int64_t revision = base::to_epoch_ms(now);
  if (!before.empty()) revision = std::max(revision, std::stol(before.revision) + 1);
  return std::to_string(revision);
}

// Whether the caller could not put a policy there any more.
bool locks_out(const Deps& deps, const Context& context, const std::string& arn,
               const auth::PolicyDocument& policy) {
  const auth::Context facts =
      auth::global_context(*context.principal, context.facts, deps.clock.now());
  auth::PolicySet set;
  set.resource = &policy;
  const auto decision = auth::evaluate({.principal = context.principal.get(),
                                        .action = "dynamodb:PutResourcePolicy",
                                        .resource = arn,
                                        .resource_account = context.account_id,
                                        .context = &facts},
                                       set);
  return decision.verdict == auth::Verdict::kExplicitDeny;
}

Answer<d::PutResourcePolicyOutput> put(const Deps& deps, const Context& context,
                                       d::PutResourcePolicyInput input) {
  const auto target = target_of(context, *input.resource_arn);
  if (!target) co_return std::unexpected(target.error());
  auto policy =
      read_policy(*input.policy, target->label.empty() ? PolicyOf::kTable : PolicyOf::kStream);
  if (!policy) co_return std::unexpected(std::move(policy).error());
  if (!input.confirm_remove_self_resource_access.value_or(false) &&
      locks_out(deps, context, *input.resource_arn, *policy->parsed))
    co_return std::unexpected(api::Error{.code = "AccessDeniedException",
                                         .status = 400,
                                         .message = "The new resource policy will not allow you to "
                                                    "update the resource policy in the future."});
  if (!deps.tables.catalogue().find(target->table)) co_return std::unexpected(no_table(*target));
  d::PutResourcePolicyOutput output;
  const auto edit = [&](Definition& edited) -> std::optional<api::Error> {
    ResourcePolicy* const slot = slot_of(edited, *target);
    if (slot == nullptr) return no_stream(*target);
    if (auto wrong = check_revision(input.expected_revision_id, *slot, *target)) return wrong;
    if (slot->text != policy->text) {
      policy->revision = next_revision(*slot, deps.clock.now());
      *slot = *policy;
    }
    output.revision_id = slot->revision;
    return std::nullopt;
  };
  const auto changed = co_await deps.tables.catalogue().change(target->table, edit);
  if (!changed) co_return std::unexpected(changed.error());
  co_return output;
}

Answer<d::GetResourcePolicyOutput> get(const Deps& deps, const Context& context,
                                       d::GetResourcePolicyInput input) {
  const auto target = target_of(context, *input.resource_arn);
  if (!target) co_return std::unexpected(target.error());
  const auto table = deps.tables.catalogue().find(target->table);
  if (!table) co_return std::unexpected(no_table(*target));
  const auto definition = table->definition();
  const ResourcePolicy* const policy = slot_of(*definition, *target);
  if (policy == nullptr) co_return std::unexpected(no_stream(*target));
  if (policy->empty()) co_return std::unexpected(policy_not_found(*input.resource_arn));
  d::GetResourcePolicyOutput output;
  output.policy = policy->text;
  output.revision_id = policy->revision;
  co_return output;
}

Answer<d::DeleteResourcePolicyOutput> remove(const Deps& deps, const Context& context,
                                             d::DeleteResourcePolicyInput input) {
  const auto target = target_of(context, *input.resource_arn);
  if (!target) co_return std::unexpected(target.error());
  if (!deps.tables.catalogue().find(target->table)) co_return std::unexpected(no_table(*target));
  d::DeleteResourcePolicyOutput output;
  const auto edit = [&](Definition& edited) -> std::optional<api::Error> {
    ResourcePolicy* const slot = slot_of(edited, *target);
    if (slot == nullptr) return no_stream(*target);
    if (auto wrong = check_revision(input.expected_revision_id, *slot, *target)) return wrong;
    if (!slot->empty()) output.revision_id = slot->revision;
    *slot = {};
    return std::nullopt;
  };
  const auto changed = co_await deps.tables.catalogue().change(target->table, edit);
  if (!changed) co_return std::unexpected(changed.error());
  co_return output;
}

template <class Input>
auto on_target(const Deps& deps, const char* action) {
  return [&deps, action](const Context& context, const Input& input) -> api::Outcome<wire::Checks> {
    const auto target = target_of(context, *input.resource_arn);
    if (!target) return std::unexpected(target.error());
    auth::Check check = table_check(deps, action, target->table);
    if (!target->label.empty()) {
      check.resource = *input.resource_arn;
      check.resource_policy =
          deps.tables.catalogue().stream_policy_of(target->table, target->label);
    }
    return wire::Checks{std::move(check)};
  };
}

// Allows something to everybody, whoever they are.
bool is_public(const auth::PolicyDocument& policy) {
  return std::ranges::any_of(policy.statements, [](const auth::Statement& statement) {
    return statement.allow && statement.conditions.empty() &&
           (statement.not_principal ||
            std::ranges::any_of(statement.principals, [](const auth::PrincipalPattern& principal) {
              return principal.type == auth::PrincipalType::kAnyone;
            }));
  });
}

// What is wrong with a document, where DynamoDB says it otherwise than IAM.
std::string in_words_of_dynamodb(std::string_view text, const api::Error& error) {
  std::string packed(text);
  std::erase_if(packed, [](char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; });
  if (packed == "null") return "This text appears not to be a policy";
  if (packed == "{}") return "Syntax error at position (1,3)";
  if (error.message.starts_with("Policies must be valid JSON"))
    return "This policy contains invalid Json";
  if (error.message.starts_with("Statement IDs (SID)"))
    return "The Statement Ids in the policy are not unique";
  return error.message;
}

// Actions that a table's policy cannot name, as a list: a stream has a policy of its own.
std::string actions_of_streams(const auth::PolicyDocument& policy) {
  struct Action {
    std::string_view name, lower;
  };
  constexpr Action kActions[] = {{"dynamodb:GetRecords", "dynamodb:getrecords"},
                                 {"dynamodb:GetShardIterator", "dynamodb:getsharditerator"},
                                 {"dynamodb:DescribeStream", "dynamodb:describestream"}};
  std::string names;
  for (const Action& action : kActions) {
    const auto names_it = [&](const auth::Statement& statement) {
      return std::ranges::find(statement.actions, action.lower, &auth::Pattern::text) !=
             statement.actions.end();
    };
    if (std::ranges::any_of(policy.statements, names_it))
      names += fmt::format("{}\"{}\"", names.empty() ? "" : ", ", action.name);
  }
  return names;
}

}  // namespace

api::Outcome<ResourcePolicy> read_policy(const std::string& text, PolicyOf of) {
  if (text.size() > tables::kResourcePolicyBytesMax)
    return std::unexpected(invalid_parameter(
        fmt::format("Maximum policy size of {} bytes exceeded", tables::kResourcePolicyBytesMax)));
  auto parsed = auth::parse_shared_policy(text, auth::PolicyKind::kResource);
  if (!parsed)
    return std::unexpected(invalid_parameter("Invalid policy document: " +
                                             in_words_of_dynamodb(text, parsed.error())));
  if (of == PolicyOf::kTable) {
    if (const std::string names = actions_of_streams(**parsed); !names.empty())
      return std::unexpected(invalid_parameter(
          "Invalid policy document: The following action names are invalid: " + names));
  }
  if (is_public(**parsed))
    return tables::refuse(
        "Resource-based policy grants unbounded access in one or more elements. Please revise the "
        "policy to ensure least-privilege form of access");
  return ResourcePolicy{.text = text, .revision = {}, .parsed = *std::move(parsed)};
}

void register_policies(wire::Registry& registry, const Deps& deps) {
  registry.add<d::op::PutResourcePolicy>(
      on_target<d::PutResourcePolicyInput>(deps, "dynamodb:PutResourcePolicy"),
      [&deps](const Context& context, auto input) { return put(deps, context, std::move(input)); });
  registry.add<d::op::GetResourcePolicy>(
      on_target<d::GetResourcePolicyInput>(deps, "dynamodb:GetResourcePolicy"),
      [&deps](const Context& context, auto input) { return get(deps, context, std::move(input)); });
  registry.add<d::op::DeleteResourcePolicy>(
      on_target<d::DeleteResourcePolicyInput>(deps, "dynamodb:DeleteResourcePolicy"),
      [&deps](const Context& context, auto input) {
        return remove(deps, context, std::move(input));
      });
}

}  // namespace services::dynamodb
