// Everything that happens to an accepted template before anything is made.

#include <cstddef>
#include <cstdint>

#include "stacks/resolve.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto parsed = stacks::parse_template(text);
  if (!parsed) return 0;
  const auto bound = stacks::bind_parameters(*parsed, {}, {});
  if (!bound) return 0;
  stacks::Scope scope;
  scope.source = &*parsed;
  scope.parameters = &*bound;
  scope.pseudo = {.account = "123456789012",
                  .region = "us-east-1",
                  .stack_name = "s",
                  .stack_id = "arn:aws:cloudformation:us-east-1:123456789012:stack/s/u",
                  .notification_arns = {"arn:aws:sns:us-east-1:123456789012:t"}};
  scope.made = [](const std::string& id) -> std::optional<stacks::MadeValues> {
    if (id.size() % 2 == 0) return std::nullopt;
    return stacks::MadeValues{.ref = id};
  };
  const auto conditions = stacks::evaluate_conditions(scope);
  if (!conditions) return 0;
  scope.conditions = *conditions;
  (void)stacks::check_left_out(scope);
  for (const auto& resource : parsed->resources) (void)stacks::resolve(resource.properties, scope);
  for (const auto& output : parsed->outputs) (void)stacks::resolve(output.value, scope);
  (void)stacks::imports_of(*parsed, scope);
  return 0;
}
