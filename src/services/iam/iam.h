#pragma once

// The IAM API over identity. One per server, thread-safe. By family:
//   users.cc groups.cc roles.cc keys.cc managed_policies.cc holder_policies.cc tags.cc account.cc
// Every change is durable and in force when it is answered.

#include "api/iam/errors.h"
#include "api/iam/operations.h"
#include "identity/identity.h"
#include "wire/registry.h"

namespace services::iam {

struct Deps {
  identity::Identity& identity;
  const base::Clock& clock;
};

void register_operations(wire::Registry& registry, const Deps& deps);

// --- shared by the families -------------------------------------------------------------------

template <class T>
using Answer = async::Task<api::Outcome<T>>;
using identity::Directory;
using identity::Edit;

// The three that hold policies, each with how to find it and what AWS says when it is not there.
struct UserKind {
  using Entity = identity::User;
  static constexpr std::string_view kWord = "user";
  static const Entity* find(const Directory& all, const std::string& name) {
    return all.user(name);
  }
  template <class Input>
  static std::string name(const wire::Context& context, const Input& input);
};
struct GroupKind {
  using Entity = identity::Group;
  static constexpr std::string_view kWord = "group";
  static const Entity* find(const Directory& all, const std::string& name) {
    return all.group(name);
  }
  template <class Input>
  static std::string name(const wire::Context&, const Input& input) {
    return *input.group_name;
  }
};
struct RoleKind {
  using Entity = identity::Role;
  static constexpr std::string_view kWord = "role";
  static const Entity* find(const Directory& all, const std::string& name) {
    return all.role(name);
  }
  template <class Input>
  static std::string name(const wire::Context&, const Input& input) {
    return *input.role_name;
  }
};

// Where UserName may be left out, the caller is meant.
template <class Input>
std::string UserKind::name(const wire::Context& context, const Input& input) {
  return input.user_name.value_or(context.principal->user_name);
}

// "The user with name X cannot be found."
api::Error not_found(std::string_view word, const std::string& name);

template <class Kind>
api::Outcome<const typename Kind::Entity*> find(const Directory& all, const std::string& name) {
  const auto* const found = Kind::find(all, name);
  if (found == nullptr) return std::unexpected(not_found(Kind::kWord, name));
  return found;
}

// The ARN that a permission is asked for; an entity that is not there counts as at the root path.
template <class Kind>
std::string arn_for(const Deps& deps, const std::string& name) {
  const auto all = deps.identity.directory();
  const auto* const found = Kind::find(*all, name);
  if (found != nullptr) return all->arn_of(*found);
  typename Kind::Entity absent;
  absent.name = name;
  return all->arn_of(absent);
}

template <class Kind, class Op>
auto on_entity(const Deps& deps) {
  return [&deps](const wire::Context& context, const typename Op::Input& input) -> wire::Checks {
    return {{.action = "iam:" + std::string(Op::info().name),
             .resource = arn_for<Kind>(deps, Kind::name(context, input))}};
  };
}
template <class Op>
auto on_policy() {
  return [](const wire::Context&, const typename Op::Input& input) -> wire::Checks {
    return {{.action = "iam:" + std::string(Op::info().name), .resource = *input.policy_arn}};
  };
}
template <class Op>
auto on_any() {
  return [](const wire::Context&, const typename Op::Input&) -> wire::Checks {
    return {{.action = "iam:" + std::string(Op::info().name), .resource = "*"}};
  };
}

// Runs `change` and answers `Output()`.
template <class Output>
Answer<Output> edit(const Deps& deps, std::function<api::Outcome<void>(Edit&)> change) {
  auto done = co_await deps.identity.edit(std::move(change));
  if (!done) co_return std::unexpected(std::move(done).error());
  co_return Output();
}

api::Outcome<identity::PolicyText> parse(const std::string& text, auth::PolicyKind kind);
std::vector<api::iam::Tag> render_tags(const identity::Tags& tags);
api::Outcome<identity::Tags> read_tags(const std::optional<std::vector<api::iam::Tag>>& tags);
api::iam::AttachedPermissionsBoundary render_boundary(const std::string& arn);

// Pages: fills `out` with what `render` makes of the entries after the marker, by name.
template <class Output, class Entries, class Take>
void page(Output& output, const std::optional<std::string>& marker,
          const std::optional<std::int32_t>& max_items, const Entries& entries, Take take) {
  const std::string after = marker.value_or("");
  const auto limit = static_cast<std::size_t>(max_items.value_or(100));
  std::size_t taken = 0;
  output.is_truncated = false;
  std::string last;
  for (const auto& entry : entries) {
    const std::string& name = entry.first;
    if (name <= after) continue;
    if (taken == limit) {
      output.is_truncated = true;
      output.marker = last;
      return;
    }
    if (!take(entry)) continue;
    last = name;
    ++taken;
  }
}

void register_users(wire::Registry& registry, const Deps& deps);
void register_groups(wire::Registry& registry, const Deps& deps);
void register_roles(wire::Registry& registry, const Deps& deps);
void register_keys(wire::Registry& registry, const Deps& deps);
void register_managed_policies(wire::Registry& registry, const Deps& deps);
void register_holder_policies(wire::Registry& registry, const Deps& deps);
void register_tags(wire::Registry& registry, const Deps& deps);
void register_account(wire::Registry& registry, const Deps& deps);

}  // namespace services::iam
