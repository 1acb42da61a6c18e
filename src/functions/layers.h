#pragma once

// Layers: every layer of the server, by account, region and name, with its published versions.
// Changes happen one after another on the control core; what they answer is durable. Reading goes
// to an immutable snapshot, from any core. The packages are in the CodeStore. A version's number is
// never given again, even once all of a layer's versions are deleted.

#include "functions/catalogue.h"

namespace functions {

inline constexpr std::size_t kLayersPerFunctionMax = 5;

struct LayerVersion {
  std::uint64_t number = 0;
  std::string description;
  std::string license;
  std::vector<std::string> runtimes;
  std::vector<std::string> architectures;
  std::string code_sha256;  // raw
  std::uint64_t code_bytes = 0;
  base::Timestamp created;
  ResourcePolicy policy;
};

struct Layer {
  FunctionKey key;  // with the layer's name
  std::uint64_t next_version = 1;
  std::map<std::uint64_t, LayerVersion> versions;

  std::string arn() const;
  std::string version_arn(std::uint64_t number) const;
  const LayerVersion* find(std::uint64_t number) const;  // nullptr: no such version
};
using LayerPtr = std::shared_ptr<const Layer>;

std::string encode(const Layer& layer);
base::Result<Layer> decode_layer(std::string_view bytes);

class Layers {
 public:
  using Change = std::function<api::Outcome<void>(Layer&)>;

  Layers(store::Store& store, async::Core& control) : store_(store), control_(control) {}

  async::Task<base::Status> open();

  LayerPtr find(const FunctionKey& key) const;  // nullptr: no such layer
  // In the order of their names; without those that have no version any more.
  std::vector<LayerPtr> list(const std::string& account_id, const std::string& region) const;
  // Raw SHA-256 of every package that some version needs.
  std::set<std::string> packages() const;

  // Runs `change` on a copy, on an empty layer if there is none; nothing changes if it fails.
  async::Task<api::Outcome<LayerPtr>> update(FunctionKey key, Change change);

 private:
  async::Task<api::Outcome<LayerPtr>> update_here(FunctionKey key, Change change);

  store::Store& store_;
  async::Core& control_;
  async::Mutex changing_;
  base::Snapshot<std::map<FunctionKey, LayerPtr>> layers_;
};

}  // namespace functions
