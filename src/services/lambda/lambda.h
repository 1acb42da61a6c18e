#pragma once

// The Lambda API over functions and mapping: typed request, domain call, typed answer. One per
// server, immutable after construction, thread-safe. The operations stand by family:
//   functions.cc  configuration.cc  code.cc  layers.cc  invoke.cc  event_invoke.cc  versions.cc
//   aliases.cc  permissions.cc  settings.cc  concurrency.cc  urls.cc  mappings.cc
//   operate.cc (Millrace's own operations on mappings)
// url_front.h serves the URLs themselves.

#include <memory>
#include <optional>
#include <string>

#include "api/error.h"
#include "api/lambda/errors.h"
#include "api/lambda/operations.h"
#include "base/clock.h"
#include "base/random.h"
#include "functions/event_queue.h"
#include "functions/invoker.h"
#include "functions/layers.h"
#include "mapping/mappings.h"
#include "wire/registry.h"

namespace services::lambda {

// Where packages in buckets come from, read with the caller's rights; server/ implements it.
class CodeSource {
 public:
  virtual ~CodeSource() = default;
  // Errors are S3's own (NoSuchBucket, NoSuchKey, AccessDenied).
  virtual async::Task<api::Outcome<std::string>> fetch(const wire::Context& context,
                                                       std::string bucket, std::string key,
                                                       std::string version) = 0;
  // Where the caller may download a stored package for a while; empty: nowhere.
  virtual std::string location(const wire::Context& /*context*/, const std::string& /*sha256*/) {
    return {};
  }
};

struct Deps {
  functions::Catalogue& catalogue;
  functions::Layers& layers;
  functions::CodeStore& code;
  functions::Invoker& invoker;
  functions::EventQueue& events;
  functions::Credentials& credentials;
  mapping::Mappings& mappings;
  mapping::SourceOpener& sources;  // to see that a mapping's role can read its stream
  CodeSource& packages;
  const base::Clock& clock;
  base::Random& random;
};

// `deps` and what it refers to outlive the registry.
void register_operations(wire::Registry& registry, const Deps& deps);

// --- shared by the families -------------------------------------------------------------------

namespace l = api::lambda;
using functions::Function;
using functions::FunctionKey;
using functions::FunctionPtr;
using functions::Version;
using wire::Context;
template <class T>
using Answer = async::Task<api::Outcome<T>>;

// Which function a request means, and which version of it ("" if it names none).
struct Target {
  FunctionKey key;
  std::string qualifier;

  std::string arn() const;  // with the qualifier, if there is one
};
// By name, partial or full ARN, each with or without a qualifier. ResourceNotFoundException for
// another region; InvalidParameterValueException if name and qualifier disagree.
api::Outcome<Target> target_of(const Context& context, const std::string& name,
                               const std::optional<std::string>& qualifier);
api::Outcome<FunctionPtr> find_function(const Deps& deps, const Target& target);
struct Found {
  FunctionPtr function;
  const Version* version;
};
api::Outcome<Found> find_version(const Deps& deps, const Target& target);

// A check on one function; its resource policy counts.
auth::Check function_check(const Deps& deps, std::string action, const Target& target);
auth::Check pass_role(const std::string& role);
auth::Check any_resource(std::string action);

template <class Input>
std::optional<std::string> qualifier_of(const Input& input) {
  if constexpr (requires { input.qualifier; }) return input.qualifier;
  else return std::nullopt;
}
// "lambda:X" on the function that the input names.
template <class Input>
auto on_function(const Deps& deps, std::string action) {
  return [&deps, action = std::move(action)](const Context& context,
                                             const Input& input) -> api::Outcome<wire::Checks> {
    auto target = target_of(context, *input.function_name, qualifier_of(input));
    if (!target) return std::unexpected(target.error());
    return wire::Checks{function_check(deps, action, *target)};
  };
}

l::FunctionConfiguration render(const Function& function, const Version& version,
                                const std::string& arn);
l::AliasConfiguration render(const FunctionKey& key, const functions::Alias& alias);
api::Error stale_revision(std::string_view ask);
api::Error not_here(std::string_view property);  // a setting that Millrace does not have

// Settings that have to be right; nullopt: they are.
std::optional<api::Error> check_environment(const std::map<std::string, std::string>& variables);
// A new revision of `version` (and a new deployment, if what runs has changed).
void touch(const Deps& deps, Version& version, bool redeploy);
// Publishes $LATEST: the version that is there if nothing has changed since.
const Version& publish(const Deps& deps, Function& function,
                       const std::optional<std::string>& description);

// The package of a request, checked and stored.
struct CodeParts {
  std::optional<std::string> zip_file;
  std::optional<std::string> bucket;
  std::optional<std::string> key;
  std::optional<std::string> object_version;
};
async::Task<api::Outcome<functions::PackagePtr>> take_package(const Deps& deps,
                                                              const Context& context,
                                                              CodeParts parts);

// One page of `all`, sorted by `name_of`; the marker is the name of the last one before it.
template <class T, class NameOf>
std::pair<std::vector<T>, std::optional<std::string>> page_of(
    std::vector<T> all, const std::optional<std::string>& marker, std::size_t limit,
    NameOf name_of) {
  std::vector<T> page;
  for (T& entry : all) {
    if (marker && name_of(entry) <= *marker) continue;
    if (page.size() == limit) return {std::move(page), name_of(page.back())};
    page.push_back(std::move(entry));
  }
  return {std::move(page), std::nullopt};
}

// A function by its name alone: neither a version nor an alias.
api::Outcome<Target> unqualified(const Context& context, const std::string& name);
inline constexpr std::int32_t kAccountConcurrency = 1000;

void register_functions(wire::Registry& registry, const Deps& deps);
void register_configuration(wire::Registry& registry, const Deps& deps);
void register_code(wire::Registry& registry, const Deps& deps);
void register_layers(wire::Registry& registry, const Deps& deps);
void register_invoke(wire::Registry& registry, const Deps& deps);
void register_event_invoke(wire::Registry& registry, const Deps& deps);
void register_versions(wire::Registry& registry, const Deps& deps);
void register_aliases(wire::Registry& registry, const Deps& deps);
void register_permissions(wire::Registry& registry, const Deps& deps);
void register_urls(wire::Registry& registry, const Deps& deps);
void register_settings(wire::Registry& registry, const Deps& deps);
void register_concurrency(wire::Registry& registry, const Deps& deps);
void register_mappings(wire::Registry& registry, const Deps& deps);
void register_operating(wire::Registry& registry, const Deps& deps);

}  // namespace services::lambda
