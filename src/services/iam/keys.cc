// CreateAccessKey, UpdateAccessKey, DeleteAccessKey, ListAccessKeys, GetAccessKeyLastUsed.
#include <fmt/format.h>

#include <algorithm>

#include "services/iam/iam.h"

namespace services::iam {
namespace {

namespace i = api::iam;
using identity::AccessKey;
using wire::Context;

constexpr std::size_t kKeysPerUserMax = 2;

api::Error no_key(const std::string& id) {
  return i::no_such_entity(fmt::format("The Access Key with id {} cannot be found.", id));
}

std::string_view status_of(const AccessKey& key) { return key.active ? "Active" : "Inactive"; }

// Changes one user through `how`.
template <class Output>
Answer<Output> change_user(const Deps& deps, std::string name,
                           std::function<api::Outcome<void>(identity::User&)> how) {
  return edit<Output>(deps, [name, how](Edit& edit) -> api::Outcome<void> {
    const auto found = find<UserKind>(edit.directory(), name);
    if (!found) return std::unexpected(found.error());
    identity::User user = **found;
    auto changed = how(user);
    if (!changed) return changed;
    edit.put(std::move(user));
    return {};
  });
}

Answer<i::op::CreateAccessKey::Output> create_key(const Deps& deps, const Context& context,
                                                  i::op::CreateAccessKey::Input input) {
  const std::string name = UserKind::name(context, input);
  const AccessKey key = deps.identity.new_access_key();
  auto done = co_await change_user<i::op::CreateAccessKey::Output>(
      deps, name, [key](identity::User& user) -> api::Outcome<void> {
        if (user.keys.size() >= kKeysPerUserMax)
          return std::unexpected(i::limit_exceeded(
              fmt::format("Cannot exceed quota for AccessKeysPerUser: {}", kKeysPerUserMax)));
        user.keys.push_back(key);
        return {};
      });
  if (!done) co_return done;
  done->access_key = {.user_name = name,
                      .access_key_id = key.id,
                      .status = "Active",
                      .secret_access_key = key.secret,
                      .create_date = key.created};
  co_return done;
}

Answer<i::op::UpdateAccessKey::Output> update_key(const Deps& deps, const Context& context,
                                                  i::op::UpdateAccessKey::Input input) {
  return change_user<i::op::UpdateAccessKey::Output>(
      deps, UserKind::name(context, input), [input](identity::User& user) -> api::Outcome<void> {
        const auto key = std::ranges::find(user.keys, *input.access_key_id, &AccessKey::id);
        if (key == user.keys.end()) return std::unexpected(no_key(*input.access_key_id));
        key->active = *input.status == "Active";
        return {};
      });
}

Answer<i::op::DeleteAccessKey::Output> delete_key(const Deps& deps, const Context& context,
                                                  i::op::DeleteAccessKey::Input input) {
  return change_user<i::op::DeleteAccessKey::Output>(
      deps, UserKind::name(context, input), [input](identity::User& user) -> api::Outcome<void> {
        const auto gone = std::erase_if(
            user.keys, [&](const AccessKey& key) { return key.id == *input.access_key_id; });
        if (gone == 0) return std::unexpected(no_key(*input.access_key_id));
        return {};
      });
}

Answer<i::op::ListAccessKeys::Output> list_keys(const Deps& deps, const Context& context,
                                                i::op::ListAccessKeys::Input input) {
  const auto all = deps.identity.directory();
  const auto user = find<UserKind>(*all, UserKind::name(context, input));
  if (!user) co_return std::unexpected(user.error());
  i::op::ListAccessKeys::Output output;
  output.is_truncated = false;
  auto& keys = output.access_key_metadata.emplace();
  for (const AccessKey& key : (*user)->keys)
    keys.push_back({.user_name = (*user)->name,
                    .access_key_id = key.id,
                    .status = std::string(status_of(key)),
                    .create_date = key.created});
  co_return output;
}

// Uses are not recorded, so no key has been used as far as this answer goes.
Answer<i::op::GetAccessKeyLastUsed::Output> last_used(const Deps& deps, const Context&,
                                                      i::op::GetAccessKeyLastUsed::Input input) {
  const auto all = deps.identity.directory();
  for (const auto& [name, user] : all->users) {
    if (std::ranges::find(user->keys, *input.access_key_id, &AccessKey::id) == user->keys.end())
      continue;
    i::op::GetAccessKeyLastUsed::Output output;
    output.user_name = name;
    auto& used = output.access_key_last_used.emplace();
    used.service_name = "N/A";
    used.region = "N/A";
    co_return output;
  }
  co_return std::unexpected(no_key(*input.access_key_id));
}

}  // namespace

void register_keys(wire::Registry& registry, const Deps& deps) {
  registry.add<i::op::CreateAccessKey>(on_entity<UserKind, i::op::CreateAccessKey>(deps),
                                       [&deps](const Context& context, auto in) {
                                         return create_key(deps, context, std::move(in));
                                       });
  registry.add<i::op::UpdateAccessKey>(on_entity<UserKind, i::op::UpdateAccessKey>(deps),
                                       [&deps](const Context& context, auto in) {
                                         return update_key(deps, context, std::move(in));
                                       });
  registry.add<i::op::DeleteAccessKey>(on_entity<UserKind, i::op::DeleteAccessKey>(deps),
                                       [&deps](const Context& context, auto in) {
                                         return delete_key(deps, context, std::move(in));
                                       });
  registry.add<i::op::ListAccessKeys>(
      on_entity<UserKind, i::op::ListAccessKeys>(deps),
      [&deps](const Context& context, auto in) { return list_keys(deps, context, std::move(in)); });
  registry.add<i::op::GetAccessKeyLastUsed>(
      on_any<i::op::GetAccessKeyLastUsed>(),
      [&deps](const Context& context, auto in) { return last_used(deps, context, std::move(in)); });
}

}  // namespace services::iam
