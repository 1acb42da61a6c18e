#pragma once

// The CloudFormation API over stacks::Engine. One per server, thread-safe; everything that changes
// is the engine's. By family:
//   stack_operations.cc  create, update, delete, roll back, describe, list
//   contents.cc          resources and events
//   templates.cc         validate, get, summarise
//   change_sets.cc       change sets
//   exports.cc           exports, imports, account limits
// What is not served answers a ValidationError that says so.

#include "api/cloudformation/errors.h"
#include "api/cloudformation/operations.h"
#include "stacks/engine.h"
#include "wire/registry.h"

namespace services::cloudformation {

struct Deps {
  stacks::Engine& engine;
  stacks::TemplateSource& templates;
};

// `deps` outlives the registry.
void register_operations(wire::Registry& registry, const Deps& deps);

// --- shared by the families -------------------------------------------------------------------

namespace cf = api::cloudformation;
namespace op = api::cloudformation::op;

template <class T>
using Answer = async::Task<api::Outcome<T>>;

inline constexpr std::size_t kPageEntries = 100;

std::unexpected<api::Error> invalid(std::string message);

// The ARN that a permission is asked for: "…:stack/NAME/*" for a name, an ARN as it is.
std::string arn_for(const wire::Context& context, const std::optional<std::string>& name_or_id);

// cloudformation:<Op> on the stack that the input names.
template <class Op>
wire::Checks on_stack(const wire::Context& context, const typename Op::Input& input) {
  return {{.action = "cloudformation:" + std::string(Op::info().name),
           .resource = arn_for(context, input.stack_name)}};
}
template <class Op>
wire::Checks on_any(const wire::Context&, const typename Op::Input&) {
  return {{.action = "cloudformation:" + std::string(Op::info().name), .resource = "*"}};
}
// The same, and iam:PassRole if a role is given.
template <class Op>
wire::Checks on_stack_with_role(const wire::Context& context, const typename Op::Input& input) {
  wire::Checks checks = on_stack<Op>(context, input);
  if (input.role_arn)
    checks.push_back({.action = "iam:PassRole",
                      .resource = *input.role_arn,
                      .context = {{"iam:PassedToService", {"cloudformation.amazonaws.com"}}}});
  return checks;
}

// The text of a template given as body or URL, with its transforms expanded; an empty original if
// neither is given.
Answer<stacks::TemplateText> read_source(const Deps& deps, const wire::Context& context,
                                         std::optional<std::string> body,
                                         std::optional<std::string> url);
// `parameters`: see stacks::expand_transforms.
api::Outcome<stacks::TemplateText> expand(std::string body,
                                          const std::vector<std::string>* capabilities,
                                          const std::map<std::string, std::string>& parameters);
// The values that `given` stands for; previous ones are those of `stack`, if it is there.
async::Task<std::map<std::string, std::string>> values_of(
    const Deps& deps, const wire::Context& context, std::string stack,
    std::vector<stacks::GivenParameter> given);

std::vector<stacks::GivenParameter> read_parameters(
    const std::optional<std::vector<cf::Parameter>>& parameters);
std::vector<stacks::Tag> read_tags(const std::optional<std::vector<cf::Tag>>& tags);

cf::Stack render_stack(const stacks::StackRecord& record);
cf::StackSummary render_summary(const stacks::StackRecord& record);
std::vector<cf::Parameter> render_parameters(const std::vector<stacks::StoredParameter>& stored);
std::vector<cf::Tag> render_tags(const std::vector<stacks::Tag>& tags);
std::optional<std::string> if_any(const std::string& text);  // nullopt for an empty one

// "The following resource(s) require capabilities: [AWS::IAM::Role]"
std::string capabilities_reason(const stacks::NeededCapabilities& needed);

// A page of `all` from the entry after the token; sets the output's next_token if there is more.
template <class Output, class T, class Render>
auto page(Output& output, const std::optional<std::string>& token, const std::vector<T>& all,
          Render render) {
  std::vector<decltype(render(all.front()))> shown;
  std::size_t from = 0;
  for (const char c : token.value_or(""))
    from = c >= '0' && c <= '9' && from < 1'000'000 ? from * 10 + static_cast<std::size_t>(c - '0')
                                                    : all.size();
  for (std::size_t i = from; i < all.size() && shown.size() < kPageEntries; ++i)
    shown.push_back(render(all[i]));
  if (from + shown.size() < all.size()) output.next_token = std::to_string(from + shown.size());
  return shown;
}

void register_stack_operations(wire::Registry& registry, const Deps& deps);
void register_contents(wire::Registry& registry, const Deps& deps);
void register_templates(wire::Registry& registry, const Deps& deps);
void register_change_sets(wire::Registry& registry, const Deps& deps);
void register_exports(wire::Registry& registry, const Deps& deps);

}  // namespace services::cloudformation
