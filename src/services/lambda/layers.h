#pragma once

// Layers as the other families need them: naming one, may a caller use it, giving it to a function.

#include <set>

#include "services/lambda/lambda.h"

namespace services::lambda {

inline constexpr std::uint64_t kUnpackedBytesMax = 262'144'000;  // code and layers together

struct LayerTarget {
  FunctionKey key;            // with the layer's name
  std::uint64_t version = 0;  // 0: none is named

  std::string arn() const;
};
// By name or ARN, with or without a version.
LayerTarget layer_target(const Context& context, const std::string& name);
// A check on one layer version; its resource policy counts.
auth::Check layer_check(const Deps& deps, std::string action, const LayerTarget& target);

// Layers for a function. Holding it keeps their packages until the function names them.
struct UsedLayers {
  std::vector<functions::LayerUse> uses;
  std::vector<functions::PackagePtr> packages;
};
// InvalidParameterValueException: too many, of another region, not there, or one of them twice.
async::Task<api::Outcome<UsedLayers>> take_layers(const Deps& deps, Context context,
                                                  std::vector<std::string> arns);
// Code and layers together are small enough.
async::Task<api::Outcome<void>> check_unpacked(const Deps& deps, std::string code_sha256,
                                               std::vector<functions::LayerUse> layers);

// What CodeStore::collect() is to keep.
std::set<std::string> used_packages(const Deps& deps);

// The checks for giving layers to a function, added to the others.
template <class Input>
void add_layer_checks(const Deps& deps, const Context& context, const Input& input,
                      wire::Checks& checks) {
  if (!input.layers) return;
  for (const std::string& arn : *input.layers)
    checks.push_back(layer_check(deps, "lambda:GetLayerVersion", layer_target(context, arn)));
}

}  // namespace services::lambda
