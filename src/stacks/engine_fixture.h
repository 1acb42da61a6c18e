#pragma once

// For this module's tests: an engine over a store that can be cut off, and a world of fake
// resources that outlives the engine, as real ones outlive a crash.

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <set>

#include "async/manual_core.h"
#include "stacks/engine.h"
#include "store/memory_store.h"

namespace stacks {

// What there is outside: things by physical id.
struct World {
  std::map<std::string, Value> things;
  std::vector<std::string> calls;     // "create A", "remove A" ... by logical id
  std::set<std::string> fail_create;  // logical ids
  std::set<std::string> fail_update;
  std::set<std::string> fail_remove;
  std::set<std::string> wait_forever;  // create ends only when it is told to stop
};

// Fake::Thing: "Key" replaces, everything else updates; Attr is the value of "Value".
class FakeHandler final : public ResourceHandler {
 public:
  explicit FakeHandler(World& world) : world_(world) {}
  const ResourceSchema& schema() const override { return schema_; }
  async::Task<api::Outcome<Value>> prepare(const StepContext& context,
                                           const Value& properties) const override;
  async::Task<api::Outcome<Made>> create(const StepContext& context,
                                         Value properties) const override;
  async::Task<api::Outcome<Made>> update(const StepContext& context, const Physical& before,
                                         Value after) const override;
  async::Task<api::Outcome<void>> remove(const StepContext& context,
                                         const Physical& physical) const override;

 private:
  World& world_;
  const ResourceSchema schema_{.type = "Fake::Thing",
                               .properties = {{"Name", OnChange::kReplace},
                                              {"Key", OnChange::kReplace},
                                              {"Value"},
                                              {"Secret"}},
                               .unsupported = {"Exotic"},
                               .attributes = {"Attr"},
                               .name = {.property = "Name", .max = 64}};
};

// Lets `left` more batches through, then fails every one, as a dead disk does.
class CutStore final : public store::Store {
 public:
  explicit CutStore(store::Store& inner) : inner_(inner) {}
  void cut_after(std::size_t batches) { left_ = batches; }
  bool was_cut() const { return was_cut_; }

  async::Task<base::Result<std::optional<std::string>>> get(std::string key) override {
    return inner_.get(std::move(key));
  }
  async::Task<base::Result<std::vector<store::KeyValue>>> scan(
      std::string from, std::string to, store::ScanOptions options) override {
    return inner_.scan(std::move(from), std::move(to), options);
  }
  async::Task<base::Result<std::vector<store::LogEntry>>> read_log(
      store::LogId log, std::uint64_t from, store::ReadLogOptions options) override {
    return inner_.read_log(log, from, options);
  }
  async::Task<base::Result<store::LogBounds>> log_bounds(store::LogId log) override {
    return inner_.log_bounds(log);
  }
  base::Result<store::Sequence> submit(store::Batch batch) override;
  async::Task<base::Status> durable(store::Sequence sequence) override {
    return inner_.durable(sequence);
  }
  store::Sequence applied() const override { return inner_.applied(); }
  store::Sequence durable_sequence() const override { return inner_.durable_sequence(); }

 private:
  store::Store& inner_;
  std::size_t left_ = SIZE_MAX;
  bool was_cut_ = false;
};

class FakeTemplates final : public TemplateSource {
 public:
  async::Task<api::Outcome<std::string>> read(wire::Context context, std::string url) override;
  std::map<std::string, std::string> bodies;
};

class FakeUrls final : public ResponseUrls {
 public:
  std::string url_for(const std::string& /*region*/, const std::string& token) const override {
    return "https://answers/" + token;
  }
  std::string token_of(const std::string& url) const override { return url.substr(16); }
};

class NoPolicies final : public auth::PolicySource {
 public:
  std::shared_ptr<const auth::PrincipalPolicies> policies_of(
      const auth::Principal& /*principal*/) const override {
    return nullptr;
  }
};

class EngineTest : public ::testing::Test {
 protected:
  EngineTest();
  ~EngineTest() override;

  void open();   // a new engine over what is stored
  void close();  // as at the end of the process

  wire::Context caller() const;
  api::Outcome<std::string> create(const std::string& body,
                                   const std::function<void(CreateRequest&)>& change = {});
  api::Outcome<std::string> update(const std::string& body,
                                   const std::function<void(UpdateRequest&)>& change = {});
  StackView settled(const std::string& id = "stack");
  StackView view(const std::string& id = "stack");
  // "A CREATE_COMPLETE", oldest first.
  std::vector<std::string> history(const std::string& id = "stack");

  World world_;
  base::ManualClock clock_;
  async::ManualCore core_{clock_};
  store::MemoryStore disk_;
  base::SeededRandom random_{7};
  std::unique_ptr<CutStore> store_;
  NoPolicies policies_;
  auth::Authorizer authorizer_{policies_, clock_};
  wire::Registry operations_;
  wire::Caller wire_caller_{operations_, authorizer_};
  ResourceRegistry registry_;
  FakeTemplates templates_;
  FakeUrls urls_;
  std::unique_ptr<ResponseChannel> responses_;
  std::unique_ptr<Engine> engine_;
};

}  // namespace stacks
