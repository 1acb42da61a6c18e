// Log groups: create, describe, delete, and how long they keep events.
#include <algorithm>
#include <array>

#include "api/logs/errors.h"
#include "services/logs/logs.h"

namespace services::logs {
namespace {

namespace l = api::logs;
using journal::GroupInfo;
using wire::Context;

constexpr std::int32_t kDefaultLimit = 50;
constexpr std::array kRetentionDays = {1,    3,    5,    7,    14,   30,  60,  90,
                                       120,  150,  180,  365,  400,  545, 731, 1096,
                                       1827, 2192, 2557, 2922, 3288, 3653};

Answer<l::CreateLogGroupOutput> create_group(const Deps& deps, const Context& context,
                                             l::CreateLogGroupRequest input) {
  const GroupKey key{context.account_id, context.region, *input.log_group_name};
  if (key.name.starts_with("aws/"))
    co_return std::unexpected(
        l::invalid_parameter("Log groups starting with AWS/ are reserved for AWS."));
  journal::GroupOptions options;
  options.log_class = input.log_group_class.value_or("STANDARD");
  options.kms_key_id = input.kms_key_id.value_or("");
  options.deletion_protected = input.deletion_protection_enabled.value_or(false);
  if (input.tags) options.tags = *std::move(input.tags);
  const auto made = co_await deps.journal.create_group(key, std::move(options));
  if (!made && made.error().code == base::ErrorCode::kAlreadyExists)
    co_return std::unexpected(l::resource_already_exists("The specified log group already exists"));
  if (!made) co_return std::unexpected(to_api_error(deps, made.error(), key));
  co_return l::CreateLogGroupOutput();
}

Answer<l::DeleteLogGroupOutput> delete_group(const Deps& deps, const Context& context,
                                             l::DeleteLogGroupRequest input) {
  const GroupKey key{context.account_id, context.region, *input.log_group_name};
  const auto removed = co_await deps.journal.remove_group(key);
  if (!removed && removed.error().code == base::ErrorCode::kConflict)
    co_return std::unexpected(l::validation(
        "The specified log group has deletion protection enabled and cannot be deleted."));
  if (!removed) co_return std::unexpected(to_api_error(deps, removed.error(), key));
  co_return l::DeleteLogGroupOutput();
}

l::LogGroup render(const journal::Group& group) {
  const GroupInfo& info = group.info;
  l::LogGroup shown;
  shown.log_group_name = info.key.name;
  shown.creation_time = base::to_epoch_ms(info.created);
  if (info.retention_days != 0)
    shown.retention_in_days = static_cast<std::int32_t>(info.retention_days);
  shown.metric_filter_count = 0;
  shown.log_group_arn = info.key.arn();
  shown.arn = info.key.arn() + ":*";
  shown.stored_bytes = static_cast<std::int64_t>(group.state->stored_bytes.load());
  if (!info.kms_key_id.empty()) shown.kms_key_id = info.kms_key_id;
  shown.log_group_class = info.log_class;
  shown.deletion_protection_enabled = info.deletion_protected;
  return shown;
}

bool contains_ignoring_case(std::string_view text, std::string_view part) {
  const auto same = [](unsigned char a, unsigned char b) {
    return std::tolower(a) == std::tolower(b);
  };
  return !std::ranges::search(text, part, same).empty() || part.empty();
}

// Does the description ask for this group?
bool wanted(const Context& context, const l::DescribeLogGroupsRequest& input,
            const GroupInfo& info) {
  if (input.log_group_class && info.log_class != *input.log_group_class) return false;
  if (input.log_group_name_prefix && !info.key.name.starts_with(*input.log_group_name_prefix))
    return false;
  if (input.log_group_name_pattern &&
      !contains_ignoring_case(info.key.name, *input.log_group_name_pattern))
    return false;
  if (!input.log_group_identifiers) return true;
  return std::ranges::any_of(*input.log_group_identifiers, [&](const std::string& identifier) {
    const auto key = key_of(context, std::nullopt, identifier);
    return key && *key == info.key;
  });
}

// After which name a page goes on; empty without a token.
api::Outcome<std::string> token_name(const Deps& deps, const std::optional<std::string>& token) {
  if (!token) return std::string();
  auto name = deps.sealer.open(*token);
  if (!name) return std::unexpected(bad_token());
  return *std::move(name);
}

Answer<l::DescribeLogGroupsResponse> describe_groups(const Deps& deps, const Context& context,
                                                     l::DescribeLogGroupsRequest input) {
  if (input.log_group_name_prefix && input.log_group_name_pattern)
    co_return std::unexpected(l::invalid_parameter(
        "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters."));
  const auto after = token_name(deps, input.next_token);
  if (!after) co_return std::unexpected(after.error());
  const auto limit = static_cast<std::size_t>(input.limit.value_or(kDefaultLimit));
  l::DescribeLogGroupsResponse output;
  auto& groups = output.log_groups.emplace();
  for (const GroupPtr& group : deps.journal.list(context.account_id, context.region)) {
    if (group->info.key.name <= *after || !wanted(context, input, group->info)) continue;
    if (groups.size() == limit) {
      output.next_token = deps.sealer.seal(*groups.back().log_group_name);
      break;
    }
    groups.push_back(render(*group));
  }
  co_return output;
}

// ListLogGroups takes up to five words joined by '|', each anchored by '^' or found anywhere.
bool matches_words(std::string_view name, std::string_view words) {
  for (;;) {
    const std::size_t bar = words.find('|');
    const std::string_view word = words.substr(0, bar);
    if (word.starts_with('^') ? name.starts_with(word.substr(1))
                              : name.find(word) != std::string_view::npos)
      return true;
    if (bar == std::string_view::npos) return false;
    words.remove_prefix(bar + 1);
  }
}

Answer<l::ListLogGroupsResponse> list_groups(const Deps& deps, const Context& context,
                                             l::ListLogGroupsRequest input) {
  if (input.data_sources || input.field_index_names || input.log_group_tags)
    co_return std::unexpected(l::invalid_parameter(
        "Filtering by dataSources, fieldIndexNames or logGroupTags is not supported."));
  const auto after = token_name(deps, input.next_token);
  if (!after) co_return std::unexpected(after.error());
  const auto limit = static_cast<std::size_t>(input.limit.value_or(kDefaultLimit));
  l::ListLogGroupsResponse output;
  auto& groups = output.log_groups.emplace();
  for (const GroupPtr& group : deps.journal.list(context.account_id, context.region)) {
    const GroupInfo& info = group->info;
    if (info.key.name <= *after) continue;
    if (input.log_group_class && info.log_class != *input.log_group_class) continue;
    if (input.log_group_name_pattern &&
        !matches_words(info.key.name, *input.log_group_name_pattern))
      continue;
    if (groups.size() == limit) {
      output.next_token = deps.sealer.seal(*groups.back().log_group_name);
      break;
    }
    groups.push_back({.log_group_name = info.key.name,
                      .log_group_arn = info.key.arn(),
                      .log_group_class = info.log_class});
  }
  co_return output;
}

async::Task<std::optional<api::Error>> set_retention(const Deps& deps, GroupKey key,
                                                     std::uint32_t days) {
  const auto how = [days](GroupInfo& info) -> base::Status {
    info.retention_days = days;
    return {};
  };
  const auto done = co_await deps.journal.update_group(key, how);
  if (!done) co_return to_api_error(deps, done.error(), key);
  co_return std::nullopt;
}

Answer<l::PutRetentionPolicyOutput> put_retention(const Deps& deps, const Context& context,
                                                  l::PutRetentionPolicyRequest input) {
  if (std::ranges::find(kRetentionDays, *input.retention_in_days) == kRetentionDays.end())
    co_return std::unexpected(l::invalid_parameter(
        "1 validation error detected: Value '" + std::to_string(*input.retention_in_days) +
        "' at 'retentionInDays' failed to satisfy constraint: Member must satisfy enum value set: "
        "[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, "
        "2922, 3288, 3653]"));
  auto failed =
      co_await set_retention(deps, {context.account_id, context.region, *input.log_group_name},
                             static_cast<std::uint32_t>(*input.retention_in_days));
  if (failed) co_return std::unexpected(*std::move(failed));
  co_return l::PutRetentionPolicyOutput();
}

Answer<l::DeleteRetentionPolicyOutput> delete_retention(const Deps& deps, const Context& context,
                                                        l::DeleteRetentionPolicyRequest input) {
  auto failed =
      co_await set_retention(deps, {context.account_id, context.region, *input.log_group_name}, 0);
  if (failed) co_return std::unexpected(*std::move(failed));
  co_return l::DeleteRetentionPolicyOutput();
}

template <class Input>
auto on_all_groups(std::string action) {
  return [action = std::move(action)](const Context& context, const Input&) -> wire::Checks {
    const GroupKey all{context.account_id, context.region, ""};
    return {check_on(action, all, group_resource(all))};
  };
}

}  // namespace

void register_groups(wire::Registry& registry, const Deps& deps) {
  registry.add<l::op::CreateLogGroup>(on_group<l::CreateLogGroupRequest>("logs:CreateLogGroup"),
                                      [&deps](const Context& context, auto input) {
                                        return create_group(deps, context, std::move(input));
                                      });
  registry.add<l::op::DeleteLogGroup>(on_group<l::DeleteLogGroupRequest>("logs:DeleteLogGroup"),
                                      [&deps](const Context& context, auto input) {
                                        return delete_group(deps, context, std::move(input));
                                      });
  registry.add<l::op::DescribeLogGroups>(
      on_all_groups<l::DescribeLogGroupsRequest>("logs:DescribeLogGroups"),
      [&deps](const Context& context, auto input) {
        return describe_groups(deps, context, std::move(input));
      });
  registry.add<l::op::ListLogGroups>(on_all_groups<l::ListLogGroupsRequest>("logs:ListLogGroups"),
                                     [&deps](const Context& context, auto input) {
                                       return list_groups(deps, context, std::move(input));
                                     });
  registry.add<l::op::PutRetentionPolicy>(
      on_group<l::PutRetentionPolicyRequest>("logs:PutRetentionPolicy"),
      [&deps](const Context& context, auto input) {
        return put_retention(deps, context, std::move(input));
      });
  registry.add<l::op::DeleteRetentionPolicy>(
      on_group<l::DeleteRetentionPolicyRequest>("logs:DeleteRetentionPolicy"),
      [&deps](const Context& context, auto input) {
        return delete_retention(deps, context, std::move(input));
      });
}

}  // namespace services::logs
