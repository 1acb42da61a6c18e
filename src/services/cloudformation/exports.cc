// Exports, imports, and the account's limits.

#include <fmt/format.h>

#include "services/cloudformation/cloudformation.h"

namespace services::cloudformation {

namespace {

Answer<op::ListExports::Output> list_exports(const Deps& deps, const wire::Context& context,
                                             op::ListExports::Input input) {
  const auto all = co_await deps.engine.exports(context.account_id, context.region);
  op::ListExports::Output output;
  output.exports = page(output, input.next_token, all, [](const stacks::Export& one) {
    cf::Export rendered;
    rendered.exporting_stack_id = one.stack_id;
    rendered.name = one.name;
    rendered.value = one.value;
    return rendered;
  });
  co_return output;
}

Answer<op::ListImports::Output> list_imports(const Deps& deps, const wire::Context& context,
                                             op::ListImports::Input input) {
  const std::string name = input.export_name.value_or("");
  const auto all = co_await deps.engine.importers(context.account_id, context.region, name);
  if (all.empty())
    co_return invalid(fmt::format("Export '{}' is not imported by any stack.", name));
  op::ListImports::Output output;
  output.imports =
      page(output, input.next_token, all, [](const std::string& stack) { return stack; });
  co_return output;
}

Answer<op::DescribeAccountLimits::Output> describe_limits() {
  op::DescribeAccountLimits::Output output;
  auto& limits = output.account_limits.emplace();
  const auto add = [&](std::string name, std::size_t value) {
    cf::AccountLimit limit;
    limit.name = std::move(name);
    limit.value = static_cast<std::int32_t>(value);
    limits.push_back(std::move(limit));
  };
  add("StackLimit", stacks::kStacksMax);
  add("StackOutputsLimit", stacks::kOutputsMax);
  add("ConcurrentResourcesLimit", stacks::kResourcesMax);
  co_return output;
}

}  // namespace

void register_exports(wire::Registry& registry, const Deps& deps) {
  using wire::Context;
  registry.add<op::ListExports>(on_any<op::ListExports>,
                                [&deps](const Context& context, auto input) {
                                  return list_exports(deps, context, std::move(input));
                                });
  registry.add<op::ListImports>(on_any<op::ListImports>,
                                [&deps](const Context& context, auto input) {
                                  return list_imports(deps, context, std::move(input));
                                });
  registry.add<op::DescribeAccountLimits>(on_any<op::DescribeAccountLimits>,
                                          [](const Context&, auto) { return describe_limits(); });
}

}  // namespace services::cloudformation
