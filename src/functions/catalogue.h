#pragma once

// Catalogue: every function of the server, by account, region and name. Changes happen one after
// another on the control core; what they answer is durable. Reading goes to an immutable snapshot,
// from any core.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "api/error.h"
#include "async/core.h"
#include "async/mutex.h"
#include "base/snapshot.h"
#include "functions/function.h"
#include "store/store.h"

namespace functions {

using FunctionPtr = std::shared_ptr<const Function>;

class Catalogue {
 public:
  using Change = std::function<api::Outcome<void>(Function&)>;
  using Listener = std::function<void(const FunctionKey&)>;

  Catalogue(store::Store& store, async::Core& control) : store_(store), control_(control) {}

  async::Task<base::Status> open();
  // Called on the control core after each change or removal is durable. Set before serving.
  void set_listener(Listener listener) { listener_ = std::move(listener); }

  FunctionPtr find(const FunctionKey& key) const;  // nullptr: no such function
  // Whose URL it is; nullopt: nobody's.
  struct UrlOwner {
    FunctionKey key;
    std::string qualifier;
  };
  std::optional<UrlOwner> find_url(const std::string& id) const;
  // In the order of their names.
  std::vector<FunctionPtr> list(const std::string& account_id, const std::string& region) const;
  // Those of which environments are kept ready.
  std::vector<FunctionKey> provisioned() const;
  // Raw SHA-256 of every package that some version needs.
  std::set<std::string> packages() const;

  // nullopt-like answers are errors in AWS's words: ResourceConflictException "Function already
  // exist: name", ResourceNotFoundException "Function not found: arn".
  async::Task<api::Outcome<FunctionPtr>> create(Function function);
  // Runs `change` on a copy; nothing changes if it fails.
  async::Task<api::Outcome<FunctionPtr>> update(FunctionKey key, Change change);
  async::Task<api::Outcome<FunctionPtr>> remove(FunctionKey key);  // answers what was there

 private:
  using ByKey = std::map<FunctionKey, FunctionPtr>;
  async::Task<api::Outcome<FunctionPtr>> create_here(Function function);
  async::Task<api::Outcome<FunctionPtr>> update_here(FunctionKey key, Change change);
  async::Task<api::Outcome<FunctionPtr>> remove_here(FunctionKey key);
  async::Task<api::Outcome<FunctionPtr>> save(Function function);
  void index_urls(const Function* before, const Function* after);

  store::Store& store_;
  async::Core& control_;
  Listener listener_;
  async::Mutex changing_;
  base::Snapshot<ByKey> functions_;
  base::Snapshot<std::map<std::string, UrlOwner>> urls_;
};

// "Function not found: " and the ARN: what most operations answer.
api::Error function_not_found(const std::string& arn);

}  // namespace functions
